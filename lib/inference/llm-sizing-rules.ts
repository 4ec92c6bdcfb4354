import { type Rule, isPositiveInteger } from '../core/rule';
import type { LlmBenchmark } from './llm-demand';
import { tensorParallelsOf } from './llm-candidate';
import type { LlmModel } from './llm-model';
import type { FixedLlmSize } from './llm-sizing-options';

/** What the options of a sizing are checked by, defaults filled in. */
export interface SizingInput {
  readonly benchmarks: readonly LlmBenchmark[];
  readonly instanceTypes?: string[];
  readonly zones: number;
  readonly headroom: number;
  readonly maxNodes: number;
  readonly needsBenchmark: boolean;
}

const CODE = 'Millrace.LlmSizingOptionsInvalid';

function hasGpu<P>(known: readonly string[], subject: string, types: (input: P) => readonly string[] | undefined): Rule<P> {
  return {
    code: 'Millrace.LlmInstanceHasNoGpu',
    subject,
    value: types,
    valid: (names: string[]) => names.length > 0 && names.every((name) => known.includes(name)),
    allowed: `instance types with GPUs: ${[...new Set(known.map((name) => name.split('.')[0]))].join(', ')} in their sizes`,
    fix: 'use one of them; a model of this kind does not run on CPUs',
    tokens: 'refuse',
  };
}

/** Rules for the options of a sizing. */
export function sizingOptionRules(known: readonly string[]): Rule<SizingInput>[] {
  return [
    {
      code: CODE,
      subject: 'zones',
      value: ({ zones }) => zones,
      valid: (zones: number) => isPositiveInteger(zones) && zones <= 6,
      allowed: 'a whole number from 1 to 6',
      fix: 'leave it out for 3',
      tokens: 'refuse',
    },
    {
      code: CODE,
      subject: 'headroom',
      value: ({ headroom }) => headroom,
      valid: (headroom: number) => Number.isFinite(headroom) && headroom >= 1 && headroom <= 4,
      allowed: 'a number from 1 (nothing kept free) to 4',
      fix: 'leave it out for 4/3',
      tokens: 'refuse',
    },
    {
      code: CODE,
      subject: 'maxNodes',
      value: ({ maxNodes }) => maxNodes,
      valid: (nodes: number) => isPositiveInteger(nodes) && nodes <= 16,
      allowed: 'a whole number from 1 to 16',
      fix: 'leave it out for 1: a replica on one node is faster than one over a network',
      tokens: 'refuse',
    },
    hasGpu(known, 'instanceTypes', ({ instanceTypes }) => instanceTypes),
    hasGpu(known, 'benchmarks.instanceType', ({ benchmarks }) =>
      benchmarks.length > 0 ? benchmarks.map(({ instanceType }) => instanceType) : undefined,
    ),
    {
      code: 'Millrace.LlmBenchmarkMissing',
      subject: 'benchmarks',
      value: ({ benchmarks, needsBenchmark }) => (needsBenchmark ? benchmarks.length : undefined),
      valid: (count: number) => count > 0,
      allowed: 'at least one benchmark beside demand.requestsPerSecond',
      fix: 'measure one replica with vllm bench serve, or state demand.concurrentSequences',
      tokens: 'refuse',
    },
  ];
}

/** What a size given by hand is checked by. */
export interface FixedSizeInput {
  readonly size: FixedLlmSize;
  readonly gpus: number;
  readonly model: LlmModel;
}

/** Rules for a size given by hand. */
export function fixedSizeRules(known: readonly string[]): Rule<FixedSizeInput>[] {
  return [
    hasGpu(known, 'instanceType', ({ size }) => [size.instanceType]),
    {
      code: CODE,
      subject: 'replicas, nodes, concurrencyPerReplica',
      value: ({ size }) => [size.replicas, size.nodes ?? 1, size.concurrencyPerReplica ?? 1],
      valid: (given: number[], { model }) => given.every(isPositiveInteger) && given[1] <= Math.min(16, model.layers),
      allowed: ({ model }) => `whole numbers above zero, at most ${Math.min(16, model.layers)} nodes: each has a layer at least`,
      fix: 'state the replicas, or give a demand',
      tokens: 'refuse',
    },
    {
      code: CODE,
      subject: 'contextLength',
      value: ({ size }) => size.contextLength,
      valid: (length: number, { model }) => isPositiveInteger(length) && length <= model.maxModelLength,
      allowed: ({ model }) => `a whole number up to what the model was trained for (${model.maxModelLength})`,
      fix: 'use the longest prompt and answer that is asked for',
      tokens: 'refuse',
    },
    {
      code: CODE,
      subject: 'tensorParallel',
      value: ({ size, gpus }) => (gpus > 0 ? (size.tensorParallel ?? gpus) : undefined),
      valid: (parallel: number, { model, gpus }) => tensorParallelsOf(model, gpus).includes(parallel),
      allowed: ({ model, gpus }) =>
        `what divides the heads of the model and the ${gpus} GPUs: ${tensorParallelsOf(model, gpus).join(', ')}`,
      fix: 'use one of them',
      tokens: 'refuse',
    },
  ];
}
