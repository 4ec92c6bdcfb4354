import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Bitrate, Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import fc from 'fast-check';
import { Assembly, type SynthesizedObject } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { checkUpdate } from '../../lib/core/update-rule';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { EventTime } from '../../lib/features/event-time';
import { FeastUpdateRules } from '../../lib/features/feast-update-rules';
import { FeatureType } from '../../lib/features/feature';
import { FeatureSchema, type FeatureSchemaProps } from '../../lib/features/feature-schema';
import {
  FeastAddress,
  FeastOfflineStore,
  FeastOnlineStore,
  FeastRegistry,
  type FeastServerOptions,
  FeatureGroup,
  FeatureGroupAlerts,
  type FeatureGroupAlertsProps,
  FeaturePush,
  FeatureStore,
  type FeatureStoreProps,
} from '../../lib/features/k8s';
import { poolOf, workersOf } from '../../lib/features/k8s/feast-pool';
import { KafkaCluster, SchemaRegistry, Topic } from '../../lib/streaming/k8s';
import { Schema } from '../../lib/streaming/schema';
import { Service } from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { codeOf, refusalOf } from '../contract/refusal';
import { checkBeyondSchema } from '../manifests/beyond-schema';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

function newApp(): App {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-feast-')) });
  new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return app;
}
const newChart = (namespace = 'radar', app = newApp(), id = 'features') => new Chart(app, id, { namespace });
function synth(app: App): any[] {
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
}

const size = (replicas = 3, memory = Size.gibibytes(2)) => PodSize.fixed({ cpu: Cpu.millis(2000), memory, replicas });
const DATABASE = [FeastAddress.cidr('10.0.8.0/24', 5432)];
const REDIS = [FeastAddress.pods({ app: 'redis' }, 6379, 'data')];
const registry = FeastRegistry.sql({ secretName: 'feast-registry', addresses: DATABASE });
const redis = FeastOnlineStore.redis({ secretName: 'feast-redis', addresses: REDIS });
const offlineStore = FeastOfflineStore.postgres({ secretName: 'feast-history', secretKey: 'history', addresses: DATABASE });
const postgres = (connections: number, poolSize?: number) =>
  FeastOnlineStore.postgres({ secretName: 'feast-online', addresses: DATABASE, connections, poolSize });
const dynamodb = FeastOnlineStore.dynamodb({ secretName: 'feast-dynamodb', addresses: [FeastAddress.cidr('10.0.0.0/16', 443)] });

const schemaOf = (name: string, more: Partial<FeatureSchemaProps> = {}) =>
  new FeatureSchema({
    name,
    entityKey: 'card_id',
    eventTime: EventTime.epochMillis('event_time', { source: 'authorizedAt' }),
    owner: 'fraud-ml',
    ttl: Duration.days(30),
    features: [
      { name: 'card_id', type: FeatureType.STRING, source: 'cardId' },
      { name: 'amount', type: FeatureType.FRACTIONAL },
    ],
    ...more,
  });
const RECORD = {
  type: 'object',
  properties: { cardId: { type: 'string' }, authorizedAt: { type: 'integer' }, amount: { type: 'number' } },
  required: ['cardId', 'authorizedAt'],
};
const recordSchema = Schema.jsonSchema(JSON.stringify(RECORD));

const app = newApp();
const chart = newChart('radar', app);
const store = new FeatureStore(chart, 'Store', {
  storeName: 'radar_v1',
  registry,
  onlineStore: redis,
  offlineStore,
  server: { size: size(2), maxReplicas: 8 },
  materialization: {
    schedule: { expression: '0 * * * *' },
    size: PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.gibibytes(1), replicas: 1 }),
  },
});
const cards = store.addFeatureGroup('Cards', {
  schema: schemaOf('card-activity', { freshness: Duration.seconds(90) }),
  demand: { readsPerSecond: 1000, writesPerSecond: 100, entities: 1e6, p99: Duration.millis(8) },
});
store.addFeatureGroup('Trial', { schema: schemaOf('card-trial', { ttl: Duration.days(60) }), removalPolicy: RemovalPolicy.DESTROY });
const cluster = new KafkaCluster(chart, 'Kafka', {
  demand: { peakIngress: Bitrate.mbps(80), partitions: 24 },
  clusterName: 'main',
  storageClassName: 'gp3',
});
const topic = cluster.addTopic('Payments', { topicName: 'payments', deadLetter: true, schema: recordSchema });
const PUSH = { image: 'registry.example.com/push:1.0', size: PodSize.fixed({ cpu: Cpu.millis(250), memory: Size.mebibytes(256) }) };
const cardsPush = new FeaturePush(chart, 'Push', { featureGroup: cards, topic, cluster, ...PUSH });
const alerts = new FeatureGroupAlerts(chart, 'Alerts', { featureGroup: cards, push: cardsPush, labels: { release: 'prometheus' } });
cardsPush.allowMetricsFromNamespace('monitoring');
const model = new Service(chart, 'Model', { image: 'registry.example.com/model:1.0', size: PUSH.size });
cards.grants.read(model);
cards.grants.read(model);
const training = new Service(chart, 'Training', { image: 'registry.example.com/train:1.0', size: PUSH.size });
cards.grants.readOffline(training);
store.allowMetricsFromNamespace('monitoring');
store.allowFromNamespace('shop');
const manifests = synth(app);
const all = (kind: string, from = manifests) => from.filter((manifest) => manifest.kind === kind);
const named = (kind: string, part: string) => all(kind).find(({ metadata }) => metadata.name.includes(part))!;
const variables = (workload: any) =>
  Object.fromEntries(workload.spec.template.spec.containers[0].env.map(({ name, value }: any) => [name, value]));

const schemas = ClosedSchemas.load();
(schemas ? test : test.skip)(
  `every manifest is valid for Feast and Kubernetes${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`,
  () => {
    expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
  },
);

test('every manifest holds together with the others and with Pod Security "restricted"', () => {
  expect(checkBeyondSchema(manifests)).toEqual([]);
});

test('two synths are the same to the byte', () => {
  const once = () => {
    const twin = newChart();
    const made = new FeatureStore(twin, 'Store', { registry, onlineStore: redis, server: { size: size() } });
    made.addFeatureGroup('Cards', { schema: schemaOf('card-activity') });
    return JSON.stringify(synth(twin.node.root as App));
  };
  expect(once()).toBe(once());
});

describe('the FeatureStore', () => {
  const [{ metadata, spec }] = all('FeatureStore');

  test('is the project, kept when it leaves, without the demo of the operator and without an apply at each start', () => {
    expect([metadata.name, spec.feastProject]).toEqual(['radar-v1', 'radar_v1']);
    expect(metadata.annotations['helm.sh/resource-policy']).toBe('keep');
    expect([spec.feastProjectDir, spec.services.runFeastApplyOnInit]).toEqual([{ init: { minimal: true } }, false]);
    expect(spec.cronJob.suspend).toBe(true);
    expect(JSON.stringify(spec.cronJob)).not.toContain('feast apply');
  });

  test('scales from two replicas, spread, one missing at most', () => {
    expect(spec.replicas).toBeUndefined();
    expect(spec.services.scaling.autoscaling).toEqual({
      minReplicas: 2,
      maxReplicas: 8,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }],
    });
    expect(spec.services.podDisruptionBudgets).toEqual({ maxUnavailable: 1 });
    expect(spec.services.deploymentStrategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    expect(spec.services.securityContext).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(spec.services.topologySpreadConstraints).toHaveLength(2);
  });

  test('names secrets and holds none of their content', () => {
    const { onlineStore, offlineStore: history, registry: definitions } = spec.services;
    expect(onlineStore.persistence).toEqual({ store: { type: 'redis', secretRef: { name: 'feast-redis' } } });
    expect(history.persistence).toEqual({ store: { type: 'postgres', secretRef: { name: 'feast-history' }, secretKeyName: 'history' } });
    expect(definitions.local.persistence).toEqual({ store: { type: 'sql', secretRef: { name: 'feast-registry' } } });
  });

  test('has workers for its vCPU, recycled, with the registry refreshed every five minutes', () => {
    expect(spec.services.onlineStore.server.workerConfigs).toEqual({
      workers: 5,
      workerConnections: 1000,
      maxRequests: 10000,
      maxRequestsJitter: 500,
      registryTTLSeconds: 300,
    });
  });

  test('lets Redis delete by the longest TTL, and never where a group has none', () => {
    const key = 'FEAST_KEY_TTL_SECONDS';
    expect(spec.services.onlineStore.server.env).toEqual([{ name: key, value: String(60 * 86400) }]);
    const forEver = newChart();
    const made = new FeatureStore(forEver, 'Store', { registry, onlineStore: redis, server: { size: size() } });
    made.addFeatureGroup('A', { schema: schemaOf('a') });
    made.addFeatureGroup('B', { schema: schemaOf('b', { ttl: undefined }) });
    expect(all('FeatureStore', synth(forEver.node.root as App))[0].spec.services.onlineStore.server.env).toEqual([
      { name: key, value: '0' },
    ]);
  });

  test('keeps a registry in S3 with a copy that is refreshed in the background, and reaches the agent of pod identities', () => {
    const s3 = newChart();
    new FeatureStore(s3, 'Store', {
      registry: FeastRegistry.s3({ path: 's3://acme-features/radar/registry.db', addresses: [FeastAddress.cidr('10.0.0.0/16', 443)] }),
      onlineStore: dynamodb,
      server: { size: size() },
    });
    const made = synth(s3.node.root as App);
    const [{ spec: written }] = all('FeatureStore', made);
    expect(written.services.registry.local.persistence).toEqual({
      file: { path: 's3://acme-features/radar/registry.db', cache_mode: 'thread', cache_ttl_seconds: 300 },
    });
    expect([written.replicas, written.services.offlineStore]).toEqual([3, undefined]);
    expect(JSON.stringify(all('NetworkPolicy', made))).toContain('169.254.170.23/32');
    // Nothing to apply: there is no group.
    expect(all('Job', made)).toEqual([]);
  });
});

describe('the network of the servers', () => {
  const policy = (part: string) => named('NetworkPolicy', part).spec;

  test('lets them to their stores alone, and in only who was granted it', () => {
    const { ingress, egress, podSelector } = policy('store-networkpolicy');
    expect(podSelector.matchLabels).toEqual({ 'feast.dev/name': 'radar-v1' });
    expect(egress.slice(1).map(({ ports }: any) => ports[0].port)).toEqual([5432, 6379]);
    expect(ingress).toHaveLength(4);
    expect(ingress.every(({ ports }: any) => ports[0].port === 6566)).toBe(true);
  });

  test('opens history to those who train, and metrics to Prometheus', () => {
    expect(policy('offlinenetworkpolicy').ingress[0].ports[0].port).toBe(8815);
    expect(policy('registrynetworkpolicy').ingress[0].ports[0].port).toBe(6570);
    expect(policy('metricsnetworkpolicy').ingress[0].ports[0].port).toBe(8000);
    const { services } = all('FeatureStore')[0].spec;
    // Feast refuses a file of settings with a variable that is not there, and one pod has all servers.
    for (const { server } of [services.offlineStore, services.registry.local]) expect(server.env).toEqual(services.onlineStore.server.env);
    expect([services.offlineStore.server.image, services.registry.local.server.grpc]).toEqual([FeatureStore.IMAGE, true]);
  });
});

describe('a feature group', () => {
  const definition = named('ConfigMap', 'cards-');

  test('has an object of its own with its definition, its record and its size', () => {
    expect(Object.keys(definition.data)).toEqual(['entity_card_id.py', 'view_card_activity.py']);
    expect(JSON.parse(definition.metadata.annotations['millrace.io/feature-schema'])).toMatchObject({
      name: 'card-activity',
      ttlSeconds: 2592000,
    });
    expect(JSON.parse(definition.metadata.annotations['millrace.io/sizing']).choice).toBe('redis 1 x 2 nodes of cache.r7g.large');
    expect(cards.sizing?.store).toBe('redis');
    expect(definition.immutable).toBe(true);
  });

  test('is applied by a job that runs again when it changes', () => {
    const job = (amount: FeatureType) => {
      const changed = newChart();
      const made = new FeatureStore(changed, 'Store', { registry, onlineStore: redis, server: { size: size() } });
      const features = [
        { name: 'card_id', type: FeatureType.STRING },
        { name: 'amount', type: amount },
      ];
      made.addFeatureGroup('Cards', { schema: schemaOf('card-activity', { features }) });
      return all('Job', synth(changed.node.root as App))[0].metadata.name;
    };
    expect(job(FeatureType.FRACTIONAL)).toBe(job(FeatureType.FRACTIONAL));
    expect(job(FeatureType.FRACTIONAL)).not.toBe(job(FeatureType.INTEGRAL));
    const [{ spec }] = all('Job');
    const mounts = spec.template.spec.containers[0].volumeMounts.map(({ mountPath }: any) => mountPath);
    expect(mounts).toEqual([
      '/tmp',
      '/etc/millrace/feast/store',
      '/etc/millrace/feast/secrets/registry',
      '/etc/millrace/feast/secrets/online_store',
      '/etc/millrace/feast/secrets/offline_store',
      '/etc/millrace/feast/groups/card-activity',
      '/etc/millrace/feast/groups/card-trial',
    ]);
  });

  test('is written as a document, too', () => {
    const file = path.join(app.outdir, 'features/radar_v1/view_card_activity.py');
    expect(fs.readFileSync(file, 'utf8')).toBe(definition.data['view_card_activity.py']);
  });

  test('stays in the registry unless both keys to destroy it are there', () => {
    const tagOf = (destroyData: boolean, removalPolicy?: RemovalPolicy) => {
      const root = newApp();
      root.node.setContext('millrace:destroyData', destroyData);
      const made = newChart('radar', root);
      const where = new FeatureStore(made, 'Store', { registry, onlineStore: redis, server: { size: size() } });
      where.addFeatureGroup('Cards', { schema: schemaOf('card-activity'), removalPolicy });
      const { data, metadata } = all('ConfigMap', synth(made.node.root as App)).find(({ metadata: { name } }) => name.includes('cards'))!;
      return [
        /"millrace.io\/removal": "(\w+)"/.exec(data['view_card_activity.py'])![1],
        metadata.annotations['millrace.io/warning']?.split(':')[0],
      ];
    };
    expect(tagOf(true, RemovalPolicy.DESTROY)).toEqual(['destroy', undefined]);
    expect(tagOf(false, RemovalPolicy.DESTROY)).toEqual(['retain', 'Millrace.DestroyNeedsTwoKeys']);
    expect(tagOf(true)).toEqual(['retain', undefined]);
  });

  test('tells readers, writers and trainers where it is', () => {
    expect(variables(named('Deployment', 'model'))).toEqual({
      FEAST_URL: 'http://feast-radar-v1-online.radar.svc',
      FEAST_PROJECT: 'radar_v1',
      FEAST_VIEW_CARD_ACTIVITY: 'card-activity',
    });
    expect(variables(named('Deployment', 'push-worker'))).toMatchObject({ FEAST_PUSH_CARD_ACTIVITY: 'card-activity-push' });
    expect(variables(named('Deployment', 'training')).FEAST_FS_YAML_FILE_PATH).toBe('/etc/feast/feature_store.yaml');
    const volumes = named('Deployment', 'training').spec.template.spec.volumes;
    expect(volumes).toContainEqual({ name: 'config-0', configMap: { name: 'feast-radar-v1-client' } });
  });
});

test('a group that another app makes is imported to reach it', () => {
  const other = newChart('shop');
  const client = new Service(other, 'Checkout', { image: 'registry.example.com/checkout:1.0', size: PUSH.size });
  const attributes = { schema: schemaOf('card-activity'), resourceName: 'radar-v1', projectName: 'radar_v1', namespace: 'radar' };
  const group = FeatureGroup.fromFeatureGroupAttributes(other, 'Cards', attributes);
  group.grants.read(client);
  group.grants.write(client);
  const made = synth(other.node.root as App);
  expect(variables(all('Deployment', made)[0])).toMatchObject({ FEAST_URL: cards.url, FEAST_PUSH_CARD_ACTIVITY: cards.pushSourceName });
  expect(JSON.stringify(all('NetworkPolicy', made))).toContain('"feast.dev/name":"radar-v1"');
  expect(refusalOf(() => group.grants.readOffline(client))).toEqual(['Millrace.FeastHistoryMissing store']);
});

test('the online store is filled from history by the clock, with the settings of the job', () => {
  const [{ spec }] = all('CronJob');
  expect(spec.schedule).toBe('0 * * * *');
  const [container] = spec.jobTemplate.spec.template.spec.containers;
  expect(container.command.slice(0, 3)).toEqual([
    'python',
    '/etc/millrace/feast/store/materialize.py',
    '/etc/millrace/feast/store/store.json',
  ]);
});

describe('a push', () => {
  test('knows how the features follow from a record', () => {
    const files = named('ConfigMap', 'push-files').data;
    expect(JSON.parse(files['push.json'])).toEqual({
      project: 'radar_v1',
      view: 'card-activity',
      pushSource: 'card-activity-push',
      to: 'online',
      keepAll: false,
      format: 'JSON',
      freshness: 90,
      entityKey: 'card_id',
      eventTime: { name: 'event_time', source: 'authorizedAt', encoding: 'epochMillis' },
      features: [
        { name: 'card_id', source: 'cardId', type: 'String' },
        { name: 'amount', source: 'amount', type: 'Fractional' },
      ],
      topic: 'payments',
      deadLetterTopic: 'payments.dlq',
      groupId: 'feature-push-radar_v1-card-activity',
      batch: 200,
      port: 9400,
    });
  });

  test('reads the topic as its own user and may write to the dead letters', () => {
    const acls = named('KafkaUser', 'push').spec.authorization.acls.map(
      ({ resource, operations }: any) => `${resource.type} ${resource.name} ${operations}`,
    );
    expect(acls).toEqual([
      'group feature-push-radar_v1-card-activity Read',
      'topic payments.dlq Describe,Write',
      'topic payments Describe,Read',
    ]);
  });

  test('is refused for records from which the features cannot be made, and for topics that it cannot read', () => {
    const where = newChart('radar', newApp(), 'refused');
    const kafka = new KafkaCluster(where, 'Kafka', {
      demand: { peakIngress: Bitrate.mbps(80), partitions: 24 },
      clusterName: 'main',
      storageClassName: 'gp3',
    });
    const made = new FeatureStore(where, 'Store', { registry, onlineStore: redis, server: { size: size() } });
    const featureGroup = made.addFeatureGroup('Cards', { schema: schemaOf('card-activity') });
    const imported = (id: string, schema?: Schema) => Topic.fromTopicAttributes(where, id, { cluster: kafka, topicName: id, schema });
    const push = (id: string, schema?: Schema, offline?: boolean) =>
      refusalOf(
        () =>
          new FeaturePush(where, `Push${id}`, { featureGroup, topic: imported(id, schema), cluster: kafka, ...PUSH, push: { offline } }),
      );
    const other = Schema.jsonSchema(JSON.stringify({ ...RECORD, properties: { ...RECORD.properties, amount: { type: 'string' } } }));
    expect(push('a', other)).toEqual(['Millrace.FeatureFieldTypeMismatch amount of feature group card-activity']);
    expect(push('b')).toEqual(['Millrace.FeaturePushTopic topic']);
    expect(push('c', Schema.protobuf('syntax = "proto3"; message A { string cardId = 1; }'))).toEqual(['Millrace.FeaturePushTopic topic']);
    expect(push('d', recordSchema, true)).toEqual(['Millrace.FeaturePushInvalid push.offline']);
  });

  test('of an imported topic in Avro needs the registry that knows its schemas, and reaches it', () => {
    const where = newChart();
    const kafka = new KafkaCluster(where, 'Kafka', {
      demand: { peakIngress: Bitrate.mbps(80), partitions: 24 },
      clusterName: 'main',
      storageClassName: 'gp3',
    });
    const made = new FeatureStore(where, 'Store', { registry, onlineStore: redis, server: { size: size() } });
    const featureGroup = made.addFeatureGroup('Cards', { schema: schemaOf('card-activity') });
    const fields = [
      { name: 'cardId', type: 'string' },
      { name: 'authorizedAt', type: 'long' },
      { name: 'amount', type: 'double' },
    ];
    const schema = Schema.avro(JSON.stringify({ type: 'record', name: 'Payment', fields }));
    const imported = Topic.fromTopicAttributes(where, 'Payments', { cluster: kafka, topicName: 'payments', schema });
    const push = { featureGroup, topic: imported, cluster: kafka, ...PUSH };
    expect(refusalOf(() => new FeaturePush(where, 'Blind', push))).toEqual(['Millrace.FeaturePushTopic topic']);
    const url = 'http://registry.kafka.svc:8081';
    const schemaRegistry = SchemaRegistry.fromSchemaRegistryAttributes(where, 'Registry', { url, cidr: '10.1.0.0/16' });
    new FeaturePush(where, 'Push', { ...push, push: { schemaRegistry } });
    where.node.tryRemoveChild('Blind');
    const written = synth(where.node.root as App);
    const worker = all('Deployment', written).find(({ metadata }) => metadata.name.includes('push-worker'))!;
    expect(variables(worker).SCHEMA_REGISTRY_URL).toBe(url);
    expect(JSON.stringify(all('NetworkPolicy', written))).toContain(
      '{"ports":[{"port":8081,"protocol":"TCP"}],"to":[{"ipBlock":{"cidr":"10.1.0.0/16"}}]}',
    );
    const files = all('ConfigMap', written).find(({ data }) => data['push.json'])!.data;
    expect(JSON.parse(files['push.json'])).toMatchObject({ format: 'AVRO', schema: schema.definition });
  });
});

describe('what Prometheus is told', () => {
  test('counts the pushes of a group and the requests to the servers of its store', () => {
    const own = '{project="radar_v1",view="card-activity",namespace="radar"}';
    const everywhere = '{project="radar_v1",view="card-activity"}';
    const server = 'service="feast-radar-v1-online",namespace="radar"';
    expect(cardsPush.metrics.recordsWritten().expression).toBe(`sum(rate(millrace_feature_freshness_seconds_count${own}[5m]))`);
    expect(cards.metrics.recordsRejected().expression).toBe(`sum(rate(millrace_feature_dead_letters_total${everywhere}[5m]))`);
    expect(cards.metrics.pushFailures().expression).toBe(`sum(rate(millrace_feature_push_failures_total${everywhere}[5m]))`);
    expect(cards.metrics.freshness().expression).toBe(
      `histogram_quantile(0.99, sum by (le) (rate(millrace_feature_freshness_seconds_bucket${everywhere}[5m])))`,
    );
    const requests = (more: string) => `sum(rate(feast_feature_server_request_total{${server}${more}}[5m]))`;
    expect(store.metrics.reads().expression).toBe(requests(',endpoint="/get-online-features"'));
    expect(store.metrics.pushes().expression).toBe(requests(',endpoint="/push"'));
    expect(store.metrics.errorPercent().expression).toBe(`100 * (${requests(',status="error"')} or vector(0)) / (${requests('')} > 0)`);
    expect(store.metrics.latencyP99().expression).toContain(`request_latency_seconds_bucket{${server},endpoint="/get-online-features"}`);
    expect(store.metrics.storeLatencyP99().expression).toContain(
      `feast_feature_server_online_store_read_duration_seconds_bucket{${server}}`,
    );
  });

  test('names series that the script and Feast have', () => {
    const asked = [...cards.metrics.latePercent().expression.matchAll(/millrace_feature_(\w+?)(_total|_count)?\{/g)].map(
      ([, name]) => name,
    );
    expect(asked).toEqual(['late_records', 'freshness_seconds']);
    const { 'push.py': script } = named('ConfigMap', 'push-files').data;
    for (const name of [...asked, 'dead_letters', 'push_failures']) expect(script).toContain(name);
  });

  test('goes off for old values, silence, rejected records, failing pushes and failing servers', () => {
    const [{ metadata, spec }] = all('PrometheusRule');
    expect(metadata.labels).toMatchObject({ release: 'prometheus' });
    const own = '{project="radar_v1",view="card-activity",namespace="radar"}';
    const written = `sum(rate(millrace_feature_freshness_seconds_count${own}[5m]))`;
    const server = 'service="feast-radar-v1-online",namespace="radar"';
    expect(spec.groups[0].rules.map(({ alert, expr }: any) => [alert, expr])).toEqual([
      ['FeaturesLate', `100 * sum(rate(millrace_feature_late_records_total${own}[5m])) / (${written} > 0) > 1`],
      ['FeaturesSilent', `(sum(increase(millrace_feature_freshness_seconds_count${own}[15m])) or vector(0)) < 1`],
      ['FeaturesRejected', `sum(increase(millrace_feature_dead_letters_total${own}[5m])) > 0`],
      ['FeaturePushesFail', `sum(rate(millrace_feature_push_failures_total${own}[5m])) > 0`],
      [
        'FeatureServerErrors',
        `100 * (sum(rate(feast_feature_server_request_total{${server},status="error"}[5m])) or vector(0)) / (sum(rate(feast_feature_server_request_total{${server}}[5m])) > 0) > 1`,
      ],
    ]);
    expect(alerts.alertNames).toHaveLength(5);
    expect(spec.groups[0].rules[0]).toMatchObject({ for: '3m', labels: { severity: 'critical', owner: 'fraud-ml' } });
  });

  test('is read from the pods of the push, which let Prometheus in', () => {
    const [monitor] = all('PodMonitor');
    expect(monitor.spec.selector.matchLabels).toEqual(cardsPush.worker.podSelector);
    const [container] = named('Deployment', 'push-worker').spec.template.spec.containers;
    expect(container.ports.map(({ name }: any) => name)).toEqual([monitor.spec.podMetricsEndpoints[0].port]);
    const { ingress } = named('NetworkPolicy', 'push-worker').spec;
    expect(ingress).toEqual([
      {
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        ports: [{ protocol: 'TCP', port: 9400 }],
      },
    ]);
  });

  const withAlerts = (more: Partial<FeatureGroupAlertsProps>, schema: Partial<FeatureSchemaProps> = {}) => {
    const where = newChart();
    const kafka = new KafkaCluster(where, 'Kafka', {
      demand: { peakIngress: Bitrate.mbps(80), partitions: 24 },
      clusterName: 'main',
      storageClassName: 'gp3',
    });
    const made = new FeatureStore(where, 'Store', { registry, onlineStore: redis, server: { size: size() } });
    const featureGroup = made.addFeatureGroup('Cards', { schema: schemaOf('card-activity', schema) });
    const payments = kafka.addTopic('Payments', { topicName: 'payments', schema: recordSchema });
    const push = new FeaturePush(where, 'Push', { featureGroup, topic: payments, cluster: kafka, ...PUSH });
    return new FeatureGroupAlerts(where, 'Alerts', { featureGroup, push, ...more });
  };
  const expressions = (more: Partial<FeatureGroupAlertsProps>, schema: Partial<FeatureSchemaProps> = {}) => {
    const [rule] = all('PrometheusRule', synth(withAlerts(more, schema).node.root as App));
    return Object.fromEntries(rule.spec.groups[0].rules.map(({ alert, expr }: any) => [alert, expr]));
  };

  test('looks back as long as the schema promises, or as it is told, or not at all', () => {
    const windowOf = (more: Partial<FeatureGroupAlertsProps>, schema: Partial<FeatureSchemaProps> = {}) =>
      /\[(\w+)\]/.exec(expressions(more, schema).FeaturesSilent)![1];
    expect(windowOf({})).toBe('60m');
    expect(windowOf({}, { freshness: Duration.minutes(31) })).toBe('35m');
    expect(windowOf({}, { freshness: Duration.days(3) })).toBe('1440m');
    expect(windowOf({ silence: Duration.hours(2) })).toBe('120m');
    expect(Object.keys(expressions({ alarmOnSilence: false, alarmOnServerErrors: false }))).toEqual([
      'FeaturesRejected',
      'FeaturePushesFail',
    ]);
    expect(expressions({ rejectedRecords: 7 }).FeaturesRejected).toMatch(/> 7$/);
  });

  test('is refused for what no alert can be', () => {
    const code = 'Millrace.FeatureAlarmInvalid';
    expect(refusalOf(() => withAlerts({ silence: Duration.minutes(7), rejectedRecords: -1 }))).toEqual([
      `${code} silence`,
      `${code} rejectedRecords`,
    ]);
    expect(refusalOf(() => withAlerts({ silence: Duration.minutes(10), alarmOnSilence: false }))).toEqual([`${code} silence`]);
    expect(refusalOf(() => withAlerts({ push: cardsPush }))).toEqual([`${code} push`]);
  });
});

describe('the pool of a store with connections', () => {
  const server = (replicas: number, workers: number, maxReplicas?: number): FeastServerOptions => ({
    size: size(replicas),
    workers,
    maxReplicas,
  });

  // Feast, online server performance tuning; its own example with an autoscaler divides by fewer replicas than there may be.
  test.each([
    [200, server(5, 4), 7],
    [200, server(2, 4, 10), 3],
    [400, server(2, 4, 10), 7],
  ])('%d connections for %j are %d a worker', (connections, given, pool) => {
    expect(poolOf({ connections, server: given })).toBe(pool);
  });

  const make = (connections: number, given: FeastServerOptions, poolSize?: number) => {
    const made = newChart();
    return new FeatureStore(made, 'Store', { registry, onlineStore: postgres(connections, poolSize), server: given });
  };

  test('reaches the servers as a variable, for their secret holds the other settings', () => {
    const made = make(200, server(5, 4));
    expect(made.poolSize).toBe(7);
    const [{ spec }] = all('FeatureStore', synth(made.node.root as App));
    expect(spec.services.onlineStore.server.env).toEqual([{ name: 'FEAST_ONLINE_MAX_CONN', value: '7' }]);
  });

  test('is refused where the workers of the most replicas have more than there are', () => {
    // 5 x 4 x 20 are 400, where PostgreSQL has 100 unless it is told.
    expect(refusalOf(() => make(100, server(5, 4), 20))).toEqual(['Millrace.FeastPoolDoesNotFit onlineStore.poolSize']);
    expect(refusalOf(() => make(20, server(5, 4)))).toEqual(['Millrace.FeastPoolDoesNotFit onlineStore.connections']);
    expect(codeOf(() => make(29, server(5, 4)))).toBeUndefined();
  });

  test('is never more than seven of ten connections for any size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 1, max: 16 }),
        (connections, replicas, workers) => {
          const pool = poolOf({ connections, server: server(replicas, workers) })!;
          expect(pool * replicas * workers).toBeLessThanOrEqual(connections * 0.7);
          expect((pool + 1) * replicas * workers).toBeGreaterThan(connections * 0.7 - 1e-9);
        },
      ),
    );
  });

  test('counts two workers a vCPU and one more', () => {
    expect(
      [250, 500, 1000, 4000].map((millis) => workersOf({ size: PodSize.fixed({ cpu: Cpu.millis(millis), memory: Size.gibibytes(1) }) })),
    ).toEqual([1, 2, 3, 9]);
  });
});

describe('a feature store is refused', () => {
  const refusals = (props: Partial<FeatureStoreProps>) =>
    refusalOf(() => new FeatureStore(newChart(), 'Store', { registry, onlineStore: redis, server: { size: size() }, ...props }));

  test.each<[string, Partial<FeatureStoreProps>, string[]]>([
    ['with one replica', { server: { size: size(1) } }, ['Millrace.FeastServerInvalid server.size']],
    [
      'with too little memory for its workers',
      { server: { size: size(3, Size.gibibytes(1)) } },
      ['Millrace.FeastServerInvalid server.size'],
    ],
    ['with a maximum below its replicas', { server: { size: size(), maxReplicas: 3 } }, ['Millrace.FeastServerInvalid server.maxReplicas']],
    [
      'without a secret and without an address',
      { onlineStore: FeastOnlineStore.redis({ secretName: '', addresses: [] }) },
      ['Millrace.FeastSecretMissing onlineStore.secretName', 'Millrace.FeastAddressMissing onlineStore.addresses'],
    ],
    ['with a name that makes no service', { storeName: 'Radar-1' }, ['Millrace.FeatureStoreNameInvalid storeName']],
    ['with a name too long for a service', { storeName: 'r'.repeat(49) }, ['Millrace.FeatureStoreNameInvalid storeName']],
    [
      'with a key that no secret has',
      { onlineStore: FeastOnlineStore.redis({ secretName: 'redis', secretKey: 'a b', addresses: REDIS }) },
      ['Millrace.FeastSecretMissing onlineStore.secretKey'],
    ],
    [
      'with settings of servers out of range',
      { server: { size: size(), workers: 65, workerConnections: 99, maxRequests: NaN } },
      [
        'Millrace.FeastServerInvalid server.workers',
        'Millrace.FeastServerInvalid server.size',
        'Millrace.FeastServerInvalid server.workerConnections',
        'Millrace.FeastServerInvalid server.maxRequests',
      ],
    ],
    [
      'with a registry that is no object',
      { registry: FeastRegistry.s3({ path: '/tmp/registry.db', addresses: DATABASE }) },
      ['Millrace.FeastRegistryInvalid registry.path'],
    ],
    [
      'filled from nothing',
      { materialization: { schedule: { expression: '@daily' }, size: size() } },
      ['Millrace.FeastMaterializationInvalid materialization'],
    ],
  ])('%s', (_name, props, expected) => expect(refusals(props)).toEqual(expected));

  test('and so are groups that it cannot serve', () => {
    const where = newChart();
    const made = new FeatureStore(where, 'Store', { registry, onlineStore: dynamodb, server: { size: size() } });
    made.addFeatureGroup('A', { schema: schemaOf('a') });
    const integral = [{ name: 'card_id', type: FeatureType.INTEGRAL }];
    const add = (id: string, options: Parameters<FeatureStore['addFeatureGroup']>[1]) => refusalOf(() => made.addFeatureGroup(id, options));
    expect(add('Twice', { schema: schemaOf('a') })).toEqual(['Millrace.FeatureGroupTwice schema.name']);
    expect(add('Entity', { schema: schemaOf('b', { features: integral }) })).toEqual([
      'Millrace.FeatureEntityTypeDiffers schema.entityKey',
    ]);
    expect(add('Table', { schema: schemaOf('t'), tableName: 'public.t' })).toEqual(['Millrace.FeatureTableInvalid tableName']);
    const long = [{ name: 'card_id', type: FeatureType.STRING, description: 'x'.repeat(1024 * 1024) }];
    expect(add('Large', { schema: schemaOf('l', { features: long }) })).toEqual(['Millrace.FeatureGroupTooLarge schema']);
    const elsewhere = newChart('elsewhere', where.node.root as App, 'elsewhere');
    expect(refusalOf(() => new FeatureGroup(elsewhere, 'Far', { store: made, schema: schemaOf('f') }))).toEqual([
      'Millrace.FeatureGroupNamespace scope',
    ]);
    const withHistory = new FeatureStore(where, 'History', { registry, onlineStore: redis, offlineStore, server: { size: size() } });
    const far = new Service(elsewhere, 'Training', { image: 'registry.example.com/train:1.0', size: PUSH.size });
    const remembered = withHistory.addFeatureGroup('A', { schema: schemaOf('a') });
    expect(refusalOf(() => remembered.grants.readOffline(far))).toEqual(['Millrace.FeastClientNamespace workload']);
    const exact = { readsPerSecond: 1, writesPerSecond: 1, entities: 1, p99: Duration.millis(10) };
    expect(add('Exact', { schema: schemaOf('e'), demand: exact })).toEqual([]);
    const demand = { readsPerSecond: 1, writesPerSecond: 1, entities: 1, p99: Duration.millis(9) };
    expect(add('Slow', { schema: schemaOf('c'), demand })).toEqual(['Millrace.FeatureStoreTooSlow demand.p99']);
    expect(refusalOf(() => made.addFeatureGroup('History', { schema: schemaOf('d') }).grants.readOffline(training))).toEqual([
      'Millrace.FeastHistoryMissing offlineStore',
    ]);
  });
});

describe('an update', () => {
  const object = (spec: object, kind = 'FeatureStore'): SynthesizedObject => ({
    id: `${kind}.feast.dev/n/x`,
    file: 'x.yaml',
    manifest: { apiVersion: 'feast.dev/v1', kind, metadata: { name: 'x' }, spec },
  });
  const say = (before?: object, after?: object) =>
    checkUpdate(
      new Assembly({ stacks: [], objects: before ? [object(before)] : [] }),
      new Assembly({ stacks: [], objects: after ? [object(after)] : [] }),
      FeastUpdateRules.all(),
    ).map(({ severity, code }) => `${severity} ${code}`);
  const online = (persistence: object) => ({ feastProject: 'a', services: { onlineStore: { persistence } } });

  test('of another project or store is refused, for that is empty', () => {
    expect(say({ feastProject: 'a' }, { feastProject: 'b' })).toEqual(['error Millrace.FeastProjectChange']);
    expect(say(online({ store: { type: 'redis' } }), online({ store: { type: 'dynamodb' } }))).toEqual(['error Millrace.FeastStoreChange']);
    expect(
      say(online({ store: { type: 'redis', secretRef: { name: 'a' } } }), online({ store: { type: 'redis', secretRef: { name: 'b' } } })),
    ).toEqual([]);
    expect(say({ feastProject: 'a' }, online({ store: { type: 'redis' } }))).toEqual([]);
  });

  test('of a claim is refused, as the API server does', () => {
    const claim = (storage: string) => online({ file: { pvc: { mountPath: '/data', create: { resources: { requests: { storage } } } } } });
    expect(say(claim('5Gi'), claim('5Gi'))).toEqual([]);
    expect(say(claim('5Gi'), claim('10Gi'))).toEqual(['error Millrace.FeastVolumeClaimChange']);
  });

  test('without the store is refused', () => {
    expect(say({ feastProject: 'a' })).toEqual(['error Millrace.FeatureStoreRemoval']);
  });

  test('is checked by the rules that a store registers', () => {
    const versions = ['radar_v1', 'radar_v2'].map((storeName) => {
      const made = newChart();
      new FeatureStore(made, 'Store', { storeName, registry, onlineStore: redis, server: { size: size() } });
      synth(made.node.root as App);
      return Assembly.fromDirectories({ manifests: (made.node.root as App).outdir });
    });
    expect(checkUpdate(versions[0], versions[1], FeastUpdateRules.all()).map(({ code }) => code)).toEqual(['Millrace.FeatureStoreRemoval']);
  });
});
