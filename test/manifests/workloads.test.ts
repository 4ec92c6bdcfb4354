import { Bitrate, Duration, Size } from 'aws-cdk-lib';
import { Cpu } from 'cdk8s-plus-27';
import { KafkaCluster, KafkaUser } from '../../lib/streaming/k8s';
import * as k8s from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { IMAGE, manifestsOf } from '../workloads/synthesis';
import { checkBeyondSchema } from './beyond-schema';
import { ClosedSchemas, sharedDirectory } from './closed-schemas';

const size = PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.mebibytes(768), replicas: 6 });
const GPU = k8s.GpuRequest.whole(1, k8s.GpuModel.karpenter('l4'));
const scheduling: k8s.PodScheduling = {
  nodeSelector: { pool: 'ml' },
  tolerations: [{ key: 'dedicated', value: 'ml', effect: k8s.TaintEffect.NO_EXECUTE }, { key: 'spot' }],
  zoneSpread: k8s.ZoneSpread.PREFERRED,
  gpu: GPU,
  priorityClassName: 'high',
};
const container: k8s.ContainerOptions = {
  port: 9000,
  command: ['/bin/run'],
  args: ['--fast'],
  environment: { A: 'b' },
  jvmHeap: k8s.JvmHeap.fromMemory(),
  drain: Duration.minutes(2),
};
const all = { image: IMAGE, size, container, scheduling };
const verticalAutoscaler = k8s.VerticalMode.INITIAL;
const execution: k8s.JobExecution = {
  completions: 20,
  parallelism: 5,
  retries: 2,
  deadline: Duration.hours(6),
  failOnExitCodes: [2, 64],
  keepFinished: Duration.days(1),
  suspended: true,
};

/** One of each workload with every option, and one of each with none. */
const manifests = manifestsOf((chart) => {
  const cluster = new KafkaCluster(chart, 'Kafka', { demand: { peakIngress: Bitrate.mbps(80), partitions: 60 }, clusterName: 'main' });
  const topic = cluster.addTopic('Payments', { topicName: 'payments', partitions: 24 });
  const user = (id: string, workload: k8s.Workload) => {
    const made = new KafkaUser(chart, `${id}User`, { cluster, workload });
    topic.grants.consume(made, { groupId: 'fraud' });
    return made;
  };
  const prometheus = { serverAddress: 'http://prometheus.monitoring.svc:9090', query: 'sum(up)' };
  const lag = { bootstrapServers: cluster.bootstrapServers, consumerGroup: 'fraud', topic: 'payments', partitions: 24, lagThreshold: 100 };
  const health = k8s.HealthCheck.command({ liveness: ['/bin/live'], readiness: ['/bin/ready'] });

  new k8s.Service(chart, 'Plain', { image: IMAGE, size });
  const service = new k8s.Service(chart, 'Service', {
    ...all,
    health: k8s.HealthCheck.tcp(),
    scaling: k8s.ServiceScaling.cpu({ minReplicas: 2, maxReplicas: 9, targetUtilisation: 70, verticalAutoscaler }),
    identity: k8s.ServiceIdentity.irsa('radar', 'arn:aws:iam::123456789012:role/radar'),
  });
  new k8s.Service(chart, 'ByRequests', {
    image: IMAGE,
    size,
    scaling: k8s.ServiceScaling.requestsPerSecond({ ...prometheus, requestsPerSecondPerReplica: 40, verticalAutoscaler }),
  });
  const scaling = { ...lag, minReplicas: 0, verticalAutoscaler, pollingInterval: Duration.seconds(5), cooldown: Duration.minutes(9) };
  const authentication = k8s.KafkaScalerAuthentication.tls({ userSecretName: 'user', caSecretName: 'main-cluster-ca-cert' });
  const worker = new k8s.Worker(chart, 'Worker', { ...all, health, scaling: k8s.WorkerScaling.kafkaLag({ ...scaling, authentication }) });
  const queueUrl = 'https://sqs.eu-west-1.amazonaws.com/123456789012/jobs.fifo';
  new k8s.Worker(chart, 'Queue', { image: IMAGE, size, scaling: k8s.WorkerScaling.sqsQueue({ queueUrl, messagesPerReplica: 5 }) });
  new k8s.Worker(chart, 'Query', { image: IMAGE, size, scaling: k8s.WorkerScaling.prometheus({ ...prometheus, threshold: 0.5 }) });
  new k8s.Worker(chart, 'Fixed', { image: IMAGE, size, scaling: k8s.WorkerScaling.fixed({ replicas: 2, verticalAutoscaler }) });

  new k8s.StatefulService(chart, 'PlainStore', { image: IMAGE, size, members: { storage: Size.gibibytes(1) } });
  const store = new k8s.StatefulService(chart, 'Store', {
    ...all,
    health,
    members: {
      storage: Size.gibibytes(20),
      storageClassName: 'gp3',
      mountPath: '/var/lib/store',
      replicas: 3,
      podManagement: k8s.PodManagement.PARALLEL,
      verticalAutoscaler,
    },
  });
  new k8s.BatchJob(chart, 'PlainJob', { image: IMAGE, size });
  const job = new k8s.BatchJob(chart, 'Job', { ...all, execution, identity: k8s.ServiceIdentity.podIdentity('job') });
  new k8s.CronJob(chart, 'PlainCron', { image: IMAGE, size, schedule: { expression: '@daily' } });
  const cron = new k8s.CronJob(chart, 'Cron', {
    ...all,
    execution,
    schedule: {
      expression: '*/15 9-17 * * mon-fri',
      timeZone: 'Europe/Amsterdam',
      concurrency: k8s.ConcurrencyPolicy.ALLOW,
      startingDeadline: Duration.minutes(1),
      successfulRuns: 1,
      failedRuns: 0,
      suspended: true,
    },
  });
  for (const [id, workload] of Object.entries({ Service: service, Worker: worker, Store: store, Job: job, Cron: cron })) user(id, workload);
  store.allowFrom(worker);
  service.allowFrom(cron);
});

const schemas = ClosedSchemas.load();
const withShared = schemas ? test : test.skip;

withShared(
  `every workload with every option is valid for Kubernetes and its operators${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`,
  () => {
    expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
  },
);

test('every workload holds together with the others and with Pod Security "restricted"', () => {
  expect(checkBeyondSchema(manifests)).toEqual([]);
});

test('every pod of a workload outlives its sleep and its drain together', () => {
  const pods = manifests.flatMap(({ kind, spec }) => {
    const template = kind === 'CronJob' ? spec.jobTemplate.spec.template : spec?.template;
    return ['Deployment', 'StatefulSet', 'Job', 'CronJob'].includes(kind) ? [template.spec] : [];
  });
  expect(pods.map((pod) => [pod.containers[0].lifecycle?.preStop.sleep.seconds ?? 0, pod.terminationGracePeriodSeconds])).toEqual(
    expect.arrayContaining([
      [15, 45],
      [15, 135],
      [0, 60],
      [0, 120],
      [0, 30],
    ]),
  );
  for (const pod of pods) {
    const sleep = pod.containers[0].lifecycle?.preStop.sleep.seconds ?? 0;
    expect([30, 60, 120]).toContain(pod.terminationGracePeriodSeconds - sleep);
  }
});

test('the kinds that hold workloads are all here', () => {
  expect([...new Set(manifests.map(({ kind }) => kind))].sort()).toEqual([
    ...[
      'CronJob',
      'Deployment',
      'HorizontalPodAutoscaler',
      'Job',
      'Kafka',
      'KafkaNodePool',
      'KafkaRebalance',
      'KafkaTopic',
      'KafkaUser',
      'NetworkPolicy',
    ],
    ...[
      'PodDisruptionBudget',
      'ScaledObject',
      'Service',
      'ServiceAccount',
      'StatefulSet',
      'TriggerAuthentication',
      'VerticalPodAutoscaler',
    ],
  ]);
});
