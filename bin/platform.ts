import { App, Bitrate, CfnOutput, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { core, cost, features, inference, models, streaming, workloads } from '../lib';
import {
  CARD_ACTIVITY,
  EKS_CLUSTER,
  EKS_NODE_SECURITY_GROUP,
  RADAR,
  RADAR_DEMAND,
  RADAR_INPUT,
  VPC_CIDR,
  allocationOf,
  cardActivityTopic,
  paymentsTopic,
} from './shared-names';

/** The network everything stands in: three zones, private subnets, flow logs. */
export class NetworkStack extends Stack {
  public readonly vpc: ec2.IVpc;

  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    const vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(VPC_CIDR),
      availabilityZones: ['a', 'b', 'c'].map((zone) => `${this.region}${zone}`),
    });
    this.vpc = vpc;
    const logGroup = new logs.LogGroup(this, 'FlowLogs', { retention: flowLogRetention(this) });
    vpc.addFlowLog('FlowLog', { destination: ec2.FlowLogDestination.toCloudWatchLogs(logGroup) });
  }
}

/** A shorter retention is the harmless change that `npm run deploy:local` puts through as an update. */
function flowLogRetention(stack: Stack): logs.RetentionDays {
  return stack.node.tryGetContext('flowLogRetentionDays') === '7' ? logs.RetentionDays.ONE_WEEK : logs.RetentionDays.ONE_MONTH;
}

/** A new model is the change that `npm run deploy:local` rolls out. */
function modelVersion(stack: Stack): string {
  return stack.node.tryGetContext('radarModelVersion') ?? '7';
}

/** Kafka for payments, sized for its demand. */
export class StreamingStack extends Stack {
  // eslint-disable-next-line awscdk/no-construct-in-public-property-of-construct -- its grants are what the next stack needs
  public readonly payments: streaming.aws.Topic;
  public readonly cluster: streaming.aws.IKafkaCluster;
  public readonly cardActivity: streaming.ITopic;

  constructor(scope: Construct, id: string, props: StackProps & { readonly vpc: ec2.IVpc }) {
    super(scope, id, props);
    const cluster = new streaming.aws.KafkaCluster(this, 'Kafka', {
      vpc: props.vpc,
      demand: { peakIngress: Bitrate.mbps(240), peakEgress: Bitrate.mbps(480), partitions: 120 },
    });
    this.cluster = cluster;
    this.payments = cluster.addTopic('Payments', paymentsTopic());
    this.cardActivity = cluster.addTopic('CardActivity', cardActivityTopic());
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
      reason: 'the CDK gives its own lookup function this policy, which lets it write its log and nothing else',
    });
    new CfnOutput(this, 'BootstrapServers', { value: cluster.bootstrapServers });
  }
}

/** The AWS side of the radar service, whose pods read payments. */
export class RadarStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & { readonly payments: streaming.aws.Topic }) {
    super(scope, id, props);
    const pods = new workloads.aws.PodIdentity(this, 'Pods', {
      clusterName: EKS_CLUSTER,
      namespace: RADAR.namespace,
      serviceAccountName: RADAR.serviceAccountName,
      securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(this, 'Nodes', EKS_NODE_SECURITY_GROUP)],
    });
    props.payments.grants.consume(pods, { groupId: RADAR.groupId });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'glue:GetSchemaVersion looks a version up by its id, which no ARN names (AWS Glue, IAM examples for deserializers)',
    });
  }
}

/** The features of cards, the versions of the radar model, and the endpoint that scores payments with both. */
export class PredictionStack extends Stack {
  public readonly cardActivity: features.aws.IFeatureGroup;

  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    const store = new features.aws.FeatureStore(this, 'Features', { storeName: 'fraud' });
    const cardActivity = store.addFeatureGroup('CardActivity', { schema: CARD_ACTIVITY });
    new features.aws.FeatureGroupAlarms(this, 'CardActivityAlarms', { featureGroup: cardActivity });
    this.cardActivity = cardActivity;
    new models.aws.ModelRegistry(this, 'Registry', { registryName: 'radar' });
    new inference.aws.ModelEndpoint(this, 'Radar', {
      model: models.ModelSource.container({
        image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/radar:2.3.0',
        modelUri: `s3://example-models/radar/${modelVersion(this)}/`,
        input: RADAR_INPUT,
      }),
      demand: RADAR_DEMAND,
      hosting: inference.aws.EndpointHosting.realTime({ instanceType: 'ml.c7g.xlarge' }),
      rollout: inference.Rollout.canary(),
    });
  }
}

/** What writes the features of cards from their topic. */
export class IngestionStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & { readonly kafka: StreamingStack; readonly prediction: PredictionStack }) {
    super(scope, id, props);
    const { cluster, cardActivity: topic } = props.kafka;
    new features.aws.FeatureIngestion(this, 'CardActivity', { topic, cluster, featureGroup: props.prediction.cardActivity });
  }
}

/** The reference platform on AWS. */
export function buildPlatform(app: App): void {
  const env = { region: 'eu-west-1' };
  Validations.of(app).addPlugins(new cost.TagPolicy(), new core.UpdateGuard());
  const network = new NetworkStack(app, 'Network', { env });
  allocationOf('platform', 'network').applyTo(network);
  const kafka = new StreamingStack(app, 'Streaming', { env, vpc: network.vpc });
  allocationOf('streaming', 'kafka').applyTo(kafka);
  const radar = new RadarStack(app, 'Radar', { env, payments: kafka.payments });
  allocationOf('fraud-ml', 'radar').applyTo(radar);
  const prediction = new PredictionStack(app, 'Prediction', { env });
  allocationOf('fraud-ml', 'radar').applyTo(prediction);
  allocationOf('fraud-ml', 'features').applyTo(new IngestionStack(app, 'Ingestion', { env, kafka, prediction }));
}

if (require.main === module) {
  const app = new App();
  buildPlatform(app);
  app.synth();
}
