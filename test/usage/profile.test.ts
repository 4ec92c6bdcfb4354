import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import fc from 'fast-check';
import { Profile } from '../../lib/usage/profile';
import {
  BLOCK_SECONDS,
  type ProfileContainer,
  type ProfileFile,
  emptyProfile,
  formatProfile,
  mergeProfiles,
  parseProfile,
  replicasOf,
} from '../../lib/usage/profile-file';
import type { Recommendation } from '../../lib/usage/recommendation';
import { UsageBlock, blockLine, parseBlockLine, roundUsage } from '../../lib/usage/usage-block';
import { SLOTS, UsageHistogram, lowerBound, slotOf, upperBound } from '../../lib/usage/usage-histogram';
import { UsageRecording, type UsageSample } from '../../lib/usage/usage-recording';
import { codeOf, refusalOf } from '../contract/refusal';

const HOUR = 3600;
const BLOCK = 8 * HOUR;
const NOVEMBER = Date.UTC(2026, 10, 1) / 1000;

const RECOMMENDATION: Recommendation = {
  cpuMillis: 120,
  memoryMib: 300,
  replicas: 2.5,
  workloadClass: 'service',
  policy: 'steady',
  algorithm: 'millrace-1',
  asOf: '2026-11-02T00:00:00.000Z',
  historyDays: 1,
  confidence: 0.13,
  model: 'fallback',
  reason: 'because',
  expectedCpuSlack: 0.2,
  expectedCpuOver: 0.01,
  expectedMemorySlack: 0.1,
  expectedMemoryOver: 0,
};

// Evenly over the buckets: doubles would be next to zero nearly always.
const usages = fc.integer({ min: -2000, max: 21_900 }).map((thousandths) => roundUsage(2 ** (thousandths / 1000)));
const samples = fc.array(usages, { minLength: 1, maxLength: 40 });

function histogramOf(values: readonly number[]): UsageHistogram {
  const histogram = new UsageHistogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

function merged(...parts: readonly UsageHistogram[]): string {
  const all = new UsageHistogram();
  for (const part of parts) all.merge(part);
  return all.pack();
}

describe('a histogram', () => {
  test('has a slot below one unit and then eight a doubling, exactly at powers of two', () => {
    expect([0, 0.999, 1, 1.09, 1.091, 2, 4, 2 ** 21].map(slotOf)).toEqual([0, 0, 1, 1, 2, 9, 17, 169]);
    expect([slotOf(2 ** 22), slotOf(1e12), SLOTS]).toEqual([176, 176, 177]);
    expect([lowerBound(0), lowerBound(9), upperBound(0), upperBound(16)]).toEqual([0, 2, 1, 4]);
  });

  test('keeps a value between the bounds of its slot', () => {
    fc.assert(
      fc.property(usages, (value) => {
        const slot = slotOf(value);
        expect(lowerBound(slot)).toBeLessThanOrEqual(value * (1 + 1e-9));
        expect(upperBound(slot)).toBeGreaterThan(value);
      }),
    );
  });

  test('is the same after it was packed and unpacked, however large the counts', () => {
    const counts = fc.array(fc.tuple(fc.nat(SLOTS - 1), fc.integer({ min: 1, max: 5_000_000 })), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(counts, (pairs) => {
        const histogram = new UsageHistogram();
        for (const [slot, count] of pairs) histogram.addToSlot(slot, count);
        expect(UsageHistogram.unpack(histogram.pack())).toEqual(histogram);
      }),
    );
  });

  test('packs a count below 32 into one character and a run of 32 empty slots into two', () => {
    const histogram = new UsageHistogram();
    histogram.addToSlot(0, 31);
    histogram.addToSlot(33, 32);
    expect(histogram.pack()).toBe('fAfgB');
  });

  test.each([
    ['nothing', ''],
    ['a character that is no digit', 'B!'],
    ['a number that does not end', 'Bg'],
    ['empty slots without how many', 'BA'],
    ['only empty slots', 'AB'],
    ['more slots than there are', 'AwFB'],
    ['a number too long to be a count', 'ggggggggggB'],
  ])('is not read from %s', (_what, text) => {
    expect(UsageHistogram.unpack(text)).toBeUndefined();
  });

  test('merges in any order and grouping', () => {
    fc.assert(
      fc.property(samples, samples, samples, (a, b, c) => {
        const [first, second, third] = [a, b, c].map(histogramOf);
        const all = histogramOf([...a, ...b, ...c]).pack();
        expect([merged(first, second, third), merged(third, first, second)]).toEqual([all, all]);
        const left = histogramOf(a);
        left.merge(histogramOf(b));
        expect([merged(left, third), left.count]).toEqual([all, a.length + b.length]);
      }),
    );
  });

  test('has quantiles in the bucket of the exact one and never above the peak', () => {
    fc.assert(
      fc.property(samples, fc.nat(39), (values, drawn) => {
        // The middle of a sample: at its end it would be the rounding that decides between two buckets.
        const rank = drawn % values.length;
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[rank];
        const quantile = histogramOf(values).quantile((rank + 0.5) / values.length, sorted[sorted.length - 1]);
        expect(quantile).toBeGreaterThanOrEqual(lowerBound(slotOf(exact)) * (1 - 1e-9));
        expect(quantile).toBeLessThanOrEqual(Math.min(upperBound(slotOf(exact)), Math.max(...values)) * (1 + 1e-9));
      }),
    );
  });

  test('spreads samples evenly inside a bucket, and says the reverse with shareAbove', () => {
    // Four samples from 2 to 2.18: a quarter of the way is 2.0453.
    const histogram = histogramOf([2.01, 2.05, 2.1, 2.15]);
    expect(histogram.quantile(0.25)).toBeCloseTo(2 + (2 ** 1.125 - 2) / 4, 9);
    expect(histogram.shareAbove(2 + (2 ** 1.125 - 2) / 4)).toBeCloseTo(0.75, 9);
    // With the peak known they spread to it and no further.
    expect([histogram.quantile(0.5, 2.15), histogram.shareAbove(2.075, 2.15)].map((value) => Number(value.toFixed(6)))).toEqual([
      2.075, 0.5,
    ]);
    expect([histogram.quantile(1, 2.15), histogram.shareAbove(2.15, 2.15), histogram.shareAbove(1, 2.15)]).toEqual([2.15, 0, 1]);
  });

  test('has between the samples of higher buckets and those of its own above a value', () => {
    fc.assert(
      fc.property(samples, usages, (values, value) => {
        const share = histogramOf(values).shareAbove(value, Math.max(...values));
        const beyond = (from: number) => values.filter((sample) => slotOf(sample) >= from).length / values.length;
        expect(share).toBeGreaterThanOrEqual(beyond(slotOf(value) + 1) - 1e-9);
        expect(share).toBeLessThanOrEqual(beyond(slotOf(value)) + 1e-9);
      }),
    );
  });

  test('has a mean within half a bucket of the exact one', () => {
    const values = fc.array(
      usages.filter((value) => value >= 1),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(values, (given) => {
        const exact = given.reduce((sum, value) => sum + value, 0) / given.length;
        expect(Math.abs(histogramOf(given).mean() / exact - 1)).toBeLessThan(0.0454);
      }),
    );
    expect(histogramOf([0, 0.5, 0.9]).mean()).toBe(0);
  });

  test('that is empty is above nothing', () => {
    const empty = new UsageHistogram();
    expect([empty.quantile(0.5), empty.shareAbove(0), empty.mean(), empty.count, empty.pack()]).toEqual([0, 0, 0, 0, '']);
  });
});

const blockContent = fc.record({
  cpu: samples,
  memory: fc.option(samples, { nil: undefined }),
  gpu: fc.option(samples, { nil: undefined }),
  gpuMemory: fc.option(samples, { nil: undefined }),
  cpuRequest: usages,
  memoryRequest: usages,
  oomKills: fc.nat(40),
  throttledMillis: fc.nat(100_000),
});

function blockOf(start: number, content: typeof blockContent extends fc.Arbitrary<infer T> ? T : never): UsageBlock {
  const block = new UsageBlock(start);
  for (const resource of ['cpu', 'memory', 'gpu', 'gpuMemory'] as const) {
    for (const value of content[resource] ?? []) block.add(resource, value);
  }
  if (content.cpuRequest > 0) block.of('cpu').request = content.cpuRequest;
  if (content.memoryRequest > 0) block.of('memory').request = content.memoryRequest;
  block.oomKills = content.oomKills;
  block.throttledMillis = content.throttledMillis;
  return block;
}

describe('a line of a profile', () => {
  test('says the hour, each resource, what happened and the requests, and leaves out what is zero', () => {
    const block = new UsageBlock(NOVEMBER + BLOCK);
    block.add('cpu', 1);
    block.add('cpu', 2.5);
    block.add('gpuMemory', 4);
    expect(blockLine(block)).toBe('2026-11-01T08 cpu 2.5 AABAIB gpumem 4 AQB');
    block.oomKills = 2;
    block.throttledMillis = 37;
    block.of('memory').request = 512;
    block.of('gpu').request = 1000;
    expect(blockLine(block)).toBe('2026-11-01T08 cpu 2.5 AABAIB gpumem 4 AQB oom 2 throttled 37 req 0/512/1000');
  });

  test('is read as it was written', () => {
    fc.assert(
      fc.property(blockContent, (content) => {
        const block = blockOf(NOVEMBER, content);
        const line = blockLine(block);
        const read = parseBlockLine(line) as UsageBlock;
        expect(blockLine(read)).toBe(line);
        expect({ ...read, usage: new Map([...read.usage].sort()) }).toEqual({ ...block, usage: new Map([...block.usage].sort()) });
      }),
    );
  });

  test.each([
    ['', "'' is not an hour such as 2026-11-01T12"],
    ['2026-11-01', "'2026-11-01' is not an hour such as 2026-11-01T12"],
    ['2026-13-01T00', "'2026-13-01T00' is not an hour such as 2026-11-01T12"],
    ['2026-11-01T00 cpu', "'cpu' needs a peak and a histogram"],
    ['2026-11-01T00 cpu 2', "'cpu' needs a peak and a histogram"],
    ['2026-11-01T00 cpu -2 B', "'cpu' needs a peak and a histogram"],
    ['2026-11-01T00 cpu 1e3 B', "'cpu' needs a peak and a histogram"],
    ['2026-11-01T00 mem 2 !', "'mem' needs a peak and a histogram"],
    ['2026-11-01T00 req', "'req' needs up to four numbers"],
    ['2026-11-01T00 req 1/x', "'req' needs up to four numbers"],
    ['2026-11-01T00 req 1/2/3/4/5', "'req' needs up to four numbers"],
    ['2026-11-01T00 oom 1.5', "'oom' needs a whole number"],
    ['2026-11-01T00 oom', "'oom' needs a whole number"],
    ['2026-11-01T00 throttled x', "'throttled' needs a whole number"],
    ['2026-11-01T00 disk 3', "unknown field 'disk'"],
  ])('%j is not read: %s', (line, problem) => {
    expect(parseBlockLine(line)).toBe(problem);
  });

  test('counts as many samples as its resource with the most', () => {
    const block = new UsageBlock(NOVEMBER);
    for (let sample = 0; sample < 192; sample++) block.add('memory', 100);
    block.add('cpu', 1);
    expect(block.samples).toBe(192);
    // 192 samples of 300 s are 16 hours of a pod in a block of 8.
    expect(replicasOf(block, { blockSeconds: BLOCK, intervalSeconds: 300 })).toBe(2);
  });
});

const containerContent = fc.record({
  blocks: fc.uniqueArray(fc.tuple(fc.nat(4), blockContent), { selector: ([index]) => index, maxLength: 4 }),
  workloadClass: fc.constantFrom(undefined, 'batch', 'jvm'),
  autoscaledAt: fc.constantFrom(undefined, 50, 70),
  recommendation: fc.option(
    fc
      .record({
        cpuMillis: fc.integer({ min: 10, max: 12 }),
        asOf: fc.constantFrom('2026-11-02T00:00:00.000Z', '2026-11-09T00:00:00.000Z'),
      })
      .map((fields) => ({ ...RECOMMENDATION, ...fields })),
    { nil: undefined },
  ),
});
const profiles = fc
  .uniqueArray(fc.tuple(fc.constantFrom('api/app', 'batch/run', 'web/nginx'), containerContent), { selector: ([name]) => name })
  .map((entries): ProfileFile => ({
    ...emptyProfile('payments'),
    containers: new Map(
      entries.map(([name, { blocks, ...stated }]): [string, ProfileContainer] => [
        name,
        {
          ...stated,
          blocks: blocks.map(([index, content]) => blockOf(NOVEMBER + index * BLOCK, content)).sort((a, b) => a.start - b.start),
        },
      ]),
    ),
  }));

describe('a profile file', () => {
  test('is the same text whatever the order of what went in', () => {
    fc.assert(
      fc.property(profiles, (file) => {
        const reversed = [...file.containers]
          .reverse()
          .map(([name, container]): [string, ProfileContainer] => [name, { ...container, blocks: [...container.blocks].reverse() }]);
        expect(formatProfile({ ...file, containers: new Map(reversed) })).toBe(formatProfile(file));
      }),
    );
  });

  test('is read as it was written', () => {
    fc.assert(
      fc.property(profiles, (file) => {
        const text = formatProfile(file);
        const read = parseProfile('test', text);
        expect(formatProfile(read)).toBe(text);
        expect([...read.containers.keys()].sort()).toEqual([...file.containers.keys()].sort());
        for (const [name, { blocks, ...stated }] of read.containers) {
          expect(stated).toEqual(
            Object.fromEntries(Object.entries({ ...file.containers.get(name), blocks: undefined }).filter(([, value]) => value)),
          );
          expect(blocks.map(blockLine)).toEqual(file.containers.get(name)?.blocks.map(blockLine));
        }
      }),
    );
  });

  test('has a line for each block and the shape that new profiles have', () => {
    const file = {
      ...emptyProfile('payments'),
      containers: new Map([['api/app', { autoscaledAt: 60, blocks: [new UsageBlock(NOVEMBER)] }]]),
    };
    file.containers.get('api/app')?.blocks[0].add('cpu', 1);
    expect(formatProfile(file).split('\n')).toEqual([
      '{',
      '"profile": 1,',
      '"name": "payments",',
      '"intervalSeconds": 300,',
      '"blockSeconds": 28800,',
      '"containers": {',
      '"api/app": {',
      '"autoscaledAt": 60,',
      '"blocks": [',
      '"2026-11-01T00 cpu 1 AAB"',
      ']',
      '}',
      '}',
      '}',
      '',
    ]);
  });

  test('merges in any order and grouping', () => {
    fc.assert(
      fc.property(profiles, profiles, profiles, (a, b, c) => {
        const text = formatProfile(mergeProfiles(mergeProfiles(a, b), c));
        expect(formatProfile(mergeProfiles(a, mergeProfiles(b, c)))).toBe(text);
        expect(formatProfile(mergeProfiles(c, mergeProfiles(b, a)))).toBe(text);
        expect(formatProfile(mergeProfiles(a, emptyProfile('payments')))).toBe(formatProfile(a));
      }),
    );
  });

  test('adds up the samples of the same block, and keeps the higher peak, the higher request and the later recommendation', () => {
    const side = (cpu: number, request: number, asOf: string, workloadClass: string, autoscaledAt: number): ProfileFile => {
      const block = new UsageBlock(NOVEMBER);
      block.add('cpu', cpu);
      block.of('cpu').request = request;
      block.oomKills = 1;
      block.throttledMillis = 10;
      const container = { workloadClass, autoscaledAt, recommendation: { ...RECOMMENDATION, asOf }, blocks: [block] };
      return { ...emptyProfile('payments'), containers: new Map([['api/app', container]]) };
    };
    const [old, late] = [side(4, 100, '2026-11-01', 'service', 50), side(1, 300, '2026-11-08', 'jvm', 70)];
    const { blocks, ...stated } = mergeProfiles(old, late).containers.get('api/app') as ProfileContainer;
    expect(blocks.map(blockLine)).toEqual(['2026-11-01T00 cpu 4 AABAOB oom 2 throttled 20 req 300']);
    expect(stated).toEqual({ workloadClass: 'jvm', autoscaledAt: 50, recommendation: { ...RECOMMENDATION, asOf: '2026-11-08' } });
    // The parts stay what they were.
    expect(old.containers.get('api/app')?.blocks.map(blockLine)).toEqual(['2026-11-01T00 cpu 4 AQB oom 1 throttled 10 req 100']);
  });

  test.each([
    ['name', emptyProfile('fraud')],
    ['block length', emptyProfile('payments', 24 * HOUR)],
    ['interval', emptyProfile('payments', BLOCK, 60)],
  ])('does not merge with one of another %s', (_what, other) => {
    expect(refusalOf(() => mergeProfiles(emptyProfile('payments'), other))).toEqual(['Millrace.ProfilesDiffer other']);
  });
});

describe('a profile file that is damaged', () => {
  const text = (content: object) => JSON.stringify({ profile: 1, name: 'payments', intervalSeconds: 300, blockSeconds: BLOCK, ...content });
  const refused = (content: object) => refusalOf(() => parseProfile('test', text(content)));

  test.each([
    ['no JSON', 'profile'],
    ['a merge conflict', '{\n"profile": 1,\n<<<<<<< HEAD\n"name": "a",\n=======\n"name": "b",\n>>>>>>> main\n}'],
    ['cut short', '{"profile": 1, "name"'],
    ['a list', '[1]'],
    ['nothing', ''],
    ['null', 'null'],
  ])('is unreadable as %s', (_what, content) => {
    expect(refusalOf(() => parseProfile('test', content))).toEqual(['Millrace.ProfileUnreadable content']);
  });

  test.each([2, 0, '1', undefined, null])('is of an unknown version %p, whatever else is wrong', (profile) => {
    expect(refused({ profile, name: '' })).toEqual(['Millrace.ProfileVersionUnknown profile']);
  });

  test.each([
    ['name', { name: '' }],
    ['name', { name: 3 }],
    ['intervalSeconds', { intervalSeconds: 7 }],
    ['intervalSeconds', { intervalSeconds: 0 }],
    ['intervalSeconds', { intervalSeconds: 0.5 }],
    ['containers', { containers: [] }],
    ['containers', { containers: undefined }],
    ['containers.a/b', { containers: { 'a/b': null } }],
    ['containers.a/b', { containers: { 'a/b': {} } }],
    ['containers.a/b.class', { containers: { 'a/b': { class: 'web', blocks: [] } } }],
    ['containers.a/b.autoscaledAt', { containers: { 'a/b': { autoscaledAt: 0, blocks: [] } } }],
    ['containers.a/b.autoscaledAt', { containers: { 'a/b': { autoscaledAt: 101, blocks: [] } } }],
    ['containers.a/b.autoscaledAt', { containers: { 'a/b': { autoscaledAt: 62.5, blocks: [] } } }],
    ['containers.a/b.autoscaledAt', { containers: { 'a/b': { autoscaledAt: '60', blocks: [] } } }],
    ['containers.a/b.recommendation.all', { containers: { 'a/b': { recommendation: 7, blocks: [] } } }],
    ['containers.a/b.blocks[0]', { containers: { 'a/b': { blocks: [7] } } }],
    ['containers.a/b.blocks[0]', { containers: { 'a/b': { blocks: ['2026-11-01T00 disk 3'] } } }],
    ['containers.a/b.blocks[0]', { containers: { 'a/b': { blocks: ['2026-11-01T01'] } } }],
    ['containers.a/b.blocks[1]', { containers: { 'a/b': { blocks: ['2026-11-01T08', '2026-11-01T00'] } } }],
    ['containers.a/b.blocks[1]', { containers: { 'a/b': { blocks: ['2026-11-01T08', '2026-11-01T08'] } } }],
  ])('names %s of %j', (subject, content) => {
    expect(refused({ containers: {}, ...content })).toEqual([`Millrace.ProfileInvalid ${subject}`]);
  });

  test('takes only blocks whose length divides a day', () => {
    const taken = Array.from({ length: 48 }, (_, half) => (half + 1) * 1800).filter(
      (blockSeconds) => refused({ blockSeconds, containers: {} }).length === 0,
    );
    expect(taken).toEqual([3600, 7200, 10_800, 14_400, 21_600, 28_800, 43_200, 86_400]);
    expect(BLOCK_SECONDS).toEqual(taken);
  });

  test.each([
    ['cpuMillis', 0],
    ['cpuMillis', 10.5],
    ['memoryMib', undefined],
    ['gpuMillis', -1],
    ['replicas', -1],
    ['workloadClass', 'web'],
    ['policy', 'fast'],
    ['algorithm', ''],
    ['asOf', 'yesterday'],
    ['confidence', 1.1],
    ['expectedCpuOver', 'none'],
    ['monthlySaving', null],
    ['limit', 500],
  ])('names %s of a recommendation where it is %p', (field, value) => {
    const content = { containers: { 'a/b': { recommendation: { ...RECOMMENDATION, [field]: value }, blocks: [] } } };
    expect(refused(content)).toEqual([`Millrace.ProfileInvalid containers.a/b.recommendation.${field}`]);
  });

  test('names everything that is wrong at once', () => {
    const containers = {
      'a/b': {
        class: 'web',
        autoscaledAt: 200,
        recommendation: { ...RECOMMENDATION, cpuMillis: 0, asOf: 1 },
        blocks: ['x', '2026-11-01T08', '2026-11-01T00'],
      },
      'c/d': 7,
    };
    expect(refused({ name: '', blockSeconds: 5 * HOUR, intervalSeconds: -1, containers })).toEqual(
      [
        'name',
        'blockSeconds',
        'intervalSeconds',
        'containers.a/b.class',
        'containers.a/b.autoscaledAt',
        'containers.a/b.recommendation.cpuMillis',
        'containers.a/b.recommendation.asOf',
        'containers.a/b.blocks[0]',
        'containers.a/b.blocks[2]',
        'containers.c/d',
      ].map((subject) => `Millrace.ProfileInvalid ${subject}`),
    );
  });
});

describe('a recording', () => {
  const sample = (time: number, fields: Partial<UsageSample> = {}): UsageSample => ({
    container: 'api/app',
    pod: 'p1',
    time,
    cpu: 100,
    ...fields,
  });
  const record = (given: readonly UsageSample[], file = emptyProfile('payments')): ProfileFile => {
    const recording = new UsageRecording(file, 'test');
    for (const one of given) recording.add(one);
    return recording.finish();
  };
  const lines = (file: ProfileFile, container = 'api/app') => file.containers.get(container)?.blocks.map(blockLine);

  test('puts each sample into the block of its time and its container', () => {
    const file = record([
      sample(NOVEMBER),
      sample(NOVEMBER, { pod: 'p2', cpu: 2 }),
      sample(NOVEMBER, { container: 'web/nginx', cpu: undefined, memory: 4 }),
      sample(NOVEMBER + BLOCK - 1),
      sample(NOVEMBER + BLOCK, { cpu: 0.0004, memory: 4 }),
    ]);
    expect(lines(file)).toEqual(['2026-11-01T00 cpu 100 AIBArBC', '2026-11-01T08 cpu 0 B mem 4 AQB']);
    expect(lines(file, 'web/nginx')).toEqual(['2026-11-01T00 mem 4 AQB']);
  });

  test('keeps what happened: kills, throttling, the highest request and the highest memory', () => {
    const events = { oomKills: 1, throttled: 0.25, cpuRequest: 200, memoryRequest: 512, memory: 4, memoryPeak: 6.5 };
    const file = record([
      sample(NOVEMBER, events),
      sample(NOVEMBER + 300, { ...events, cpuRequest: 150, memoryRequest: 600, gpuRequest: 1000 }),
    ]);
    expect(lines(file)).toEqual(['2026-11-01T00 cpu 100 A1BC mem 6.5 AQC oom 2 throttled 500 req 200/600/1000']);
  });

  test('replaces the blocks that it holds and leaves the others, the class and the recommendation', () => {
    const before = record([sample(NOVEMBER, { cpu: 1 }), sample(NOVEMBER + BLOCK, { cpu: 1 })]);
    Object.assign(before.containers.get('api/app') as object, { workloadClass: 'jvm', autoscaledAt: 60, recommendation: RECOMMENDATION });
    const after = record([sample(NOVEMBER + BLOCK + 300, { cpu: 4 }), sample(NOVEMBER + 2 * BLOCK, { cpu: 4 })], before);
    expect(lines(after)).toEqual(['2026-11-01T00 cpu 1 AAB', '2026-11-01T08 cpu 4 AQB', '2026-11-01T16 cpu 4 AQB']);
    expect(after.containers.get('api/app')).toMatchObject({ workloadClass: 'jvm', autoscaledAt: 60, recommendation: RECOMMENDATION });
    expect(lines(before)).toEqual(['2026-11-01T00 cpu 1 AAB', '2026-11-01T08 cpu 1 AAB']);
  });

  test.each<[string, Partial<UsageSample>, string]>([
    ['a negative value', { cpu: -1 }, 'cpu -1'],
    ['a value that is no number', { memory: NaN }, 'memory NaN'],
    ['an infinite value', { gpu: Infinity }, 'gpu Infinity'],
    ['nanocores for millicores', { cpu: 4_000_001 }, 'cpu 4000001'],
    ['bytes for MiB', { memory: 536_870_912 }, 'memory 536870912'],
    ['bytes for MiB of a request', { memoryRequest: 536_870_912 }, 'memoryRequest 536870912'],
    ['percent for a share', { throttled: 12 }, 'throttled 12'],
    ['milliseconds for seconds', { time: NOVEMBER * 1000 }, `time ${NOVEMBER * 1000}`],
    ['a time that is none', { time: NaN }, 'time NaN'],
    ['a time before 1970', { time: -1 }, 'time -1'],
  ])('refuses %s, and returns nothing', (_what, fields, received) => {
    const refused = () => record([sample(NOVEMBER), sample(NOVEMBER + 300, fields)]);
    expect(refused).toThrow(
      expect.objectContaining({ code: 'Millrace.UsageInvalid', violations: [expect.objectContaining({ received })] }),
    );
  });

  test('refuses samples of a pod that do not ascend, told apart from two at one time', () => {
    const where = (time: string) => `Millrace.UsageInvalid api/app, pod p1, ${time}`;
    expect(refusalOf(() => record([sample(NOVEMBER + 300), sample(NOVEMBER), sample(NOVEMBER + 300)]))).toEqual([
      where('2026-11-01T00:00:00.000Z'),
      where('2026-11-01T00:05:00.000Z'),
    ]);
    expect(() => record([sample(NOVEMBER), sample(NOVEMBER)])).toThrow(/received a second sample at the same time/);
    expect(() => record([sample(NOVEMBER + 300), sample(NOVEMBER)])).toThrow(/received a sample after one of 2026-11-01T00:05:00\.000Z/);
  });

  test('names twenty mistakes and counts the others', () => {
    const wrong = (count: number) => Array.from({ length: count }, (_, index) => sample(NOVEMBER + index * 300, { cpu: -1 }));
    expect(refusalOf(() => record(wrong(20)))).toHaveLength(20);
    const subjects = refusalOf(() => record(wrong(25)));
    expect([subjects.length, subjects[20]]).toEqual([21, `${subjects[19]} and 5 more`]);
  });
});

describe('a profile', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-profile-'));
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
  const json = (...names: readonly string[]) =>
    formatProfile({
      ...emptyProfile('payments'),
      containers: new Map(names.map((name) => [name, { recommendation: name === 'new/app' ? undefined : RECOMMENDATION, blocks: [] }])),
    });

  test('is read from a file and from its text, with the containers by name', () => {
    const file = path.join(folder, 'payments.json');
    fs.writeFileSync(file, json('web/nginx', 'api/app'));
    for (const profile of [Profile.fromFile(file), Profile.fromJson(json('web/nginx', 'api/app'))]) {
      expect([profile.name, profile.containers]).toEqual(['payments', ['api/app', 'web/nginx']]);
      expect(profile.toJson()).toBe(json('api/app', 'web/nginx'));
    }
  });

  test('names the file that is missing or damaged', () => {
    const missing = path.join(folder, 'missing.json');
    expect(refusalOf(() => Profile.fromFile(missing))).toEqual([`Millrace.ProfileUnreadable ${missing}`]);
    const damaged = path.join(folder, 'damaged.json');
    fs.writeFileSync(damaged, '<<<<<<< HEAD');
    expect(() => Profile.fromFile(damaged)).toThrow(`${damaged}: Millrace.ProfileUnreadable: content`);
    expect(codeOf(() => Profile.fromJson('{ "profile": 9 }'))).toBe('Millrace.ProfileVersionUnknown');
  });

  test('gives the recommendation of a container as it was committed', () => {
    expect(Profile.fromJson(json('api/app')).recommendation('api/app')).toEqual(RECOMMENDATION);
  });

  test('refuses a container that it does not have, and names those it has', () => {
    const profile = Profile.fromJson(json('web/nginx', 'api/app'));
    expect(() => profile.recommendation('api/ap')).toThrow(
      "Millrace.ProfileContainerUnknown: container: received 'api/ap'; allowed: api/app, web/nginx;",
    );
    expect(() => Profile.fromJson(json()).recommendation('api/app')).toThrow('allowed: none: the profile is empty;');
  });

  test('refuses a container without a recommendation, because synth never makes one', () => {
    expect(refusalOf(() => Profile.fromJson(json('new/app')).recommendation('new/app'))).toEqual([
      'Millrace.RecommendationMissing container',
    ]);
  });

  test('merges with another one of the same shape', () => {
    const both = Profile.fromJson(json('api/app')).merge(Profile.fromJson(json('web/nginx')));
    expect(both.toJson()).toBe(json('api/app', 'web/nginx'));
    const other = Profile.fromJson(json('api/app').replace('28800', '86400'));
    expect(codeOf(() => both.merge(other))).toBe('Millrace.ProfilesDiffer');
  });
});
