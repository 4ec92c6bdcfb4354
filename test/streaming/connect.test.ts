import { Bitrate, Duration, Size } from 'aws-cdk-lib';
import fc from 'fast-check';
import { nativeTopicName } from '../../lib/streaming/cdc-config';
import { serverIdOf } from '../../lib/streaming/cdc-ledger';
import { DatabaseTls, DecimalHandling, SnapshotMode, TimePrecision } from '../../lib/streaming/cdc-options';
import { ConnectFormat } from '../../lib/streaming/connect-format';
import { ConnectCluster, ConnectImage, ConnectPlugin, KafkaCluster } from '../../lib/streaming/k8s';
import { mySqlConnectorConfig } from '../../lib/streaming/mysql-cdc';
import { postgresConnectorConfig } from '../../lib/streaming/postgres-cdc';
import { icebergSinkSettings } from '../../lib/streaming/sink-iceberg';
import { DeleteBehavior, openSearchSinkSettings } from '../../lib/streaming/sink-opensearch';
import { refusalOf } from '../contract/refusal';
import { newChart } from '../workloads/synthesis';

const SURROUNDINGS = {
  credentials: { user: 'u', password: 'p' },
  serverId: 5,
  historyTopicName: 'h',
  kafka: { bootstrapServers: 'b:9092', settings: { 'security.protocol': 'SSL' } },
};

describe('settings of Debezium', () => {
  test('every option reaches the setting of its name', () => {
    const settings = mySqlConnectorConfig(
      {
        topicPrefix: 'shop',
        database: { hostname: 'db', port: 3307, tls: DatabaseTls.VERIFY_IDENTITY },
        tables: [
          { table: 'a.b', keyColumns: ['x', 'y'] },
          { table: 'c.d', keyColumns: ['z'] },
        ],
        snapshot: SnapshotMode.WHEN_NEEDED,
        events: { decimals: DecimalHandling.PRECISE, times: TimePrecision.CONNECT, tombstones: false },
        heartbeat: Duration.minutes(1),
      },
      SURROUNDINGS,
    );
    expect(settings).toMatchObject({
      'database.port': '3307',
      'database.ssl.mode': 'verify_identity',
      'database.include.list': 'a,c',
      'message.key.columns': 'a[.]b:x,y;c[.]d:z',
      'snapshot.mode': 'when_needed',
      'decimal.handling.mode': 'precise',
      'time.precision.mode': 'connect',
      'tombstones.on.delete': 'false',
      'heartbeat.interval.ms': '60000',
      'schema.history.internal.kafka.bootstrap.servers': 'b:9092',
      'schema.history.internal.producer.security.protocol': 'SSL',
      'schema.history.internal.consumer.security.protocol': 'SSL',
    });
    expect(settings).not.toHaveProperty('transforms');
  });

  test.each([
    [DatabaseTls.DISABLED, 'disable'],
    [DatabaseTls.REQUIRED, 'require'],
    [DatabaseTls.VERIFY_CA, 'verify-ca'],
    [DatabaseTls.VERIFY_IDENTITY, 'verify-full'],
  ])('Postgres says %s as %s', (tls, word) => {
    const options = { topicPrefix: 'My-App.x', databaseName: 'd', database: { hostname: 'db', tls }, tables: [{ table: 'public.t' }] };
    const settings = postgresConnectorConfig({ ...options, heartbeatQuery: 'select 1' }, SURROUNDINGS.credentials);
    expect(settings).toMatchObject({
      'database.sslmode': word,
      'slot.name': 'millrace_my_app_x',
      'heartbeat.action.query': 'select 1',
    });
  });

  test('the list of tables matches each table and none that differs in a character', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
    fc.assert(
      fc.property(name, name, fc.nat(24), (database, table, place) => {
        const options = { topicPrefix: 'p', database: { hostname: 'db' }, tables: [{ table: `${database}.${table}` }] };
        const pattern = new RegExp(`^(${mySqlConnectorConfig(options, SURROUNDINGS)['table.include.list']})$`);
        const full = `${database}.${table}`;
        const at = place % full.length;
        expect(pattern.test(full)).toBe(true);
        expect(pattern.test(`${full.slice(0, at)}#${full.slice(at + 1)}`)).toBe(false);
        expect(nativeTopicName('p', full)).toBe(`p.${full}`);
      }),
    );
  });

  test('an id of a replica is one that MySQL takes, the same for the same prefix', () => {
    fc.assert(
      fc.property(fc.string(), (prefix) => {
        const id = serverIdOf(prefix);
        expect(id).toBe(serverIdOf(prefix));
        expect(Number.isInteger(id) && id >= 100_000 && id <= 4_294_967_295).toBe(true);
      }),
    );
  });
});

describe('formats', () => {
  test.each<[string, ConnectFormat, Record<string, string>]>([
    ['text', ConnectFormat.text(), { 'key.converter': 'org.apache.kafka.connect.storage.StringConverter' }],
    ['plain JSON', ConnectFormat.jsonWithoutSchemas(), { 'value.converter.schemas.enable': 'false' }],
    [
      'Glue',
      ConnectFormat.avroInGlue({ region: 'eu-west-1', registryName: 'shop' }),
      {
        'value.converter': 'com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter',
        'value.converter.region': 'eu-west-1',
        'value.converter.registry.name': 'shop',
        'key.converter.schemaAutoRegistrationEnabled': 'true',
      },
    ],
    [
      'Confluent',
      ConnectFormat.avroInConfluentRegistry('http://registry:8081'),
      { 'value.converter': 'io.confluent.connect.avro.AvroConverter', 'key.converter.schema.registry.url': 'http://registry:8081' },
    ],
  ])('%s', (_name, format, expected) => {
    expect(format.settings).toMatchObject(expected);
  });
});

describe('sinks', () => {
  test('OpenSearch gets the key as the id of the document', () => {
    expect(
      openSearchSinkSettings({ urls: ['https://a:443', 'https://b:443'], deletes: DeleteBehavior.IGNORE, user: '${x:y:z}' }),
    ).toMatchObject({
      'connection.url': 'https://a:443,https://b:443',
      'connection.username': '${x:y:z}',
      'key.ignore': 'false',
      'behavior.on.null.values': 'ignore',
    });
  });

  test('an Iceberg sink without tables takes the name of the table from the record, with clients of its own', () => {
    const surroundings = { connectorName: 'lake', groupId: 'connect-lake', kafka: SURROUNDINGS.kafka };
    const { settings, ...needs } = icebergSinkSettings({ catalog: { uri: 'https://c' }, routeField: 'table' }, surroundings);
    expect(settings).toMatchObject({
      'iceberg.tables.dynamic-enabled': 'true',
      'iceberg.tables.route-field': 'table',
      'iceberg.catalog.uri': 'https://c',
      'iceberg.kafka.bootstrap.servers': 'b:9092',
      'iceberg.kafka.security.protocol': 'SSL',
    });
    expect(needs).toEqual({
      controlTopic: 'lake.control',
      controlGroups: 'cg-control-lake-',
      coordinatorGroup: 'connect-lake-coord',
      transactionalIds: 'lake-',
    });
  });
});

describe('workers on Strimzi', () => {
  const chart = newChart();
  const cluster = new KafkaCluster(chart, 'Kafka', { demand: { peakIngress: Bitrate.mbps(80), partitions: 60 } });
  const image = ConnectImage.fromRegistry(`registry.example.com/connect@sha256:${'a'.repeat(64)}`);
  const sha512 = 'b'.repeat(128);

  test.each<[string, () => unknown, string[]]>([
    ['the tag latest', () => ConnectImage.fromRegistry('registry.example.com/connect:latest'), ['Millrace.ConnectImageInvalid image']],
    ['no tag', () => ConnectImage.fromRegistry('registry.example.com/connect'), ['Millrace.ConnectImageInvalid image']],
    ['a build of nothing', () => ConnectImage.fromPlugins({ image: 'r/c:1', plugins: [] }), ['Millrace.ConnectPluginMissing plugins']],
    [
      'a plain URL and a short hash',
      () => ConnectPlugin.fromUrls('x1', [{ url: 'http://a/b.jar', sha512: 'b' }]),
      ['Millrace.ConnectPluginFileInvalid artifacts[0].url', 'Millrace.ConnectPluginHashInvalid artifacts[0].sha512'],
    ],
    [
      'a plugin in capitals',
      () => ConnectPlugin.fromUrls('X', [{ url: 'https://a/b.jar', sha512 }]),
      ['Millrace.ConnectPluginNameInvalid name'],
    ],
    [
      'no worker of no CPU',
      () => new ConnectCluster(chart, 'A', { cluster, image, replicas: 0, resources: { cpu: 0, memory: Size.mebibytes(100) } }),
      [
        'Millrace.ConnectClusterSizeInvalid replicas',
        'Millrace.ConnectClusterSizeInvalid resources.cpu',
        'Millrace.ConnectClusterSizeInvalid resources.memory',
      ],
    ],
    [
      'a name that Strimzi cannot append to',
      () => new ConnectCluster(chart, 'B', { cluster, image, clusterName: 'X'.repeat(50) }),
      ['Millrace.ConnectClusterNameInvalid clusterName'],
    ],
  ])('refuses %s', (_case, work, expected) => {
    expect(refusalOf(work)).toEqual(expected);
  });
});
