import { type Rule, isPositive, isPositiveInteger } from '../core/rule';
import type { KvCacheOptions } from './kv-cache';
import { KvCacheType, type LlmModel } from './llm-model';

/** Share of a GPU's memory that vLLM takes by default. */
export const GPU_MEMORY_UTILIZATION = 0.92;
/** Tokens that are computed in one step by default. */
export const MAX_BATCHED_TOKENS = 8192;
/** Bytes of a GPU that are kept for activations and CUDA graphs by default. */
export const RESERVE_BYTES = 2e9;
/** Tokens of a block, in which vLLM gives memory to sequences. */
export const BLOCK = 16;
const FP8_DS_MLA_BYTES = 656;
const SCALE_BYTES = 4;

/** Rules for what a KV cache is computed of. */
export const KV_CACHE_RULES: readonly Rule<KvCacheOptions>[] = [
  {
    code: 'Millrace.LlmSizingOptionsInvalid',
    subject: 'tensorParallel, pipelineParallel, maxBatchedTokens',
    value: ({ tensorParallel = 1, pipelineParallel = 1, maxBatchedTokens = 1 }) => [tensorParallel, pipelineParallel, maxBatchedTokens],
    valid: (given: number[]) => given.every(isPositiveInteger),
    allowed: 'whole numbers above zero',
    fix: 'leave them out',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.LlmSizingOptionsInvalid',
    subject: 'gpuMemoryUtilization',
    value: ({ gpuMemoryUtilization }) => gpuMemoryUtilization,
    valid: (share: number) => isPositive(share) && share < 1,
    allowed: 'a share above 0 and below 1',
    fix: `leave it out for ${GPU_MEMORY_UTILIZATION}`,
    tokens: 'refuse',
  },
];

/** Bytes as decimal gigabytes. */
export function gb(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Tokens rounded up to whole blocks. */
export function inBlocks(tokens: number): number {
  return Math.ceil(tokens / BLOCK) * BLOCK;
}

/** Bytes that one layer keeps of a token, once. */
export function bytesOfTokenAndLayer({ attention, kvCacheType }: LlmModel): number {
  if (kvCacheType === KvCacheType.FP8_DS_MLA) return FP8_DS_MLA_BYTES;
  const bytes = kvCacheType === KvCacheType.BF16 ? 2 : 1;
  const { kvHeads, keyDim, valueDim } = attention;
  const scales = kvCacheType === KvCacheType.FP8_PER_TOKEN_HEAD ? 2 * kvHeads * SCALE_BYTES : 0;
  return kvHeads * (keyDim + valueDim) * bytes + scales;
}
