import type { Duration } from 'aws-cdk-lib';
import { refuse } from '../core/error';
import { enforce } from '../core/rule';
import { Sizing, type SizingDecision } from '../core/sizing';
import { type InstanceType, instanceTypes, priceNote, priceUnit } from '../workloads/instance-type';
import type { KvCache } from './kv-cache';
import { GPU_MEMORY_UTILIZATION, MAX_BATCHED_TOKENS } from './kv-cache-arithmetic';
import { type LlmCandidate, type LlmPlacement, candidateOf, placementOf, placementsOf, spareFactor } from './llm-candidate';
import type { LlmBenchmark, LlmDemand } from './llm-demand';
import { LLM_BENCHMARK_RULES, LLM_DEMAND_RULES } from './llm-demand-rules';
import type { LlmModel } from './llm-model';
import type { FixedLlmSize, LlmMemoryOptions, LlmSizingOptions } from './llm-sizing-options';
import { type SizingInput, fixedSizeRules, sizingOptionRules } from './llm-sizing-rules';

const ZONES = 3;
const HEADROOM = 4 / 3;
const ALTERNATIVES = 3;

interface Chosen extends LlmPlacement {
  readonly model: LlmModel;
  readonly replicas: number;
  readonly zones: number;
  readonly concurrency: number;
  readonly contextLength: number;
  readonly benchmark?: LlmBenchmark;
  readonly timeToFirstToken?: Duration;
  readonly memory: LlmMemoryOptions;
}

/**
 * Which GPUs hold a language model, and how many copies of it a demand needs: the cheapest instances on which the weights, one sequence of
 * the full length and enough sequences at a time fit.
 */
export class LlmSizing extends Sizing {
  /**
   * The GPUs and replicas for a demand.
   *
   * @throws Millrace.LlmDemandInvalid, Millrace.LlmSizingOptionsInvalid, Millrace.LlmBenchmarkInvalid, Millrace.LlmBenchmarkMissing,
   * Millrace.LlmInstanceHasNoGpu, Millrace.LlmDoesNotFit, Millrace.LlmTooSlow, Millrace.TokenRefused
   */
  public static forDemand(model: LlmModel, demand: LlmDemand, options: LlmSizingOptions = {}): LlmSizing {
    const scope = 'LlmSizing.forDemand';
    enforce(scope, { ...demand, maxModelLength: model.maxModelLength }, LLM_DEMAND_RULES);
    const { benchmarks = [], memory = {}, zones = ZONES, headroom = HEADROOM, maxNodes = 1, sharedNodes = false } = options;
    const input: SizingInput = {
      ...options,
      zones,
      headroom,
      maxNodes,
      benchmarks,
      needsBenchmark: demand.requestsPerSecond !== undefined,
    };
    enforce(scope, input, sizingOptionRules(gpuTypes()));
    for (const benchmark of benchmarks) enforce(scope, benchmark, LLM_BENCHMARK_RULES);
    const contextLength = demand.contextLength ?? model.maxModelLength;
    const placements = placementsOf(model, { ...withDefaults(memory), sharedNodes, maxNodes, instanceTypes: options.instanceTypes });
    const spare = { headroom, zones };
    const measured = placements.map((placement) => ({ placement, benchmark: benchmarkOf(placement, benchmarks) }));
    const considered = measured.filter(({ benchmark }) => benchmarks.length === 0 || benchmark);
    if (considered.length === 0) refuseUnmeasured(scope, placements);
    const fitting = considered
      .map(({ placement, benchmark }) => candidateOf(placement, demand, contextLength, spare, benchmark))
      .filter((candidate): candidate is LlmCandidate => candidate !== undefined);
    if (fitting.length === 0)
      refuseModel(
        scope,
        model,
        contextLength,
        considered.map(({ placement }) => placement),
      );
    const promise = demand.timeToFirstToken?.toMilliseconds({ integral: false }) ?? Infinity;
    const first = (candidate: LlmCandidate) => candidate.benchmark?.timeToFirstToken?.toMilliseconds({ integral: false }) ?? 0;
    const inTime = fitting.filter((candidate) => first(candidate) <= promise);
    if (inTime.length === 0) refuseSlow(scope, promise, Math.min(...fitting.map(first)));
    const [chosen, ...others] = inTime.sort(
      (a, b) => a.hourly * a.replicas - b.hourly * b.replicas || a.kvCache.gpus - b.kvCache.gpus || (a.type.name < b.type.name ? -1 : 1),
    );
    const { replicas, forLoad, byTokens, concurrency, inFlight } = chosen;
    const factor = spareFactor(spare);
    const bottleneckOf = (candidate: LlmCandidate) => (candidate.forLoad > zones ? 'concurrency' : 'availability');
    return new LlmSizing(
      { ...chosen, model, zones, contextLength, timeToFirstToken: demand.timeToFirstToken, memory },
      {
        bottleneck: bottleneckOf(chosen),
        utilisation: {
          concurrency: (inFlight * factor) / (replicas * concurrency),
          ...(byTokens > 0 && chosen.benchmark
            ? {
                tokens: ((demand.requestsPerSecond ?? 0) * demand.outputTokens * factor) / (replicas * chosen.benchmark.tokensPerSecond),
              }
            : {}),
          kvCache: chosen.kvCache.sequenceBytes(contextLength) / chosen.kvCache.budgetBytes,
        },
        alternatives: others.slice(0, ALTERNATIVES).map((other) => ({
          choice: choiceOf(other),
          bottleneck: bottleneckOf(other),
          reason: `${money(other.hourly * other.replicas)} ${priceUnit()}, ${other.concurrency} at a time a replica`,
        })),
        reason:
          `${chosen.kvCache._arithmetic}: ${chosen.kvCache.sequences(contextLength)} sequences of ${contextLength}; ${chosen.arithmetic}` +
          (replicas > forLoad ? `, and one a zone is ${zones}` : '') +
          `; ${money(chosen.hourly * replicas)} ${priceNote()}${perMillion(chosen)}`,
      },
    );
  }

  /**
   * A size decided elsewhere; the model must still fit.
   *
   * @throws Millrace.LlmSizingOptionsInvalid, Millrace.LlmInstanceHasNoGpu, Millrace.LlmDoesNotFit, Millrace.TokenRefused
   */
  public static fixed(model: LlmModel, size: FixedLlmSize): LlmSizing {
    const scope = 'LlmSizing.fixed';
    const type = instanceTypes().find(({ name }) => name === size.instanceType);
    enforce(scope, { size, gpus: type?.gpus ?? 0, model }, fixedSizeRules(gpuTypes()));
    const { replicas, contextLength, nodes = 1, timeToFirstToken, memory = {} } = size;
    const parallel = size.tensorParallel ?? type!.gpus;
    const placement = placementOf(model, type!, parallel, nodes, { ...withDefaults(memory), sharedNodes: parallel < type!.gpus });
    const longest = placement.kvCache.sequences(contextLength);
    if (longest < 1) refuseModel(scope, model, contextLength, [placement]);
    const concurrency = size.concurrencyPerReplica ?? longest;
    return new LlmSizing(
      { ...placement, model, replicas, zones: Math.min(replicas, ZONES), concurrency, contextLength, timeToFirstToken, memory },
      {
        bottleneck: 'chosen by hand',
        utilisation: { kvCache: placement.kvCache.sequenceBytes(contextLength) / placement.kvCache.budgetBytes },
        alternatives: [],
        reason:
          `the size was given, not derived from a demand; ${placement.kvCache._arithmetic}: ${longest} sequences of ${contextLength}; ` +
          `${money(placement.hourly * replicas)} ${priceNote()}`,
      },
    );
  }

  /** What is served. */
  public readonly model: LlmModel;
  /** EC2 instance type of the nodes. */
  public readonly instanceType: string;
  /** Name of the GPU, for example `L40S`. */
  public readonly gpuName: string;
  /** GPUs of a node over which each layer is split. */
  public readonly tensorParallel: number;
  /** Nodes over which the layers of a replica are spread. */
  public readonly nodes: number;
  /** Replicas at peak. */
  public readonly replicas: number;
  /** Zones that they stand in. */
  public readonly zones: number;
  /** Longest prompt and answer together, tokens. */
  public readonly contextLength: number;
  /** Requests that one replica serves at a time. */
  public readonly concurrencyPerReplica: number;
  /** What of the GPUs is left for sequences. */
  public readonly kvCache: KvCache;
  /** Share of a GPU's memory that vLLM takes. */
  public readonly gpuMemoryUtilization: number;
  /** Price of an hour of all replicas on demand, where and when the reason says. */
  public readonly hourlyPrice: number;
  /** Price of a million tokens of answers at full load; undefined without a benchmark. */
  public readonly pricePerMillionTokens?: number;
  /** Time until the first token that is promised. */
  public readonly timeToFirstToken?: Duration;
  /** @internal */
  public readonly _type: InstanceType;
  /** @internal */
  public readonly _maxBatchedTokens: number;

  private constructor(chosen: Chosen, decision: Omit<SizingDecision, 'choice'>) {
    super({ choice: choiceOf(chosen), ...decision });
    this.model = chosen.model;
    this.instanceType = chosen.type.name;
    this.gpuName = chosen.type.kind.split(' ')[0];
    this.tensorParallel = chosen.tensorParallel;
    this.nodes = chosen.pipelineParallel;
    this.replicas = chosen.replicas;
    this.zones = chosen.zones;
    this.contextLength = chosen.contextLength;
    this.concurrencyPerReplica = chosen.concurrency;
    this.kvCache = chosen.kvCache;
    this.gpuMemoryUtilization = chosen.memory.gpuMemoryUtilization ?? GPU_MEMORY_UTILIZATION;
    this.hourlyPrice = chosen.hourly * chosen.replicas;
    this.pricePerMillionTokens = pricePerMillion(chosen);
    this.timeToFirstToken = chosen.timeToFirstToken;
    this._type = chosen.type;
    this._maxBatchedTokens = chosen.memory.maxBatchedTokens ?? MAX_BATCHED_TOKENS;
  }
}

function gpuTypes(): string[] {
  return instanceTypes()
    .filter(({ gpus }) => gpus > 0)
    .map(({ name }) => name);
}

function withDefaults({
  gpuMemoryUtilization = GPU_MEMORY_UTILIZATION,
  reservePerGpu,
  maxBatchedTokens = MAX_BATCHED_TOKENS,
}: LlmMemoryOptions) {
  return { gpuMemoryUtilization, reservePerGpu, maxBatchedTokens };
}

function benchmarkOf(
  { type, tensorParallel, pipelineParallel }: LlmPlacement,
  benchmarks: readonly LlmBenchmark[],
): LlmBenchmark | undefined {
  return benchmarks.find(
    (benchmark) =>
      benchmark.instanceType === type.name &&
      (benchmark.tensorParallel ?? type.gpus * pipelineParallel) === tensorParallel * pipelineParallel,
  );
}

function choiceOf({ replicas, tensorParallel, pipelineParallel, type }: LlmPlacement & { readonly replicas: number }): string {
  const nodes = pipelineParallel > 1 ? `${pipelineParallel} nodes of ` : '';
  return `${replicas} x ${nodes}${tensorParallel} of ${type.gpus} ${type.kind} on ${type.name}`;
}

function money(amount: number): string {
  return amount.toFixed(2);
}

/** `hourly / (tokens a second x 3600) x 1,000,000`, of one replica at full load. */
function pricePerMillion({ hourly, benchmark }: { readonly hourly: number; readonly benchmark?: LlmBenchmark }): number | undefined {
  return benchmark && (hourly / (benchmark.tokensPerSecond * 3600)) * 1e6;
}

function perMillion(candidate: LlmCandidate): string {
  const price = pricePerMillion(candidate);
  return price === undefined ? '' : `, ${price.toFixed(3)} for a million tokens at full load; EC2 prices, SageMaker takes more`;
}

function refuseModel(scope: string, model: LlmModel, contextLength: number, placements: readonly LlmPlacement[]): never {
  // The one that comes closest says most.
  const lacks = ({ kvCache }: LlmPlacement) => kvCache.sequenceBytes(contextLength) - kvCache.budgetBytes;
  const best = [...placements].sort((a, b) => lacks(a) - lacks(b))[0];
  const need = `one sequence of ${contextLength} tokens needs ${(best.kvCache.sequenceBytes(contextLength) / 1e9).toFixed(1)} GB`;
  return refuse(scope, {
    code: 'Millrace.LlmDoesNotFit',
    subject: 'model',
    received: `${model.name} on ${choiceOf({ ...best, replicas: 1 })}: ${best.kvCache._arithmetic}; ${need}`,
    allowed: 'GPUs that hold the weights and one sequence of the full length',
    fix: 'shorten contextLength, store the KV cache as KvCacheType.FP8, use quantised weights, a larger instance, or more nodes with maxNodes',
  });
}

function refuseSlow(scope: string, promise: number, fastest: number): never {
  return refuse(scope, {
    code: 'Millrace.LlmTooSlow',
    subject: 'demand.timeToFirstToken',
    received: `${promise} ms promised, ${fastest} ms measured on the fastest`,
    allowed: 'a promise that a benchmark keeps',
    fix: 'measure at a lower concurrency or on faster GPUs, or promise less',
  });
}

function refuseUnmeasured(scope: string, placements: readonly LlmPlacement[]): never {
  return refuse(scope, {
    code: 'Millrace.LlmBenchmarkMissing',
    subject: 'benchmarks',
    received: 'benchmarks of other instance types or numbers of GPUs',
    allowed: `one of ${placements.map(({ type, tensorParallel, pipelineParallel }) => `${type.name} with ${tensorParallel * pipelineParallel}`).join(', ')}`,
    fix: 'measure one of these, or consider other instanceTypes, sharedNodes or maxNodes',
  });
}
