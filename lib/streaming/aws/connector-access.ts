import { Arn, ArnFormat, Fn, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { refuse } from '../../core/error';
import type { ConnectorSettings } from '../cdc-config';
import { ConnectorKind } from '../connector-config';
import type { ITopic } from '../topic';
import type { IKafkaCluster } from './kafka-cluster';
import { grantSchemas } from './schema-registry-grants';
import type { TopicGrants } from './topic-grants';

/** The access to a topic; every topic of this flavour has it, whoever made it. */
export function grantsOf(scope: Construct, topic: ITopic): TopicGrants {
  const { grants } = topic as ITopic & { grants?: TopicGrants };
  if (grants) return grants;
  return refuse(scope.node.path, {
    code: 'Millrace.ConnectorTopicForeign',
    subject: 'topics',
    received: `${topic.node.path}, which has no grants`,
    allowed: 'topics of streaming.aws',
    fix: 'import it with streaming.aws.Topic.fromTopicAttributes',
  });
}

/** The role of a connector's workers: only MSK Connect may take it, only for connectors of this name. */
export function connectorRole(scope: Construct, connectorName: string): iam.Role {
  const stack = Stack.of(scope);
  const connectors = (resourceName: string) =>
    Arn.format({ service: 'kafkaconnect', resource: 'connector', resourceName, arnFormat: ArnFormat.SLASH_RESOURCE_NAME }, stack);
  // eslint-disable-next-line awscdk/require-passing-this -- a function has no `this`
  return new iam.Role(scope, 'Role', {
    description: `Workers of the connector ${connectorName}`,
    assumedBy: new iam.ServicePrincipal('kafkaconnect.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnLike: { 'aws:SourceArn': [connectors(`${connectorName}/*`), connectors(`${connectorName}-*/*`)] },
      },
    }),
  });
}

/** `arn:<p>:kafka:<region>:<account>:cluster/<name>/<uuid>` with another kind in place of `cluster` and a name at the end. */
function arnOf(cluster: IKafkaCluster, kind: 'topic' | 'group', name: string): string {
  const parts = Fn.split(':cluster/', cluster.clusterArn);
  return Fn.join('', [Fn.select(0, parts), `:${kind}/`, Fn.select(1, parts), '/', name]);
}

/**
 * What workers need for themselves (MSK developer guide, service execution role): the topics in which MSK Connect keeps a connector's state, named
 * `__amazon_msk_connect_<configs|offsets|status>_<connector>_<id>`, and the group in which they find each other.
 */
export function grantWorkerState(grantee: iam.IGrantable, cluster: IKafkaCluster, connectorName: string): void {
  const allow = (actions: string[], ...resourceArns: string[]) => iam.Grant.addToPrincipal({ grantee, actions, resourceArns });
  allow(['kafka-cluster:Connect', 'kafka-cluster:DescribeCluster'], cluster.clusterArn);
  allow(
    ['kafka-cluster:CreateTopic', 'kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData', 'kafka-cluster:WriteData'],
    arnOf(cluster, 'topic', `__amazon_msk_connect_*_${connectorName}*`),
  );
  allow(['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'], arnOf(cluster, 'group', '__amazon_msk_connect_*'));
}

/** A topic that the connector writes and reads without a group, from its beginning. */
export function grantOwnTopic(grantee: iam.IGrantable, cluster: IKafkaCluster, topicName: string): void {
  iam.Grant.addToPrincipal({
    grantee,
    actions: [
      'kafka-cluster:DescribeTopic',
      'kafka-cluster:DescribeTopicDynamicConfiguration',
      'kafka-cluster:ReadData',
      'kafka-cluster:WriteData',
    ],
    resourceArns: [arnOf(cluster, 'topic', topicName)],
  });
}

const GLUE_CONVERTER = /^com\.amazonaws\.services\.schemaregistry\.kafkaconnect\./;

/** The schemas of the Glue registries that the converters of a connector name: a source registers what it writes, a sink looks up. */
export function grantConverterSchemas(role: iam.Role, settings: ConnectorSettings, kind: ConnectorKind): void {
  const stack = Stack.of(role);
  for (const side of ['key.converter', 'value.converter']) {
    const registryName = settings[`${side}.registry.name`];
    if (!GLUE_CONVERTER.test(settings[side] ?? '') || registryName === undefined) continue;
    const arn = (resource: string, resourceName: string) =>
      stack.formatArn({
        service: 'glue',
        region: settings[`${side}.region`],
        resource,
        resourceName,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      });
    grantSchemas(role, [arn('registry', registryName), arn('schema', `${registryName}/*`)], kind === ConnectorKind.SOURCE);
  }
}
