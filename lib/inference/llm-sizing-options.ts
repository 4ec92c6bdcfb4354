import type { Duration, Size } from 'aws-cdk-lib';
import type { LlmBenchmark } from './llm-demand';

/** How a language model is sized. */
export interface LlmSizingOptions {
  /**
   * What load tests have shown. With them only the instances that were measured are considered.
   * @default - none: the size follows from the memory alone, which needs `concurrentSequences`
   */
  readonly benchmarks?: LlmBenchmark[];
  /**
   * EC2 instance types to choose from.
   * @default - every one with GPUs that has a price: g5, g6, g6e, p4d, p4de, p5, p5en
   */
  readonly instanceTypes?: string[];
  /**
   * Whether replicas share the GPUs of a node, as pods can. SageMaker gives each an instance of its own.
   * @default false
   */
  readonly sharedNodes?: boolean;
  /**
   * Nodes that one replica may span, 1-16, by pipeline parallelism.
   * @default 1
   */
  readonly maxNodes?: number;
  /**
   * Zones that the replicas stand in, 1-6. With more than one, the others carry the peak when one is lost.
   * @default 3
   */
  readonly zones?: number;
  /**
   * What is kept free for bursts that are shorter than a new replica takes to start: 1 is nothing, at most 4.
   * @default 4/3
   */
  readonly headroom?: number;
  /**
   * What of the GPUs vLLM takes.
   * @default - 92 % of the memory, 2 GB a GPU kept for activations
   */
  readonly memory?: LlmMemoryOptions;
}

/** What of the GPUs vLLM takes. */
export interface LlmMemoryOptions {
  /**
   * Share of a GPU's memory that vLLM takes, above 0 and below 1.
   * @default 0.92
   */
  readonly gpuMemoryUtilization?: number;
  /**
   * What activations and CUDA graphs take of each GPU.
   * @default - 2 GB (2,000,000,000 bytes)
   */
  readonly reservePerGpu?: Size;
  /**
   * Tokens that are computed in one step; only a sliding window makes them matter here.
   * @default 8192
   */
  readonly maxBatchedTokens?: number;
}

/** A size chosen by hand. It is still checked that the model fits. */
export interface FixedLlmSize {
  /** EC2 instance type, for example `g6e.12xlarge`. */
  readonly instanceType: string;
  /** Replicas at peak. */
  readonly replicas: number;
  /** Longest prompt and answer together, tokens. */
  readonly contextLength: number;
  /**
   * GPUs of each node that a replica uses: a power of two.
   * @default - all
   */
  readonly tensorParallel?: number;
  /**
   * Nodes that a replica spans.
   * @default 1
   */
  readonly nodes?: number;
  /**
   * Requests that a replica serves at a time.
   * @default - as many of the longest as fit
   */
  readonly concurrencyPerReplica?: number;
  /**
   * Time until the first token that is promised, the 99th percentile.
   * @default - nothing is promised
   */
  readonly timeToFirstToken?: Duration;
  /**
   * What of the GPUs vLLM takes.
   * @default - 92 % of the memory, 2 GB a GPU kept for activations
   */
  readonly memory?: LlmMemoryOptions;
}
