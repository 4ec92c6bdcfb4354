import type { Size } from 'aws-cdk-lib';
import * as scaling from 'aws-cdk-lib/aws-applicationautoscaling';
import { Construct } from 'constructs';
import type { Rule } from '../../core/rule';

/** How the volumes of Standard brokers grow by themselves. */
export interface StorageAutoscalingOptions {
  /** Size up to which a volume grows, whole GiB up to 16,384. Volumes never shrink. */
  readonly maxSize: Size;
  /**
   * Share of a volume that is used before it grows, percent from 10 to 80.
   * @default 60: MSK recommends 50 to 60
   */
  readonly targetUtilisation?: number;
}

/** How Standard brokers store records; Express brokers store by themselves. */
export interface KafkaStorage {
  /**
   * Older records on the cheaper tier, for topics with `remote.storage.enable`. It can be turned on later and never off again.
   * @default false
   */
  readonly tiered?: boolean;
  /**
   * Lets MSK enlarge the volumes by at least a tenth when they fill up, at most every six hours. The volumes then are larger than the template says: before the
   * size in the template is changed, set it to at least what `aws kafka describe-cluster-v2` shows.
   * @default - volumes stay as they are sized
   */
  readonly autoscaling?: StorageAutoscalingOptions;
}

const MAX_VOLUME_GIB = 16_384;
const DEFAULT_TARGET = 60;

/** What autoscaling must fit. */
export interface StorageInput {
  readonly storage: KafkaStorage;
  /** GiB of a volume as sized; none for Express. */
  readonly volumeGib?: number;
}

/** Rules for the storage of a cluster. */
export const STORAGE_RULES: readonly Rule<StorageInput>[] = [
  {
    code: 'Millrace.KafkaStorageOnExpress',
    subject: 'storage',
    value: ({ storage }) => [storage.tiered && 'tiered', storage.autoscaling && 'autoscaling'].filter(Boolean).join(', ') || undefined,
    valid: (_given: string, { volumeGib }) => volumeGib !== undefined,
    allowed: 'nothing: Express brokers store by themselves, without a limit that one sets',
    fix: 'drop it, or take Standard brokers',
  },
  {
    code: 'Millrace.KafkaStorageAutoscalingInvalid',
    subject: 'storage.autoscaling.maxSize',
    value: ({ storage, volumeGib }) => (volumeGib === undefined ? undefined : storage.autoscaling?.maxSize),
    valid: (size: Size, { volumeGib }) => {
      // SizeRoundingBehavior.NONE: a fraction is to be refused by us.
      const gib = size.toGibibytes({ rounding: 2 });
      return Number.isInteger(gib) && gib > volumeGib! && gib <= MAX_VOLUME_GIB;
    },
    allowed: ({ volumeGib }) => `whole GiB above the ${volumeGib} GiB that the brokers begin with, up to ${MAX_VOLUME_GIB}`,
    fix: 'give what you would pay for at most, for example twice the sized volume',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaStorageAutoscalingInvalid',
    subject: 'storage.autoscaling.targetUtilisation',
    value: ({ storage }) => storage.autoscaling?.targetUtilisation,
    valid: (share: number) => share >= 10 && share <= 80,
    allowed: 'percent from 10 to 80 (MSK developer guide, Automatic scaling)',
    fix: `leave it out for ${DEFAULT_TARGET}`,
  },
];

/** Properties of the autoscaling of a cluster's volumes. */
export interface StorageAutoscalingProps extends StorageAutoscalingOptions {
  /** The cluster. */
  readonly clusterArn: string;
}

/**
 * Grows the volumes of a cluster with Application Auto Scaling, which acts through its service-linked role
 * `AWSServiceRoleForApplicationAutoScaling_KafkaCluster`; CloudFormation needs `iam:CreateServiceLinkedRole` the first time.
 */
export class StorageAutoscaling extends Construct {
  constructor(scope: Construct, id: string, props: StorageAutoscalingProps) {
    super(scope, id);
    // Not the ScalableTarget of the CDK: it makes a role that Kafka never uses.
    const target = new scaling.CfnScalableTarget(this, 'Resource', {
      serviceNamespace: 'kafka',
      scalableDimension: 'kafka:broker-storage:VolumeSize',
      resourceId: props.clusterArn,
      // Without effect: a volume never shrinks.
      minCapacity: 1,
      maxCapacity: props.maxSize.toGibibytes(),
    });
    new scaling.CfnScalingPolicy(this, 'Policy', {
      policyName: 'broker-storage',
      policyType: 'TargetTrackingScaling',
      scalingTargetId: target.ref,
      targetTrackingScalingPolicyConfiguration: {
        predefinedMetricSpecification: { predefinedMetricType: 'KafkaBrokerStorageUtilization' },
        targetValue: props.targetUtilisation ?? DEFAULT_TARGET,
        // Volumes cannot shrink; Application Auto Scaling would try.
        disableScaleIn: true,
      },
    });
  }
}
