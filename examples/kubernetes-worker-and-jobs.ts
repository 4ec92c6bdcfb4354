import { Bitrate, Duration, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { core, cost, streaming, workloads } from '../lib'; // in your project: from 'millrace'

const { k8s } = workloads;
const GROUP = 'fraud-features';

/** A worker that follows a topic, the store it fills, a job that prepares the store and one that reports every night. */
export function build(outdir: string): void {
  const app = new core.k8s.App({ outdir });
  const chart = new Chart(app, 'fraud', { namespace: 'fraud' });
  const demand = { peakIngress: Bitrate.mbps(80), partitions: 60 };
  const cluster = new streaming.k8s.KafkaCluster(chart, 'Kafka', { clusterName: 'main', demand });
  const payments = cluster.addTopic('Payments', { topicName: 'payments.authorized', partitions: 24 });

  const image = 'registry.example.com/fraud/features:3.1.0';
  const size = workloads.PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.gibibytes(1), replicas: 6 });
  const store = new k8s.StatefulService(chart, 'Store', {
    image: 'registry.example.com/fraud/store:7.4.1',
    size: workloads.PodSize.fixed({ cpu: Cpu.millis(1000), memory: Size.gibibytes(4) }),
    members: { storage: Size.gibibytes(50) },
    container: { port: 6379 },
    health: k8s.HealthCheck.tcp(),
  });

  // KEDA reads the lag as a user of its own, whose secret is there before the worker is.
  const scaler = new streaming.k8s.KafkaUser(chart, 'ScalerUser', { cluster });
  payments.grants.consume(scaler, { groupId: GROUP });
  const worker = new k8s.Worker(chart, 'Features', {
    image,
    size,
    scaling: k8s.WorkerScaling.kafkaLag({
      bootstrapServers: cluster.bootstrapServers,
      consumerGroup: GROUP,
      topic: payments.topicName,
      partitions: 24,
      lagThreshold: 5000,
      authentication: k8s.KafkaScalerAuthentication.tls({
        userSecretName: scaler.userName,
        caSecretName: `${cluster.clusterName}-cluster-ca-cert`,
      }),
    }),
    container: { jvmHeap: k8s.JvmHeap.fromMemory(), drain: Duration.minutes(2) },
  });
  payments.grants.consume(new streaming.k8s.KafkaUser(chart, 'FeaturesUser', { cluster, workload: worker }), { groupId: GROUP });

  const prepare = new k8s.BatchJob(chart, 'Prepare', {
    image,
    size,
    container: { args: ['prepare'] },
    execution: { failOnExitCodes: [64] },
  });
  const report = new k8s.CronJob(chart, 'Report', {
    image,
    size,
    container: { args: ['report'] },
    schedule: { expression: '0 3 * * *', timeZone: 'Europe/Amsterdam' },
  });
  for (const client of [worker, prepare, report]) store.allowFrom(client);
  new cost.CostAllocation({ team: 'fraud-ml', service: 'features', costCenter: 'CC-1042', environment: 'prod' }).applyTo(chart);
  app.synth();
}

if (require.main === module) build('cdk8s.out');
