import * as path from 'path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Chart } from 'cdk8s';
import { core, cost, streaming, workloads } from '../lib'; // in your project: from 'millrace'

const OWNER = new cost.CostAllocation({ team: 'ledger', service: 'ledger-cdc', costCenter: 'CC-1042', environment: 'prod' });

// What is captured: the same on both flavours. Each table becomes a topic, `ledger.ledger.accounts` and so on.
const CAPTURE: streaming.MySqlCdcOptions = {
  connectorName: 'ledger-cdc',
  topicPrefix: 'ledger',
  database: { hostname: 'ledger.internal.example.com' },
  tables: [{ table: 'ledger.accounts' }, { table: 'ledger.entries', partitions: 12 }],
};

/** MSK Connect. The plugins lie in a bucket of yours; the library downloads nothing. */
function buildTemplates(outdir: string): void {
  const app = new App({ outdir });
  const stack = new Stack(app, 'LedgerCdc', { env: { region: 'eu-west-1', account: '111122223333' } });
  const zones = ['a', 'b', 'c'];
  const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0a1b2c3d4e5f60718',
    availabilityZones: zones.map((zone) => `eu-west-1${zone}`),
    privateSubnetIds: zones.map((zone) => `subnet-0a1b2c3d4e5f6071${zone}`),
    privateSubnetRouteTableIds: zones.map((zone) => `rtb-0a1b2c3d4e5f6071${zone}`),
  });
  const cluster = streaming.aws.KafkaCluster.fromKafkaClusterAttributes(stack, 'Kafka', {
    clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/payments/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-2',
    securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'Brokers', 'sg-0f1e2d3c4b5a69788')],
    vpc,
  });
  const artifacts = Bucket.fromBucketName(stack, 'Artifacts', 'example-connect-plugins');
  const cdc = new streaming.aws.MySqlCdc(stack, 'Capture', {
    ...CAPTURE,
    cluster,
    // Debezium's connector and the config provider for Secrets Manager in one archive, with the hash of yours.
    plugins: [
      streaming.aws.ConnectPlugin.fromBucket(stack, 'Debezium', artifacts, 'debezium-mysql-3.5.0.zip', {
        sha256: '3f0a1c4e5b6d7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708',
      }),
    ],
    credentials: {
      secret: Secret.fromSecretCompleteArn(stack, 'Login', 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:ledger/cdc-AbCdEf'),
    },
  });
  const features = new workloads.aws.PodIdentity(stack, 'Features', {
    clusterName: 'ml',
    namespace: 'features',
    serviceAccountName: 'balances',
    securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'Nodes', 'sg-0a1b2c3d4e5f60718')],
  });
  cdc.topicFor('ledger.entries').grants.consume(features, { groupId: 'balance-features' });
  OWNER.applyTo(stack);
  Validations.of(app).addPlugins(new cost.TagPolicy());
  app.synth();
}

/** Strimzi. The builder of the operator fetches the plugin from where you keep it, and refuses any other file. */
function buildManifests(outdir: string): void {
  const app = new core.k8s.App({ outdir });

  const chart = new Chart(app, 'ledger-cdc', { namespace: 'payments' });
  const cluster = streaming.k8s.KafkaCluster.fromKafkaClusterAttributes(chart, 'Kafka', { clusterName: 'payments' });
  const connectCluster = new streaming.k8s.ConnectCluster(chart, 'Connect', {
    cluster,
    image: streaming.k8s.ConnectImage.fromPlugins({
      image: 'registry.example.com/payments/connect:3.5.0',
      pushSecretName: 'registry-push',
      plugins: [
        streaming.k8s.ConnectPlugin.fromUrls('debezium-mysql', [
          {
            url: 'https://artifacts.example.com/debezium-connector-mysql-3.5.0.Final-plugin.tar.gz',
            sha512:
              'f96495b6bc8d160525f20d5625b7a0208cc91bb2c65514bccc170c905b511550c1101b8fc51833662a616e58fbb75b696dd914a1f1ce9a4ffbf01517f9b4c6b5',
          },
        ]),
      ],
    }),
  });
  const cdc = new streaming.k8s.MySqlCdc(chart, 'Capture', { ...CAPTURE, connectCluster, credentials: { secretName: 'ledger-cdc-login' } });
  const features = new streaming.k8s.KafkaUser(chart, 'Features', { cluster });
  cdc.topicFor('ledger.entries').grants.consume(features, { groupId: 'balance-features' });
  OWNER.applyTo(chart);
  app.synth();
}

/** Every change of two MySQL tables in Kafka, on both flavours, and a reader of one of them. */
export function build(outdir: string): void {
  buildTemplates(path.join(outdir, 'cdk.out'));
  buildManifests(path.join(outdir, 'cdk8s.out'));
}

if (require.main === module) build('.');
