import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { EndpointScalingKind } from '../endpoint-scaling';
import type { EndpointSizing } from '../endpoint-sizing';
import type { ScalingLimits } from './endpoint-autoscaling-limits';
import { EndpointHostingKind } from './endpoint-hosting';
import type { EndpointPlan } from './endpoint-plan';
import { ModelEndpointMetrics } from './model-endpoint-metrics';

const SCALE_IN_SECONDS = 300;
const SCALE_OUT_SECONDS = 60;
const PROVISIONED_TARGET = 0.7;

/** Properties of the scaling of one variant. */
export interface EndpointAutoscalingProps {
  readonly plan: EndpointPlan;
  readonly variantName: string;
  readonly limits: ScalingLimits;
  /** Name of the endpoint once it is there. */
  readonly endpointName: string;
}

/**
 * Adds and takes away instances of a variant, or provisioned concurrency, through the service-linked role
 * `AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint`; CloudFormation needs `iam:CreateServiceLinkedRole` the first time.
 */
export class EndpointAutoscaling extends Construct {
  private readonly props: EndpointAutoscalingProps;

  constructor(scope: Construct, id: string, props: EndpointAutoscalingProps) {
    super(scope, id);
    this.props = props;
    const { plan, variantName, limits, endpointName } = props;
    const serverless = plan.hosting.kind === EndpointHostingKind.SERVERLESS;
    // Not the ScalableTarget of the CDK: it makes a role that SageMaker never uses.
    const target = new appscaling.CfnScalableTarget(this, 'Resource', {
      serviceNamespace: 'sagemaker',
      scalableDimension: serverless ? 'sagemaker:variant:DesiredProvisionedConcurrency' : 'sagemaker:variant:DesiredInstanceCount',
      resourceId: `endpoint/${endpointName}/variant/${variantName}`,
      minCapacity: limits.least,
      maxCapacity: limits.most,
    });
    new appscaling.CfnScalingPolicy(this, 'Policy', {
      policyName: 'track',
      policyType: 'TargetTrackingScaling',
      scalingTargetId: target.ref,
      targetTrackingScalingPolicyConfiguration: {
        ...this.tracked(),
        scaleInCooldown: SCALE_IN_SECONDS,
        scaleOutCooldown: SCALE_OUT_SECONDS,
      },
    });
    if (limits.least === 0) this.startFromNothing(target);
  }

  private tracked(): Omit<appscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty, 'scaleInCooldown'> {
    const { hosting, scaling, sizing } = this.props.plan;
    const { target } = scaling.limits;
    switch (hosting.kind) {
      case EndpointHostingKind.SERVERLESS:
        return predefined(appscaling.PredefinedMetric.SAGEMAKER_VARIANT_PROVISIONED_CONCURRENCY_UTILIZATION, target ?? PROVISIONED_TARGET);
      case EndpointHostingKind.ASYNCHRONOUS:
        return {
          targetValue: target ?? this.workableBacklog(),
          customizedMetricSpecification: {
            namespace: 'AWS/SageMaker',
            metricName: 'ApproximateBacklogSizePerInstance',
            dimensions: [{ name: 'EndpointName', value: this.props.plan.endpointName }],
            statistic: 'Average',
          },
        };
      default:
        return scaling.kind === EndpointScalingKind.INVOCATIONS
          ? predefined(appscaling.PredefinedMetric.SAGEMAKER_VARIANT_INVOCATIONS_PER_INSTANCE, target ?? sizing.targetInvocationsPerMinute!)
          : predefined(
              appscaling.PredefinedMetric.SAGEMAKER_VARIANT_CONCURRENT_REQUESTS_PER_MODEL_HIGH_RESOLUTION,
              target ?? targetInFlight(sizing),
            );
    }
  }

  /** Requests that an instance works off within the p99 of the demand. */
  private workableBacklog(): number {
    const { latency, p99, concurrencyPerReplica } = this.props.plan.options.demand;
    const rounds = p99.toMilliseconds({ integral: false }) / latency.toMilliseconds({ integral: false });
    return Math.max(1, Math.floor(concurrencyPerReplica * rounds));
  }

  /**
   * The first instance: without one there is no backlog per instance that a target could be held to (SageMaker developer guide, autoscale an
   * asynchronous endpoint).
   */
  private startFromNothing(target: appscaling.CfnScalableTarget): void {
    const { endpointName } = this.props.plan;
    const policy = new appscaling.CfnScalingPolicy(this, 'FirstPolicy', {
      policyName: 'first',
      policyType: 'StepScaling',
      scalingTargetId: target.ref,
      stepScalingPolicyConfiguration: {
        adjustmentType: 'ChangeInCapacity',
        metricAggregationType: 'Maximum',
        cooldown: SCALE_IN_SECONDS,
        stepAdjustments: [{ metricIntervalLowerBound: 0, scalingAdjustment: 1 }],
      },
    });
    const alarm = new cloudwatch.Alarm(this, 'Waiting', {
      alarmDescription: `${endpointName}: requests wait and there is no instance`,
      metric: new ModelEndpointMetrics(endpointName, this.props.variantName).backlogWithoutCapacity(),
      threshold: 1,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction({ bind: () => ({ alarmActionArn: policy.ref }) });
  }
}

/** To a tenth where that matters: of an instance that serves one by one, half a request is the half that the sizing leaves free. */
export function targetInFlight({ concurrencyPerReplica, targetUtilisation, targetConcurrency }: EndpointSizing): number {
  const exact = concurrencyPerReplica * targetUtilisation;
  return exact < 10 ? Math.max(0.1, Math.floor(exact * 10 + 1e-6) / 10) : targetConcurrency;
}

function predefined(predefinedMetricType: appscaling.PredefinedMetric, targetValue: number) {
  return { targetValue, predefinedMetricSpecification: { predefinedMetricType } };
}
