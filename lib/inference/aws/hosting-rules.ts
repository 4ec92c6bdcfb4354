import { type Rule, isPositiveInteger } from '../../core/rule';
import type {
  AsynchronousHostingOptions,
  InstanceHostingOptions,
  RealTimeHostingOptions,
  ServerlessHostingOptions,
} from './hosting-options';
import { INSTANCE_TYPE, hasLocalStorage, isInf1 } from './instance-facts';

const MEBIBYTE = 1024 * 1024;
const GIBIBYTE = 1024 * MEBIBYTE;
const MAX_VARIANTS = 10;

/** SageMaker API: VariantName and EndpointName. */
export const NAME = /^(?=.{1,63}$)[a-zA-Z0-9](-*[a-zA-Z0-9])*$/;
export const NAME_ALLOWED = 'letters, digits and hyphens, at most 63, a letter or digit at both ends';

function exactBytes(size: { toBytes(options: object): number }): number {
  // SizeRoundingBehavior.NONE: what is no whole number is refused by the rule instead of by the CDK.
  return size.toBytes({ rounding: 2 });
}

/** The instance types of all variants. */
function instanceTypes(options: RealTimeHostingOptions): string[] {
  const further = [...(options.variants ?? []), ...(options.shadow ? [options.shadow] : [])];
  return [options.instanceType, ...further.flatMap(({ instanceType }) => instanceType ?? [])];
}

function seconds(subject: string, value: (options: InstanceHostingOptions) => unknown): Rule<InstanceHostingOptions> {
  return {
    code: 'Millrace.EndpointHostingInvalid',
    subject,
    value,
    valid: (given: number) => Number.isInteger(given) && given >= 60 && given <= 3600,
    allowed: 'whole seconds from 60 to 3600 (SageMaker API, ProductionVariant)',
    fix: 'measure a cold start and double it',
    tokens: 'refuse',
  };
}

/** What everything on instances keeps to. */
export const INSTANCE_RULES: readonly Rule<InstanceHostingOptions>[] = [
  {
    code: 'Millrace.EndpointHostingInvalid',
    subject: 'instanceType',
    value: (options) => instanceTypes(options),
    valid: (types: string[]) => types.every((type) => INSTANCE_TYPE.test(type)),
    allowed: 'instance types of SageMaker: ml.<family>.<size>',
    fix: 'put ml. before the type of EC2: ml.c7g.xlarge',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointHostingInvalid',
    subject: 'variantName',
    value: ({ variantName }) => variantName,
    valid: (name: string) => NAME.test(name),
    allowed: NAME_ALLOWED,
    fix: 'leave it out for AllTraffic',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointHostingInvalid',
    subject: 'volume.size',
    value: ({ volume }) => volume?.size,
    valid: (size: { toBytes(options: object): number }) => {
      const gibibytes = exactBytes(size) / GIBIBYTE;
      return isPositiveInteger(gibibytes) && gibibytes <= 512;
    },
    allowed: 'whole GiB from 1 to 512',
    fix: 'leave it out, or use a type with NVMe volumes for a larger model',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointVolumeUnsupported',
    subject: 'volume',
    value: (options) => (options.volume?.size || options.volume?.encryptionKey ? instanceTypes(options) : undefined),
    valid: (types: string[]) => !types.some(hasLocalStorage),
    allowed: 'an instance type without NVMe volumes: SageMaker takes neither a key nor a size for those, and their hardware encrypts them',
    fix: 'leave volume out',
    tokens: 'refuse',
  },
  seconds('startup.healthCheck', ({ startup }) => startup?.healthCheck?.toSeconds({ integral: false })),
  seconds('startup.download', ({ startup }) => startup?.download?.toSeconds({ integral: false })),
];

function names(options: RealTimeHostingOptions): string[] {
  const further = [...(options.variants ?? []), ...(options.shadow ? [options.shadow] : [])];
  return [options.variantName ?? 'AllTraffic', ...further.map(({ variantName }) => variantName)];
}

/** What an endpoint keeps to that answers at once. */
export const REAL_TIME_RULES: readonly Rule<RealTimeHostingOptions>[] = [
  {
    code: 'Millrace.EndpointVariantsInvalid',
    subject: 'names of variants',
    value: (options) => (options.variants || options.shadow ? names(options) : undefined),
    valid: (given: string[]) =>
      given.every((name) => NAME.test(name)) && new Set(given).size === given.length && given.length <= MAX_VARIANTS,
    allowed: `different names, at most ${MAX_VARIANTS}; each ${NAME_ALLOWED}`,
    fix: 'name each variant after what it serves',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointVariantsInvalid',
    subject: 'weight',
    value: ({ weight = 1, variants = [] }) => [weight, ...variants.map((variant) => variant.weight)],
    valid: (weights: number[]) => weights.every((weight) => Number.isFinite(weight) && weight >= 0) && weights.some((weight) => weight > 0),
    allowed: 'numbers from 0, one of them above it',
    fix: 'use weights that add up to 100, so that they read as percent',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointVariantsInvalid',
    subject: 'replicas of variants',
    value: ({ variants = [], shadow }) => [...variants, ...(shadow ? [shadow] : [])].flatMap(({ replicas }) => replicas ?? []),
    valid: (replicas: number[]) => replicas.every(isPositiveInteger),
    allowed: 'whole numbers above zero',
    fix: 'leave them out for their share of the sizing',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointShadowUnsupported',
    subject: 'shadow',
    value: ({ shadow, variants }) => (shadow ? (variants?.length ?? 0) : undefined),
    valid: (variants: number) => variants === 0,
    allowed: 'one production variant and one shadow (SageMaker API, CreateEndpointConfig)',
    fix: 'leave variants out while the shadow runs',
  },
  {
    code: 'Millrace.EndpointShadowUnsupported',
    subject: 'shadow',
    value: (options) => (options.shadow ? instanceTypes(options) : undefined),
    valid: (types: string[]) => !types.some(isInf1),
    allowed: 'instances other than Inf1 (SageMaker developer guide, shadow tests exclusions)',
    fix: 'use ml.inf2',
  },
  {
    code: 'Millrace.EndpointVariantsInvalid',
    subject: 'shadow.samplePercent',
    value: ({ shadow }) => shadow?.samplePercent,
    valid: (percent: number) => Number.isInteger(percent) && percent >= 1 && percent <= 100,
    allowed: 'a whole number from 1 to 100',
    fix: 'leave it out for all requests',
    tokens: 'refuse',
  },
];

/** What an endpoint keeps to that works off a queue. */
export const ASYNCHRONOUS_RULES: readonly Rule<AsynchronousHostingOptions>[] = [
  {
    code: 'Millrace.EndpointHostingInvalid',
    subject: 'maxConcurrentInvocations',
    value: (options) => options.maxConcurrentInvocations,
    valid: (most: number) => isPositiveInteger(most) && most <= 1000,
    allowed: 'a whole number from 1 to 1000 (SageMaker API, AsyncInferenceClientConfig)',
    fix: 'leave it out for the concurrency of the demand',
    tokens: 'refuse',
  },
];

/** What an endpoint without instances keeps to. */
export const SERVERLESS_RULES: readonly Rule<ServerlessHostingOptions>[] = [
  {
    code: 'Millrace.EndpointHostingInvalid',
    subject: 'memory',
    value: ({ memory }) => memory ?? null,
    valid: (memory: { toBytes(options: object): number } | null) => {
      const gibibytes = memory ? exactBytes(memory) / GIBIBYTE : 0;
      return isPositiveInteger(gibibytes) && gibibytes <= 6;
    },
    allowed: '1024, 2048, 3072, 4096, 5120 or 6144 MiB',
    fix: 'take the next step above what the model needs; above 6 GiB use instances',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointHostingInvalid',
    subject: 'maxConcurrency',
    value: ({ maxConcurrency }) => maxConcurrency,
    valid: (most: number) => isPositiveInteger(most) && most <= 200,
    allowed: 'a whole number from 1 to 200',
    fix: 'leave it out for what the demand needs, or use instances',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointHostingInvalid',
    subject: 'provisionedConcurrency',
    value: ({ provisionedConcurrency }) => provisionedConcurrency,
    valid: (provisioned: number, { maxConcurrency = 200 }) => isPositiveInteger(provisioned) && provisioned <= maxConcurrency,
    allowed: 'a whole number above zero, at most maxConcurrency',
    fix: 'provision what is in flight on an ordinary day',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointHostingInvalid',
    subject: 'variantName',
    value: ({ variantName }) => variantName,
    valid: (name: string) => NAME.test(name),
    allowed: NAME_ALLOWED,
    fix: 'leave it out for AllTraffic',
    tokens: 'refuse',
  },
];
