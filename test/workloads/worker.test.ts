import { Duration } from 'aws-cdk-lib';
import type { Chart } from 'cdk8s';
import { KafkaCluster, KafkaUser } from '../../lib/streaming/k8s';
import {
  HealthCheck,
  KafkaScalerAuthentication,
  Service,
  VerticalMode,
  Worker,
  type WorkerProps,
  WorkerScaling,
} from '../../lib/workloads/k8s';
import { refusalOf } from '../contract/refusal';
import { IMAGE, OWNER, SIZE, manifestOf, manifestsOf, newChart } from './synthesis';

const LAG = {
  bootstrapServers: 'main-kafka-bootstrap.kafka.svc:9093',
  consumerGroup: 'fraud-features',
  topic: 'payments.authorized',
  partitions: 24,
  lagThreshold: 500,
};
const QUEUE = { queueUrl: 'https://sqs.eu-west-1.amazonaws.com/123456789012/jobs', messagesPerReplica: 20 };
const QUERY = { serverAddress: 'http://prometheus.monitoring.svc:9090', query: 'sum(queue_depth)', threshold: 2.5 };

const make = (chart: Chart, props: Partial<WorkerProps> = {}) =>
  new Worker(chart, 'Consumer', { image: IMAGE, size: SIZE, scaling: WorkerScaling.kafkaLag(LAG), ...props });
const of = (kind: string, props: Partial<WorkerProps> = {}) => manifestOf(kind, (chart) => make(chart, props));
const scaledBy = (scaling: WorkerScaling) => of('ScaledObject', { scaling }).spec;
const refused = (props: Partial<WorkerProps>) => refusalOf(() => make(newChart(), props));

describe('a worker', () => {
  test('is five objects with an owner, and nothing that could be called', () => {
    const manifests = manifestsOf((chart) => make(chart));
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      'Deployment',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'ScaledObject',
      'ServiceAccount',
    ]);
    for (const { metadata } of manifests) expect(metadata.labels).toMatchObject(OWNER);
    const [container] = of('Deployment').spec.template.spec.containers;
    expect([container.ports, container.livenessProbe, container.readinessProbe]).toEqual([undefined, undefined, undefined]);
  });

  test('that is told to stop has a minute to finish, or as long as it is given, and no sleep before it', () => {
    const podOf = (drain?: Duration) => of('Deployment', { container: { drain } }).spec.template.spec;
    expect(podOf().terminationGracePeriodSeconds).toBe(60);
    expect(podOf(Duration.minutes(20)).terminationGracePeriodSeconds).toBe(1200);
    expect(podOf().containers[0].lifecycle).toBeUndefined();
  });

  test('is probed by a command, or on a port of its own', () => {
    const containerOf = (props: Partial<WorkerProps>) => of('Deployment', props).spec.template.spec.containers[0];
    const byCommand = containerOf({ health: HealthCheck.command({ liveness: ['/bin/alive'] }) });
    expect(byCommand.startupProbe).toEqual({
      exec: { command: ['/bin/alive'] },
      timeoutSeconds: 2,
      periodSeconds: 5,
      failureThreshold: 60,
    });
    expect([byCommand.livenessProbe.exec.command, byCommand.readinessProbe]).toEqual([['/bin/alive'], undefined]);
    const byPort = containerOf({ health: HealthCheck.tcp(), container: { port: 9000 } });
    expect(byPort.readinessProbe.tcpSocket).toEqual({ port: 'http' });
    expect(byPort.ports).toEqual([{ name: 'http', containerPort: 9000, protocol: 'TCP' }]);
  });

  test('lets callers in only when it has a port', () => {
    const { spec } = manifestOf('NetworkPolicy', (chart) => make(chart, { container: { port: 9000 } }).allowFromNamespace('monitoring'));
    expect(spec.ingress[0].ports).toEqual([{ protocol: 'TCP', port: 9000 }]);
    const closed = make(newChart());
    expect(refusalOf(() => closed.allowFromNamespace('monitoring'))).toEqual(['Millrace.WorkerInvalid container.port']);
    expect(refusalOf(() => closed.allowFrom(closed))).toEqual(['Millrace.WorkerInvalid container.port']);
  });

  test('calls a service, and acts as a Kafka user, as a service does', () => {
    const manifests = manifestsOf((chart) => {
      const worker = make(chart);
      new Service(chart, 'Scorer', { image: IMAGE, size: SIZE }).allowFrom(worker);
      const cluster = KafkaCluster.fromKafkaClusterAttributes(chart, 'Kafka', { clusterName: 'main', namespace: 'fraud' });
      new KafkaUser(chart, 'User', { cluster, workload: worker });
    });
    const deployment = manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name.includes('consumer'));
    expect(deployment.spec.template.metadata.labels['millrace.io/kafka-main']).toBe('client');
    expect(deployment.spec.template.spec.containers[0].env).toContainEqual({ name: 'KAFKA_SECURITY_PROTOCOL', value: 'SSL' });
    const policy = manifests.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name.includes('consumer'));
    expect(policy.spec.egress.map(({ ports }: any) => ports[0].port)).toEqual([53, 8080, 9093]);
  });
});

describe('the scaling of a worker', () => {
  test('by Kafka lag stays within the partitions, falls back to the size at peak and never below what runs', () => {
    expect(scaledBy(WorkerScaling.kafkaLag(LAG))).toMatchObject({
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment' },
      minReplicaCount: 1,
      maxReplicaCount: 12,
      pollingInterval: 15,
      fallback: { failureThreshold: 3, replicas: 6, behavior: 'currentReplicasIfHigher' },
      advanced: { restoreToOriginalReplicaCount: false },
      triggers: [
        {
          type: 'kafka',
          metricType: 'AverageValue',
          metadata: {
            bootstrapServers: LAG.bootstrapServers,
            consumerGroup: 'fraud-features',
            topic: 'payments.authorized',
            lagThreshold: '500',
            allowIdleConsumers: 'false',
          },
        },
      ],
    });
    expect(scaledBy(WorkerScaling.kafkaLag({ ...LAG, partitions: 4 }))).toMatchObject({ maxReplicaCount: 4, fallback: { replicas: 4 } });
  });

  test('shrinks by a tenth a minute after five quiet ones', () => {
    expect(scaledBy(WorkerScaling.kafkaLag(LAG)).advanced.horizontalPodAutoscalerConfig.behavior.scaleDown).toEqual({
      stabilizationWindowSeconds: 300,
      policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }],
    });
  });

  test('goes to zero only when asked, after a cooldown', () => {
    expect('cooldownPeriod' in scaledBy(WorkerScaling.kafkaLag(LAG))).toBe(false);
    expect(scaledBy(WorkerScaling.kafkaLag({ ...LAG, minReplicas: 0 }))).toMatchObject({ minReplicaCount: 0, cooldownPeriod: 300 });
    const slow = { minReplicas: 0, cooldown: Duration.minutes(30), pollingInterval: Duration.seconds(60), fallbackReplicas: 2 };
    expect(scaledBy(WorkerScaling.kafkaLag({ ...LAG, ...slow }))).toMatchObject({
      cooldownPeriod: 1800,
      pollingInterval: 60,
      fallback: { replicas: 2 },
    });
  });

  test.each([
    [
      'a certificate',
      KafkaScalerAuthentication.tls({ userSecretName: 'user', caSecretName: 'main-cluster-ca-cert' }),
      { tls: 'enable' },
      {
        secretTargetRef: [
          { parameter: 'ca', name: 'main-cluster-ca-cert', key: 'ca.crt' },
          { parameter: 'cert', name: 'user', key: 'user.crt' },
          { parameter: 'key', name: 'user', key: 'user.key' },
        ],
      },
    ],
    [
      'a password',
      KafkaScalerAuthentication.scram('kafka'),
      { tls: 'enable', sasl: 'scram_sha512' },
      {
        secretTargetRef: [
          { parameter: 'username', name: 'kafka', key: 'username' },
          { parameter: 'password', name: 'kafka', key: 'password' },
        ],
      },
    ],
    [
      'IAM',
      KafkaScalerAuthentication.mskIam('eu-west-1'),
      { tls: 'enable', sasl: 'aws_msk_iam', awsRegion: 'eu-west-1' },
      { podIdentity: { provider: 'aws', identityOwner: 'keda' } },
    ],
  ])('by Kafka lag authenticates with %s', (_with, authentication, metadata, spec) => {
    const scaling = WorkerScaling.kafkaLag({ ...LAG, authentication });
    const trigger = scaledBy(scaling).triggers[0];
    const made = of('TriggerAuthentication', { scaling });
    expect(trigger.metadata).toMatchObject(metadata);
    expect(trigger.authenticationRef).toEqual({ name: made.metadata.name });
    expect(made.spec).toEqual(spec);
    expect(made.metadata.labels).toMatchObject(OWNER);
  });

  test('by the length of a queue uses the identity of KEDA in the region of the queue', () => {
    const scaling = WorkerScaling.sqsQueue(QUEUE);
    expect(scaledBy(scaling).triggers[0]).toMatchObject({
      type: 'aws-sqs-queue',
      metadata: { queueURL: QUEUE.queueUrl, queueLength: '20', awsRegion: 'eu-west-1', scaleOnInFlight: 'true' },
    });
    expect(of('TriggerAuthentication', { scaling }).spec).toEqual({ podIdentity: { provider: 'aws', identityOwner: 'keda' } });
  });

  test('by a Prometheus query takes a lost metric for lost, not for zero', () => {
    expect(scaledBy(WorkerScaling.prometheus(QUERY)).triggers).toEqual([
      { type: 'prometheus', metricType: 'AverageValue', metadata: { ...QUERY, threshold: '2.5', ignoreNullValues: 'false' } },
    ]);
  });

  test('that is fixed stands in the deployment and needs no KEDA', () => {
    const manifests = manifestsOf((chart) => make(chart, { scaling: WorkerScaling.fixed({ replicas: 2 }) }));
    expect(manifests.find(({ kind }) => kind === 'Deployment').spec.replicas).toBe(2);
    expect(manifests.filter(({ kind }) => /Scale/.test(kind))).toEqual([]);
    expect('replicas' in of('Deployment').spec).toBe(false);
  });

  test('by a metric leaves CPU and memory to a vertical autoscaler', () => {
    const scaling = WorkerScaling.kafkaLag({ ...LAG, verticalAutoscaler: VerticalMode.INITIAL });
    const [policy] = of('VerticalPodAutoscaler', { scaling }).spec.resourcePolicy.containerPolicies;
    expect(policy.controlledResources).toEqual(['cpu', 'memory']);
  });
});

describe('refused', () => {
  const lag = (options: object) => refused({ scaling: WorkerScaling.kafkaLag({ ...LAG, ...options }) });
  const queue = (options: object) => refused({ scaling: WorkerScaling.sqsQueue({ ...QUEUE, ...options }) });
  const query = (options: object) => refused({ scaling: WorkerScaling.prometheus({ ...QUERY, ...options }) });

  test.each([
    ['more replicas than partitions', () => lag({ partitions: 4, maxReplicas: 5 }), 'scaling.maxReplicas'],
    ['fewer at most than at least', () => lag({ minReplicas: 5, maxReplicas: 4 }), 'scaling.maxReplicas'],
    ['less than no replica', () => lag({ minReplicas: -1 }), 'scaling.minReplicas'],
    ['no partitions', () => lag({ partitions: 1.5, maxReplicas: 1 }), 'scaling.partitions'],
    ['no lag', () => lag({ lagThreshold: 0 }), 'scaling.lagThreshold'],
    ['brokers without a port', () => lag({ bootstrapServers: 'kafka' }), 'scaling.bootstrapServers'],
    ['a wildcard for a topic', () => lag({ topic: 'payments.*' }), 'scaling.topic'],
    ['a group without a name', () => lag({ consumerGroup: '' }), 'scaling.consumerGroup'],
    ['a fallback beyond the most', () => lag({ maxReplicas: 4, fallbackReplicas: 5 }), 'scaling.fallbackReplicas'],
    ['a fallback below the least', () => lag({ minReplicas: 3, fallbackReplicas: 2 }), 'scaling.fallbackReplicas'],
    ['half a second', () => lag({ pollingInterval: Duration.millis(500) }), 'scaling.pollingInterval'],
    ['a cooldown of a day', () => lag({ cooldown: Duration.days(1) }), 'scaling.cooldown'],
    ['a queue elsewhere', () => queue({ queueUrl: 'https://example.com/jobs' }), 'scaling.queueUrl'],
    ['no message', () => queue({ messagesPerReplica: 0 }), 'scaling.messagesPerReplica'],
    ['an address without a scheme', () => query({ serverAddress: 'prometheus:9090' }), 'scaling.serverAddress'],
    ['an empty query', () => query({ query: ' ' }), 'scaling.query'],
    ['no threshold', () => query({ threshold: 0 }), 'scaling.threshold'],
    ['no fixed replica', () => refused({ scaling: WorkerScaling.fixed({ replicas: 0 }) }), 'scaling.replicas'],
    ['a check of a port it has not', () => refused({ health: HealthCheck.http() }), 'health'],
    ['a drain of three hours', () => refused({ container: { drain: Duration.hours(3) } }), 'container.drain'],
    ['an untested image', () => refused({ image: 'radar' }), 'image'],
  ])('fails for %s', (_what, codes, subject) => {
    expect(codes()).toEqual([`Millrace.WorkerInvalid ${subject}`]);
  });

  test('fails with everything at once', () => {
    expect(refused({ image: 'radar', scaling: WorkerScaling.kafkaLag({ ...LAG, lagThreshold: 0, topic: '' }) })).toEqual([
      'Millrace.WorkerInvalid image',
      'Millrace.WorkerInvalid scaling.topic',
      'Millrace.WorkerInvalid scaling.lagThreshold',
    ]);
  });
});
