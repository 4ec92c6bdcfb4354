import type { Duration } from 'aws-cdk-lib';
import { type Rule, isPositive, isPositiveInteger } from '../core/rule';
import type { LlmBenchmark, LlmDemand } from './llm-demand';

const CODE = 'Millrace.LlmDemandInvalid';

/** What every demand keeps to. */
export const LLM_DEMAND_RULES: readonly Rule<LlmDemand & { readonly maxModelLength: number }>[] = [
  {
    code: CODE,
    subject: 'demand.inputTokens, outputTokens',
    value: ({ inputTokens, outputTokens }) => [inputTokens, outputTokens],
    valid: (given: number[]) => given.every(isPositive),
    allowed: 'numbers above zero',
    fix: 'take the means from the usage that the API reports',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'demand.requestsPerSecond, concurrentSequences',
    value: ({ requestsPerSecond, concurrentSequences }) => [requestsPerSecond ?? null, concurrentSequences ?? null],
    valid: (given: (number | null)[]) =>
      given.filter((each) => each !== null).length === 1 && given.every((each) => each === null || isPositive(each)),
    allowed: 'exactly one of the two, above zero',
    fix: 'give the rate and a benchmark, or the requests in flight',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'demand.contextLength',
    value: ({ contextLength }) => contextLength,
    valid: (length: number, { maxModelLength, inputTokens, outputTokens }) =>
      isPositiveInteger(length) && length <= maxModelLength && length >= inputTokens + outputTokens,
    allowed: ({ maxModelLength, inputTokens, outputTokens }) =>
      `a whole number from inputTokens + outputTokens (${inputTokens + outputTokens}) to what the model was trained for (${maxModelLength})`,
    fix: 'leave it out for the longest, or limit it to what is asked: a shorter one needs fewer GPUs',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'demand.inputTokens + outputTokens',
    value: ({ contextLength, inputTokens, outputTokens }) => (contextLength === undefined ? inputTokens + outputTokens : undefined),
    valid: (length: number, { maxModelLength }) => !(length > maxModelLength),
    allowed: ({ maxModelLength }) => `at most what the model was trained for (${maxModelLength})`,
    fix: 'use a model with a longer context',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'demand.timeToFirstToken',
    value: ({ timeToFirstToken }) => timeToFirstToken,
    valid: (time: Duration) => isPositive(time.toMilliseconds({ integral: false })),
    allowed: 'a time above zero',
    fix: 'leave it out where nothing is promised',
    tokens: 'refuse',
  },
];

/** What every benchmark keeps to. */
export const LLM_BENCHMARK_RULES: readonly Rule<LlmBenchmark>[] = [
  {
    code: 'Millrace.LlmBenchmarkInvalid',
    subject: 'benchmarks.tokensPerSecond, concurrency, tensorParallel',
    value: ({ tokensPerSecond, concurrency, tensorParallel = 1 }) => [tokensPerSecond, concurrency, tensorParallel],
    valid: ([rate, concurrency, gpus]: number[]) => isPositive(rate) && isPositiveInteger(concurrency) && isPositiveInteger(gpus),
    allowed: 'a rate above zero, a whole number of requests in flight and of GPUs',
    fix: 'copy them from the report: `vllm bench serve` prints "Output token throughput" and its concurrency',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.LlmBenchmarkInvalid',
    subject: 'benchmarks.source',
    value: ({ source }) => source ?? '',
    valid: (source: string) => source.trim() !== '',
    allowed: 'where the figures come from',
    fix: 'name the report, its date and the version of vLLM',
    tokens: 'refuse',
  },
];

/** Seconds that a benchmark says a request of so many tokens takes: the first token, then each at the speed of a sequence. */
export function generationSeconds(benchmark: LlmBenchmark, outputTokens: number): number {
  const first = benchmark.timeToFirstToken?.toSeconds({ integral: false }) ?? 0;
  return first + (outputTokens * benchmark.concurrency) / benchmark.tokensPerSecond;
}
