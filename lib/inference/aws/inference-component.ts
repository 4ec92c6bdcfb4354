import { Names, Resource, type Size, Stack } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import { requireAllocation } from '../../cost/applied-allocation';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import type { ModelSource } from '../../models/model-source';
import type { EndpointDemand } from '../endpoint-demand';
import type { EndpointMonitoring } from '../endpoint-monitoring';
import { resolveMonitoring } from '../endpoint-monitoring-rules';
import { EndpointScaling } from '../endpoint-scaling';
import { EndpointSizing } from '../endpoint-sizing';
import { EndpointUpdateRules } from '../endpoint-update-rules';
import { type IModelEndpoint, MODEL_INPUT_RECORD_KEY } from '../model-endpoint';
import { Rollout } from '../rollout';
import { ComponentAlarms, componentAlarmNames } from './component-alarms';
import { ComponentAutoscaling } from './component-autoscaling';
import type { ComponentEndpoint } from './component-endpoint';
import { executionSeconds } from './endpoint-deployment';
import { executionRole } from './execution-role';
import { HostedModel } from './hosted-model';
import { type ComponentPlan, enforceComponent } from './inference-component-rules';
import { InferenceComponentGrants } from './inference-component-grants';
import { InferenceComponentMetrics } from './inference-component-metrics';

const START_SECONDS = 600;

/** What one copy of a component takes of an instance. */
export interface ComponentCompute {
  /** Memory, at least 128 MiB (SageMaker API, InferenceComponentComputeResourceRequirements). */
  readonly memory: Size;
  /**
   * GPUs or Inferentia chips.
   * @default 0
   */
  readonly accelerators?: number;
  /**
   * Processors, at least 0.25.
   * @default - 1 without accelerators; with them what is left
   */
  readonly cpus?: number;
}

/** Properties of a model on shared instances. */
export interface InferenceComponentProps {
  /** The instances that it shares. */
  readonly endpoint: ComponentEndpoint;
  /** What it serves: a container. */
  readonly model: ModelSource;
  /** What it must serve; its copies are counted and watched for it. */
  readonly demand: EndpointDemand;
  /** What one copy takes. */
  readonly compute: ComponentCompute;
  /**
   * Name of the component, which a request names beside the endpoint.
   * @default - from the construct path
   */
  readonly componentName?: string;
  /**
   * Whether it goes down to no copy, and with the others of its endpoint to no instance, while nobody asks. Callers get errors for the minutes
   * that the first copy takes.
   * @default false
   */
  readonly scaleToZero?: boolean;
  /**
   * By what it gets copies.
   * @default EndpointScaling.concurrency()
   */
  readonly scaling?: EndpointScaling;
  /**
   * How a new version takes over: in batches.
   * @default - Rollout.rolling() with two copies or more
   */
  readonly rollout?: Rollout;
  /**
   * What of it is watched; its traffic cannot be captured.
   * @default - errors and latency
   */
  readonly monitoring?: EndpointMonitoring;
}

/**
 * A model on instances that it shares with others: as many copies as its demand needs, packed by SageMaker, scaled by concurrency, updated in
 * batches that its own alarms roll back.
 *
 * A single copy cannot be updated in batches: SageMaker starts the new one before it stops the former, without watching alarms. A deploy that
 * changes the component begins with the copies of its size again; SageMaker has no way to keep what scaling has reached.
 *
 * @throws Millrace.EndpointNameInvalid, Millrace.ModelSourceUnsupported, Millrace.EndpointDemandInvalid, Millrace.EndpointDemandDoesNotFit,
 * Millrace.EndpointMonitoringInvalid, Millrace.EndpointPayloadTooLarge, Millrace.EndpointLatencyTooLong, Millrace.EndpointCaptureUnsupported,
 * Millrace.EndpointRolloutUnsupported, Millrace.EndpointRolloutUnguarded, Millrace.EndpointRolloutTooLong, Millrace.EndpointAlarmTooSlow,
 * Millrace.EndpointScalingUnsupported, Millrace.EndpointScalingBounds, Millrace.InferenceComponentComputeInvalid, Millrace.GpuOnCpuInstance,
 * Millrace.InferenceComponentsDoNotFit, Millrace.TokenRefused
 */
export class InferenceComponent extends Resource implements IModelEndpoint {
  /** Name of the endpoint whose instances it shares. */
  public readonly endpointName: string;
  /** Name of the component, which a request names beside the endpoint. */
  public readonly inferenceComponentName: string;
  /** The decided number of copies. */
  public readonly sizing: EndpointSizing;
  /** Access to the component. */
  public readonly grants: InferenceComponentGrants;
  /** Metrics for alarms and dashboards. */
  public readonly metrics: InferenceComponentMetrics;
  /** Its alarms, to add actions to. */
  // eslint-disable-next-line awscdk/no-construct-in-public-property-of-construct -- actions are added to them, which IAlarm has no way to
  public readonly alarms: cloudwatch.Alarm[];
  /** Role of its containers. */
  public readonly role: iam.IRole;

  constructor(scope: Construct, id: string, props: InferenceComponentProps) {
    super(scope, id);
    const { endpoint, model, compute, scaleToZero = false } = props;
    const name = props.componentName ?? Names.uniqueResourceName(this, { maxLength: 63, separator: '-' }).toLowerCase();
    const plan = this.plan(props, name, scaleToZero);
    enforceComponent(this.node.path, plan);
    const { sizing, rollout, monitoring, limits } = plan;
    this.endpointName = endpoint.endpointName;
    this.inferenceComponentName = name;
    this.sizing = sizing;
    const alarmNames = monitoring.alarms ? componentAlarmNames(name) : [];
    this.role = executionRole(this, undefined, {
      logGroups: [`/aws/sagemaker/InferenceComponents/${name}`, `/aws/sagemaker/Endpoints/${this.endpointName}`],
      models: [model],
      placement: endpoint._vpcConfig,
      alarmNames,
      alarmArns: [],
      components: true,
    });
    const hosted = new HostedModel(this, 'Model', { model, role: this.role, vpcConfig: endpoint._vpcConfig });
    this.alarms = monitoring.alarms
      ? new ComponentAlarms(this, 'Alarms', { componentName: name, monitoring, p99: props.demand.p99 }).all
      : [];
    const component = new sagemaker.CfnInferenceComponent(this, 'Resource', {
      inferenceComponentName: name,
      endpointName: endpoint._resource.attrEndpointName,
      variantName: 'AllTraffic',
      specification: {
        modelName: hosted.modelName,
        computeResourceRequirements: {
          minMemoryRequiredInMb: compute.memory.toMebibytes(),
          numberOfAcceleratorDevicesRequired: compute.accelerators,
          numberOfCpuCoresRequired: compute.cpus ?? (compute.accelerators ? undefined : 1),
        },
        startupParameters: { containerStartupHealthCheckTimeoutInSeconds: START_SECONDS },
      },
      runtimeConfig: { copyCount: sizing.replicas },
      deploymentConfig: rollout && {
        autoRollbackConfiguration: this.alarms.length > 0 ? { alarms: this.alarms.map(({ alarmName }) => ({ alarmName })) } : undefined,
        rollingUpdatePolicy: {
          maximumBatchSize: { type: 'CAPACITY_PERCENT', value: rollout.percent },
          waitIntervalInSeconds: rollout.bakeSeconds,
          maximumExecutionTimeoutInSeconds: executionSeconds(rollout, START_SECONDS),
        },
      },
    });
    if (limits) new ComponentAutoscaling(this, 'Scaling', { plan, limits, component });
    endpoint._place({ resources: plan.resources, copies: limits?.most ?? sizing.replicas, scaleToZero });
    this.grants = new InferenceComponentGrants(endpoint.endpointArn, componentArn(this, name));
    this.metrics = new InferenceComponentMetrics(name);
    recordSizing(component, sizing);
    if (model.input) component.addMetadata(MODEL_INPUT_RECORD_KEY, model.input._signature);
    requireAllocation(this);
    registerUpdateRules(this, EndpointUpdateRules.all());
  }

  private plan(props: InferenceComponentProps, componentName: string, scaleToZero: boolean): ComponentPlan {
    const { compute, endpoint } = props;
    const sizing = EndpointSizing.forDemand(props.demand, { zones: scaleToZero ? 1 : 2 });
    const scaling = props.scaling ?? EndpointScaling.concurrency();
    return {
      componentName,
      props,
      sizing,
      scaling,
      scaleToZero,
      limits: ComponentAutoscaling.limitsOf(scaling, sizing, scaleToZero),
      monitoring: resolveMonitoring(this.node.path, props.monitoring),
      rollout: props.rollout ?? (sizing.replicas > 1 ? Rollout.rolling() : undefined),
      resources: {
        accelerators: compute.accelerators ?? 0,
        cpus: compute.cpus ?? (compute.accelerators ? 0 : 1),
        memoryMib: Math.ceil(compute.memory.toMebibytes({ rounding: 2 })),
      },
      instanceType: endpoint._instanceType,
      room: endpoint._room,
    };
  }
}

function componentArn(scope: Resource, name: string): string {
  return Stack.of(scope).formatArn({ service: 'sagemaker', resource: 'inference-component', resourceName: name.toLowerCase() });
}
