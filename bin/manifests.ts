import { Bitrate, Duration, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { core, streaming, workloads } from '../lib';
import { EKS_CLUSTER, RADAR, VPC_CIDR, allocationOf, paymentsTopic } from './shared-names';

const LEDGER_GROUP = 'ledger';

/** Kafka on Kubernetes, the gateway that writes payments to it and the ledger that reads them. */
export class PaymentsChart extends Chart {
  public readonly cluster: streaming.k8s.KafkaCluster;

  constructor(scope: Construct, id: string) {
    super(scope, id, { namespace: 'payments' });
    const cluster = new streaming.k8s.KafkaCluster(this, 'Kafka', {
      demand: { peakIngress: Bitrate.mbps(80), peakEgress: Bitrate.mbps(160), partitions: 120, retention: Duration.days(3) },
    });
    this.cluster = cluster;
    const payments = cluster.addTopic('Payments', { ...paymentsTopic(), retention: Duration.days(3) });
    const gateway = new workloads.k8s.Service(this, 'Gateway', {
      image: 'registry.example.com/payments/gateway:1.14.2',
      size: workloads.PodSize.forDemand({
        peakRequestsPerSecond: 1200,
        cpuTimePerRequest: Duration.millis(2),
        latency: Duration.millis(40),
        idleMemory: Size.mebibytes(180),
        memoryPerRequest: Size.kibibytes(256),
      }),
    });
    gateway.allowFromNamespace('ingress-nginx');
    payments.grants.produce(new streaming.k8s.KafkaUser(this, 'GatewayUser', { cluster, workload: gateway }));

    const scaler = new streaming.k8s.KafkaUser(this, 'ScalerUser', { cluster });
    payments.grants.consume(scaler, { groupId: LEDGER_GROUP });
    const ledger = new workloads.k8s.Worker(this, 'Ledger', {
      image: 'registry.example.com/payments/ledger:4.2.0',
      size: workloads.PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.gibibytes(1), replicas: 6 }),
      scaling: workloads.k8s.WorkerScaling.kafkaLag({
        bootstrapServers: cluster.bootstrapServers,
        consumerGroup: LEDGER_GROUP,
        topic: payments.topicName,
        partitions: 24,
        lagThreshold: 5000,
        authentication: workloads.k8s.KafkaScalerAuthentication.tls({
          userSecretName: scaler.userName,
          caSecretName: `${cluster.clusterName}-cluster-ca-cert`,
        }),
      }),
      container: { jvmHeap: workloads.k8s.JvmHeap.fromMemory() },
    });
    payments.grants.consume(new streaming.k8s.KafkaUser(this, 'LedgerUser', { cluster, workload: ledger }), { groupId: LEDGER_GROUP });
  }
}

/** The radar service, whose pods read payments from MSK by EKS Pod Identity, its nightly report, their nodes and the quota of the team. */
export class RadarChart extends Chart {
  constructor(scope: Construct, id: string) {
    super(scope, id, { namespace: RADAR.namespace });
    const size = workloads.PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.mebibytes(768) });
    const radar = new workloads.k8s.Service(this, 'Radar', {
      image: 'registry.example.com/fraud/radar:2.3.0',
      size,
      container: { environment: { KAFKA_TOPIC: 'payments.authorized', KAFKA_GROUP_ID: RADAR.groupId } },
      identity: workloads.k8s.ServiceIdentity.podIdentity(RADAR.serviceAccountName),
    });
    radar.allowToCidr(VPC_CIDR, 9098);
    const report = workloads.PodSize.fixed({ cpu: Cpu.millis(1000), memory: Size.gibibytes(2), replicas: 1 });
    new workloads.k8s.CronJob(this, 'Report', {
      image: 'registry.example.com/fraud/report:1.9.0',
      size: report,
      schedule: { expression: '0 3 * * *', timeZone: 'Europe/Amsterdam' },
    });
    new workloads.k8s.TeamQuota(this, 'Quota', { sizes: [{ size }, { size: report }] });
    new workloads.k8s.NodePool(this, 'Nodes', {
      workloads: [{ size, replicas: 6 }, { size: report }],
      nodeClass: { clusterName: EKS_CLUSTER, role: 'ml-nodes', image: workloads.k8s.NodeImage.al2023('v20260810') },
      packing: { capacity: workloads.NodeCapacity.MIXED },
    });
  }
}

/** The reference platform on Kubernetes. */
export function buildManifests(app: core.k8s.App): void {
  /* eslint-disable awscdk/pascal-case-construct-id -- a chart's id is its file name */
  const payments = new PaymentsChart(app, 'payments');
  allocationOf('payments', 'gateway').applyTo(payments);
  allocationOf('streaming', 'kafka').applyTo(payments.cluster);
  allocationOf('fraud-ml', 'radar').applyTo(new RadarChart(app, 'radar'));
  /* eslint-enable awscdk/pascal-case-construct-id */
}

if (require.main === module) {
  const app = new core.k8s.App({ outdir: process.env.CDK8S_OUTDIR ?? 'cdk8s.out', updateGuard: new core.UpdateGuard() });
  buildManifests(app);
  app.synth();
}
