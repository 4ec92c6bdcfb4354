import { Bitrate, Duration, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { core, cost, streaming, workloads } from '../lib'; // in your project: from 'millrace'

/** Kafka on Kubernetes with one topic, and a service that writes to it with a certificate of its own. */
export function build(outdir: string): void {
  const app = new core.k8s.App({ outdir });

  const chart = new Chart(app, 'payments', { namespace: 'payments' });
  const demand = { peakIngress: Bitrate.mbps(80), peakEgress: Bitrate.mbps(160), partitions: 120, retention: Duration.days(3) };
  const cluster = new streaming.k8s.KafkaCluster(chart, 'Kafka', { demand });
  const payments = cluster.addTopic('Payments', { topicName: 'payments.authorized', partitions: 24 });
  const load = { peakRequestsPerSecond: 1200, cpuTimePerRequest: Duration.millis(2), idleMemory: Size.mebibytes(180) };
  const gateway = new workloads.k8s.Service(chart, 'Gateway', {
    image: 'registry.example.com/payments/gateway:1.14.2',
    size: workloads.PodSize.forDemand(load),
  });
  payments.grants.produce(new streaming.k8s.KafkaUser(chart, 'GatewayUser', { cluster, workload: gateway }));
  new cost.CostAllocation({ team: 'payments', service: 'gateway', costCenter: 'CC-1042', environment: 'prod' }).applyTo(chart);
  app.synth();
}

if (require.main === module) build('cdk8s.out');
