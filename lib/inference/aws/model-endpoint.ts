import { Names, Resource } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import { requireAllocation } from '../../cost/applied-allocation';
import { MillraceError } from '../../core/error';
import { violationsOf } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import type { EndpointSizing } from '../endpoint-sizing';
import { EndpointUpdateRules } from '../endpoint-update-rules';
import { type IModelEndpoint, MODEL_INPUT_RECORD_KEY, type ModelEndpointOptions } from '../model-endpoint';
import { EndpointAlarms } from './endpoint-alarms';
import { EndpointAutoscaling } from './endpoint-autoscaling';
import { endpointConfiguration } from './endpoint-configuration';
import { deploymentConfig } from './endpoint-deployment';
import { type EndpointHosting, EndpointHostingKind } from './endpoint-hosting';
import { EndpointPlacement } from './endpoint-placement';
import { type EndpointPlan, isGuarded, planEndpoint, startSeconds } from './endpoint-plan';
import { type OpenedStores, openStores } from './endpoint-stores';
import { executionRole } from './execution-role';
import { HostedModel } from './hosted-model';
import { ImportedModelEndpoint, type ModelEndpointAttributes } from './imported-model-endpoint';
import { isInf1 } from './instance-facts';
import { ModelEndpointGrants } from './model-endpoint-grants';
import { ModelEndpointMetrics } from './model-endpoint-metrics';
import { MODEL_ENDPOINT_RULES, ROLE_RULES } from './model-endpoint-rules';
import { modelSourceRules } from './model-location';

/** Properties of an endpoint on SageMaker. */
export interface ModelEndpointProps extends ModelEndpointOptions {
  /** On what it runs. */
  readonly hosting: EndpointHosting;
  /**
   * Further alarms that roll a rollout back, on metrics; at most ten with those of the endpoint.
   * @default - the endpoint's own
   */
  readonly rollbackAlarms?: cloudwatch.IAlarm[];
  /**
   * Role of its containers. It gets what the endpoint needs; the permissions for a model package are not known here, so that needs one.
   * @default - one of its own with least privilege
   */
  readonly role?: iam.IRole;
}

/**
 * A model behind an endpoint of SageMaker: sized for its demand over three zones, isolated from the network, scaled by concurrency, rolled
 * out as a canary that alarms on 5xx and p99 of the new version roll back. Alarms on all versions together are for people: they stop no
 * rollout, so that a version that fails can be replaced.
 *
 * Only the endpoint has a name of ours. Model and configuration are made anew by every change, so that the endpoint takes it over. A deploy
 * keeps the number of instances that scaling has reached, and takes weights from the code. Adopt an existing endpoint with `cdk import` of
 * the child `Resource` and its `endpointName`; keep the names of its variants.
 *
 * @throws Millrace.EndpointNameInvalid, Millrace.ModelSourceUnsupported, Millrace.ModelPackageRoleMissing, Millrace.EndpointDemandInvalid,
 * Millrace.EndpointDemandDoesNotFit, Millrace.EndpointMonitoringInvalid, Millrace.EndpointPayloadTooLarge, Millrace.EndpointLatencyTooLong,
 * Millrace.ServerlessConcurrencyTooLow, Millrace.EndpointCaptureUnsupported, Millrace.EndpointRolloutUnsupported,
 * Millrace.EndpointRolloutUnguarded, Millrace.EndpointRolloutTooLong, Millrace.EndpointAlarmTooSlow, Millrace.EndpointRollbackAlarmsInvalid,
 * Millrace.EndpointScalingUnsupported, Millrace.EndpointMinReplicas, Millrace.EndpointScalingBounds,
 * Millrace.EndpointZonesTooFew, Millrace.TokenRefused
 */
export class ModelEndpoint extends Resource implements IModelEndpoint, ec2.IConnectable {
  /**
   * Imports an existing endpoint, to grant access to it.
   *
   * @throws Millrace.EndpointNameInvalid
   */
  public static fromModelEndpointAttributes(scope: Construct, id: string, attributes: ModelEndpointAttributes): ImportedModelEndpoint {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedModelEndpoint(scope, id, attributes);
  }

  /** Name of the endpoint. */
  public readonly endpointName: string;
  /** ARN of the endpoint. */
  public readonly endpointArn: string;
  /** The decided size; without instances a replica is one request at a time. */
  public readonly sizing: EndpointSizing;
  /** Access to the endpoint. */
  public readonly grants: ModelEndpointGrants;
  /** Metrics for alarms and dashboards. */
  public readonly metrics: ModelEndpointMetrics;
  /** Its alarms, to add actions to. */
  // eslint-disable-next-line awscdk/no-construct-in-public-property-of-construct -- actions are added to them, which IAlarm has no way to
  public readonly alarms: cloudwatch.Alarm[];
  /**
   * Role of its containers, for access to what they need beside the model: `key.grants.decrypt(endpoint.role)` when a key of yours encrypts the
   * files of the model. The model waits for such grants.
   */
  public readonly role: iam.IRole;
  /** Network of its containers; without a network nothing reaches them and they reach nothing. */
  public readonly connections: ec2.Connections;

  constructor(scope: Construct, id: string, props: ModelEndpointProps) {
    super(scope, id);
    // In small letters, as ARNs and with them policies have it.
    this.endpointName = props.endpointName ?? Names.uniqueResourceName(this, { maxLength: 63, separator: '-' }).toLowerCase();
    const plan = planEndpoint(this.node.path, props, this.endpointName);
    this.check(plan, props.role);
    this.sizing = plan.sizing;
    const placement = this.makePlacement(plan);
    this.connections = placement?.connections ?? new ec2.Connections();
    this.role = this.makeRole(plan, props.role, placement);
    const stores = openStores(this, plan, this.role);
    const configuration = this.makeConfiguration(plan, placement, stores);
    const alarms = plan.monitoring.alarms ? this.makeAlarms(plan, configuration) : undefined;
    this.alarms = alarms?.all ?? [];
    const endpoint = this.makeEndpoint(plan, configuration, alarms);
    this.endpointArn = endpoint.ref;
    for (const [variantName, limits] of Object.entries(plan.limits)) {
      new EndpointAutoscaling(this, `Scaling-${variantName}`, { plan, variantName, limits, endpointName: endpoint.attrEndpointName });
    }
    const { bucket, prefix } = stores.queue ?? {};
    this.grants = new ModelEndpointGrants(this.endpointArn, stores.queue !== undefined, bucket, prefix);
    this.metrics = new ModelEndpointMetrics(this.endpointName, props.hosting.variantName);
    recordSizing(endpoint, this.sizing);
    if (props.model.input) endpoint.addMetadata(MODEL_INPUT_RECORD_KEY, props.model.input._signature);
    requireAllocation(this);
    registerUpdateRules(this, EndpointUpdateRules.all());
  }

  private check(plan: EndpointPlan, role: iam.IRole | undefined): void {
    const found = plan.variants.flatMap(({ name, model }, index) =>
      violationsOf(model, modelSourceRules(index === 0 ? 'model' : `model of ${name}`)),
    );
    found.push(...violationsOf(plan, MODEL_ENDPOINT_RULES), ...violationsOf({ plan, role }, ROLE_RULES));
    if (found.length > 0) throw new MillraceError(this.node.path, found);
  }

  private makePlacement({ hosting, sizing }: EndpointPlan): EndpointPlacement | undefined {
    const { network } = hosting._instances ?? {};
    return network && new EndpointPlacement(this, 'Placement', { network, zones: sizing.zones });
  }

  private makeRole(plan: EndpointPlan, given: iam.IRole | undefined, placement: EndpointPlacement | undefined): iam.IRole {
    return executionRole(this, given, {
      logGroups: [`/aws/sagemaker/Endpoints/${this.endpointName}`],
      models: plan.variants.map(({ model }) => model),
      placement: placement?.config,
      alarmNames: plan.ownAlarmNames,
      alarmArns: plan.rollbackAlarms.map(({ alarmArn }) => alarmArn),
    });
  }

  private makeConfiguration(
    plan: EndpointPlan,
    placement: EndpointPlacement | undefined,
    stores: OpenedStores,
  ): sagemaker.CfnEndpointConfig {
    const serverless = plan.hosting.kind === EndpointHostingKind.SERVERLESS;
    const modelNames = Object.fromEntries(
      plan.variants.map(({ name, model }, index) => {
        const hosted = new HostedModel(this, index === 0 ? 'Model' : `Model-${name}`, {
          model,
          role: this.role,
          vpcConfig: placement?.config,
          serverless,
        });
        return [name, hosted.modelName];
      }),
    );
    return endpointConfiguration(this, plan, modelNames, stores);
  }

  private makeAlarms(plan: EndpointPlan, configuration: sagemaker.CfnEndpointConfig): EndpointAlarms {
    return new EndpointAlarms(this, 'Alarms', {
      endpointName: this.endpointName,
      kind: plan.hosting.kind,
      variantNames: plan.variants.filter(({ shadow }) => !shadow).map(({ name }) => name),
      monitoring: plan.monitoring,
      p99: plan.options.demand.p99,
      endpointConfigName: configuration.attrEndpointConfigName,
    });
  }

  private makeEndpoint(
    plan: EndpointPlan,
    configuration: sagemaker.CfnEndpointConfig,
    alarms: EndpointAlarms | undefined,
  ): sagemaker.CfnEndpoint {
    // What scaling has reached is kept by a deploy; without scaling, or from nothing, the number in the code holds.
    const retained = Object.values(plan.limits).some(({ least }) => least > 0) && plan.hosting.kind !== EndpointHostingKind.SERVERLESS;
    const names = [...(alarms?.rollback ?? []), ...plan.rollbackAlarms].map(({ alarmName }) => alarmName);
    const endpoint = new sagemaker.CfnEndpoint(this, 'Resource', {
      endpointName: this.endpointName,
      endpointConfigName: configuration.attrEndpointConfigName,
      deploymentConfig: isGuarded(plan, isInf1) ? deploymentConfig(plan.rollout!, names, startSeconds(plan)) : undefined,
      retainAllVariantProperties: retained || undefined,
      excludeRetainedVariantProperties: retained ? [{ variantPropertyType: 'DesiredWeight' }] : undefined,
    });
    return endpoint;
  }
}
