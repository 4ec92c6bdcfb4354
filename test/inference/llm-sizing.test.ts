import { Duration, Size } from 'aws-cdk-lib';
import * as fc from 'fast-check';
import { KvCache } from '../../lib/inference/kv-cache';
import { LlmAttention } from '../../lib/inference/llm-attention';
import type { LlmBenchmark, LlmDemand } from '../../lib/inference/llm-demand';
import { KvCacheType, LlmModel, type LlmModelProps } from '../../lib/inference/llm-model';
import { LlmSizing } from '../../lib/inference/llm-sizing';
import { instanceTypes } from '../../lib/workloads/instance-type';
import { refusalOf } from '../contract/refusal';

const { LLAMA_3_1_8B: SMALL, LLAMA_3_1_70B: LARGE } = LlmModel;
const cacheOf = (model: LlmModel, gigabytes: number, tensorParallel: number) =>
  KvCache.of(model, { gpuMemory: Size.bytes(gigabytes * 1e9), tensorParallel });
const modelOf = (props: Partial<LlmModelProps>) => {
  const { name, uri, parameters, layers, attention, maxModelLength } = SMALL;
  return LlmModel.of({ name, uri, parameters, layers, attention, maxModelLength, ...props });
};
const DEMAND: LlmDemand = { inputTokens: 1500, outputTokens: 500, concurrentSequences: 40, contextLength: 8192 };
const MEASURED: LlmBenchmark = {
  instanceType: 'g6e.xlarge',
  tokensPerSecond: 1200,
  concurrency: 32,
  timeToFirstToken: Duration.millis(400),
  source: 'load test of 2 June, vLLM 0.18.1',
};

describe('the memory of published models (reference, section 16)', () => {
  test.each([
    ['8B on one GPU of 24 GB', SMALL, 24, 1, '131072', '16.1', '4.0', 30670, ['7.5', '3.7'], [7, 3]],
    ['8B on one GPU of 80 GB', SMALL, 80, 1, '131072', '16.1', '55.5', 423736, ['103.5', '51.7'], [103, 51]],
    ['70B on four GPUs of 80 GB', LARGE, 80, 4, '327680', '141.2', '145.2', 443115, ['108.2', '54.1'], [108, 54]],
  ] as const)('%s', (_, model, gigabytes, gpus, perToken, weights, budget, tokens, exact, whole) => {
    const cache = cacheOf(model, gigabytes, gpus);
    expect(cache.bytesPerToken.toString()).toBe(perToken);
    expect((cache.weightBytes / 1e9).toFixed(1)).toBe(weights);
    expect((cache.budgetBytes / 1e9).toFixed(1)).toBe(budget);
    expect(cache.tokens).toBe(tokens);
    expect([4096, 8192].map((length) => (cache.tokens / length).toFixed(1))).toEqual(exact);
    expect([4096, 8192].map((length) => cache.sequences(length))).toEqual(whole);
  });

  test('a sequence takes whole blocks of 16 tokens', () => {
    const cache = cacheOf(SMALL, 24, 1);
    expect(cache.sequenceBytes(1)).toBe(16 * 131072);
    expect(cache.sequenceBytes(16)).toBe(cache.sequenceBytes(1));
    expect(cache.sequenceBytes(17)).toBe(2 * cache.sequenceBytes(16));
  });

  test('FP8 halves a token; a scale for each head and token adds 2 x heads x 4 bytes a layer', () => {
    expect(cacheOf(modelOf({ kvCacheType: KvCacheType.FP8 }), 24, 1).bytesPerToken).toBe(65536);
    expect(cacheOf(modelOf({ kvCacheType: KvCacheType.FP8_PER_TOKEN_HEAD }), 24, 1).bytesPerToken).toBe(65536 + 32 * 2 * 8 * 4);
  });

  test('keys and values may have dimensions of their own', () => {
    const attention = LlmAttention.standard({ attentionHeads: 32, kvHeads: 8, headDim: 192, valueHeadDim: 128 });
    expect(cacheOf(modelOf({ attention }), 24, 1).bytesPerToken).toBe(32 * 8 * (192 + 128) * 2);
  });

  test('a latent is kept once a layer, without the factor of two, and on every GPU', () => {
    const attention = LlmAttention.latent({ attentionHeads: 128, latentDim: 576 });
    const latent = { attention, layers: 61 };
    expect(cacheOf(modelOf(latent), 80, 1).bytesPerToken).toBe(61 * 576 * 2);
    expect(cacheOf(modelOf({ ...latent, kvCacheType: KvCacheType.FP8_DS_MLA }), 80, 1).bytesPerToken).toBe(61 * 656);
    expect(cacheOf(modelOf(latent), 80, 8).bytesPerToken).toBe(8 * 61 * 576 * 2);
    expect(cacheOf(modelOf(latent), 80, 8).copies).toBe(8);
  });

  test('a sliding window caps what its layers keep at window - 1 + a batch, and one block more', () => {
    const heads = { attentionHeads: 32, kvHeads: 8, headDim: 128, window: 1024 };
    const cache = (fullLayers: number) =>
      KvCache.of(modelOf({ attention: LlmAttention.slidingWindow({ ...heads, fullLayers }) }), {
        gpuMemory: Size.bytes(24e9),
        maxBatchedTokens: 2048,
      });
    const layer = 8 * 256 * 2;
    // 1023 + 2048 = 3071 tokens are 192 blocks, and one more.
    expect(cache(0).sequenceBytes(65536)).toBe(32 * layer * 193 * 16);
    expect(cache(8).sequenceBytes(65536)).toBe(8 * layer * 65536 + 24 * layer * 193 * 16);
    expect(cache(8).sequenceBytes(512)).toBe(32 * layer * 512);
  });

  test('beyond as many GPUs as KV heads every GPU keeps a copy, so the tokens do not grow with the GPUs', () => {
    const attention = LlmAttention.standard({ attentionHeads: 32, kvHeads: 4, headDim: 128 });
    const [four, eight] = [4, 8].map((gpus) => cacheOf(modelOf({ attention }), 80, gpus));
    expect([four.copies, eight.copies]).toEqual([1, 2]);
    expect(eight.bytesPerToken).toBe(2 * four.bytesPerToken);
  });

  test('layers that do not divide over the nodes count as the fullest node does', () => {
    const cache = KvCache.of(modelOf({ layers: 61 }), { gpuMemory: Size.bytes(80e9), pipelineParallel: 2 });
    expect(cache.bytesPerToken).toBeCloseTo(62 * 4096, 6);
    expect(cache.budgetBytes).toBeCloseTo(2 * (0.92 * 80e9 - 2e9) - (16.06e9 * 62) / 61, 0);
  });
});

describe('a demand', () => {
  const sizing = LlmSizing.forDemand(SMALL, DEMAND);

  test('gets the cheapest instances that hold it, with the arithmetic', () => {
    expect(sizing.choice).toBe('6 x 1 of 1 L4 22 GiB on g6.xlarge');
    expect(sizing.reason).toMatch(
      /^0\.92 x 1 x 24\.0 GB = 22\.1 GB - 16\.1 GB weights - 2\.0 GB reserve = 4\.0 GB for the KV cache; at 131072 bytes a token 306\d\d tokens: 3 sequences of 8192; 40 in flight \/ 15 a replica x 2 = 6; 4\.83 USD\/h on demand in us-east-1 at \d{4}-\d\d-\d\d$/,
    );
    expect(sizing.bottleneck).toBe('concurrency');
    expect(sizing.alternatives).toHaveLength(3);
  });

  test('by rate needs what a load test has shown: Little for the requests in flight, and the tokens a second', () => {
    const rate = { ...DEMAND, concurrentSequences: undefined, requestsPerSecond: 10 };
    const measured = LlmSizing.forDemand(SMALL, rate, { benchmarks: [MEASURED] });
    // 500 tokens at 1200 / 32 a second and 0.4 s: 13.73 s; 137.33 / 32 x 2 = 8.6. 5000 / 1200 x 2 = 8.3.
    expect(measured.replicas).toBe(9);
    expect(measured.concurrencyPerReplica).toBe(32);
    expect(measured.reason).toContain('137.33 in flight (10/s x 13.73 s) / 32 a replica x 2 = 9; 5000 tokens/s / 1200 x 2 = 9');
    expect(measured.reason).toContain(MEASURED.source);
    // 1.861 / (1200 x 3600) x 1,000,000
    expect(measured.pricePerMillionTokens).toBeCloseTo(0.43079, 5);
    expect(measured.reason).toContain('0.431 for a million tokens at full load; EC2 prices');
    expect(refusalOf(() => LlmSizing.forDemand(SMALL, rate))).toEqual(['Millrace.LlmBenchmarkMissing benchmarks']);
  });

  test('is served by fewer requests at a time where the KV cache holds fewer than the load test had', () => {
    const long = { ...DEMAND, inputTokens: 7000, outputTokens: 1000 };
    const held = LlmSizing.forDemand(SMALL, long, { benchmarks: [{ ...MEASURED, concurrency: 64 }] });
    expect(held.concurrencyPerReplica).toBe(24);
    expect(held.replicas).toBe(4);
  });

  test('with a promise is not placed where the first token comes later', () => {
    const slow = { ...MEASURED, timeToFirstToken: Duration.seconds(3) };
    const promise = { ...DEMAND, timeToFirstToken: Duration.seconds(1) };
    expect(refusalOf(() => LlmSizing.forDemand(SMALL, promise, { benchmarks: [slow] }))).toEqual([
      'Millrace.LlmTooSlow demand.timeToFirstToken',
    ]);
    const both = [slow, { ...MEASURED, instanceType: 'g6e.2xlarge' }];
    expect(LlmSizing.forDemand(SMALL, promise, { benchmarks: both }).instanceType).toBe('g6e.2xlarge');
  });

  test('over an uneven number of replicas keeps enough whole ones when a zone is lost', () => {
    // 34 in flight of 15 are 2.27 replicas: 3 of them, times 1.5. Four would leave two.
    const uneven = LlmSizing.forDemand(SMALL, { ...DEMAND, concurrentSequences: 34 }, { headroom: 1, instanceTypes: ['g6.xlarge'] });
    expect(uneven.replicas).toBe(5);
    expect(uneven.reason).toContain('34 in flight / 15 a replica x 1.5 = 4, of which 3 must be left when a zone is lost: 5');
  });

  test('without a load test is trusted to serve 256 at a time, the default of the server, however many the memory holds', () => {
    const short = { inputTokens: 100, outputTokens: 100, concurrentSequences: 1000, contextLength: 1024 };
    const sizing = LlmSizing.forDemand(SMALL, short, { instanceTypes: ['p5.4xlarge'] });
    expect(sizing.kvCache.sequences(200)).toBeGreaterThan(256);
    expect(sizing.concurrencyPerReplica).toBe(256);
  });

  test('of a large model splits each layer over the GPUs of an instance', () => {
    const large = LlmSizing.forDemand(LARGE, DEMAND);
    expect(large.tensorParallel).toBeGreaterThan(1);
    expect(large.kvCache.sequences(8192)).toBeGreaterThanOrEqual(1);
  });

  test('shares nodes where that is allowed, and pays its part of them', () => {
    const options = { instanceTypes: ['p5.48xlarge'] };
    const [own, shared] = [false, true].map((sharedNodes) => LlmSizing.forDemand(SMALL, DEMAND, { ...options, sharedNodes }));
    expect([own.tensorParallel, shared.tensorParallel]).toEqual([8, 1]);
    expect(shared.hourlyPrice).toBeCloseTo(own.hourlyPrice / 8, 6);
  });

  test('spans nodes only where that is allowed', () => {
    const huge = modelOf({
      parameters: 405e9,
      layers: 126,
      attention: LlmAttention.standard({ attentionHeads: 128, kvHeads: 8, headDim: 128 }),
    });
    const options = { instanceTypes: ['p4de.24xlarge'] };
    expect(refusalOf(() => LlmSizing.forDemand(huge, DEMAND, options))).toEqual(['Millrace.LlmDoesNotFit model']);
    const spread = LlmSizing.forDemand(huge, DEMAND, { ...options, maxNodes: 4 });
    expect([spread.nodes, spread.tensorParallel]).toEqual([2, 8]);
    expect(spread.choice).toBe('3 x 2 nodes of 8 of 8 A100 80 GiB on p4de.24xlarge');
  });
});

describe('what cannot be is refused', () => {
  test('a KV cache that holds no sequence of the full length, with the whole arithmetic', () => {
    const work = () => LlmSizing.forDemand(SMALL, { ...DEMAND, contextLength: 131072 }, { instanceTypes: ['g6.xlarge'] });
    expect(refusalOf(work)).toEqual(['Millrace.LlmDoesNotFit model']);
    expect(work).toThrow(
      /0\.92 x 1 x 24\.0 GB = 22\.1 GB - 16\.1 GB weights - 2\.0 GB reserve = 4\.0 GB for the KV cache; at 131072 bytes a token 306\d\d tokens; one sequence of 131072 tokens needs 17\.2 GB/,
    );
  });

  test('instances without a GPU', () => {
    expect(refusalOf(() => LlmSizing.forDemand(SMALL, DEMAND, { instanceTypes: ['m7i.4xlarge'] }))).toEqual([
      'Millrace.LlmInstanceHasNoGpu instanceTypes',
    ]);
    const size = { instanceType: 'c7g.large', replicas: 2, contextLength: 4096 };
    expect(refusalOf(() => LlmSizing.fixed(SMALL, size))).toEqual(['Millrace.LlmInstanceHasNoGpu instanceType']);
  });

  test.each<[string, () => unknown, string[]]>([
    [
      'no demand',
      () => LlmSizing.forDemand(SMALL, { inputTokens: 1, outputTokens: 1 }),
      ['Millrace.LlmDemandInvalid demand.requestsPerSecond, concurrentSequences'],
    ],
    [
      'two demands',
      () => LlmSizing.forDemand(SMALL, { ...DEMAND, requestsPerSecond: 1 }),
      ['Millrace.LlmDemandInvalid demand.requestsPerSecond, concurrentSequences'],
    ],
    [
      'a context longer than trained',
      () => LlmSizing.forDemand(SMALL, { ...DEMAND, contextLength: 200000 }),
      ['Millrace.LlmDemandInvalid demand.contextLength'],
    ],
    [
      'a context shorter than asked',
      () => LlmSizing.forDemand(SMALL, { ...DEMAND, contextLength: 1000 }),
      ['Millrace.LlmDemandInvalid demand.contextLength'],
    ],
    [
      'zones',
      () => LlmSizing.forDemand(SMALL, DEMAND, { zones: 7, headroom: 9, maxNodes: 0 }),
      ['zones', 'headroom', 'maxNodes'].map((each) => `Millrace.LlmSizingOptionsInvalid ${each}`),
    ],
    [
      'a benchmark without source',
      () => LlmSizing.forDemand(SMALL, DEMAND, { benchmarks: [{ ...MEASURED, source: ' ' }] }),
      ['Millrace.LlmBenchmarkInvalid benchmarks.source'],
    ],
    [
      'a benchmark of other GPUs',
      () => LlmSizing.forDemand(SMALL, DEMAND, { benchmarks: [MEASURED], instanceTypes: ['g6.xlarge'] }),
      ['Millrace.LlmBenchmarkMissing benchmarks'],
    ],
    [
      'heads that do not divide',
      () => LlmAttention.standard({ attentionHeads: 30, kvHeads: 8, headDim: 128 }),
      ['Millrace.LlmModelInvalid attention.kvHeads'],
    ],
    ['a latent type for heads', () => modelOf({ kvCacheType: KvCacheType.FP8_DS_MLA }), ['Millrace.LlmModelInvalid kvCacheType']],
    ['a path instead of a place', () => SMALL.storedAt('/models/llama'), ['Millrace.LlmModelInvalid uri']],
    [
      'GPUs over which the KV heads neither divide nor are copied evenly',
      () =>
        LlmSizing.fixed(modelOf({ attention: LlmAttention.standard({ attentionHeads: 24, kvHeads: 12, headDim: 128 }) }), {
          instanceType: 'g6.48xlarge',
          replicas: 2,
          contextLength: 4096,
          tensorParallel: 8,
        }),
      ['Millrace.LlmSizingOptionsInvalid tensorParallel'],
    ],
    [
      'more nodes than layers',
      () => LlmSizing.fixed(modelOf({ layers: 2 }), { instanceType: 'g6.xlarge', replicas: 2, contextLength: 4096, nodes: 3 }),
      ['Millrace.LlmSizingOptionsInvalid replicas, nodes, concurrencyPerReplica'],
    ],
    [
      'a size by hand that holds no sequence',
      () => LlmSizing.fixed(SMALL, { instanceType: 'g6.xlarge', replicas: 2, contextLength: 131072 }),
      ['Millrace.LlmDoesNotFit model'],
    ],
    [
      'three GPUs',
      () => LlmSizing.fixed(SMALL, { instanceType: 'g6.12xlarge', replicas: 2, contextLength: 4096, tensorParallel: 3 }),
      ['Millrace.LlmSizingOptionsInvalid tensorParallel'],
    ],
  ])('%s', (_, work, refusal) => {
    expect(refusalOf(work)).toEqual(refusal);
  });
});

describe('for every model and demand', () => {
  const models = fc
    .record({
      power: fc.integer({ min: 0, max: 5 }),
      groups: fc.integer({ min: 0, max: 3 }),
      layers: fc.integer({ min: 1, max: 128 }),
      headDim: fc.constantFrom(64, 128, 256),
      parameters: fc.double({ min: 1e9, max: 3e10, noNaN: true }),
    })
    .map(({ power, groups, layers, headDim, parameters }) =>
      modelOf({
        layers,
        parameters,
        attention: LlmAttention.standard({ attentionHeads: 2 ** (power + groups), kvHeads: 2 ** power, headDim }),
      }),
    );

  test('more GPUs never hold fewer sequences, and a longer one never more of them', () => {
    fc.assert(
      fc.property(models, fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 0, max: 2 }), (model, tokens, power) => {
        const [few, many] = [cacheOf(model, 48, 2 ** power), cacheOf(model, 48, 2 ** (power + 1))];
        expect(many.sequences(tokens)).toBeGreaterThanOrEqual(few.sequences(tokens));
        expect(few.sequences(tokens + 1)).toBeLessThanOrEqual(few.sequences(tokens));
        expect(few.sequences(tokens) * few.sequenceBytes(tokens)).toBeLessThanOrEqual(Math.max(0, few.budgetBytes) + 1);
      }),
    );
  });

  test('more memory never holds fewer sequences, and a longer context never more, whatever a model keeps of a token', () => {
    const attentions = fc.constantFrom(
      LlmAttention.standard({ attentionHeads: 32, kvHeads: 8, headDim: 128 }),
      LlmAttention.slidingWindow({ attentionHeads: 32, kvHeads: 8, headDim: 128, window: 1024, fullLayers: 5 }),
      LlmAttention.latent({ attentionHeads: 32, latentDim: 576 }),
    );
    const types = fc.constantFrom(KvCacheType.BF16, KvCacheType.FP8);
    const memory = fc.integer({ min: 1e9, max: 2e11 });
    fc.assert(
      fc.property(
        attentions,
        types,
        memory,
        memory,
        fc.integer({ min: 1, max: 200_000 }),
        fc.nat(50_000),
        (attention, kvCacheType, ...given) => {
          const [bytes, moreBytes, tokens, moreTokens] = given;
          const model = modelOf({ attention, kvCacheType });
          const held = (size: number, length: number) =>
            KvCache.of(model, { gpuMemory: Size.bytes(size), pipelineParallel: 2 }).sequences(length);
          expect(held(bytes + moreBytes, tokens)).toBeGreaterThanOrEqual(held(bytes, tokens));
          expect(held(bytes, tokens + moreTokens)).toBeLessThanOrEqual(held(bytes, tokens));
          const replicas = (length: number) =>
            LlmSizing.forDemand(
              model,
              { inputTokens: 8, outputTokens: 8, concurrentSequences: 99, contextLength: length },
              { instanceTypes: ['p5.48xlarge'] },
            ).replicas;
          expect(replicas((tokens % 100_000) + 16)).toBe(replicas(16));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a sizing fits, carries its peak with one zone lost, and costs no more than its alternatives', () => {
    const demands = fc.record({
      inputTokens: fc.integer({ min: 1, max: 6000 }),
      outputTokens: fc.integer({ min: 1, max: 2000 }),
      concurrentSequences: fc.integer({ min: 1, max: 2000 }),
    });
    fc.assert(
      fc.property(
        models,
        demands,
        fc.integer({ min: 2, max: 4 }),
        fc.boolean(),
        fc.constantFrom(1, 4 / 3),
        (model, load, zones, sharedNodes, headroom) => {
          const demand = { ...load, contextLength: 8192 };
          const sizing = LlmSizing.forDemand(model, demand, { zones, sharedNodes, headroom });
          const type = instanceTypes().find(({ name }) => name === sizing.instanceType)!;
          expect(type.gpus).toBeGreaterThanOrEqual(sizing.tensorParallel);
          expect(model.attention.attentionHeads % sizing.tensorParallel).toBe(0);
          expect(sizing.kvCache.sequences(8192)).toBeGreaterThanOrEqual(1);
          expect(sizing.replicas).toBeGreaterThanOrEqual(zones);
          const left = sizing.replicas - Math.ceil(sizing.replicas / zones);
          expect(left * sizing.concurrencyPerReplica).toBeGreaterThanOrEqual(demand.concurrentSequences - 1e-3);
          for (const { reason } of sizing.alternatives)
            expect(Number(reason.split(' ')[0])).toBeGreaterThanOrEqual(Number(sizing.hourlyPrice.toFixed(2)));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('more load never needs a cheaper size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 500 }), (load, more) => {
        const price = (concurrentSequences: number) => LlmSizing.forDemand(SMALL, { ...DEMAND, concurrentSequences }).hourlyPrice;
        expect(price(load + more)).toBeGreaterThanOrEqual(price(load) - 1e-9);
      }),
      { numRuns: 40 },
    );
  });
});
