import type { Size } from 'aws-cdk-lib';
import { enforce } from '../core/rule';
import {
  BLOCK,
  GPU_MEMORY_UTILIZATION,
  KV_CACHE_RULES,
  MAX_BATCHED_TOKENS,
  RESERVE_BYTES,
  bytesOfTokenAndLayer,
  gb,
  inBlocks,
} from './kv-cache-arithmetic';
import { LlmAttentionKind } from './llm-attention';
import type { LlmModel } from './llm-model';

/** The GPUs that hold one copy of a model. */
export interface KvCacheOptions {
  /** Memory of one GPU. */
  readonly gpuMemory: Size;
  /**
   * GPUs over which each layer is split.
   * @default 1
   */
  readonly tensorParallel?: number;
  /**
   * Groups of GPUs over which the layers are spread, one a node.
   * @default 1
   */
  readonly pipelineParallel?: number;
  /**
   * Share of a GPU's memory that vLLM takes, above 0 and below 1.
   * @default 0.92 - the default of vLLM
   */
  readonly gpuMemoryUtilization?: number;
  /**
   * What activations and CUDA graphs take of each GPU.
   * @default - 2 GB (2,000,000,000 bytes)
   */
  readonly reservePerGpu?: Size;
  /**
   * Tokens that are computed in one step, for models with a sliding window: so many more than the window are kept.
   * @default 8192
   */
  readonly maxBatchedTokens?: number;
}

/** As the options, in bytes and with every default filled in. */
interface KvCacheFigures {
  readonly gpuBytes: number;
  readonly reserveBytes: number;
  readonly tensorParallel: number;
  readonly pipelineParallel: number;
  readonly gpuMemoryUtilization: number;
  readonly maxBatchedTokens: number;
}

/**
 * What of the GPUs is left for the sequences that are served: `utilisation x GPU memory - weights - reserve`, in bytes, and how many tokens
 * and sequences that is. Tensor parallelism splits the KV heads; beyond as many GPUs as KV heads each GPU keeps copies, and a latent is
 * copied to every GPU from the second on.
 */
export class KvCache {
  /**
   * The KV cache of a model on GPUs.
   *
   * @throws Millrace.LlmSizingOptionsInvalid, Millrace.TokenRefused
   */
  public static of(model: LlmModel, options: KvCacheOptions): KvCache {
    enforce('KvCache.of', options, KV_CACHE_RULES);
    const { gpuMemory, reservePerGpu, tensorParallel = 1, pipelineParallel = 1 } = options;
    const { gpuMemoryUtilization = GPU_MEMORY_UTILIZATION, maxBatchedTokens = MAX_BATCHED_TOKENS } = options;
    const reserveBytes = reservePerGpu?.toBytes() ?? RESERVE_BYTES;
    const figures = {
      gpuBytes: gpuMemory.toBytes(),
      reserveBytes,
      tensorParallel,
      pipelineParallel,
      gpuMemoryUtilization,
      maxBatchedTokens,
    };
    return new KvCache(model, figures);
  }

  /** GPUs that hold one copy of the model. */
  public readonly gpus: number;
  /** Bytes that one token takes over all GPUs, copies counted. Of a sliding window, while the sequence is within it. */
  public readonly bytesPerToken: number;
  /** Bytes of the weights. */
  public readonly weightBytes: number;
  /** Bytes for the KV cache over all GPUs; negative where the weights alone do not fit. */
  public readonly budgetBytes: number;
  /** Bytes that vLLM takes of all GPUs. */
  public readonly usableBytes: number;
  /** Bytes kept for activations and CUDA graphs. */
  public readonly reserveBytes: number;
  /** Times that each value is kept, because there are more GPUs than KV heads: 1 is no copies. */
  public readonly copies: number;
  private readonly bytesPerTokenLayer: number;
  private readonly spread: number;

  private constructor(
    private readonly model: LlmModel,
    private readonly figures: KvCacheFigures,
  ) {
    const { tensorParallel, pipelineParallel, gpuMemoryUtilization, gpuBytes, reserveBytes } = figures;
    const { attention, layers } = model;
    this.gpus = tensorParallel * pipelineParallel;
    this.copies = (Math.ceil(attention.kvHeads / tensorParallel) * tensorParallel) / attention.kvHeads;
    this.bytesPerTokenLayer = bytesOfTokenAndLayer(model) * this.copies;
    // The stage with the most layers fills first, and with it the pipeline.
    this.spread = (Math.ceil(layers / pipelineParallel) * pipelineParallel) / layers;
    this.bytesPerToken = this.bytesPerTokenLayer * layers * this.spread;
    this.weightBytes = model.weightBytes;
    this.usableBytes = gpuMemoryUtilization * gpuBytes * this.gpus;
    this.reserveBytes = reserveBytes * this.gpus;
    this.budgetBytes = this.usableBytes - this.weightBytes * this.spread - this.reserveBytes;
  }

  /** Tokens that fit, where no window spares some. */
  public get tokens(): number {
    // A millionth more, so that 443115.9999999 tokens are 443116.
    return Math.max(0, Math.floor(this.budgetBytes / this.bytesPerToken + 1e-6));
  }

  /** Sequences of a length that fit at a time, in blocks of 16 tokens. */
  public sequences(tokens: number): number {
    return Math.max(0, Math.floor(this.budgetBytes / this.sequenceBytes(tokens) + 1e-9));
  }

  /** Bytes that a sequence of a length takes over all GPUs. */
  public sequenceBytes(tokens: number): number {
    const { attention, layers } = this.model;
    const whole = inBlocks(tokens);
    if (attention.kind !== LlmAttentionKind.SLIDING_WINDOW) return this.bytesPerToken * whole;
    const seen = attention.window! - 1 + this.figures.maxBatchedTokens;
    // One block more: a window begins within a block.
    const kept = Math.min(whole, inBlocks(seen) + BLOCK);
    const full = attention.fullLayers ?? 0;
    return this.bytesPerTokenLayer * this.spread * (full * whole + (layers - full) * kept);
  }

  /**
   * The arithmetic in words: `0.92 x 24.0 GB = 22.1 GB - 16.1 GB weights - 2.0 GB reserve = 4.0 GB`.
   * @internal
   */
  public get _arithmetic(): string {
    const { gpuMemoryUtilization, gpuBytes } = this.figures;
    const copies = this.copies > 1 ? ` (each value ${Number(this.copies.toFixed(2))} times: more GPUs than KV heads)` : '';
    return (
      `${gpuMemoryUtilization} x ${this.gpus} x ${gb(gpuBytes)} = ${gb(this.usableBytes)} - ${gb(this.weightBytes * this.spread)} weights - ` +
      `${gb(this.reserveBytes)} reserve = ${gb(this.budgetBytes)} for the KV cache; at ${Math.round(this.bytesPerToken)} bytes a token${copies} ${this.tokens} tokens`
    );
  }
}
