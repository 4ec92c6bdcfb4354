import { App, Bitrate, Stack, Validations } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { cost, streaming } from '../lib'; // in your project: from 'millrace'

/** Kafka on AWS for a stated demand, with one topic, and an owner for all of it. */
export function build(outdir: string): void {
  const app = new App({ outdir });
  const stack = new Stack(app, 'Streaming', { env: { region: 'eu-west-1' } });
  const vpc = new Vpc(stack, 'Vpc', { availabilityZones: ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'] });
  const demand = { peakIngress: Bitrate.mbps(240), peakEgress: Bitrate.mbps(480), partitions: 120 };
  const cluster = new streaming.aws.KafkaCluster(stack, 'Kafka', { vpc, demand });
  cluster.addTopic('Payments', { topicName: 'payments.authorized', partitions: 24 });
  new cost.CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' }).applyTo(stack);
  Validations.of(app).addPlugins(new cost.TagPolicy());
  app.synth();
}

if (require.main === module) build('cdk.out');
