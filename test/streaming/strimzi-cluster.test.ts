import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Bitrate, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { BrokerType } from '../../lib/streaming/broker-type';
import {
  CruiseControl,
  KafkaCluster,
  type KafkaClusterProps,
  KafkaMetrics,
  KafkaQuotas,
  KafkaRebalance,
  KafkaUser,
  KafkaVersion,
  Listener,
  ListenerAuthentication,
  RebalanceMode,
} from '../../lib/streaming/k8s';
import { KafkaMetricNames } from '../../lib/streaming/kafka-metric-names';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import type { MessageRate } from '../../lib/streaming/topic-demand';
import { StreamCatalog } from '../../lib/streaming/stream-catalog';
import { codeOf, refusalOf } from '../contract/refusal';
import { checkBeyondSchema } from '../manifests/beyond-schema';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

// m7g.large: 78.75 MiB/s of disk and 117 MiB/s of network a broker (streaming reference, 14.1).
const sizing = KafkaSizing.fixed({ brokerType: BrokerType.of('m7g.large'), brokers: 3, storagePerBroker: Size.gibibytes(500) });

function newChart(namespace?: string): Chart {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-strimzi-')) });
  new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return new Chart(app, 'kafka', { namespace });
}
function synth(chart: Chart): any[] {
  const app = chart.node.root as App;
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
}
const of = (manifests: any[], kind: string) => manifests.filter((manifest) => manifest.kind === kind);
const make = (props: Partial<KafkaClusterProps>, chart = newChart('payments')) =>
  new KafkaCluster(chart, 'Kafka', { sizing, clusterName: 'main', ...props });
const specOf = (props: Partial<KafkaClusterProps>) => {
  const chart = newChart('payments');
  make(props, chart);
  return of(synth(chart), 'Kafka')[0].spec;
};

const LISTENERS = [
  Listener.scram(),
  Listener.internal({ name: 'busy', port: 9096, maxConnections: 500 }),
  Listener.clusterIp({ name: 'proxy', port: 9097, authentication: ListenerAuthentication.SCRAM_SHA_512 }),
  Listener.loadBalancer({ name: 'vpc', port: 9098, allowedCidrs: ['10.0.0.0/8'], annotations: { 'example.com/dns': 'kafka' } }),
  Listener.loadBalancer({ name: 'public', port: 9099, allowedCidrs: ['203.0.113.0/24'], internetFacing: true }),
  Listener.nodePort({ name: 'nodes', port: 9100, allowedCidrs: ['10.1.0.0/16', '10.2.0.0/16'] }),
  Listener.route({ name: 'route', port: 9101 }),
  Listener.route({ name: 'named', port: 9102, bootstrapHost: 'kafka.apps.example.com', routerNamespace: 'ingress' }),
  Listener.tlsRoute({
    name: 'gateway',
    port: 9103,
    bootstrapHost: 'kafka.example.com',
    hostTemplate: 'broker-{nodeId}.kafka.example.com',
    gatewayName: 'public',
    gatewayNamespace: 'gateways',
  }),
];

const chart = newChart('payments');
const cluster = make(
  {
    listeners: LISTENERS,
    metrics: KafkaMetrics.strimziReporter({ allowList: ['kafka_server_.*'], podMonitor: true }),
    quotas: KafkaQuotas.perUser({ produce: Bitrate.mbps(80), consume: Bitrate.mbps(160), requestThreads: 2 }),
    kafkaVersion: KafkaVersion.V4_3_1.withMetadata('4.2'),
  },
  chart,
);
cluster.allowFromNamespace('ledger');
cluster.allowFromNamespace('keda', { podLabels: { app: 'keda-operator' } });
cluster.allowFromNamespace('ledger');
new KafkaRebalance(chart, 'Full', { cluster });
new KafkaRebalance(chart, 'Leave', {
  cluster,
  mode: RebalanceMode.removeBrokers(3, 4, 5),
  goals: ['RackAwareGoal'],
  replicationThrottle: Bitrate.mbps(80),
  autoApproval: true,
});
new KafkaRebalance(chart, 'Join', { cluster, mode: RebalanceMode.addBrokers(6) });
new KafkaRebalance(chart, 'Disks', { cluster, mode: RebalanceMode.removeDisks({ brokerId: 0, volumeIds: [1] }) });
const manifests = synth(chart);
const kafka = of(manifests, 'Kafka')[0];
const listener = (name: string) => kafka.spec.kafka.listeners.find((one: any) => one.name === name);

const schemas = ClosedSchemas.load();
const withShared = schemas ? test : test.skip;

withShared(`everything is valid for Strimzi${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`, () => {
  expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
  expect(checkBeyondSchema(manifests)).toEqual([]);
  const others = [
    { quotas: KafkaQuotas.diskGuard({ excludedPrincipals: ['User:mirror'] }) },
    { quotas: KafkaQuotas.shareOfBroker(0.5), cruiseControl: CruiseControl.enabled({ autoRebalance: false }) },
    {
      metrics: KafkaMetrics.jmxExporter({ configMapName: 'rules', key: 'kafka.yml', podMonitor: true }),
      cruiseControl: CruiseControl.none(),
    },
  ];
  for (const props of others) {
    const other = newChart('payments');
    make(props, other);
    expect(synth(other).flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
  }
});

const CLIENTS = { podSelector: { matchLabels: { 'millrace.io/kafka-main': 'client' } } };
const inNamespace = (name: string) => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } });
const PEERS = [
  CLIENTS,
  { ...inNamespace('keda'), podSelector: { matchLabels: { app: 'keda-operator' } } },
  { ...inNamespace('ledger'), ...CLIENTS },
];

describe('listeners', () => {
  test('stand beside the default one, each encrypted and authenticated', () => {
    expect(kafka.spec.kafka.listeners[0]).toMatchObject({ name: 'tls', port: 9093, type: 'internal', authentication: { type: 'tls' } });
    expect(kafka.spec.kafka.listeners.map((one: any) => one.tls)).toEqual(Array(10).fill(true));
    expect(kafka.spec.kafka.listeners.map((one: any) => `${one.name} ${one.type} ${one.authentication.type}`)).toEqual([
      'tls internal tls',
      'scram internal scram-sha-512',
      'busy internal tls',
      'proxy cluster-ip scram-sha-512',
      'vpc loadbalancer tls',
      'public loadbalancer tls',
      'nodes nodeport tls',
      'route route tls',
      'named route tls',
      'gateway tlsroute tls',
    ]);
  });

  test('inside Kubernetes let in clients of their namespace and of those that were named, in one order, once', () => {
    for (const name of ['tls', 'scram', 'busy', 'proxy']) expect(listener(name).networkPolicyPeers).toEqual(PEERS);
    expect(listener('busy').configuration).toEqual({ maxConnections: 500 });
  });

  test('behind load balancers are private unless asked otherwise, take named ranges only, and are paid for by the allocation', () => {
    const tags = 'team=streaming,service=kafka,cost-center=CC-1042,environment=prod';
    const annotations = {
      'networking.gke.io/load-balancer-type': 'Internal',
      'service.beta.kubernetes.io/aws-load-balancer-internal': 'true',
      'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internal',
      'service.beta.kubernetes.io/azure-load-balancer-internal': 'true',
      'service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags': tags,
      'example.com/dns': 'kafka',
    };
    expect(listener('vpc').configuration).toEqual({
      loadBalancerSourceRanges: ['10.0.0.0/8'],
      externalTrafficPolicy: 'Local',
      bootstrap: { annotations },
      perBrokerAnnotationsTemplate: annotations,
    });
    expect(listener('vpc').networkPolicyPeers).toBeUndefined();
    expect(listener('public').configuration.bootstrap.annotations).toEqual({
      'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internet-facing',
      'service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags': tags,
    });
  });

  test('on node ports see the address of the client, which the network policy checks', () => {
    expect(listener('nodes')).toMatchObject({
      configuration: { externalTrafficPolicy: 'Local' },
      networkPolicyPeers: [{ ipBlock: { cidr: '10.1.0.0/16' } }, { ipBlock: { cidr: '10.2.0.0/16' } }],
    });
  });

  test('behind routes and gateways let in those alone', () => {
    expect(listener('route')).toEqual({
      name: 'route',
      port: 9101,
      type: 'route',
      tls: true,
      authentication: { type: 'tls' },
      networkPolicyPeers: [inNamespace('openshift-ingress')],
    });
    expect(listener('named')).toMatchObject({
      configuration: { bootstrap: { host: 'kafka.apps.example.com' } },
      networkPolicyPeers: [inNamespace('ingress')],
    });
    expect(listener('gateway')).toMatchObject({
      configuration: {
        bootstrap: { host: 'kafka.example.com' },
        hostTemplate: 'broker-{nodeId}.kafka.example.com',
        parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'public', namespace: 'gateways' }],
      },
      networkPolicyPeers: [inNamespace('gateways')],
    });
  });

  test('have an address where it is known before the deployment', () => {
    expect(['tls', 'scram', 'proxy', 'named', 'gateway'].map((name) => cluster.bootstrapServersOf(name))).toEqual([
      'main-kafka-bootstrap.payments.svc:9093',
      'main-kafka-bootstrap.payments.svc:9095',
      'main-kafka-proxy-bootstrap.payments.svc:9097',
      'kafka.apps.example.com:443',
      'kafka.example.com:443',
    ]);
    for (const name of ['vpc', 'nodes', 'route', 'none']) {
      expect(codeOf(() => cluster.bootstrapServersOf(name))).toBe('Millrace.KafkaListenerInvalid');
    }
  });

  const REFUSED: [what: string, listeners: Listener[], refused: string[]][] = [
    ['the name of the default one', [Listener.internal({ name: 'tls', port: 9096 })], ['listeners[0].name']],
    ['a long name', [Listener.internal({ name: 'a'.repeat(12), port: 9096 })], ['listeners[0].name']],
    ['a dash', [Listener.internal({ name: 'a-b', port: 9096 })], ['listeners[0].name']],
    ['a low port', [Listener.internal({ name: 'a', port: 9091 })], ['listeners[0].port']],
    ['the port of the default one', [Listener.internal({ name: 'a', port: 9093 })], ['listeners[0].port']],
    ['the port of metrics', [Listener.internal({ name: 'a', port: 9404 })], ['listeners[0].port']],
    ['one name and port twice', [Listener.scram(), Listener.scram()], ['listeners[1].name', 'listeners[1].port']],
    ['no connection', [Listener.internal({ name: 'a', port: 9096, maxConnections: 0 })], ['listeners[0].maxConnections']],
    ['no range', [Listener.nodePort({ name: 'a', port: 9096, allowedCidrs: [] })], ['listeners[0].allowedCidrs']],
    ['a range that is none', [Listener.loadBalancer({ name: 'a', port: 9096, allowedCidrs: ['10.0.0.0'] })], ['listeners[0].allowedCidrs']],
  ];
  test.each(REFUSED)('fail with %s', (_what, listeners, refused) => {
    expect(refusalOf(() => make({ listeners }))).toEqual(refused.map((subject) => `Millrace.KafkaListenerInvalid ${subject}`));
  });
});

test('a listener with a service for each broker has a name that leaves room for that of the cluster, one inside does not need to', () => {
  const clusterName = 'k'.repeat(20);
  const named = (length: number) => [Listener.clusterIp({ name: 'a'.repeat(length), port: 9096 })];
  expect(() => make({ clusterName, listeners: named(11) })).not.toThrow();
  expect(refusalOf(() => make({ clusterName: `${clusterName}k`, listeners: named(11) }))).toEqual([
    'Millrace.KafkaListenerInvalid listeners[0].name',
  ]);
  expect(() =>
    make({ clusterName: `${clusterName}k`, listeners: [Listener.internal({ name: 'a'.repeat(11), port: 9096 })] }),
  ).not.toThrow();
});

describe('Cruise Control', () => {
  test('runs by default, knows what a broker can do, and balances when brokers come or go', () => {
    const { cruiseControl } = specOf({});
    expect(cruiseControl).toEqual({
      // 117 MiB/s x 1024; 85 % of 2 vCPU.
      brokerCapacity: { cpu: '1700m', inboundNetwork: '119808KiB/s', outboundNetwork: '119808KiB/s' },
      // 3 x 1,000 partitions are one step of 256 MiB.
      resources: { requests: { cpu: '500m', memory: '1280Mi' }, limits: { memory: '1280Mi' } },
      jvmOptions: { '-Xms': '960m', '-Xmx': '960m' },
      autoRebalance: [
        { mode: 'add-brokers', template: { name: 'main-scaling' } },
        { mode: 'remove-brokers', template: { name: 'main-scaling' } },
      ],
    });
  });

  test('moves partitions with a quarter of the disk baseline, by a template that never runs itself', () => {
    const template = of(manifests, 'KafkaRebalance').find(({ metadata }) => metadata.name === 'main-scaling');
    expect(template.metadata.annotations).toEqual({ 'strimzi.io/rebalance-template': 'true' });
    expect(template.metadata.labels).toMatchObject({ 'strimzi.io/cluster': 'main', team: 'streaming' });
    expect(template.spec).toEqual({ replicationThrottle: Math.floor((78.75 / 4) * 1024 * 1024) });
    const faster = newChart();
    make({ cruiseControl: CruiseControl.enabled({ replicationThrottle: Bitrate.mbps(800) }) }, faster);
    expect(of(synth(faster), 'KafkaRebalance')[0].spec.replicationThrottle).toBe(100_000_000);
  });

  test('leaves the partitions alone, or is left out, on request', () => {
    const calm = newChart();
    make({ cruiseControl: CruiseControl.enabled({ autoRebalance: false }) }, calm);
    const made = synth(calm);
    expect(of(made, 'Kafka')[0].spec.cruiseControl.autoRebalance).toBeUndefined();
    expect(of(made, 'KafkaRebalance')).toEqual([]);
    const none = newChart();
    expect(make({ cruiseControl: CruiseControl.none() }, none).hasCruiseControl).toBe(false);
    const without = synth(none);
    expect(of(without, 'Kafka')[0].spec.cruiseControl).toBeUndefined();
    expect(of(without, 'KafkaRebalance')).toEqual([]);
  });

  test('fails for a throttle of nothing', () => {
    expect(codeOf(() => CruiseControl.enabled({ replicationThrottle: Bitrate.bps(1) }))).toBe('Millrace.CruiseControlInvalid');
  });
});

describe('a rebalance', () => {
  const rebalance = (name: string) => of(manifests, 'KafkaRebalance').find(({ metadata }) => metadata.name.includes(name));

  test('moves what it says, after somebody has approved it', () => {
    expect(rebalance('full').spec).toEqual({ mode: 'full' });
    expect(rebalance('full').metadata.annotations).toBeUndefined();
    expect(rebalance('full').metadata).toMatchObject({ namespace: 'payments', labels: { 'strimzi.io/cluster': 'main' } });
    expect(rebalance('join').spec).toEqual({ mode: 'add-brokers', brokers: [6] });
    expect(rebalance('disks').spec).toEqual({ mode: 'remove-disks', moveReplicasOffVolumes: [{ brokerId: 0, volumeIds: [1] }] });
    expect(rebalance('leave').spec).toEqual({
      mode: 'remove-brokers',
      brokers: [3, 4, 5],
      goals: ['RackAwareGoal'],
      replicationThrottle: 10_000_000,
    });
    expect(rebalance('leave').metadata.annotations).toEqual({ 'strimzi.io/rebalance-auto-approval': 'true' });
  });

  test('fails without Cruise Control, brokers or volumes, and passes for an imported cluster', () => {
    const scope = newChart();
    const without = make({ cruiseControl: CruiseControl.none() }, scope);
    const refused = (mode?: RebalanceMode, on = cluster) =>
      refusalOf(() => new KafkaRebalance(newChart('payments'), 'Rebalance', { cluster: on, mode }));
    expect(refused(undefined, without)).toEqual(['Millrace.KafkaRebalanceInvalid cluster']);
    for (const mode of [
      RebalanceMode.addBrokers(),
      RebalanceMode.removeBrokers(1, 1),
      RebalanceMode.removeBrokers(-1),
      RebalanceMode.removeDisks(),
      RebalanceMode.removeDisks({ brokerId: 0, volumeIds: [] }),
    ]) {
      expect(refused(mode)).toEqual(['Millrace.KafkaRebalanceInvalid mode']);
    }
    const imported = KafkaCluster.fromKafkaClusterAttributes(scope, 'Imported', { clusterName: 'old' });
    expect(codeOf(() => new KafkaRebalance(scope, 'Rebalance', { cluster: imported }))).toBeUndefined();
  });
});

describe('metrics', () => {
  test('come from the metrics reporter by default, and the cluster says which names they have', () => {
    expect(specOf({}).kafka.metricsConfig).toEqual({ type: 'strimziMetricsReporter', values: { allowList: ['.*'] } });
    expect(kafka.spec.kafka.metricsConfig.values).toEqual({ allowList: ['kafka_server_.*'] });
    expect(cluster.metricNames).toBe(KafkaMetricNames.STRIMZI_METRICS_REPORTER);
  });

  test('come from the JMX exporter with rules of a ConfigMap, under the names of those rules', () => {
    const metrics = KafkaMetrics.jmxExporter({ configMapName: 'rules', key: 'kafka.yml' });
    expect(specOf({ metrics }).kafka.metricsConfig).toEqual({
      type: 'jmxPrometheusExporter',
      valueFrom: { configMapKeyRef: { name: 'rules', key: 'kafka.yml' } },
    });
    expect(make({ metrics }).metricNames).toBe(KafkaMetricNames.JMX_EXPORTER);
    const imported = KafkaCluster.fromKafkaClusterAttributes(newChart(), 'Imported', {
      clusterName: 'old',
      metricNames: KafkaMetricNames.JMX_EXPORTER,
    });
    expect(imported.metricNames).toBe(KafkaMetricNames.JMX_EXPORTER);
  });

  test('are scraped from brokers and controllers on request', () => {
    expect(of(manifests, 'PodMonitor')[0].spec).toEqual({
      selector: { matchLabels: { 'strimzi.io/cluster': 'main', 'strimzi.io/kind': 'Kafka' } },
      podTargetLabels: ['strimzi.io/cluster', 'strimzi.io/pool-name'],
      podMetricsEndpoints: [{ path: '/metrics', port: 'tcp-prometheus' }],
    });
    const other = newChart();
    make({}, other);
    expect(of(synth(other), 'PodMonitor')).toEqual([]);
  });

  test.each([[[]], [['(']], [['']]])('fail for the allow list %j', (allowList) => {
    expect(codeOf(() => KafkaMetrics.strimziReporter({ allowList }))).toBe('Millrace.KafkaMetricsInvalid');
  });
});

describe('quotas', () => {
  test('are none by default', () => expect(specOf({}).kafka.quotas).toBeUndefined());

  test('limit each user on each broker, in bytes and in hundredths of a thread', () => {
    expect(kafka.spec.kafka.quotas).toEqual({
      type: 'kafka',
      producerByteRate: 10_000_000,
      consumerByteRate: 20_000_000,
      requestPercentage: 200,
    });
  });

  test('limit each user to a share of what the broker of the size sustains', () => {
    // 78.75 / 3 = 26.25 MiB/s in; 117 - 2 x 26.25 = 64.5 MiB/s out; half of each.
    expect(specOf({ quotas: KafkaQuotas.shareOfBroker(0.5) }).kafka.quotas).toEqual({
      type: 'kafka',
      producerByteRate: 13_762_560,
      consumerByteRate: 33_816_576,
    });
  });

  test('stop producers before a disk is full', () => {
    expect(specOf({ quotas: KafkaQuotas.diskGuard() }).kafka.quotas).toEqual({ type: 'strimzi', minAvailableRatioPerVolume: 0.1 });
  });

  test('that guard disks refuse a grant with a demand, whose quota would not count, and take one without', () => {
    const grant = (quotas: KafkaQuotas, demand: MessageRate | undefined) => {
      const chart = newChart('streaming');
      const cluster = new KafkaCluster(chart, 'Kafka', { sizing, quotas });
      cluster.addTopic('Topic', { topicName: 'a', deadLetter: true }).grants.consume(new KafkaUser(chart, 'User', { cluster }), {
        groupId: 'g',
        demand,
      });
    };
    const demand = { messagesPerSecond: 10, messageSize: Size.kibibytes(1) };
    expect(codeOf(() => grant(KafkaQuotas.diskGuard(), demand))).toBe('Millrace.KafkaClientDemandUnsupported');
    expect(() => grant(KafkaQuotas.diskGuard(), undefined)).not.toThrow();
    expect(() => grant(KafkaQuotas.shareOfBroker(0.5), demand)).not.toThrow();
  });

  test('fail for no limit, no rate, a share above one, and what is no principal', () => {
    const refused = [
      () => KafkaQuotas.perUser({}),
      () => KafkaQuotas.perUser({ produce: Bitrate.bps(1) }),
      () => KafkaQuotas.perUser({ requestThreads: 0 }),
      () => KafkaQuotas.shareOfBroker(1.1),
      () => KafkaQuotas.shareOfBroker(NaN),
      () => KafkaQuotas.diskGuard({ minAvailableRatio: 1 }),
      () => KafkaQuotas.diskGuard({ excludedPrincipals: ['mirror'] }),
    ];
    expect(refused.map(codeOf)).toEqual(Array(refused.length).fill('Millrace.KafkaQuotasInvalid'));
  });
});

describe('the version', () => {
  test('holds the metadata back during an upgrade, and leaves it to the operator otherwise', () => {
    expect([kafka.spec.kafka.version, kafka.spec.kafka.metadataVersion]).toEqual(['4.3.1', '4.2']);
    expect(specOf({}).kafka.metadataVersion).toBeUndefined();
    expect(KafkaVersion.V4_3_1.withMetadata('4.2-IV1').metadataVersion).toBe('4.2-IV1');
    expect(KafkaVersion.V4_3_1.withMetadata('4.3').metadataVersion).toBe('4.3');
  });

  test.each(['4.4', '5.0-IV0', '4', '4.2.0', '4.2-1', ''])("fails for the metadata '%s'", (metadata) => {
    expect(codeOf(() => KafkaVersion.V4_3_1.withMetadata(metadata))).toBe('Millrace.KafkaVersionInvalid');
  });
});

test('a cluster is in the catalogue with its address', () => {
  expect(StreamCatalog.of(chart).clusters).toEqual([
    { construct: cluster, clusterName: 'main', protocol: 'kafka-secure', host: 'main-kafka-bootstrap.payments.svc:9093' },
  ]);
});
