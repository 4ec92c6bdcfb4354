import { Bitrate, Duration, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { core, features, inference, models, streaming, workloads } from '../lib';
import {
  CARD_ACTIVITY,
  EKS_CLUSTER,
  RADAR,
  RADAR_DEMAND,
  RADAR_INPUT,
  VPC_CIDR,
  allocationOf,
  cardActivityTopic,
  paymentsTopic,
} from './shared-names';

const LEDGER_GROUP = 'ledger';

/** Kafka on Kubernetes, the gateway that writes payments to it and the ledger that reads them. */
export class PaymentsChart extends Chart {
  public readonly cluster: streaming.k8s.KafkaCluster;
  public readonly cardActivity: streaming.ITopic;

  constructor(scope: Construct, id: string) {
    super(scope, id, { namespace: 'payments' });
    const cluster = new streaming.k8s.KafkaCluster(this, 'Kafka', {
      demand: { peakIngress: Bitrate.mbps(80), peakEgress: Bitrate.mbps(160), partitions: 120, retention: Duration.days(3) },
    });
    this.cluster = cluster;
    this.cardActivity = cluster.addTopic('CardActivity', cardActivityTopic());
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

/** What the prediction chart takes from the chart of Kafka. */
export interface PredictionChartProps {
  readonly payments: PaymentsChart;
}

/** The twin of the prediction stack: features of cards in Feast, pushed from their topic, and the radar model on KServe. */
export class PredictionChart extends Chart {
  constructor(scope: Construct, id: string, props: PredictionChartProps) {
    super(scope, id, { namespace: RADAR.namespace });
    const { FeastAddress, FeastOnlineStore, FeastRegistry } = features.k8s;
    const size = workloads.PodSize.fixed({ cpu: Cpu.millis(1000), memory: Size.gibibytes(1), replicas: 3 });
    const store = new features.k8s.FeatureStore(this, 'Features', {
      storeName: 'fraud',
      registry: FeastRegistry.sql({ secretName: 'feast-registry', addresses: [FeastAddress.cidr('10.20.48.0/24', 5432)] }),
      onlineStore: FeastOnlineStore.redis({ secretName: 'feast-redis', addresses: [FeastAddress.cidr('10.20.49.0/24', 6379)] }),
      server: { size, maxReplicas: 6 },
    });
    const cardActivity = store.addFeatureGroup('CardActivity', { schema: CARD_ACTIVITY });
    new features.k8s.FeaturePush(this, 'Push', {
      featureGroup: cardActivity,
      topic: props.payments.cardActivity,
      cluster: props.payments.cluster,
      image: 'registry.example.com/fraud/feature-push:1.2.0',
      size,
      push: { credentials: streaming.k8s.ClientCredentials.externalSecret() },
    });
    new inference.k8s.ModelEndpoint(this, 'Radar', {
      model: models.ModelSource.format({ format: 'xgboost', modelUri: 's3://example-models/radar/7/', input: RADAR_INPUT }),
      demand: RADAR_DEMAND,
      pods: { size },
      serving: { downloadCidr: VPC_CIDR },
      prometheus: { serverAddress: 'http://prometheus.monitoring.svc:9090' },
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
  allocationOf('fraud-ml', 'radar').applyTo(new PredictionChart(app, 'prediction', { payments }));
  /* eslint-enable awscdk/pascal-case-construct-id */
}

if (require.main === module) {
  const app = new core.k8s.App({ outdir: process.env.CDK8S_OUTDIR ?? 'cdk8s.out', updateGuard: new core.UpdateGuard() });
  buildManifests(app);
  app.synth();
}
