import { LlmAttentionKind } from './llm-attention';
import type { LlmSizing } from './llm-sizing';

/** Version of vLLM as three numbers. */
export type VllmVersion = readonly [major: number, minor: number, patch: number];

/** An argument of `vllm serve`, without its dashes. */
export type VllmArgument = readonly [name: string, value: string];

/** What the sizing decides of `vllm serve`; every figure that the sizing counted with is said, none is left to a default that may change. */
export function vllmArguments(sizing: LlmSizing): VllmArgument[] {
  const { model, tensorParallel, nodes, contextLength, concurrencyPerReplica, gpuMemoryUtilization } = sizing;
  return [
    ['tensor-parallel-size', String(tensorParallel)],
    ...(nodes > 1 ? ([['pipeline-parallel-size', String(nodes)]] as const) : []),
    ['max-model-len', String(contextLength)],
    ['gpu-memory-utilization', String(gpuMemoryUtilization)],
    ['kv-cache-dtype', model.kvCacheType],
    ['max-num-seqs', String(concurrencyPerReplica)],
    ...(model.attention.kind === LlmAttentionKind.SLIDING_WINDOW
      ? ([['max-num-batched-tokens', String(sizing._maxBatchedTokens)]] as const)
      : []),
  ];
}

/** The version in a text such as `v0.18.1` or an image's tag; undefined where there is none. */
export function vllmVersionOf(text: string): VllmVersion | undefined {
  const match = /(?:^|:)v?(\d+)\.(\d+)\.(\d+)(?:[.+@-][^/]*)?$/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

/** Whether a version is another one or newer. */
export function isAtLeast(version: VllmVersion, least: VllmVersion): boolean {
  const index = version.findIndex((part, at) => part !== least[at]);
  return index < 0 || version[index] > least[index];
}
