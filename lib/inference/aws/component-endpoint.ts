import { Lazy, Names, Resource } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import { requireAllocation } from '../../cost/applied-allocation';
import { violationMessage } from '../../core/error';
import { enforce } from '../../core/rule';
import { registerUpdateRules } from '../../core/update-rule';
import { EndpointUpdateRules } from '../endpoint-update-rules';
import type { IModelEndpoint } from '../model-endpoint';
import { COMPONENT_ENDPOINT_RULES } from './component-endpoint-rules';
import { type PackedCopies, type PackedResources, instancesFor } from './component-packing';
import type { EndpointNetwork } from './endpoint-network';
import { EndpointPlacement } from './endpoint-placement';
import { executionRole } from './execution-role';
import type { EndpointVolume } from './hosting-options';
import { capacityOf } from './instance-facts';
import { ModelEndpointMetrics } from './model-endpoint-metrics';

const VARIANT = 'AllTraffic';
const FEWEST_INSTANCES = 2;

/** Properties of an endpoint that components share. */
export interface ComponentEndpointProps {
  /** Instance type: `ml.g6.12xlarge`. */
  readonly instanceType: string;
  /** Most instances; all copies of all components have to fit on them. */
  readonly maxInstances: number;
  /**
   * Fewest instances.
   * @default - 2; 0 when every component scales to zero
   */
  readonly minInstances?: number;
  /**
   * Name of the endpoint. Changing it makes a new one, under another address.
   * @default - from the construct path
   */
  readonly endpointName?: string;
  /**
   * Network that the containers may use.
   * @default - none: the containers are isolated
   */
  readonly network?: EndpointNetwork;
  /**
   * Volume of each instance.
   * @default - that of the instance type
   */
  readonly volume?: EndpointVolume;
  /**
   * Role of the instances. The components have roles of their own for their models.
   * @default - one of its own with least privilege
   */
  readonly role?: iam.IRole;
}

/**
 * Instances of SageMaker that `InferenceComponent`s share: SageMaker packs the copies of the models onto them and adds and takes away
 * instances as copies come and go. It has no model of its own, hence it is no `ModelEndpoint`.
 *
 * @throws Millrace.EndpointNameInvalid, Millrace.EndpointHostingInvalid, Millrace.EndpointVolumeUnsupported, Millrace.EndpointScalingUnsupported,
 * Millrace.InstanceTypeUnknown, Millrace.EndpointZonesTooFew, Millrace.TokenRefused, and at the end of the synth
 * Millrace.InferenceComponentsDoNotFit
 */
export class ComponentEndpoint extends Resource implements IModelEndpoint, ec2.IConnectable {
  /** Name of the endpoint. */
  public readonly endpointName: string;
  /** ARN of the endpoint. */
  public readonly endpointArn: string;
  /** Metrics of all components together. */
  public readonly metrics: ModelEndpointMetrics;
  /** Role of the instances. */
  public readonly role: iam.IRole;
  /** Network of the containers; without a network nothing reaches them and they reach nothing. */
  public readonly connections: ec2.Connections;
  /** @internal */
  public readonly _instanceType: string;
  /** @internal */
  public readonly _room: PackedResources;
  /** @internal */
  public readonly _vpcConfig?: { subnets: string[]; securityGroupIds: string[] };
  /** @internal */
  public readonly _resource: sagemaker.CfnEndpoint;

  private readonly components: (PackedCopies & { readonly scaleToZero: boolean })[] = [];

  constructor(scope: Construct, id: string, props: ComponentEndpointProps) {
    super(scope, id);
    this.endpointName = props.endpointName ?? Names.uniqueResourceName(this, { maxLength: 63, separator: '-' }).toLowerCase();
    enforce(this.node.path, { ...props, endpointName: this.endpointName }, COMPONENT_ENDPOINT_RULES);
    const { instanceType, minInstances, maxInstances } = props;
    const { accelerators, vcpus: cpus, memoryMib } = capacityOf(instanceType)!;
    this._instanceType = instanceType;
    this._room = { accelerators, cpus, memoryMib };
    const placement = props.network && new EndpointPlacement(this, 'Placement', { network: props.network, zones: FEWEST_INSTANCES });
    this.connections = placement?.connections ?? new ec2.Connections();
    this._vpcConfig = placement?.config;
    this.role = executionRole(this, props.role, {
      logGroups: [`/aws/sagemaker/Endpoints/${this.endpointName}`],
      models: [],
      placement: placement?.config,
      alarmNames: [],
      alarmArns: [],
      components: true,
    });
    const configuration = new sagemaker.CfnEndpointConfig(this, 'Configuration', {
      executionRoleArn: this.role.roleArn,
      enableNetworkIsolation: placement ? undefined : true,
      vpcConfig: placement?.config,
      kmsKeyId: props.volume?.encryptionKey?.keyArn,
      metricsConfig: { enableEnhancedMetrics: true },
      productionVariants: [
        {
          variantName: VARIANT,
          instanceType,
          initialInstanceCount: Math.max(1, minInstances ?? Math.min(FEWEST_INSTANCES, maxInstances)),
          managedInstanceScaling: {
            status: 'ENABLED',
            // Known when all components are there.
            minInstanceCount: Lazy.number({ produce: () => minInstances ?? this.fewestInstances(maxInstances) }),
            maxInstanceCount: maxInstances,
          },
          routingConfig: { routingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
          volumeSizeInGb: props.volume?.size?.toGibibytes(),
        },
      ],
    });
    configuration.node.addDependency(this.role);
    this._resource = new sagemaker.CfnEndpoint(this, 'Resource', {
      endpointName: this.endpointName,
      endpointConfigName: configuration.attrEndpointConfigName,
    });
    this.endpointArn = this._resource.ref;
    this.metrics = new ModelEndpointMetrics(this.endpointName, VARIANT);
    this.node.addValidation({ validate: () => this.unfit(maxInstances) });
    requireAllocation(this);
    registerUpdateRules(this, EndpointUpdateRules.all());
  }

  /**
   * Remembers what a component takes at most.
   * @internal
   */
  public _place(component: PackedCopies & { readonly scaleToZero: boolean }): void {
    this.components.push(component);
  }

  private fewestInstances(maxInstances: number): number {
    const empty = this.components.length > 0 && this.components.every(({ scaleToZero }) => scaleToZero);
    return empty ? 0 : Math.min(FEWEST_INSTANCES, maxInstances);
  }

  private unfit(maxInstances: number): string[] {
    const needed = instancesFor(this.components, this._room);
    if (needed <= maxInstances) return [];
    return [
      violationMessage({
        code: 'Millrace.InferenceComponentsDoNotFit',
        subject: this.node.path,
        received: `${this.components.length} components whose copies take ${needed} instances when all have scaled out`,
        allowed: `at most maxInstances, ${maxInstances} x ${this._instanceType}`,
        fix: 'raise maxInstances, lower the maxReplicas of a component, or use a larger instance',
      }),
    ];
  }
}
