import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { Duration, Size } from 'aws-cdk-lib';
import type { Rule } from '../../core/rule';
import { ModelSourceKind } from '../../models/model-source';
import { EndpointScalingKind } from '../endpoint-scaling';
import { RolloutKind } from '../rollout';
import { MAX_EXECUTION_SECONDS, executionSeconds } from './endpoint-deployment';
import { EndpointHostingKind } from './endpoint-hosting';
import { type EndpointPlan, startSeconds } from './endpoint-plan';
import { NAME, NAME_ALLOWED } from './hosting-rules';
import { isBurstable, isInf1 } from './instance-facts';
import { isArchive } from './model-location';

const MEGABYTE = 1_000_000;
const MAX_ROLLBACK_ALARMS = 10;

/** SageMaker developer guide, inference options and quotas: largest payload and longest answer. */
const LIMITS: Readonly<Record<EndpointHostingKind, { bytes: number; seconds: number; next: string }>> = {
  [EndpointHostingKind.REAL_TIME]: { bytes: 25 * MEGABYTE, seconds: 60, next: 'use EndpointHosting.asynchronous' },
  [EndpointHostingKind.SERVERLESS]: { bytes: 4 * MEGABYTE, seconds: 60, next: 'use EndpointHosting.realTime or asynchronous' },
  [EndpointHostingKind.ASYNCHRONOUS]: { bytes: 1000 * MEGABYTE, seconds: 3600, next: 'use a batch job' },
};

const isServerless = ({ hosting }: EndpointPlan) => hosting.kind === EndpointHostingKind.SERVERLESS;
const instanceTypes = ({ variants }: EndpointPlan) => variants.flatMap(({ instanceType }) => instanceType ?? []);
const production = ({ variants }: EndpointPlan) => variants.filter(({ shadow }) => !shadow);

const NAME_AND_MODEL_RULES: readonly Rule<EndpointPlan>[] = [
  {
    code: 'Millrace.EndpointNameInvalid',
    subject: 'endpointName',
    value: ({ endpointName }) => endpointName,
    valid: (name: string) => NAME.test(name),
    allowed: NAME_ALLOWED,
    fix: 'leave it out for a name from the construct path',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.ModelSourceUnsupported',
    subject: 'model modelUri',
    value: (plan) =>
      isServerless(plan) && plan.options.model._modelUri !== undefined ? { archive: isArchive(plan.options.model) } : undefined,
    valid: ({ archive }: { archive: boolean }) => archive,
    allowed: 'on a serverless endpoint one s3://bucket/model.tar.gz (CloudFormation, SageMaker Model ModelDataSource)',
    fix: 'pack the files into an archive, or use instances',
  },
];

const LIMIT_RULES: readonly Rule<EndpointPlan>[] = [
  {
    code: 'Millrace.EndpointPayloadTooLarge',
    subject: 'demand.payload',
    value: ({ options }) => options.demand.payload,
    // SizeRoundingBehavior.NONE: compared, not counted.
    valid: (payload: Size, { hosting }) => payload.toBytes({ rounding: 2 }) <= LIMITS[hosting.kind].bytes,
    allowed: ({ hosting }) => `at most ${LIMITS[hosting.kind].bytes / MEGABYTE} MB for ${hosting.kind} hosting`,
    fix: ({ hosting }) => LIMITS[hosting.kind].next,
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointLatencyTooLong',
    subject: 'demand.p99',
    value: ({ options }) => options.demand.p99,
    valid: (p99: Duration, { hosting }) => p99.toSeconds({ integral: false }) <= LIMITS[hosting.kind].seconds,
    allowed: ({ hosting }) => `at most ${LIMITS[hosting.kind].seconds} seconds, after which SageMaker gives up on ${hosting.kind} hosting`,
    fix: ({ hosting }) => LIMITS[hosting.kind].next,
    tokens: 'refuse',
  },
  {
    code: 'Millrace.ServerlessConcurrencyTooLow',
    subject: 'hosting.maxConcurrency',
    value: (plan) => (isServerless(plan) ? plan.variants[0].replicas : undefined),
    valid: (most: number, { options }) => {
      const { peakRequestsPerSecond, latency } = options.demand;
      return most <= 200 && most + 1e-6 >= peakRequestsPerSecond * (latency.toMilliseconds({ integral: false }) / 1000);
    },
    allowed: 'what the demand has in flight at peak, rate x latency, at most 200',
    fix: 'raise maxConcurrency, or use instances',
  },
  {
    code: 'Millrace.EndpointCaptureUnsupported',
    subject: 'monitoring.dataCapture',
    value: (plan) => (plan.monitoring.capturePercent === undefined ? undefined : plan.hosting.kind),
    valid: (kind: EndpointHostingKind) => kind !== EndpointHostingKind.SERVERLESS,
    allowed: 'an endpoint on instances (SageMaker developer guide, serverless feature exclusions)',
    fix: 'leave dataCapture out, or use instances',
  },
  {
    code: 'Millrace.EndpointCaptureUnsupported',
    subject: 'monitoring.dataCapture.destination',
    value: ({ monitoring }) => (monitoring.captureDestination ? { uri: monitoring.captureDestination } : undefined),
    valid: ({ uri }: { uri: string }) => /^s3:\/\/[^/]+(\/.*)?$/.test(uri),
    allowed: 's3://bucket/prefix/',
    fix: 'leave it out for a bucket of its own',
  },
];

const ROLLOUT_RULES: readonly Rule<EndpointPlan>[] = [
  {
    code: 'Millrace.EndpointRolloutUnsupported',
    subject: 'rollout',
    value: (plan) => (isServerless(plan) ? plan.rollout?.kind : undefined),
    valid: () => false,
    allowed: 'nothing on a serverless endpoint: guardrails are for instances (SageMaker developer guide, deployment guardrails)',
    fix: 'leave rollout out',
  },
  {
    code: 'Millrace.EndpointRolloutUnsupported',
    subject: 'rollout',
    value: (plan) => (instanceTypes(plan).some(isInf1) ? (plan.rollout?.kind ?? null) : undefined),
    valid: (kind: RolloutKind, { rollout }) => kind === RolloutKind.ALL_AT_ONCE && rollout!.unguarded,
    allowed: 'Rollout.allAtOnce({ unguarded: true }) on Inf1, which SageMaker updates without guardrails (developer guide, exclusions)',
    fix: 'say so, or use ml.inf2',
  },
  {
    code: 'Millrace.EndpointRolloutUnsupported',
    subject: 'rollout',
    value: (plan) => (plan.rollout?.kind === RolloutKind.ROLLING ? plan.variants.length : undefined),
    valid: (variants: number) => variants === 1,
    allowed: 'one variant for a rolling rollout (SageMaker developer guide, exclusions)',
    fix: 'use Rollout.canary or Rollout.linear',
  },
  {
    code: 'Millrace.EndpointRolloutUnsupported',
    subject: 'rollout',
    value: (plan) =>
      plan.rollout && !isServerless(plan) && plan.rollout.kind !== RolloutKind.ALL_AT_ONCE
        ? Math.min(...production(plan).map(({ replicas }) => replicas))
        : undefined,
    valid: (instances: number) => instances >= 2,
    allowed: 'two instances of each variant at least: a share of one is all of it',
    fix: 'use two zones or more, or Rollout.allAtOnce()',
  },
  {
    code: 'Millrace.EndpointRolloutUnguarded',
    subject: 'rollout',
    value: (plan) => (plan.rollout && !isServerless(plan) ? plan.ownAlarmNames.length + plan.rollbackAlarms.length : undefined),
    valid: (alarms: number, { rollout }) => alarms > 0 || rollout!.unguarded,
    allowed: 'at least one alarm: without one nothing is watched and nothing is rolled back',
    fix: 'leave monitoring.alarms on, give rollbackAlarms, or say unguarded: true',
  },
  {
    code: 'Millrace.EndpointRolloutTooLong',
    subject: 'rollout',
    value: (plan) => (plan.rollout ? executionSeconds(plan.rollout, startSeconds(plan)) : undefined),
    valid: (seconds: number) => seconds <= MAX_EXECUTION_SECONDS,
    allowed: `at most ${MAX_EXECUTION_SECONDS} seconds for all steps, with time for instances to start (SageMaker API, MaximumExecutionTimeoutInSeconds)`,
    fix: 'take fewer steps or a shorter bake',
  },
  {
    code: 'Millrace.EndpointAlarmTooSlow',
    subject: 'monitoring.window',
    value: ({ rollout, ownAlarmNames, monitoring }) =>
      rollout && !rollout.unguarded && ownAlarmNames.length > 0 ? monitoring.windowMinutes : undefined,
    valid: (minutes: number, { rollout }) => minutes * 60 < rollout!.bakeSeconds,
    allowed: 'less than the bake of the rollout: an alarm that fires after it rolls nothing back',
    fix: 'shorten the window or lengthen the bake',
  },
  {
    code: 'Millrace.EndpointRollbackAlarmsInvalid',
    subject: 'rollbackAlarms',
    value: ({ ownAlarmNames, rollbackAlarms, rollout }) => (rollout ? ownAlarmNames.length + rollbackAlarms.length : undefined),
    valid: (alarms: number) => alarms <= MAX_ROLLBACK_ALARMS,
    allowed: `at most ${MAX_ROLLBACK_ALARMS} alarms; two are of each variant`,
    fix: 'give fewer, or use fewer variants',
  },
  {
    code: 'Millrace.EndpointRollbackAlarmsInvalid',
    subject: 'rollbackAlarms',
    value: ({ rollbackAlarms }) =>
      rollbackAlarms.filter((alarm) => alarm instanceof cloudwatch.CompositeAlarm).map(({ node }) => node.path),
    valid: (composite: string[]) => composite.length === 0,
    allowed: 'alarms on metrics (SageMaker API, Alarm), not on other alarms',
    fix: 'give the alarms that it is made of',
  },
];

const SCALING_RULES: readonly Rule<EndpointPlan>[] = [
  {
    code: 'Millrace.EndpointScalingUnsupported',
    subject: 'hosting.instanceType',
    value: (plan) => (plan.scaling.kind === EndpointScalingKind.FIXED ? undefined : instanceTypes(plan).filter(isBurstable)),
    valid: (burstable: string[]) => burstable.length === 0,
    allowed: 'an instance type that is not burstable: Application Auto Scaling does not scale those',
    fix: 'use ml.c7g or ml.m7g, or EndpointScaling.fixed()',
  },
  {
    code: 'Millrace.EndpointScalingUnsupported',
    subject: 'scaling',
    value: ({ scaling, hosting }) => (hosting.kind === EndpointHostingKind.REAL_TIME ? undefined : scaling.kind),
    valid: (kind: EndpointScalingKind) => kind !== EndpointScalingKind.INVOCATIONS,
    allowed: 'scaling by concurrency: only instances that answer at once report their invocations',
    fix: 'use EndpointScaling.concurrency()',
  },
  {
    code: 'Millrace.EndpointScalingUnsupported',
    subject: 'scaling',
    value: (plan) => (isServerless(plan) && plan.scaling.kind !== EndpointScalingKind.FIXED ? plan.hosting._serverless! : undefined),
    valid: ({ provisionedConcurrency }: { provisionedConcurrency?: number }, { scaling }) =>
      provisionedConcurrency !== undefined && (scaling.limits.target ?? 0.5) <= 1,
    allowed: 'on a serverless endpoint with provisionedConcurrency, and a target that is a share of it, 0-1',
    fix: 'leave scaling out: SageMaker scales what is not provisioned by itself',
  },
  {
    code: 'Millrace.EndpointMinReplicas',
    subject: 'scaling.minReplicas',
    value: ({ limits, hosting }) =>
      hosting.kind === EndpointHostingKind.ASYNCHRONOUS ? undefined : Object.values(limits).map(({ least }) => least),
    valid: (least: number[]) => least.every((each) => each >= 1),
    allowed: 'at least 1: an endpoint that answers at once cannot begin with nothing',
    fix: 'use EndpointHosting.asynchronous, or InferenceComponent with scaleToZero',
  },
  {
    code: 'Millrace.EndpointScalingBounds',
    subject: 'scaling',
    value: (plan) =>
      production(plan).flatMap(({ name, replicas }) => {
        const begins = isServerless(plan) ? (plan.hosting._serverless!.provisionedConcurrency ?? 1) : replicas;
        const { least, most } = plan.limits[name] ?? { least: begins, most: begins };
        return least <= begins && begins <= most ? [] : [`${name}: ${least} <= ${begins} <= ${most}`];
      }),
    valid: (wrong: string[]) => wrong.length === 0,
    allowed: 'bounds around what each variant begins with: minReplicas <= replicas <= maxReplicas',
    fix: 'leave the bounds out, or correct the demand that the replicas follow from',
  },
];

/** What an endpoint of SageMaker keeps to as a whole. */
export const MODEL_ENDPOINT_RULES: readonly Rule<EndpointPlan>[] = [
  ...NAME_AND_MODEL_RULES,
  ...LIMIT_RULES,
  ...ROLLOUT_RULES,
  ...SCALING_RULES,
];

/** What the role of an endpoint keeps to. */
export const ROLE_RULES: readonly Rule<{ readonly plan: EndpointPlan; readonly role?: unknown }>[] = [
  {
    code: 'Millrace.ModelPackageRoleMissing',
    subject: 'role',
    value: ({ plan }) => plan.variants.filter(({ model }) => model.kind === ModelSourceKind.MODEL_PACKAGE).map(({ name }) => name),
    valid: (packages: string[], { role }) => packages.length === 0 || role !== undefined,
    allowed: 'a role that may pull the images and read the files of the package: they are known to the registry only',
    fix: 'give a role with those permissions; the others are added to it',
  },
];
