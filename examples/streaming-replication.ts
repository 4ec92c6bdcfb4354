import * as path from 'path';
import { App, Bitrate, Stack, Validations } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Chart } from 'cdk8s';
import { core, cost, streaming } from '../lib'; // in your project: from 'millrace'

const OWNER = new cost.CostAllocation({ team: 'streaming', service: 'replication', costCenter: 'CC-1042', environment: 'prod' });
// What is replicated, and whose offsets are translated: the same on both flavours.
const SELECTION = {
  replicatorName: 'payments-to-ireland',
  topics: { prefixes: ['payments.'] },
  consumerGroups: { names: ['fraud-features', 'ledger'] },
  demand: { throughput: Bitrate.mbps(160), partitions: 120 },
};

function importCluster(stack: Stack, id: string, region: string, uuid: string, digit: string): streaming.aws.IKafkaCluster {
  const zones = ['a', 'b', 'c'];
  const vpc = Vpc.fromVpcAttributes(stack, `${id}Vpc`, {
    vpcId: `vpc-0a1b2c3d4e5f6071${digit}`,
    availabilityZones: zones.map((zone) => region + zone),
    privateSubnetIds: zones.map((zone) => `subnet-0a1b2c3d4e5f607${digit}${zone}`),
    privateSubnetRouteTableIds: zones.map((zone) => `rtb-0a1b2c3d4e5f607${digit}${zone}`),
  });
  return streaming.aws.KafkaCluster.fromKafkaClusterAttributes(stack, id, {
    clusterArn: `arn:aws:kafka:${region}:111122223333:cluster/payments/${uuid}`,
    vpc,
    securityGroups: [SecurityGroup.fromSecurityGroupId(stack, `${id}Brokers`, `sg-0a1b2c3d4e5f6071${digit}`)],
  });
}

/** MSK in Frankfurt to MSK in Ireland. The stack stands in the Region of the target. */
function buildTemplates(outdir: string): void {
  const app = new App({ outdir });
  const stack = new Stack(app, 'Replication', { env: { region: 'eu-west-1', account: '111122223333' } });
  const frankfurt = importCluster(stack, 'Frankfurt', 'eu-central-1', '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-1', '1');
  const ireland = importCluster(stack, 'Ireland', 'eu-west-1', '9f8e7d6c-5b4a-3928-1706-f5e4d3c2b1a0-2', '2');
  new streaming.aws.Replicator(stack, 'Payments', {
    ...SELECTION,
    source: streaming.aws.ReplicationSource.fromCluster(frankfurt),
    target: ireland,
  });
  OWNER.applyTo(stack);
  Validations.of(app).addPlugins(new cost.TagPolicy());
  app.synth();
}

/** Any Kafka in Frankfurt to Strimzi in Ireland. The secrets come from whoever runs Frankfurt. */
function buildManifests(outdir: string): void {
  const app = new core.k8s.App({ outdir });

  const chart = new Chart(app, 'replication', { namespace: 'streaming' });
  new streaming.k8s.Replicator(chart, 'Payments', {
    ...SELECTION,
    source: streaming.k8s.ReplicationSource.fromKafka({
      alias: 'frankfurt',
      bootstrapServers: 'kafka.frankfurt.example.com:9094',
      trustedCertificatesSecretName: 'frankfurt-cluster-ca-cert',
      authentication: streaming.k8s.SourceAuthentication.tls('frankfurt-replicator'),
    }),
    target: streaming.k8s.KafkaCluster.fromKafkaClusterAttributes(chart, 'Ireland', { clusterName: 'payments' }),
  });
  OWNER.applyTo(chart);
  app.synth();
}

/** Replication to another Region on both flavours, each with its failover runbook in `runbooks/`. */
export function build(outdir: string): void {
  buildTemplates(path.join(outdir, 'cdk.out'));
  buildManifests(path.join(outdir, 'cdk8s.out'));
}

if (require.main === module) build('.');
