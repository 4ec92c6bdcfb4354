import type { Size } from 'aws-cdk-lib';
import { type InstanceType, instanceTypes } from '../workloads/instance-type';
import { KvCache } from './kv-cache';
import { LlmAttentionKind } from './llm-attention';
import type { LlmBenchmark, LlmDemand } from './llm-demand';
import { generationSeconds } from './llm-demand-rules';
import type { LlmModel } from './llm-model';

/** One way to hold a copy of a model: GPUs of an instance type, on one or more nodes. */
export interface LlmPlacement {
  readonly type: InstanceType;
  readonly tensorParallel: number;
  readonly pipelineParallel: number;
  readonly kvCache: KvCache;
  /** Price of an hour of one replica; of a node that replicas share, its part. */
  readonly hourly: number;
}

/** A placement with the replicas that a demand needs. */
export interface LlmCandidate extends LlmPlacement {
  readonly benchmark?: LlmBenchmark;
  /** Requests that one replica serves at a time. */
  readonly concurrency: number;
  readonly inFlight: number;
  /** Replicas that the load needs. The tokens a second need no more: they are the same load, without the wait for the first one. */
  readonly forLoad: number;
  readonly byTokens: number;
  readonly replicas: number;
  readonly arithmetic: string;
}

/** What of the options decides which placements there are. */
export interface PlacementOptions {
  readonly instanceTypes?: string[];
  readonly sharedNodes: boolean;
  readonly maxNodes: number;
  readonly gpuMemoryUtilization: number;
  readonly reservePerGpu?: Size;
  readonly maxBatchedTokens: number;
}

/** What is kept beside the replicas of the load. */
export interface SpareReplicas {
  readonly headroom: number;
  readonly zones: number;
}

// The default of --max-num-seqs in vLLM's server: beyond it only a benchmark tells whether a GPU keeps up.
const MOST_AT_A_TIME = 256;

/** Every way to place a model, whether it fits or not: powers of two of the GPUs of a node that divide the heads. */
export function placementsOf(model: LlmModel, options: PlacementOptions): LlmPlacement[] {
  const types = instanceTypes().filter(({ name, gpus }) => gpus > 0 && (options.instanceTypes?.includes(name) ?? true));
  return types.flatMap((type) => {
    const parallels = tensorParallelsOf(model, type.gpus);
    // An instance of one's own is paid for whole, so all its GPUs work.
    const chosen = options.sharedNodes ? parallels : parallels.slice(-1);
    return nodesUpTo(options.maxNodes, model.layers).flatMap((nodes) =>
      (nodes > 1 ? parallels.slice(-1) : chosen).map((tensorParallel) => placementOf(model, type, tensorParallel, nodes, options)),
    );
  });
}

/** One way to place a model. */
export function placementOf(
  model: LlmModel,
  type: InstanceType,
  tensorParallel: number,
  nodes: number,
  options: Omit<PlacementOptions, 'maxNodes' | 'instanceTypes'>,
): LlmPlacement {
  const { gpuMemoryUtilization, reservePerGpu, maxBatchedTokens } = options;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the contract loads no framework until a size is asked for
  const { Size: Sizes } = require('aws-cdk-lib') as typeof import('aws-cdk-lib');
  const gpuMemory = Sizes.mebibytes(type.gpuMemoryMib);
  const cache = { gpuMemory, tensorParallel, pipelineParallel: nodes, gpuMemoryUtilization, reservePerGpu, maxBatchedTokens };
  const share = options.sharedNodes && nodes === 1 ? tensorParallel / type.gpus : 1;
  return { type, tensorParallel, pipelineParallel: nodes, kvCache: KvCache.of(model, cache), hourly: type.hourly * nodes * share };
}

/** Degrees of tensor parallelism that a model can have on so many GPUs (vLLM: the heads divide evenly, or the KV heads are copied evenly). */
export function tensorParallelsOf({ attention }: LlmModel, gpus: number): number[] {
  const { attentionHeads, kvHeads, kind } = attention;
  const powers = [1, 2, 4, 8, 16].filter((power) => power <= gpus);
  return powers.filter(
    (power) => attentionHeads % power === 0 && (kind === LlmAttentionKind.LATENT || kvHeads % power === 0 || power % kvHeads === 0),
  );
}

/** The replicas that a placement needs for a demand; undefined where it cannot serve it. */
export function candidateOf(
  placement: LlmPlacement,
  demand: LlmDemand,
  contextLength: number,
  spare: SpareReplicas,
  benchmark?: LlmBenchmark,
): LlmCandidate | undefined {
  const { kvCache } = placement;
  if (kvCache.sequences(contextLength) < 1) return undefined;
  const held = kvCache.sequences(demand.inputTokens + demand.outputTokens);
  const concurrency = Math.min(held, benchmark?.concurrency ?? MOST_AT_A_TIME);
  const rate = demand.requestsPerSecond ?? 0;
  const inFlight = demand.concurrentSequences ?? rate * (benchmark ? generationSeconds(benchmark, demand.outputTokens) : 0);
  const factor = spareFactor(spare);
  const byConcurrency = whole((inFlight / concurrency) * factor);
  // A lost zone takes whole replicas along, of an uneven number one more than its share.
  const byZone = whole(whole(inFlight / concurrency) * lostZone(spare));
  const tokens = rate * demand.outputTokens;
  const byTokens = benchmark ? whole((tokens / benchmark.tokensPerSecond) * factor) : 0;
  const number = (value: number) => Number(value.toFixed(2));
  const latency = benchmark && demand.requestsPerSecond ? ` (${rate}/s x ${number(inFlight / rate)} s)` : '';
  const arithmetic =
    `${number(inFlight)} in flight${latency} / ${concurrency} a replica x ${number(factor)} = ${byConcurrency}` +
    (byZone > byConcurrency ? `, of which ${whole(inFlight / concurrency)} must be left when a zone is lost: ${byZone}` : '') +
    (byTokens > 0
      ? `; ${number(tokens)} tokens/s / ${benchmark!.tokensPerSecond} x ${number(factor)} = ${byTokens} (${benchmark!.source})`
      : '');
  const forLoad = Math.max(byConcurrency, byZone);
  const replicas = Math.max(spare.zones, forLoad);
  return { ...placement, benchmark, concurrency, inFlight, forLoad, byTokens, replicas, arithmetic };
}

/** By what the replicas of the load are multiplied. */
export function spareFactor(spare: SpareReplicas): number {
  return spare.headroom * lostZone(spare);
}

function lostZone({ zones }: SpareReplicas): number {
  return zones > 1 ? zones / (zones - 1) : 1;
}

function whole(replicas: number): number {
  // A millionth less, so that 6.000000000000001 replicas are six.
  return Math.ceil(replicas - 1e-6);
}

function nodesUpTo(most: number, layers: number): number[] {
  return [1, 2, 4, 8, 16].filter((nodes) => nodes <= most && nodes <= layers);
}
