import * as path from 'path';
import { App, Bitrate, Duration, Size, Stack, Validations } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { core, cost, features, inference, models, streaming, workloads } from '../lib'; // in your project: from 'millrace'
import { CARD_ACTIVITY, CARD_ACTIVITY_TOPIC, DEMAND, FEATURE_DEMAND, MODEL_INPUT, OWNER } from './topic-to-prediction.contract';

// `schemas/<subject>/<version>` holds what was accepted: commit it, and let `millrace schema accept` alone write it.
const CONTEXT = { 'millrace:schemas': path.join(__dirname, 'schemas') };
const KAFKA_DEMAND = { peakIngress: Bitrate.mbps(80), peakEgress: Bitrate.mbps(160), partitions: 60 };

/** MSK -> a feature group of SageMaker -> an endpoint that rolls out as a canary. */
function buildTemplates(outdir: string): void {
  const app = new App({ outdir, context: CONTEXT });
  const stack = new Stack(app, 'Prediction', { env: { region: 'eu-west-1', account: '111122223333' } });
  const vpc = new Vpc(stack, 'Vpc', { availabilityZones: ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'] });
  const cluster = new streaming.aws.KafkaCluster(stack, 'Kafka', { vpc, demand: KAFKA_DEMAND });
  const topic = cluster.addTopic('CardActivityTopic', CARD_ACTIVITY_TOPIC);

  const store = new features.aws.FeatureStore(stack, 'Features', { storeName: 'fraud' });
  const cardActivity = store.addFeatureGroup('CardActivity', { schema: CARD_ACTIVITY, demand: FEATURE_DEMAND });
  new features.aws.FeatureIngestion(stack, 'Ingestion', { topic, cluster, featureGroup: cardActivity });
  new features.aws.FeatureGroupAlarms(stack, 'CardActivityAlarms', { featureGroup: cardActivity });

  const endpoint = new inference.aws.ModelEndpoint(stack, 'Radar', {
    model: models.ModelSource.container({
      image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/radar:2.3.0',
      modelUri: 's3://example-models/radar/7/',
      input: MODEL_INPUT,
    }),
    demand: DEMAND,
    hosting: inference.aws.EndpointHosting.realTime({ instanceType: 'ml.c7g.xlarge' }),
    rollout: inference.Rollout.canary({ percent: 10, bake: Duration.minutes(10) }),
  });

  const gateway = new workloads.aws.PodIdentity(stack, 'Gateway', {
    clusterName: 'ml',
    namespace: 'payments',
    serviceAccountName: 'gateway',
    securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'Nodes', 'sg-0a1b2c3d4e5f60718')],
  });
  cardActivity.grants.read(gateway);
  endpoint.grants.invoke(gateway);

  OWNER.applyTo(stack);
  Validations.of(app).addPlugins(new cost.TagPolicy());
  app.synth();
}

/** Strimzi -> a push to Feast -> an InferenceService of KServe. */
function buildManifests(outdir: string): void {
  const app = new core.k8s.App({ outdir });
  for (const [key, value] of Object.entries(CONTEXT)) app.node.setContext(key, value);
  const chart = new Chart(app, 'prediction', { namespace: 'fraud' });
  const cluster = new streaming.k8s.KafkaCluster(chart, 'Kafka', { demand: KAFKA_DEMAND });
  const topic = cluster.addTopic('CardActivityTopic', CARD_ACTIVITY_TOPIC);
  const size = workloads.PodSize.fixed({ cpu: Cpu.millis(1000), memory: Size.gibibytes(1), replicas: 3 });

  // PostgreSQL and Redis run elsewhere; their addresses and passwords stand in the secrets, never in a manifest.
  const { FeastAddress, FeastOnlineStore, FeastRegistry } = features.k8s;
  const store = new features.k8s.FeatureStore(chart, 'Features', {
    storeName: 'fraud',
    registry: FeastRegistry.sql({ secretName: 'feast-registry', addresses: [FeastAddress.cidr('10.20.48.0/24', 5432)] }),
    onlineStore: FeastOnlineStore.redis({ secretName: 'feast-redis', addresses: [FeastAddress.cidr('10.20.49.0/24', 6379)] }),
    server: { size, maxReplicas: 6 },
  });
  const cardActivity = store.addFeatureGroup('CardActivity', { schema: CARD_ACTIVITY, demand: FEATURE_DEMAND });
  const image = 'registry.example.com/fraud/feature-push:1.2.0';
  new features.k8s.FeaturePush(chart, 'Push', { featureGroup: cardActivity, topic, cluster, image, size });

  const endpoint = new inference.k8s.ModelEndpoint(chart, 'Radar', {
    model: models.ModelSource.format({ format: 'xgboost', modelUri: 's3://example-models/radar/7/', input: MODEL_INPUT }),
    // A new version first answers a tenth of the traffic, beside the one that is trusted.
    candidate: {
      name: 'v8',
      model: models.ModelSource.format({ format: 'xgboost', modelUri: 's3://example-models/radar/8/', input: MODEL_INPUT }),
      trafficPercent: 10,
    },
    rollout: inference.Rollout.canary({ percent: 10, bake: Duration.minutes(10) }),
    demand: DEMAND,
    pods: { size },
    serving: { downloadCidr: '10.20.0.0/16' },
    prometheus: { serverAddress: 'http://prometheus.monitoring.svc:9090' },
  });

  const gateway = new workloads.k8s.Service(chart, 'Gateway', { image: 'registry.example.com/payments/gateway:1.14.2', size });
  cardActivity.grants.read(gateway);
  endpoint.grants.invoke(gateway);

  OWNER.applyTo(chart);
  app.synth();
}

/**
 * From a topic to a prediction, on both flavours. The schema of the topic makes the features, the features feed the model: a field that is
 * renamed at one end fails the synthesis with both ends named.
 */
export function build(outdir: string): void {
  buildTemplates(path.join(outdir, 'cdk.out'));
  buildManifests(path.join(outdir, 'cdk8s.out'));
}

if (require.main === module) build('.');
