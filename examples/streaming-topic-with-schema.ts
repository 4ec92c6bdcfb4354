import * as fs from 'fs';
import * as path from 'path';
import { App, Bitrate, Duration, Size, Stack, Validations } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { core, cost, streaming, workloads } from '../lib'; // in your project: from 'millrace'

const OWNER = new cost.CostAllocation({ team: 'payments', service: 'gateway', costCenter: 'CC-1042', environment: 'prod' });
const SCHEMAS = path.join(__dirname, 'schemas');
// `schemas/<subject>/<version>` holds what was accepted: commit it, and let `millrace schema accept` alone write it.
const CONTEXT = { 'millrace:schemas': SCHEMAS };

// The declaration: the same on both flavours.
const PAYMENTS: streaming.TopicOptions = {
  topicName: 'payments.authorized',
  demand: { messagesPerSecond: 4000, messageSize: Size.kibibytes(1), consumers: 3 },
  retention: Duration.days(7),
  schema: streaming.Schema.avro(fs.readFileSync(path.join(SCHEMAS, 'payment.avsc'), 'utf8')),
  compatibility: streaming.Compatibility.BACKWARD,
  deadLetter: true,
};
const DEMAND = { peakIngress: Bitrate.mbps(80), peakEgress: Bitrate.mbps(240), partitions: 60 };

/** MSK: the schema goes to Glue, the grants become IAM statements. */
function buildTemplates(outdir: string): void {
  const app = new App({ outdir, context: CONTEXT });
  const stack = new Stack(app, 'Streaming', { env: { region: 'eu-west-1', account: '111122223333' } });
  const vpc = new Vpc(stack, 'Vpc', { availabilityZones: ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'] });
  const cluster = new streaming.aws.KafkaCluster(stack, 'Kafka', { vpc, demand: DEMAND });
  const [gateway, fraudJob] = ['gateway', 'fraud-job'].map(
    (serviceAccountName) =>
      new workloads.aws.PodIdentity(stack, serviceAccountName === 'gateway' ? 'Gateway' : 'FraudJob', {
        clusterName: 'ml',
        namespace: 'payments',
        serviceAccountName,
        securityGroups: [SecurityGroup.fromSecurityGroupId(stack, `${serviceAccountName}-nodes`, 'sg-0a1b2c3d4e5f60718')],
      }),
  );

  const payments = cluster.addTopic('Payments', PAYMENTS);
  payments.grants.produce(gateway);
  payments.grants.consume(fraudJob, { groupId: 'fraud-features' });

  OWNER.applyTo(stack);
  Validations.of(app).addPlugins(new cost.TagPolicy());
  app.synth();
}

/** Strimzi: the schema goes to a registry in the cluster, the grants become ACLs of certificates. */
function buildManifests(outdir: string): void {
  const app = new core.k8s.App({ outdir });
  for (const [key, value] of Object.entries(CONTEXT)) app.node.setContext(key, value);

  const chart = new Chart(app, 'payments', { namespace: 'payments' });
  const cluster = new streaming.k8s.KafkaCluster(chart, 'Kafka', { demand: DEMAND });
  const size = workloads.PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.mebibytes(768), replicas: 3 });
  const [gateway, fraudJob] = ['Gateway', 'FraudJob'].map(
    (id) =>
      new streaming.k8s.KafkaUser(chart, `${id}User`, {
        cluster,
        workload: new workloads.k8s.Service(chart, id, { image: `registry.example.com/payments/${id.toLowerCase()}:1.4.0`, size }),
      }),
  );

  const payments = cluster.addTopic('Payments', PAYMENTS);
  payments.grants.produce(gateway);
  payments.grants.consume(fraudJob, { groupId: 'fraud-features' });

  OWNER.applyTo(chart);
  app.synth();
}

/** One declaration on both flavours: a topic sized by its demand, with a schema that cannot break its readers, dead letters and exact grants. */
export function build(outdir: string): void {
  buildTemplates(path.join(outdir, 'cdk.out'));
  buildManifests(path.join(outdir, 'cdk8s.out'));
}

if (require.main === module) build('.');
