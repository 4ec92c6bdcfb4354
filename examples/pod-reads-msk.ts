import * as path from 'path';
import { App, Size, Stack, Validations } from 'aws-cdk-lib';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { core, cost, streaming, workloads } from '../lib'; // in your project: from 'millrace'

// What the two sides must agree on, once.
const RADAR = { namespace: 'fraud', serviceAccountName: 'radar', groupId: 'fraud-features', topicName: 'payments.authorized' };
const OWNER = new cost.CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' });

/** The AWS side: a role for these pods alone, which may read this topic in this group alone, and the way to the brokers. */
function buildTemplates(outdir: string): void {
  const app = new App({ outdir });
  const stack = new Stack(app, 'Radar', { env: { region: 'eu-west-1' } });
  // The platform team runs the cluster; its ARN and security group are all that is needed.
  const cluster = streaming.aws.KafkaCluster.fromKafkaClusterAttributes(stack, 'Kafka', {
    clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/payments/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-2',
    securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'Brokers', 'sg-0f1e2d3c4b5a69788')],
  });
  const payments = streaming.aws.Topic.fromTopicAttributes(stack, 'Payments', { cluster, topicName: RADAR.topicName });
  const pods = new workloads.aws.PodIdentity(stack, 'Pods', {
    clusterName: 'ml',
    namespace: RADAR.namespace,
    serviceAccountName: RADAR.serviceAccountName,
    securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'Nodes', 'sg-0a1b2c3d4e5f60718')],
  });
  payments.grants.consume(pods, { groupId: RADAR.groupId });
  OWNER.applyTo(stack);
  Validations.of(app).addPlugins(new cost.TagPolicy());
  app.synth();
}

/** The Kubernetes side: the pods run under that service account and may call the brokers and nothing else. */
function buildManifests(outdir: string): void {
  const app = new core.k8s.App({ outdir });

  const chart = new Chart(app, 'radar', { namespace: RADAR.namespace });
  const radar = new workloads.k8s.Service(chart, 'Radar', {
    image: 'registry.example.com/fraud/radar:2.3.0',
    size: workloads.PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.mebibytes(768) }),
    container: { environment: { KAFKA_TOPIC: RADAR.topicName, KAFKA_GROUP_ID: RADAR.groupId } },
    identity: workloads.k8s.ServiceIdentity.podIdentity(RADAR.serviceAccountName),
  });
  radar.allowToCidr('10.20.0.0/16', 9098);
  OWNER.applyTo(chart);
  app.synth();
}

/** A pod on EKS reads a topic on MSK: templates in `cdk.out`, manifests in `cdk8s.out`, one owner for both. */
export function build(outdir: string): void {
  buildTemplates(path.join(outdir, 'cdk.out'));
  buildManifests(path.join(outdir, 'cdk8s.out'));
}

if (require.main === module) build('.');
