import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnInferenceComponent } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { type EndpointScaling, EndpointScalingKind } from '../endpoint-scaling';
import type { EndpointSizing } from '../endpoint-sizing';
import { targetInFlight } from './endpoint-autoscaling';
import type { ScalingLimits } from './endpoint-autoscaling-limits';
import type { ComponentPlan } from './inference-component-rules';
import { InferenceComponentMetrics } from './inference-component-metrics';

const SCALE_IN_SECONDS = 300;
const SCALE_OUT_SECONDS = 60;

/** Properties of the scaling of a component. */
export interface ComponentAutoscalingProps {
  readonly plan: ComponentPlan;
  readonly limits: ScalingLimits;
  readonly component: CfnInferenceComponent;
}

/** Adds and takes away copies of a component, down to none and up again where that was asked for. */
export class ComponentAutoscaling extends Construct {
  /** Bounds of a component; none for one that does not scale. */
  public static limitsOf(scaling: EndpointScaling, sizing: EndpointSizing, scaleToZero: boolean): ScalingLimits | undefined {
    if (scaling.kind === EndpointScalingKind.FIXED) return undefined;
    const { minReplicas, maxReplicas } = scaling.limits;
    return {
      least: minReplicas ?? (scaleToZero ? 0 : Math.min(sizing.zones, sizing.replicas)),
      most: maxReplicas ?? 2 * sizing.replicas,
    };
  }

  constructor(scope: Construct, id: string, props: ComponentAutoscalingProps) {
    super(scope, id);
    const { plan, limits, component } = props;
    const { scaling, sizing, componentName } = plan;
    const target = new appscaling.CfnScalableTarget(this, 'Resource', {
      serviceNamespace: 'sagemaker',
      scalableDimension: 'sagemaker:inference-component:DesiredCopyCount',
      resourceId: `inference-component/${componentName}`,
      minCapacity: limits.least,
      maxCapacity: limits.most,
    });
    target.node.addDependency(component);
    const byInvocations = scaling.kind === EndpointScalingKind.INVOCATIONS;
    new appscaling.CfnScalingPolicy(this, 'Policy', {
      policyName: 'track',
      policyType: 'TargetTrackingScaling',
      scalingTargetId: target.ref,
      targetTrackingScalingPolicyConfiguration: {
        predefinedMetricSpecification: {
          predefinedMetricType: byInvocations
            ? appscaling.PredefinedMetric.SAGEMAKER_INFERENCE_COMPONENT_INVOCATIONS_PER_COPY
            : appscaling.PredefinedMetric.SAGEMAKER_INFERENCE_COMPONENT_CONCURRENT_REQUESTS_PER_COPY_HIGH_RESOLUTION,
        },
        targetValue: scaling.limits.target ?? (byInvocations ? sizing.targetInvocationsPerMinute! : targetInFlight(sizing)),
        scaleInCooldown: SCALE_IN_SECONDS,
        scaleOutCooldown: SCALE_OUT_SECONDS,
      },
    });
    if (limits.least === 0) this.startFromNothing(target, componentName);
  }

  /** The first copy: target tracking cannot divide by none (SageMaker developer guide, scale an endpoint to zero instances). */
  private startFromNothing(target: appscaling.CfnScalableTarget, componentName: string): void {
    const policy = new appscaling.CfnScalingPolicy(this, 'FirstPolicy', {
      policyName: 'first',
      policyType: 'StepScaling',
      scalingTargetId: target.ref,
      stepScalingPolicyConfiguration: {
        adjustmentType: 'ChangeInCapacity',
        metricAggregationType: 'Maximum',
        cooldown: SCALE_OUT_SECONDS,
        stepAdjustments: [{ metricIntervalLowerBound: 0, scalingAdjustment: 1 }],
      },
    });
    const alarm = new cloudwatch.Alarm(this, 'Asked', {
      alarmDescription: `${componentName}: asked while there is no copy`,
      metric: new InferenceComponentMetrics(componentName).noCapacityFailures(),
      threshold: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction({ bind: () => ({ alarmActionArn: policy.ref }) });
  }
}
