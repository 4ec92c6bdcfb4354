import { Fn } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { refuse } from '../../core/error';
import type { IKafkaCluster } from '../../streaming/aws/kafka-cluster';
import { acknowledgeWildcard } from './wildcard-acknowledgment';

/**
 * What the pollers need beside the topic and the group (AWS Lambda Developer Guide, "Configuring Lambda permissions for Amazon MSK event source
 * mappings"): the cluster, and a network interface beside it. Narrower than AWSLambdaMSKExecutionRole, which covers every cluster and log; with
 * its wildcard for network interfaces, because Lambda refuses a mapping whose role seems to lack one of them.
 */
export function allowPolling(role: iam.Role, cluster: IKafkaCluster): void {
  const allow = (actions: string[], resources: string[]) => role.addToPolicy(new iam.PolicyStatement({ actions, resources }));
  allow(
    ['kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers', 'kafka-cluster:DescribeClusterDynamicConfiguration'],
    [cluster.clusterArn],
  );
  // An interface is made in a subnet, which in a shared VPC is of another account: no ARN with this one matches it.
  allow(
    ['CreateNetworkInterface', 'DeleteNetworkInterface', ...DESCRIPTIONS].map((action) => `ec2:${action}`),
    ['*'],
  );
  acknowledgeWildcard(
    role,
    '*',
    "Lambda's pollers make interfaces with ids that nobody knows before, in subnets of any account; EC2 describes, and Glue looks schema versions up, on all resources or not at all",
  );
}

const DESCRIPTIONS = ['DescribeNetworkInterfaces', 'DescribeSecurityGroups', 'DescribeSubnets', 'DescribeVpcs'];

/**
 * What Lambda asks for beside writing, to keep failures in a topic (AWS Lambda Developer Guide, "Using a Kafka topic as an on-failure
 * destination").
 */
export function allowDeadLetters(role: iam.Role, { clusterArn }: IKafkaCluster, topicName: string): void {
  const [start, cluster] = [0, 1].map((index) => Fn.select(index, Fn.split(':cluster/', clusterArn)));
  const topicArn = Fn.join('', [start, ':topic/', cluster, `/${topicName}`]);
  role.addToPolicy(new iam.PolicyStatement({ actions: ['kafka-cluster:DescribeCluster'], resources: [clusterArn] }));
  role.addToPolicy(new iam.PolicyStatement({ actions: ['kafka-cluster:ReadData'], resources: [topicArn] }));
}

/** Glue looks a version up by its id, which no ARN names (AWS Glue, identity-based policies of the Schema Registry). */
export function allowSchemaLookup(role: iam.Role): void {
  role.addToPolicy(new iam.PolicyStatement({ actions: ['glue:GetSchemaVersion'], resources: ['*'] }));
}

/**
 * The function keeps what it rejects under `rejected/`, Lambda what does not pass under `aws/lambda/` (AWS Lambda Developer Guide, "Capturing
 * discarded batches for Amazon MSK and self-managed Apache Kafka event sources"). Lambda refuses a mapping whose role may not write the whole
 * bucket.
 */
export function allowFailures(role: iam.Role, bucket: s3.IBucket): void {
  const objects = bucket.arnForObjects('*');
  role.addToPolicy(new iam.PolicyStatement({ actions: ['s3:PutObject'], resources: [objects] }));
  role.addToPolicy(new iam.PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
  bucket.encryptionKey?.grant(role, 'kms:GenerateDataKey');
  acknowledgeWildcard(role, objects, 'Lambda takes a bucket for failures only from a role that may write all of it');
}

/**
 * Lambda's pollers stand in the subnets and the security groups of the brokers: from there they go to the brokers, and by HTTPS to Lambda, STS
 * and S3 (AWS Lambda Developer Guide, "Configuring your Amazon MSK cluster and Amazon VPC network for Lambda").
 */
export function openBrokersToPollers(scope: Construct, cluster: IKafkaCluster): void {
  const { connections } = cluster;
  if (connections.securityGroups.length === 0) {
    refuse(scope.node.path, {
      code: 'Millrace.KafkaClusterConnectionsUnknown',
      subject: 'cluster',
      received: "an imported cluster without securityGroups, in which Lambda's pollers would stand",
      allowed: 'a cluster whose network the ingestion can open',
      fix: 'give securityGroups to KafkaCluster.fromKafkaClusterAttributes',
    });
  }
  connections.allowInternally(connections.defaultPort!, 'Lambda pollers with IAM');
  connections.allowToAnyIpv4(ec2.Port.tcp(443), 'Lambda pollers to AWS services');
}
