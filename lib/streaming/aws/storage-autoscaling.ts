import * as scaling from 'aws-cdk-lib/aws-applicationautoscaling';
import { Construct } from 'constructs';
import type { StorageAutoscalingOptions } from './kafka-storage';
import { DEFAULT_TARGET } from './kafka-storage-rules';

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
