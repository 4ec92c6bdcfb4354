import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { ModelSource } from '../../models/model-source';
import { type ResolvedMonitoring, resolveMonitoring } from '../endpoint-monitoring-rules';
import { EndpointScaling, EndpointScalingKind } from '../endpoint-scaling';
import { EndpointSizing } from '../endpoint-sizing';
import type { ModelEndpointOptions } from '../model-endpoint';
import { Rollout } from '../rollout';
import { rollbackAlarmNames } from './endpoint-alarms';
import { type EndpointHosting, EndpointHostingKind } from './endpoint-hosting';
import { capacityLimits, type ScalingLimits } from './endpoint-autoscaling-limits';

/** One variant of an endpoint. */
export interface PlannedVariant {
  readonly name: string;
  readonly model: ModelSource;
  readonly weight: number;
  /** Set for variants on instances. */
  readonly instanceType?: string;
  /** Instances, or requests at a time without instances. */
  readonly replicas: number;
  readonly shadow: boolean;
}

/** What an endpoint becomes, decided before anything is made. */
export interface EndpointPlan {
  readonly endpointName: string;
  readonly hosting: EndpointHosting;
  readonly options: ModelEndpointOptions;
  readonly sizing: EndpointSizing;
  readonly variants: PlannedVariant[];
  readonly monitoring: ResolvedMonitoring;
  /** None for what has no guardrails. */
  readonly rollout?: Rollout;
  readonly scaling: EndpointScaling;
  /** Bounds of each production variant; none for what does not scale. */
  readonly limits: { readonly [variant: string]: ScalingLimits };
  /** Names of its own alarms that roll it back. */
  readonly ownAlarmNames: string[];
  /** Further ones. */
  readonly rollbackAlarms: cloudwatch.IAlarm[];
}

/** What a plan is made of. */
export interface PlanProps extends ModelEndpointOptions {
  readonly hosting: EndpointHosting;
  /** @default - none beside its own */
  readonly rollbackAlarms?: cloudwatch.IAlarm[];
}

/** Sizes an endpoint and fills in what was left out. */
export function planEndpoint(scope: string, props: PlanProps, endpointName: string): EndpointPlan {
  const { hosting, rollbackAlarms = [] } = props;
  const sizing = sizingOf(props);
  const variants = variantsOf(props, sizing);
  const monitoring = resolveMonitoring(scope, props.monitoring);
  const serverless = hosting.kind === EndpointHostingKind.SERVERLESS;
  const scaling = props.scaling ?? (serverless ? EndpointScaling.fixed() : EndpointScaling.concurrency());
  const production = variants.filter(({ shadow }) => !shadow);
  return {
    endpointName,
    hosting,
    options: props,
    sizing,
    variants,
    monitoring,
    rollout: props.rollout ?? (serverless ? undefined : Rollout.canary()),
    scaling,
    limits:
      scaling.kind === EndpointScalingKind.FIXED
        ? {}
        : Object.fromEntries(production.map(({ name, replicas }) => [name, capacityLimits(scaling, hosting, sizing, replicas)])),
    ownAlarmNames: monitoring.alarms
      ? rollbackAlarmNames(
          endpointName,
          hosting.kind,
          production.map(({ name }) => name),
        )
      : [],
    rollbackAlarms,
  };
}

/** Without instances a replica is one request at a time, and no zone has to be filled. */
function sizingOf({ hosting, demand }: PlanProps): EndpointSizing {
  const { _instances: instances } = hosting;
  if (!instances) return EndpointSizing.forDemand({ ...demand, concurrencyPerReplica: 1 }, { zones: 1 });
  if (hosting._replicas !== undefined) return EndpointSizing._given(hosting._replicas, instances.zones ?? 3, demand);
  return EndpointSizing.forDemand(demand, { zones: instances.zones, headroom: instances.headroom });
}

function variantsOf({ hosting, model }: PlanProps, sizing: EndpointSizing): PlannedVariant[] {
  const { variantName: name } = hosting;
  const { _realTime: realTime, _instances: instances, _serverless: serverless } = hosting;
  if (!instances) return [{ name, model, weight: 1, replicas: serverless!.maxConcurrency ?? sizing.replicas, shadow: false }];
  const { instanceType } = instances;
  const { weight = 1, variants = [], shadow } = realTime ?? {};
  const sum = variants.reduce((all, variant) => all + variant.weight, weight);
  const share = (part: number) => Math.max(sizing.zones, Math.ceil(sizing.replicas * part - 1e-6));
  return [
    // A shadow gets its share of what the one production variant weighs.
    { name, model, weight: shadow ? 1 : weight, instanceType, replicas: share(shadow ? 1 : weight / sum), shadow: false },
    ...variants.map((variant) => ({
      name: variant.variantName,
      model: variant.model,
      weight: variant.weight,
      instanceType: variant.instanceType ?? instanceType,
      replicas: variant.replicas ?? share(variant.weight / sum),
      shadow: false,
    })),
    ...(shadow
      ? [
          {
            name: shadow.variantName,
            model: shadow.model,
            weight: (shadow.samplePercent ?? 100) / 100,
            instanceType: shadow.instanceType ?? instanceType,
            replicas: shadow.replicas ?? Math.ceil((sizing.replicas * (shadow.samplePercent ?? 100)) / 100),
            shadow: true,
          },
        ]
      : []),
  ];
}

/** Seconds that an instance may take to start. */
export function startSeconds({ hosting }: EndpointPlan): number {
  const { startup } = hosting._instances ?? {};
  return (startup?.healthCheck?.toSeconds() ?? 600) + (startup?.download?.toSeconds() ?? 0);
}

/** Whether the former instances and the new ones are watched while traffic moves. */
export function isGuarded({ rollout, variants }: EndpointPlan, isExcluded: (instanceType: string) => boolean): boolean {
  return rollout !== undefined && !variants.some(({ instanceType }) => instanceType !== undefined && isExcluded(instanceType));
}
