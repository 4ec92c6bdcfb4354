import { ApiObject, Names } from 'cdk8s';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { type ConnectorOptions, ConnectorState, type IConnector } from '../connector';
import type { BoundConnector } from '../connector-binding';
import { ConnectorKind } from '../connector-config';
import { connectorRules, deadLetterRetention, deadLetterTopicOf, recordConnector, resolveConnector } from '../connector-rules';
import { ConnectorUpdateRules } from '../connector-update-rules';
import { refuse } from '../../core/error';
import type { ITopic } from '../topic';
import { CleanupPolicy } from '../topic';
import { TopicLedger } from '../topic-ledger';
import type { ConnectCluster } from './connect-cluster';
import { Topic } from './topic';
import type { TopicGrants } from './topic-grants';

/** Properties of a connector on Strimzi. */
export interface ConnectorProps extends ConnectorOptions {
  /** The workers that run it; their image has its plugin. */
  readonly connectCluster: ConnectCluster;
}

/** The access to a topic; every topic of this flavour has it, whoever made it. */
export function grantsOf(scope: Construct, topic: ITopic): TopicGrants {
  const { grants } = topic as ITopic & { grants?: TopicGrants };
  if (grants) return grants;
  return refuse(scope.node.path, {
    code: 'Millrace.ConnectorTopicForeign',
    subject: 'topics',
    received: `${topic.node.path}, which has no grants`,
    allowed: 'topics of streaming.k8s',
    fix: 'import it with streaming.k8s.Topic.fromTopicAttributes',
  });
}

/**
 * A connector that Strimzi runs on a `ConnectCluster` and restarts when it fails. The operator changes it in place; its position is kept under its
 * name, so that a change goes on where the connector was.
 *
 * @throws Millrace.ConnectorNameInvalid, Millrace.ConnectorClassInvalid, Millrace.ConnectorTasksInvalid, Millrace.ConnectorTopicsMissing,
 * Millrace.ConnectorDeadLetterOfSource, Millrace.ConnectorSettingReserved, Millrace.ConnectorSecretInSettings, Millrace.ConnectorTopicForeign
 */
export class Connector extends Construct implements IConnector {
  /** Name of the connector. */
  public readonly connectorName: string;
  /** Topic for records that a sink could not read. */
  public readonly deadLetterTopic?: Topic;

  constructor(scope: Construct, id: string, props: ConnectorProps) {
    super(scope, id);
    const { config, connectCluster } = props;
    const { cluster } = connectCluster;
    this.connectorName = props.connectorName ?? Names.toDnsLabel(this);
    const groupId = `connect-${this.connectorName}`;
    const bound = config._bind({ connectorName: this.connectorName, groupId, kafka: connectCluster._client() });
    enforce(this.node.path, { ...props, name: this.connectorName }, connectorRules(bound.settings));
    const topicName = deadLetterTopicOf(props, this.connectorName);
    this.deadLetterTopic =
      topicName === undefined
        ? undefined
        : new Topic(this, 'DeadLetter', { cluster, topicName, partitions: 3, retention: deadLetterRetention(props) });
    this.openTopics(props, bound, groupId);
    const deadLetter =
      topicName === undefined ? undefined : { topicName, replicationFactor: TopicLedger.of(cluster).surroundings.replicationFactor ?? 3 };
    new ApiObject(this, 'Resource', {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'KafkaConnector',
      metadata: {
        name: this.connectorName,
        namespace: cluster.namespace,
        labels: { 'strimzi.io/cluster': connectCluster.clusterName },
      },
      spec: {
        class: config.connectorClass,
        tasksMax: props.tasksMax ?? 1,
        // Without an end, with growing pauses: a database that is away comes back.
        autoRestart: { enabled: true },
        state: props.state ?? ConnectorState.RUNNING,
        config: resolveConnector(props, bound, groupId, deadLetter),
      },
    });
    recordConnector(this, props, this.connectorName, cluster.clusterName);
    requireAllocation(this);
    registerUpdateRules(this, ConnectorUpdateRules.all());
  }

  private openTopics({ config, connectCluster, topics }: ConnectorProps, bound: BoundConnector, groupId: string): void {
    const { cluster, user } = connectCluster;
    for (const topic of topics) {
      const grants = grantsOf(this, topic);
      if (config.kind === ConnectorKind.SOURCE) grants.produce(user);
      else grants.consume(user, { groupId });
    }
    this.deadLetterTopic?.grants.produce(user);
    if (bound.controlTopic === undefined) return;
    const control = new Topic(this, 'Control', {
      cluster,
      topicName: bound.controlTopic,
      partitions: 1,
      cleanupPolicy: CleanupPolicy.DELETE,
    });
    control.grants.produce(user, { transactionalIdPrefix: bound.transactionalIds });
    control.grants.consume(user, { groupPrefix: bound.controlGroups });
    control.grants.consume(user, { groupId: bound.coordinatorGroup });
  }
}
