import { MillraceError } from '../../core/error';
import { type Rule, isPositiveInteger, violationsOf } from '../../core/rule';
import { ModelSourceKind } from '../../models/model-source';
import type { ResolvedMonitoring } from '../endpoint-monitoring-rules';
import { type EndpointScaling, EndpointScalingKind } from '../endpoint-scaling';
import type { EndpointSizing } from '../endpoint-sizing';
import { type Rollout, RolloutKind } from '../rollout';
import { type PackedResources, fits } from './component-packing';
import type { ScalingLimits } from './endpoint-autoscaling-limits';
import { MAX_EXECUTION_SECONDS, executionSeconds } from './endpoint-deployment';
import { NAME, NAME_ALLOWED } from './hosting-rules';
import type { InferenceComponentProps } from './inference-component';
import { modelSourceRules } from './model-location';

/** What a component becomes, decided before anything is made. */
export interface ComponentPlan {
  readonly componentName: string;
  readonly props: InferenceComponentProps;
  readonly sizing: EndpointSizing;
  readonly scaling: EndpointScaling;
  readonly scaleToZero: boolean;
  readonly limits?: ScalingLimits;
  readonly monitoring: ResolvedMonitoring;
  readonly rollout?: Rollout;
  readonly resources: PackedResources;
  readonly instanceType: string;
  readonly room: PackedResources;
}

const START_SECONDS = 600;

const COMPUTE_RULES: readonly Rule<ComponentPlan>[] = [
  {
    code: 'Millrace.EndpointNameInvalid',
    subject: 'componentName',
    value: ({ componentName }) => componentName,
    valid: (name: string) => NAME.test(name),
    allowed: NAME_ALLOWED,
    fix: 'leave it out for a name from the construct path',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.InferenceComponentComputeInvalid',
    subject: 'compute.memory',
    value: ({ props }) => props.compute.memory.toMebibytes({ rounding: 2 }),
    valid: (mebibytes: number) => isPositiveInteger(mebibytes) && mebibytes >= 128,
    allowed: 'whole MiB, at least 128',
    fix: 'measure one copy under load and add a fifth',
  },
  {
    code: 'Millrace.InferenceComponentComputeInvalid',
    subject: 'compute.accelerators',
    value: ({ props }) => props.compute.accelerators,
    valid: isPositiveInteger,
    allowed: 'a whole number above zero',
    fix: 'leave it out for a model without GPU',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.InferenceComponentComputeInvalid',
    subject: 'compute.cpus',
    value: ({ props }) => props.compute.cpus,
    valid: (cpus: number) => Number.isFinite(cpus) && cpus >= 0.25,
    allowed: 'a number from 0.25',
    fix: 'leave it out for 1',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.GpuOnCpuInstance',
    subject: 'compute.accelerators',
    value: ({ resources }) => (resources.accelerators > 0 ? resources.accelerators : undefined),
    valid: (_accelerators: number, { room }) => room.accelerators > 0,
    allowed: ({ instanceType }) => `none on ${instanceType}, which has no accelerators`,
    fix: 'use an endpoint on ml.g6 or ml.inf2',
  },
  {
    code: 'Millrace.InferenceComponentsDoNotFit',
    subject: 'compute',
    value: ({ resources, room }) => (resources.accelerators > 0 && room.accelerators === 0 ? undefined : resources),
    valid: (resources: PackedResources, { room }) => fits(resources, room),
    allowed: ({ instanceType, room }) =>
      `what one ${instanceType} has: ${room.accelerators} accelerators, ${room.cpus} processors, ${room.memoryMib} MiB`,
    fix: 'use a larger instance for the endpoint: a copy stands on one instance',
  },
];

const LIMIT_RULES: readonly Rule<ComponentPlan>[] = [
  {
    code: 'Millrace.EndpointPayloadTooLarge',
    subject: 'demand.payload',
    value: ({ props }) => props.demand.payload?.toBytes({ rounding: 2 }),
    valid: (bytes: number) => bytes <= 25_000_000,
    allowed: 'at most 25 MB',
    fix: 'use a ModelEndpoint with EndpointHosting.asynchronous',
  },
  {
    code: 'Millrace.EndpointLatencyTooLong',
    subject: 'demand.p99',
    value: ({ props }) => props.demand.p99.toSeconds({ integral: false }),
    valid: (seconds: number) => seconds <= 60,
    allowed: 'at most 60 seconds, after which SageMaker gives up',
    fix: 'use a ModelEndpoint with EndpointHosting.asynchronous',
  },
  {
    code: 'Millrace.EndpointCaptureUnsupported',
    subject: 'monitoring.dataCapture',
    value: ({ monitoring }) => monitoring.capturePercent,
    valid: () => false,
    allowed: 'nothing on a component: capture belongs to the endpoint and would mix what all components get',
    fix: 'use a ModelEndpoint for a model whose traffic is kept',
  },
  {
    code: 'Millrace.ModelSourceUnsupported',
    subject: 'model',
    value: ({ props }) => props.model.kind,
    valid: (kind: ModelSourceKind) => kind !== ModelSourceKind.MODEL_PACKAGE,
    allowed: 'a container: what a model package needs is known to the registry only',
    fix: 'use ModelSource.container with the image and files of the version',
  },
];

const ROLLOUT_RULES: readonly Rule<ComponentPlan>[] = [
  {
    code: 'Millrace.EndpointRolloutUnsupported',
    subject: 'rollout',
    value: ({ rollout }) => rollout?.kind,
    valid: (kind: RolloutKind, { sizing }) => kind === RolloutKind.ROLLING && sizing.replicas > 1,
    allowed: 'Rollout.rolling() of two copies or more (SageMaker API, InferenceComponentRollingUpdatePolicy)',
    fix: 'leave it out',
  },
  {
    code: 'Millrace.EndpointRolloutUnguarded',
    subject: 'rollout',
    value: ({ rollout }) => rollout?.unguarded,
    valid: (unguarded: boolean, { monitoring }) => unguarded || monitoring.alarms,
    allowed: 'alarms: without them nothing is watched and nothing is rolled back',
    fix: 'leave monitoring.alarms on, or say unguarded: true',
  },
  {
    code: 'Millrace.EndpointRolloutTooLong',
    subject: 'rollout',
    value: ({ rollout }) => rollout && executionSeconds(rollout, START_SECONDS),
    valid: (seconds: number) => seconds <= MAX_EXECUTION_SECONDS,
    allowed: `at most ${MAX_EXECUTION_SECONDS} seconds for all batches, with time for copies to start`,
    fix: 'take fewer batches or a shorter bake',
  },
  {
    code: 'Millrace.EndpointAlarmTooSlow',
    subject: 'monitoring.window',
    value: ({ rollout, monitoring }) => (rollout && !rollout.unguarded && monitoring.alarms ? monitoring.windowMinutes : undefined),
    valid: (minutes: number, { rollout }) => minutes * 60 < rollout!.bakeSeconds,
    allowed: 'less than the bake of the rollout: an alarm that fires after it rolls nothing back',
    fix: 'shorten the window or lengthen the bake',
  },
];

const SCALING_RULES: readonly Rule<ComponentPlan>[] = [
  {
    code: 'Millrace.EndpointScalingUnsupported',
    subject: 'scaleToZero',
    value: ({ scaleToZero, scaling }) => (scaleToZero ? scaling.kind : undefined),
    valid: (kind: EndpointScalingKind, { scaling }) => kind !== EndpointScalingKind.FIXED && !scaling.limits.minReplicas,
    allowed: 'together with scaling whose minReplicas is left out',
    fix: 'leave scaling out',
  },
  {
    code: 'Millrace.EndpointScalingUnsupported',
    subject: 'scaling.minReplicas',
    value: ({ limits }) => limits?.least,
    valid: (least: number, { scaleToZero }) => least > 0 || scaleToZero,
    allowed: 'at least 1: nothing would start the first copy again',
    fix: 'use scaleToZero, which makes all that is needed to come back',
  },
  {
    code: 'Millrace.EndpointScalingBounds',
    subject: 'scaling',
    value: ({ limits }) => limits,
    valid: ({ least, most }: ScalingLimits, { sizing }) => least <= sizing.replicas && sizing.replicas <= most,
    allowed: ({ sizing }) => `bounds around the ${sizing.replicas} copies of the sizing`,
    fix: 'leave the bounds out, or correct the demand',
  },
];

/** Refuses what SageMaker would refuse, or accept and never do. */
export function enforceComponent(scope: string, plan: ComponentPlan): void {
  const found = [
    ...violationsOf(plan.props.model, modelSourceRules()),
    ...violationsOf(plan, [...COMPUTE_RULES, ...LIMIT_RULES, ...ROLLOUT_RULES, ...SCALING_RULES]),
  ];
  if (found.length > 0) throw new MillraceError(scope, found);
}
