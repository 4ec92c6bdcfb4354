import * as crypto from 'crypto';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import * as cdk from 'aws-cdk-lib';
import { Duration, type Stack } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Assembly } from '../../lib/core/assembly';
import { type Finding, checkUpdate } from '../../lib/core/update-rule';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import * as aws from '../../lib/streaming/aws';
import { ConnectFormat } from '../../lib/streaming/connect-format';
import { type ConnectorOptions, ConnectorState } from '../../lib/streaming/connector';
import { ConnectorConfig } from '../../lib/streaming/connector-config';
import { ConnectorUpdateRules } from '../../lib/streaming/connector-update-rules';
import * as k8s from '../../lib/streaming/k8s';
import type { MySqlCdcOptions } from '../../lib/streaming/mysql-cdc';
import type { PostgresCdcOptions } from '../../lib/streaming/postgres-cdc';
import { StreamCatalog } from '../../lib/streaming/stream-catalog';
import { CleanupPolicy } from '../../lib/streaming/topic';
import { ClosedSchemas } from '../manifests/closed-schemas';
import { AWS, type Flavour, KUBERNETES, type World } from './kafka-flavours';
import { codesIn, refusalOf } from './refusal';

const HASH = 'a'.repeat(64);
const SHA512 = 'b'.repeat(128);
const SHOP: MySqlCdcOptions = {
  connectorName: 'shop-cdc',
  topicPrefix: 'shop',
  database: { hostname: 'shop.internal' },
  tables: [
    { table: 'inventory.orders', partitions: 12 },
    { table: 'inventory.items', topicName: 'items' },
  ],
};
const LEDGER: PostgresCdcOptions = {
  connectorName: 'ledger-cdc',
  topicPrefix: 'ledger',
  databaseName: 'ledger',
  database: { hostname: 'ledger.internal' },
  tables: [{ table: 'public.accounts' }],
};

interface Deployed {
  readonly world: World;
  readonly cluster: any;
  connector(id: string, options: ConnectorOptions): any;
  mySql(id: string, options: MySqlCdcOptions): any;
  postgres(id: string, options: PostgresCdcOptions): any;
}
interface ConnectFlavour {
  readonly flavour: Flavour;
  begin(): Deployed;
  /** Class, tasks and settings of each connector by its name. */
  connectors(assembly: Assembly): Record<string, { class: string; tasks: number; settings: Record<string, any> }>;
}

const ON_AWS: ConnectFlavour = {
  flavour: AWS,
  begin() {
    const world = AWS.begin();
    const stack: Stack = world.scope;
    const cluster = world.cluster('Kafka', { sizing: AWS.size(3, 100) }) as aws.KafkaCluster;
    const bucket = s3.Bucket.fromBucketName(stack, 'Artifacts', 'artifacts');
    const plugins = [aws.ConnectPlugin.fromBucket(stack, 'Plugin', bucket, 'debezium.zip', { sha256: HASH })];
    const secret = secretsmanager.Secret.fromSecretCompleteArn(
      stack,
      'Login',
      'arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/login-AbCdEf',
    );
    const common = { cluster, plugins, credentials: { secret } };
    return {
      world,
      cluster,
      connector: (id, options) => new aws.Connector(stack, id, { ...options, cluster, plugins }),
      mySql: (id, options) => new aws.MySqlCdc(stack, id, { ...options, ...common }),
      postgres: (id, options) => new aws.PostgresCdc(stack, id, { ...options, ...common }),
    };
  },
  connectors(assembly) {
    const found = assembly.stacks.flatMap(({ resources }) => resources).filter(({ type }) => type === 'AWS::KafkaConnect::Connector');
    return Object.fromEntries(
      found.map(({ properties }) => {
        const { 'connector.class': connectorClass, 'tasks.max': tasks, ...settings } = properties.ConnectorConfiguration;
        return [properties.ConnectorName, { class: connectorClass, tasks: Number(tasks), settings }];
      }),
    );
  },
};

const ON_KUBERNETES: ConnectFlavour = {
  flavour: KUBERNETES,
  begin() {
    const world = KUBERNETES.begin();
    const cluster = world.cluster('Kafka', { sizing: KUBERNETES.size(3, 100) }) as unknown as k8s.KafkaCluster;
    const image = k8s.ConnectImage.fromPlugins({
      image: 'registry.example.com/connect:1',
      pushSecretName: 'push',
      plugins: [k8s.ConnectPlugin.fromUrls('debezium', [{ url: 'https://files.example.com/debezium.tar.gz', sha512: SHA512 }])],
    });
    const connectCluster = new k8s.ConnectCluster(world.scope, 'Connect', { cluster, image, clusterName: 'connect' });
    const credentials = { secretName: 'login' };
    return {
      world,
      cluster,
      connector: (id, options) => new k8s.Connector(world.scope, id, { ...options, connectCluster }),
      mySql: (id, options) => new k8s.MySqlCdc(world.scope, id, { ...options, connectCluster, credentials }),
      postgres: (id, options) => new k8s.PostgresCdc(world.scope, id, { ...options, connectCluster, credentials }),
    };
  },
  connectors: (assembly) =>
    Object.fromEntries(
      assembly.objects
        .filter(({ manifest }) => manifest.kind === 'KafkaConnector')
        .map(({ manifest: { metadata, spec } }) => [metadata!.name, { class: spec.class, tasks: spec.tasksMax, settings: spec.config }]),
    ),
};

/** Settings of clients and secrets, which are each flavour's own. */
const OWN =
  /^(schema\.history\.internal\.(kafka\.bootstrap\.servers|(producer|consumer)\.(s[as]sl|security)\..*|(producer|consumer)\.ssl\..*)|database\.(user|password)|iceberg\.kafka\..*)$/;
const shared = (settings: Record<string, any>) => Object.fromEntries(Object.entries(settings).filter(([name]) => !OWN.test(name)));

const codes = (findings: Finding[]) => findings.map(({ code, severity }) => `${severity} ${code}`);

/** What the rules say about the step between two apps. */
function step(connect: ConnectFlavour, before: (deployed: Deployed) => void, after: (deployed: Deployed) => void): string[] {
  const [old, now] = [before, after].map((work) => {
    const deployed = connect.begin();
    work(deployed);
    return deployed.world.synth();
  });
  return codes(checkUpdate(old, now, ConnectorUpdateRules.all()));
}

const MYSQL_SETTINGS = {
  'database.hostname': 'shop.internal',
  'database.include.list': 'inventory',
  'database.port': '3306',
  'database.server.id': '3160851119',
  'database.ssl.mode': 'required',
  'decimal.handling.mode': 'string',
  'heartbeat.interval.ms': '10000',
  'include.schema.changes': 'false',
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'true',
  'schema.history.internal.consumer.group.id': 'shop-schema-history',
  'schema.history.internal.kafka.topic': 'shop.schema-history',
  'schema.history.internal.store.only.captured.databases.ddl': 'true',
  'snapshot.mode': 'initial',
  'table.include.list': 'inventory[.]orders,inventory[.]items',
  'time.precision.mode': 'adaptive_time_microseconds',
  'tombstones.on.delete': 'true',
  'topic.prefix': 'shop',
  transforms: 'route1',
  'transforms.route1.regex': 'shop[.]inventory[.]items',
  'transforms.route1.replacement': 'items',
  'transforms.route1.type': 'org.apache.kafka.connect.transforms.RegexRouter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'true',
};

describe.each([
  { name: 'aws', connect: ON_AWS },
  { name: 'k8s', connect: ON_KUBERNETES },
])('connectors on $name', ({ connect }) => {
  const { flavour } = connect;

  describe('two captures and a sink', () => {
    const deployed = connect.begin();
    const { cluster, world } = deployed;
    const mySql = deployed.mySql('Shop', SHOP);
    const postgres = deployed.postgres('Ledger', LEDGER);
    const events = cluster.addTopic('Events', { topicName: 'events' });
    const sink = deployed.connector('Files', {
      connectorName: 'files',
      config: ConnectorConfig.s3Sink({ bucketName: 'lake', region: 'eu-west-1', prefix: 'raw/' }),
      topics: [events, mySql.topicFor('inventory.orders')],
      tasksMax: 4,
    });
    const ice = deployed.connector('Tables', {
      connectorName: 'tables',
      config: ConnectorConfig.icebergSink({ catalog: { type: 'glue', warehouse: 's3://lake/' }, tables: ['db.events'] }),
      topics: [events],
    });
    const reader = world.client('Reader', cluster);
    mySql.topicFor('inventory.orders').grants.consume(reader, { groupId: 'orders' });
    const assembly = world.synth();
    const emitted = connect.connectors(assembly);
    const named = (name: string) => emitted[Object.keys(emitted).find((key) => key === name || key.startsWith(`${name}-`))!];

    test('MySQL is captured with one task and the settings of Debezium', () => {
      expect(emitted['shop-cdc']).toMatchObject({ class: 'io.debezium.connector.mysql.MySqlConnector', tasks: 1 });
      expect(shared(emitted['shop-cdc'].settings)).toEqual(MYSQL_SETTINGS);
      expect(mySql.serverId).toBe(3160851119);
    });

    test('Postgres is captured with pgoutput, a slot and a publication of the tables alone', () => {
      expect(emitted['ledger-cdc']).toMatchObject({ class: 'io.debezium.connector.postgresql.PostgresConnector', tasks: 1 });
      expect(shared(emitted['ledger-cdc'].settings)).toMatchObject({
        'database.dbname': 'ledger',
        'database.port': '5432',
        'database.sslmode': 'require',
        'plugin.name': 'pgoutput',
        'publication.autocreate.mode': 'filtered',
        'publication.name': 'millrace_ledger',
        'slot.name': 'millrace_ledger',
        'table.include.list': 'public[.]accounts',
      });
      expect(postgres.slotName).toBe('millrace_ledger');
    });

    test('the topics exist before the connector writes to them, and the history is one partition for ever', () => {
      const topics = Object.fromEntries(flavour.topics(assembly).map((topic) => [topic.name, topic]));
      expect(topics['shop.inventory.orders']).toMatchObject({ partitions: 12, config: { 'cleanup.policy': 'compact' } });
      expect(topics.items).toMatchObject({ partitions: 6, config: { 'cleanup.policy': 'compact' } });
      expect(topics['shop.schema-history']).toMatchObject({ partitions: 1, config: { 'cleanup.policy': 'delete', 'retention.ms': '-1' } });
      expect(topics['__debezium-heartbeat.shop']).toMatchObject({ partitions: 1 });
      expect(topics['files.dlq']).toMatchObject({ partitions: 3, config: { 'retention.ms': '1209600000' } });
      expect(topics['tables.control']).toMatchObject({ partitions: 1 });
      expect(mySql.topics.map((topic: any) => topic.topicName)).toEqual(['shop.inventory.orders', 'items']);
    });

    test('a sink has one group whatever its name, and keeps what it cannot read', () => {
      expect(named('files').settings).toMatchObject({
        topics: 'events,shop.inventory.orders',
        'consumer.override.group.id': 'connect-files',
        'errors.tolerance': 'all',
        'errors.deadletterqueue.topic.name': 'files.dlq',
        'errors.deadletterqueue.topic.replication.factor': '3',
        'errors.deadletterqueue.context.headers.enable': 'true',
        'aws.s3.bucket.name': 'lake',
        'file.name.template': 'raw/{{topic}}/{{partition:padding=true}}-{{start_offset:padding=true}}',
      });
      expect(named('files').tasks).toBe(4);
      expect(sink.deadLetterTopic.topicName).toBe('files.dlq');
    });

    test('an Iceberg sink has its own control topic, group and transactions', () => {
      expect(named('tables').settings).toMatchObject({
        'iceberg.tables': 'db.events',
        'iceberg.catalog.type': 'glue',
        'iceberg.control.topic': 'tables.control',
        'iceberg.control.group-id-prefix': 'cg-control-tables-',
        'iceberg.connect.group-id': 'connect-tables',
        'iceberg.coordinator.transactional.prefix': 'tables-',
        'iceberg.control.commit.interval-ms': '300000',
      });
      expect(ice.connectorName).toBe('tables');
    });

    test('no secret is in the output, only references', () => {
      const references = ['shop-cdc', 'ledger-cdc'].flatMap((name) =>
        ['database.user', 'database.password'].map((setting) => JSON.stringify(emitted[name].settings[setting])),
      );
      for (const reference of references) expect(reference).toMatch(flavour === AWS ? /secretsmanager:/ : /\$\{secrets:streaming\/login:/);
    });

    test('the catalogue knows what flows where', () => {
      const found = StreamCatalog.of(world.app).connectors.map(({ name, kind, reads, writes }) => [
        name,
        kind,
        reads.map(({ topicName }) => topicName),
        writes.map(({ topicName }) => topicName),
      ]);
      expect(found).toEqual([
        ['shop-cdc', 'source', [], ['shop.inventory.orders', 'items', '__debezium-heartbeat.shop']],
        ['ledger-cdc', 'source', [], ['ledger.public.accounts', '__debezium-heartbeat.ledger']],
        ['files', 'sink', ['events', 'shop.inventory.orders'], ['files.dlq']],
        ['tables', 'sink', ['events'], ['tables.dlq']],
      ]);
    });

    if (flavour === AWS) {
      const resources = assembly.stacks.flatMap((stack) => stack.resources);
      const ofType = (type: string) => resources.filter((resource) => resource.type === type);

      test('a source keeps its name, a sink is named after its settings', () => {
        expect(Object.keys(emitted).sort()).toEqual([
          expect.stringMatching(/^files-[0-9a-f]{8}$/),
          'ledger-cdc',
          'shop-cdc',
          expect.stringMatching(/^tables-[0-9a-f]{8}$/),
        ]);
      });

      test('the worker of a source keeps positions in a topic of ours and resolves secrets', () => {
        const [worker] = ofType('AWS::KafkaConnect::WorkerConfiguration').filter(({ path: where }) => where.includes('/Shop/'));
        const content = JSON.stringify(worker.properties.PropertiesFileContent);
        expect(content).toContain('offset.storage.topic=shop-cdc.offsets');
        expect(content).toContain('com.amazonaws.kafka.config.providers.SecretsManagerConfigProvider');
        expect(content).toContain('param.region=eu-west-1');
        expect(flavour.topics(assembly).find(({ name }) => name === 'shop-cdc.offsets')).toMatchObject({
          config: { 'cleanup.policy': 'compact' },
        });
      });

      test('a connector speaks TLS with IAM, logs, and has one worker of one unit', () => {
        for (const { properties } of ofType('AWS::KafkaConnect::Connector')) {
          expect(properties).toMatchObject({
            Capacity: { ProvisionedCapacity: { McuCount: 1, WorkerCount: 1 } },
            KafkaClusterClientAuthentication: { AuthenticationType: 'IAM' },
            KafkaClusterEncryptionInTransit: { EncryptionType: 'TLS' },
            KafkaConnectVersion: '3.7.x',
            LogDelivery: { WorkerLogDelivery: { CloudWatchLogs: { Enabled: true } } },
          });
        }
      });

      test('only MSK Connect takes the role, for connectors of this name', () => {
        const role = ofType('AWS::IAM::Role').find(({ path: where }) => where.includes('/Shop/'))!;
        const [{ Principal, Condition }] = role.properties.AssumeRolePolicyDocument.Statement;
        expect(Principal).toEqual({ Service: 'kafkaconnect.amazonaws.com' });
        expect(Condition.StringEquals).toEqual({ 'aws:SourceAccount': '111122223333' });
        expect(JSON.stringify(Condition.ArnLike)).toContain('connector/shop-cdc/*');
      });

      test('the role of a sink reads its topics in its group, writes dead letters and the state of its workers, and nothing else', () => {
        const role = (sink as aws.Connector).role as iam.Role;
        expect(AWS.accessOf(assembly, role)).toEqual({
          cluster: ['kafka-cluster:Connect', 'kafka-cluster:DescribeCluster', 'kafka-cluster:WriteDataIdempotently'],
          'group __amazon_msk_connect_*': ['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'],
          'group connect-files': ['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'],
          'topic __amazon_msk_connect_*_files*': [
            'kafka-cluster:CreateTopic',
            'kafka-cluster:DescribeTopic',
            'kafka-cluster:ReadData',
            'kafka-cluster:WriteData',
          ],
          'topic events': ['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData'],
          'topic files.dlq': ['kafka-cluster:DescribeTopic', 'kafka-cluster:WriteData'],
          'topic shop.inventory.orders': ['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData'],
        });
      });
    } else {
      const manifests = assembly.objects.map(({ manifest }) => manifest);
      const ofKind = (kind: string) => manifests.find((manifest) => manifest.kind === kind)!;

      test('the manifests pass the closed schemas of the operator', () => {
        const schemas = ClosedSchemas.load();
        if (!schemas) return console.warn('skipped: no shared folder');
        expect(manifests.flatMap((manifest) => schemas.validate(manifest))).toEqual([]);
      });

      test('the workers find each other, keep their state in three topics and build their image', () => {
        expect(ofKind('KafkaConnect').metadata!.annotations).toMatchObject({ 'strimzi.io/use-connector-resources': 'true' });
        expect(ofKind('KafkaConnect').spec).toMatchObject({
          replicas: 2,
          groupId: 'connect',
          configStorageTopic: 'connect.connect-configs',
          offsetStorageTopic: 'connect.connect-offsets',
          statusStorageTopic: 'connect.connect-status',
          authentication: { type: 'tls' },
          build: {
            output: { type: 'docker', image: 'registry.example.com/connect:1', pushSecret: 'push' },
            plugins: [{ name: 'debezium', artifacts: [{ type: 'tgz', sha512sum: SHA512 }] }],
          },
        });
        expect(ofKind('KafkaConnect').spec.template.pod.metadata.labels).toMatchObject({
          'cost-center': 'CC-1042',
          [`millrace.io/kafka-${cluster.clusterName}`]: 'client',
        });
      });

      test('the workers may read the named secrets and no other', () => {
        const [rule] = ofKind('Role').rules;
        expect(rule).toMatchObject({ resources: ['secrets'], verbs: ['get'] });
        expect(rule.resourceNames).toHaveLength(3);
        expect(rule.resourceNames).toEqual(expect.arrayContaining(['login', `${cluster.clusterName}-cluster-ca-cert`]));
        expect(ofKind('RoleBinding').subjects).toEqual([{ kind: 'ServiceAccount', name: 'connect-connect', namespace: 'streaming' }]);
      });

      test('a connector is restarted when it fails', () => {
        expect(ofKind('KafkaConnector').spec).toMatchObject({ autoRestart: { enabled: true }, state: 'running' });
        expect(ofKind('KafkaConnector').metadata!.labels).toMatchObject({ 'strimzi.io/cluster': 'connect' });
      });
    }
  });

  describe('refuses', () => {
    const deployed = connect.begin();
    const topic = deployed.cluster.addTopic('Topic', { topicName: 'topic' });
    let count = 0;
    const id = () => `C${count++}`;
    const source = (settings: Record<string, string>) => ConnectorConfig.source('com.example.Source', settings);
    const refused = (options: Partial<ConnectorOptions>) =>
      refusalOf(() => deployed.connector(id(), { config: source({}), topics: [topic], ...options }));
    const mySql = (options: Partial<MySqlCdcOptions>) => refusalOf(() => deployed.mySql(id(), { ...SHOP, topicPrefix: id(), ...options }));
    const postgres = (options: Partial<PostgresCdcOptions>) => refusalOf(() => deployed.postgres(id(), { ...LEDGER, ...options }));
    const debezium = ConnectorConfig.source('io.debezium.connector.mysql.MySqlConnector', {});

    test.each<[string, () => string[], string[]]>([
      ['an illegal name', () => refused({ connectorName: 'A_b' }), ['Millrace.ConnectorNameInvalid connectorName']],
      ['no topic', () => refused({ topics: [] }), ['Millrace.ConnectorTopicsMissing topics']],
      ['half a task', () => refused({ tasksMax: 0.5 }), ['Millrace.ConnectorTasksInvalid tasksMax']],
      ['two tasks of Debezium', () => refused({ config: debezium, tasksMax: 2 }), ['Millrace.ConnectorTasksInvalid tasksMax']],
      ['dead letters of a source', () => refused({ deadLetter: {} }), ['Millrace.ConnectorDeadLetterOfSource deadLetter']],
      [
        'a class that is none',
        () => refused({ config: ConnectorConfig.source('Source', {}) }),
        ['Millrace.ConnectorClassInvalid config.connectorClass'],
      ],
      [
        'a setting that an option has',
        () => refused({ config: source({ 'tasks.max': '3' }) }),
        ["Millrace.ConnectorSettingReserved config settings['tasks.max']"],
      ],
      [
        'a secret in plain text',
        () => refused({ config: source({ 'db.password': 'hunter2' }) }),
        ["Millrace.ConnectorSecretInSettings config settings['db.password']"],
      ],
      ['no table', () => mySql({ tables: [] }), ['Millrace.CdcTablesMissing tables']],
      ['a table without database', () => mySql({ tables: [{ table: 'orders' }] }), ['Millrace.CdcTableInvalid tables[0].table']],
      [
        'a table twice',
        () => mySql({ tables: [{ table: 'a.b' }, { table: 'A.B', topicName: 'x' }] }),
        ['Millrace.CdcTableInvalid tables[1].table'],
      ],
      [
        'two tables with one topic',
        () =>
          mySql({
            tables: [
              { table: 'a.b', topicName: 'x.y' },
              { table: 'a.c', topicName: 'x_y' },
            ],
          }),
        ['Millrace.CdcTopicCollision tables'],
      ],
      ['a prefix with a space', () => mySql({ topicPrefix: 'a b' }), ['Millrace.CdcTopicPrefixInvalid topicPrefix']],
      ['no heartbeat', () => mySql({ heartbeat: Duration.seconds(0) }), ['Millrace.CdcHeartbeatInvalid heartbeat']],
      ['server id 0', () => mySql({ serverId: 0 }), ['Millrace.CdcServerIdInvalid serverId']],
      ['a slot in capitals', () => postgres({ slotName: 'Slot' }), ['Millrace.CdcSlotInvalid slotName']],
      ['a port that is none', () => postgres({ database: { hostname: 'x', port: 70000 } }), ['Millrace.CdcDatabaseInvalid database.port']],
    ])('%s', (_case, work, expected) => {
      expect(work()).toEqual(expected);
    });

    test('a message about a secret does not repeat it', () => {
      expect(() => deployed.connector(id(), { config: source({ 'db.password': 'hunter2' }), topics: [topic] })).toThrow(/plain text/);
      expect(() => deployed.connector(id(), { config: source({ 'db.password': 'hunter2' }), topics: [topic] })).not.toThrow(/hunter2/);
    });

    test('a second replica of one id, and a second reader of one slot', () => {
      deployed.mySql('First', { ...SHOP, topicPrefix: 'first', connectorName: 'first', serverId: 4711 });
      expect(mySql({ serverId: 4711 })).toEqual(['Millrace.CdcServerIdTwice serverId']);
      deployed.postgres('Slot', { ...LEDGER, connectorName: 'slot' });
      expect(postgres({ connectorName: 'other' })).toEqual(['Millrace.CdcSlotTwice slotName']);
    });

    test('a table that is not captured', () => {
      const made = deployed.mySql('Known', {
        ...SHOP,
        topicPrefix: 'known',
        connectorName: 'known',
        tables: [{ table: 'inventory.orders' }],
      });
      expect(refusalOf(() => made.topicFor('inventory.nothing'))).toEqual(['Millrace.CdcTableUnknown table']);
    });

    test('a history of two partitions', () => {
      const other = connect.begin();
      const historyTopic = other.cluster.addTopic('History', { topicName: 'history', partitions: 2, cleanupPolicy: CleanupPolicy.DELETE });
      other.mySql('Shop', { ...SHOP, historyTopic });
      expect(codesIn(() => other.world.synth())).toEqual(['Millrace.CdcHistoryPartitions']);
    });
  });

  describe('the update guard', () => {
    const shop =
      (options: Partial<MySqlCdcOptions> = {}) =>
      (deployed: Deployed) =>
        void deployed.mySql('Shop', { ...SHOP, ...options });

    test('lets an unchanged capture and a stopped one through', () => {
      expect(step(connect, shop(), shop())).toEqual([]);
      expect(step(connect, shop(), shop({ state: ConnectorState.STOPPED }))).toEqual([]);
      expect(step(connect, shop({ state: ConnectorState.STOPPED }), shop({ events: { tombstones: false } }))).toEqual([]);
    });

    test('refuses what loses the position', () => {
      const lost = 'error Millrace.ConnectorPositionLost';
      const replaced = connect === ON_AWS ? ['error Millrace.ConnectorReplacement'] : [];
      expect(step(connect, shop(), shop({ topicPrefix: 'store' }))).toEqual([lost, ...replaced]);
      const postgres = (slotName: string) => (deployed: Deployed) => void deployed.postgres('Ledger', { ...LEDGER, slotName });
      expect(step(connect, postgres('one'), postgres('two'))).toEqual([lost, ...replaced]);
    });

    test('refuses on MSK Connect, and lets Strimzi, change a source in one step', () => {
      const found = step(connect, shop(), shop({ events: { format: ConnectFormat.jsonWithoutSchemas() } }));
      expect(found).toEqual(connect === ON_AWS ? ['error Millrace.ConnectorReplacement'] : []);
    });
  });
});

describe('MSK Connect', () => {
  const sink =
    (compression: string, capacity?: aws.ConnectorCapacity, connectorName = 'files') =>
    (deployed: Deployed) => {
      const topic = deployed.cluster.addTopic('Events', { topicName: 'events' });
      const stack: Stack = deployed.world.scope;
      new aws.Connector(stack, 'Files', {
        connectorName,
        config: ConnectorConfig.sink('com.example.Sink', { compression }),
        topics: [topic],
        cluster: deployed.cluster,
        plugins: [
          aws.ConnectPlugin.fromConnectPluginAttributes(stack, 'Old', {
            pluginArn: 'arn:aws:kafkaconnect:eu-west-1:111122223333:custom-plugin/p/u-1',
          }),
        ],
        workers: { capacity },
      });
    };
  const large = aws.ConnectorCapacity.autoscaled({ maxWorkers: 4, mcuCount: 2 });

  test('a changed sink stands beside the old one in the same group; capacity changes in place, and not with it', () => {
    expect(step(ON_AWS, sink('gzip'), sink('zstd'))).toEqual([]);
    expect(step(ON_AWS, sink('gzip'), sink('gzip', large))).toEqual([]);
    expect(step(ON_AWS, sink('gzip'), sink('zstd', large))).toEqual(['error Millrace.ConnectorTwoChanges']);
    expect(step(ON_AWS, sink('gzip'), sink('gzip', undefined, 'other'))).toEqual(['error Millrace.ConnectorPositionLost']);
  });

  test('another plugin under the same construct is another configuration, though its ARN reads the same in the template', () => {
    const run = (kind: 'source' | 'sink', sha256: string) => (deployed: Deployed) => {
      const stack: Stack = deployed.world.scope;
      const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', 'artifacts');
      new aws.Connector(stack, 'Connector', {
        connectorName: 'it',
        config: ConnectorConfig[kind]('com.example.Connector', {}),
        topics: [deployed.cluster.addTopic('Events', { topicName: 'events' })],
        cluster: deployed.cluster,
        plugins: [aws.ConnectPlugin.fromBucket(stack, 'It', bucket, 'it.zip', { sha256 })],
      });
    };
    const other = 'c'.repeat(64);
    expect(step(ON_AWS, run('source', HASH), run('source', other))).toEqual(['error Millrace.ConnectorReplacement']);
    expect(step(ON_AWS, run('sink', HASH), run('sink', other))).toEqual([]);
  });

  test('the connector of MySQL waits for its history, which its worker could not make', () => {
    const { world, ...deployed } = ON_AWS.begin();
    deployed.mySql('Shop', SHOP);
    const file = fs.readdirSync(world.write()).find((name) => name.endsWith('.template.json'))!;
    const { Resources } = JSON.parse(fs.readFileSync(path.join(world.write(), file), 'utf8'));
    const idOf = (name: string, value: string) => Object.keys(Resources).find((id) => Resources[id].Properties?.[name] === value)!;
    expect(Resources[idOf('ConnectorName', 'shop-cdc')].DependsOn).toContain(idOf('TopicName', 'shop.schema-history'));
  });

  test('a source may register schemas in the Glue registry that its format names, a sink may look them up there', () => {
    const { world, cluster, ...deployed } = ON_AWS.begin();
    const format = ConnectFormat.avroInGlue({ region: 'eu-west-1', registryName: 'lake' });
    const source = deployed.mySql('Shop', { ...SHOP, events: { format } });
    const topics = [cluster.addTopic('Events', { topicName: 'events' })];
    const settings = { ...format.settings };
    const sink = deployed.connector('Sink', { config: ConnectorConfig.sink('com.example.Sink', settings), topics });
    const plain = deployed.connector('Plain', { config: ConnectorConfig.sink('com.example.Sink', {}), topics });
    const policies = world
      .synth()
      .stacks.flatMap(({ resources }) => resources)
      .filter(({ type }) => type === 'AWS::IAM::Policy');
    const glue = (connector: aws.Connector) =>
      policies
        .filter(({ path: where }) => where.startsWith(`${connector.node.path}/Role/`))
        .flatMap(({ properties }) => properties.PolicyDocument.Statement)
        .filter(({ Action }) => JSON.stringify(Action).includes('glue:'));
    const actions = (connector: aws.Connector) => [...new Set<string>(glue(connector).flatMap(({ Action }) => Action))].sort();
    const reading = ['glue:GetSchema', 'glue:GetSchemaByDefinition', 'glue:GetSchemaVersion', 'glue:ListSchemaVersions'];
    const registering = ['glue:CreateSchema', 'glue:PutSchemaVersionMetadata', 'glue:RegisterSchemaVersion'];
    expect(actions(source.connector)).toEqual([...reading, ...registering].sort());
    expect([actions(sink), actions(plain)]).toEqual([reading, []]);
    const resources = JSON.stringify(glue(sink).map(({ Resource }) => Resource));
    expect([resources.includes(':registry/lake'), resources.includes(':schema/lake/*')]).toEqual([true, true]);
  });

  test('the log of a connector stays in the stack while it is stopped, so that it goes on in the same one', () => {
    const { world, ...deployed } = ON_AWS.begin();
    const { connector } = deployed.mySql('Shop', { ...SHOP, state: ConnectorState.STOPPED });
    const resources = world.synth().stacks.flatMap((stack) => stack.resources);
    const made = (type: string) => resources.filter((each) => each.type === type && each.path.startsWith(`${connector.node.path}/`)).length;
    expect([made('AWS::KafkaConnect::Connector'), made('AWS::Logs::LogGroup')]).toEqual([0, 1]);
  });

  test('a plugin serves a connector of another stack without a number among the exports, which CloudFormation refuses', () => {
    const { world, cluster } = ON_AWS.begin();
    const plugin = aws.ConnectPlugin.fromBucket(world.scope, 'It', s3.Bucket.fromBucketName(world.scope, 'Bucket', 'artifacts'), 'it.zip', {
      sha256: HASH,
    });
    const other = new cdk.Stack(world.app as cdk.App, 'Other', { env: { region: 'eu-west-1', account: '111122223333' } });
    new CostAllocation({ team: 't', service: 's', costCenter: 'c', environment: 'prod' }).applyTo(other);
    const topics = [aws.Topic.fromTopicAttributes(other, 'Events', { cluster, topicName: 'events' })];
    new aws.Connector(other, 'Sink', { config: ConnectorConfig.sink('com.example.Sink', {}), topics, cluster, plugins: [plugin] });
    const folder = world.write();
    const exports = fs
      .readdirSync(folder)
      .filter((name) => name.endsWith('.template.json'))
      .flatMap((name) => Object.keys(JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8')).Outputs ?? {}));
    expect(exports.some((name) => name.includes('CustomPluginArn'))).toBe(true);
    expect(exports.filter((name) => name.includes('Revision'))).toEqual([]);
  });

  test('the offset topic of a source does not move', () => {
    const shop = (connectorName: string) => (deployed: Deployed) => void deployed.mySql('Shop', { ...SHOP, connectorName });
    expect(step(ON_AWS, shop('one'), shop('two'))).toContain('error Millrace.ConnectorOffsetsMoved');
  });

  test('refuses autoscaling for Debezium, other versions, no plugin, and a cluster without network', () => {
    const { world, cluster } = ON_AWS.begin();
    const topics = [cluster.addTopic('Events', { topicName: 'events' })];
    const plugin = aws.ConnectPlugin.fromConnectPluginAttributes(world.scope, 'Old', { pluginArn: 'arn' });
    const config = ConnectorConfig.source('io.debezium.connector.mysql.MySqlConnector', {});
    let count = 0;
    const refused = (props: Partial<aws.ConnectorProps>) =>
      refusalOf(() => new aws.Connector(world.scope, `C${count++}`, { cluster, config, topics, plugins: [plugin], ...props }));
    expect(refused({ workers: { capacity: large } })).toEqual(['Millrace.ConnectorAutoscaling workers.capacity']);
    expect(refused({ workers: { connectVersion: '3.9.x' } })).toEqual(['Millrace.ConnectVersionUnsupported workers.connectVersion']);
    expect(refused({ plugins: [] })).toEqual(['Millrace.ConnectPluginMissing plugins']);
    expect(refused({ cluster: world.importedCluster('Imported') })).toEqual(['Millrace.ConnectorNetworkUnknown network.vpc']);
    expect(refusalOf(() => aws.ConnectorCapacity.provisioned({ mcuCount: 3 }))).toEqual(['Millrace.ConnectorCapacityInvalid mcuCount']);
    expect(refusalOf(() => aws.ConnectorCapacity.autoscaled({ maxWorkers: 11 }))).toEqual(['Millrace.ConnectorCapacityInvalid maxWorkers']);
    expect(refusalOf(() => aws.ConnectorCapacity.autoscaled({ maxWorkers: 2, scaleInCpu: 90 }))).toEqual([
      'Millrace.ConnectorCapacityInvalid scaleInCpu',
    ]);
  });

  test('a plugin is the file that was trusted, and another file is another plugin', () => {
    const { world } = ON_AWS.begin();
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-plugin-')), 'sink.jar');
    fs.writeFileSync(file, 'a jar');
    const sha256 = crypto.createHash('sha256').update('a jar').digest('hex');
    aws.ConnectPlugin.fromAsset(world.scope, 'Good', file, { sha256 });
    expect(refusalOf(() => aws.ConnectPlugin.fromAsset(world.scope, 'Bad', file, { sha256: HASH }))).toEqual([
      'Millrace.ConnectPluginHashMismatch sha256',
    ]);
    const bucket = s3.Bucket.fromBucketName(world.scope, 'Bucket', 'artifacts');
    expect(refusalOf(() => aws.ConnectPlugin.fromBucket(world.scope, 'Tar', bucket, 'x.tar.gz', { sha256: 'x' }))).toEqual([
      'Millrace.ConnectPluginFileInvalid file',
      'Millrace.ConnectPluginHashInvalid sha256',
    ]);
    aws.ConnectPlugin.fromBucket(world.scope, 'A', bucket, 'x.zip', { sha256: HASH });
    const plugins = world
      .synth()
      .stacks.flatMap(({ resources }) => resources)
      .filter(({ type }) => type === 'AWS::KafkaConnect::CustomPlugin');
    expect(plugins.map(({ properties }) => [properties.ContentType, /-[0-9a-f]{8}$/.test(properties.Name)])).toEqual([
      ['ZIP', true],
      ['JAR', true],
      ['ZIP', true],
    ]);
  });
});

test('both flavours give a connector the same settings, but for clients and secrets', () => {
  const [first, second] = [ON_AWS, ON_KUBERNETES].map((connect) => {
    const deployed = connect.begin();
    deployed.mySql('Shop', { ...SHOP, events: { format: ConnectFormat.avroInApicurio('http://registry:8080/apis/registry/v3') } });
    deployed.postgres('Ledger', LEDGER);
    return Object.values(connect.connectors(deployed.world.synth())).map(({ settings }) => shared(settings));
  });
  expect(first).toEqual(second);
  expect(first[0]['schema.name.adjustment.mode']).toBe('avro');
});
