import type { Bitrate } from 'aws-cdk-lib';
import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { type Rule, enforce, isPositiveInteger } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { IKafkaCluster } from './kafka-cluster';

/** Volumes of one broker. */
export interface BrokerVolumes {
  /** Id of the broker. */
  readonly brokerId: number;
  /** Ids of its volumes. */
  readonly volumeIds: number[];
}

/** What a rebalance moves. */
export class RebalanceMode {
  /** Partitions over all brokers, by the goals. */
  public static full(): RebalanceMode {
    return new RebalanceMode('full');
  }

  /** Partitions onto brokers that are new, by their ids. */
  public static addBrokers(...brokerIds: number[]): RebalanceMode {
    return new RebalanceMode('add-brokers', { brokers: brokerIds });
  }

  /** Partitions off brokers that are to leave, by their ids. Remove the brokers afterwards. */
  public static removeBrokers(...brokerIds: number[]): RebalanceMode {
    return new RebalanceMode('remove-brokers', { brokers: brokerIds });
  }

  /** Replicas off volumes that are to leave, onto the other volumes of the same broker. */
  public static removeDisks(...volumes: BrokerVolumes[]): RebalanceMode {
    return new RebalanceMode('remove-disks', {
      moveReplicasOffVolumes: volumes.map(({ brokerId, volumeIds }) => ({ brokerId, volumeIds })),
    });
  }

  private constructor(
    /** Mode as Strimzi spells it, for example `remove-brokers`. */
    public readonly mode: string,
    /** @internal */
    public readonly _fields: Record<string, unknown> = {},
  ) {}
}

/** Properties of a rebalance. */
export interface KafkaRebalanceProps {
  /** The cluster; it needs Cruise Control. */
  readonly cluster: IKafkaCluster;
  /**
   * What it moves.
   * @default RebalanceMode.full()
   */
  readonly mode?: RebalanceMode;
  /**
   * Goals of Cruise Control, most important first.
   * @default - those of Cruise Control
   */
  readonly goals?: string[];
  /**
   * What moving may take of each broker, in and out.
   * @default - no limit
   */
  readonly replicationThrottle?: Bitrate;
  /**
   * Whether the proposal is carried out without a person who approves it (annotation `strimzi.io/rebalance=approve`).
   * @default false
   */
  readonly autoApproval?: boolean;
}

/**
 * A move of partitions by Cruise Control. It runs once; annotate it with `strimzi.io/rebalance=refresh` to run it again.
 *
 * @throws Millrace.KafkaRebalanceInvalid
 */
export class KafkaRebalance extends Construct {
  constructor(scope: Construct, id: string, props: KafkaRebalanceProps) {
    super(scope, id);
    enforce(this.node.path, props, RULES);
    const mode = props.mode ?? RebalanceMode.full();
    new ApiObject(this, 'Resource', {
      apiVersion: 'kafka.strimzi.io/v1',
      kind: 'KafkaRebalance',
      metadata: {
        namespace: props.cluster.namespace,
        labels: { 'strimzi.io/cluster': props.cluster.clusterName },
        annotations: props.autoApproval ? { 'strimzi.io/rebalance-auto-approval': 'true' } : undefined,
      },
      spec: {
        mode: mode.mode,
        ...mode._fields,
        goals: props.goals,
        replicationThrottle: props.replicationThrottle && Math.floor(props.replicationThrottle.toBps() / 8),
      },
    });
    requireAllocation(this);
  }
}

const isId = (id: unknown) => Number.isSafeInteger(id) && (id as number) >= 0;

const RULES: Rule<KafkaRebalanceProps>[] = [
  {
    code: 'Millrace.KafkaRebalanceInvalid',
    subject: 'cluster',
    // An imported cluster may have it.
    value: (props) => props.cluster.hasCruiseControl,
    valid: (has: boolean) => has,
    allowed: 'a cluster with Cruise Control',
    fix: 'drop CruiseControl.none() of the cluster',
  },
  {
    code: 'Millrace.KafkaRebalanceInvalid',
    subject: 'mode',
    value: (props) => props.mode?._fields.brokers,
    valid: (brokers: number[]) => brokers.length > 0 && brokers.every(isId) && new Set(brokers).size === brokers.length,
    allowed: 'at least one broker, each by its id and once',
    fix: 'name the brokers: status.nodeIds of the KafkaNodePool',
  },
  {
    code: 'Millrace.KafkaRebalanceInvalid',
    subject: 'mode',
    value: (props) => props.mode?._fields.moveReplicasOffVolumes,
    valid: (volumes: BrokerVolumes[]) =>
      volumes.length > 0 && volumes.every(({ brokerId, volumeIds }) => isId(brokerId) && volumeIds.length > 0 && volumeIds.every(isId)),
    allowed: 'at least one broker with at least one volume, by their ids',
    fix: 'name the volumes: spec.storage.volumes of the KafkaNodePool',
  },
  {
    code: 'Millrace.KafkaRebalanceInvalid',
    subject: 'replicationThrottle',
    value: (props) => props.replicationThrottle && Math.floor(props.replicationThrottle.toBps() / 8),
    valid: isPositiveInteger,
    allowed: 'a rate of at least one byte a second',
    fix: 'leave it out for no limit',
    tokens: 'refuse',
  },
];
