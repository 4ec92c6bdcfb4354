import fc from 'fast-check';
import { type ProfileContainer, type ProfileFile, emptyProfile, formatProfile } from '../../lib/usage/profile-file';
import type { Recommendation } from '../../lib/usage/recommendation';
import { recommendationProblems } from '../../lib/usage/recommendation-fields';
import { type RecommenderOptions, recommendContainer } from '../../lib/usage/recommender';
import { UsageRecording, type UsageSample } from '../../lib/usage/usage-recording';
import type { WorkloadClass } from '../../lib/usage/workload-class';
import { codeOf, refusalOf } from '../contract/refusal';

const HOUR = 3600;
const NOVEMBER = Date.UTC(2026, 10, 1) / 1000;
const APP = 'api/app';

type Load = (hour: number, day: number, pod: number) => Partial<UsageSample>;

/** One sample of a pod an hour, in blocks of eight hours. */
function profileOf(load: Load, { days = 20, pods = 1 }: { days?: number; pods?: number } = {}): ProfileFile {
  const recording = new UsageRecording(emptyProfile('payments', 8 * HOUR, HOUR), 'test');
  for (let hour = 0; hour < days * 24; hour++) {
    for (let pod = 0; pod < pods; pod++) {
      const sample = load(hour % 24, Math.floor(hour / 24), pod);
      recording.add({ container: APP, pod: `${pod}`, time: NOVEMBER + hour * HOUR, ...sample });
    }
  }
  return recording.finish();
}

const flat =
  (cpu: number, memory: number, fields: Partial<UsageSample> = {}): Load =>
  () => ({ cpu, memory, ...fields });

function recommend(file: ProfileFile, options: Partial<RecommenderOptions> = {}): Recommendation {
  return recommendContainer(file, APP, { policy: 'steady', ...options });
}

/** The profile with a recommendation committed in it. */
function committed(file: ProfileFile, recommendation: Recommendation): ProfileFile {
  const container = file.containers.get(APP) as ProfileContainer;
  return { ...file, containers: new Map([[APP, { ...container, recommendation }]]) };
}

const requestsOf = ({ cpuMillis, memoryMib }: Recommendation) => [cpuMillis, memoryMib];

/** A day that goes up and down, on `base`, by a share of it, with what is drawn for each hour on top. */
const days = fc.record({
  base: fc.integer({ min: 50, max: 800 }),
  swing: fc.constantFrom(0, 0.2, 0.5, 0.8),
  memory: fc.integer({ min: 64, max: 4096 }),
  noise: fc.array(
    fc.nat(30).map((percent) => percent / 100),
    { minLength: 24, maxLength: 24 },
  ),
});
type Drawn = typeof days extends fc.Arbitrary<infer T> ? T : never;

const loadOf =
  ({ base, swing, memory, noise }: Drawn, factor = 1): Load =>
  (hour, day) => ({
    cpu: factor * base * (1 + swing * Math.sin((hour / 12) * Math.PI) + noise[(hour + day * 5) % 24]),
    memory: factor * memory * (1 + noise[(hour + day * 7) % 24] / 4),
  });

describe('a recommendation for flat usage', () => {
  test.each([
    [37, 100],
    [100, 200],
    [1000, 4000],
    [6000, 30_000],
  ])('of %p m and %p MiB is no less, and not much more', (cpu, memory) => {
    const { cpuMillis, memoryMib, expectedCpuOver, expectedMemoryOver } = recommend(profileOf(flat(cpu, memory)));
    expect(cpuMillis).toBeGreaterThanOrEqual(cpu);
    expect(cpuMillis).toBeLessThanOrEqual(Math.ceil(cpu * 1.1));
    expect(memoryMib).toBeGreaterThanOrEqual(memory);
    // One sample above the limit kills, so that memory has more room.
    expect(memoryMib).toBeLessThanOrEqual(Math.ceil(memory * 1.35));
    expect([expectedCpuOver, expectedMemoryOver]).toEqual([0, 0]);
  });

  test('is the same when it is committed and recommended again', () => {
    const file = profileOf(flat(100, 200));
    const first = recommend(file);
    expect(recommend(committed(file, first))).toEqual(first);
  });

  test('stays what is committed while a change would save next to nothing', () => {
    const file = profileOf(flat(100, 200));
    const first = recommend(file);
    const near = { ...first, cpuMillis: first.cpuMillis + 3, memoryMib: first.memoryMib + 4 };
    expect(requestsOf(recommend(committed(file, near)))).toEqual(requestsOf(near));
    // Under another class or policy prices are others, and what was decided under them is no start.
    for (const other of [{ workloadClass: 'batch' }, { policy: 'responsive' }]) {
      expect(requestsOf(recommend(committed(file, { ...near, ...other })))).toEqual(requestsOf(first));
    }
  });

  test('changes what is committed when that is far off, either way', () => {
    const file = profileOf(flat(100, 200));
    const first = recommend(file);
    for (const [cpuMillis, memoryMib] of [
      [2000, 4096],
      [20, 50],
    ]) {
      expect(requestsOf(recommend(committed(file, { ...first, cpuMillis, memoryMib })))).toEqual(requestsOf(first));
    }
  });
});

describe('for any usage', () => {
  test('a recommendation is one that a profile takes, with shares from 0 to 1, and the same each time', () => {
    fc.assert(
      fc.property(days, fc.integer({ min: 1, max: 15 }), (drawn, length) => {
        const file = profileOf(loadOf(drawn), { days: length });
        const before = formatProfile(file);
        const recommendation = recommend(file);
        expect(recommendationProblems(recommendation)).toEqual([]);
        expect(JSON.stringify(recommend(file))).toBe(JSON.stringify(recommendation));
        expect(formatProfile(file)).toBe(before);
      }),
      { numRuns: 25 },
    );
  });

  test('it is never below the floors', () => {
    const tiny = fc.record({ cpu: fc.nat(200), memory: fc.integer({ min: 1, max: 400 }) });
    fc.assert(
      fc.property(
        tiny,
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 500 }),
        fc.constantFrom(2, 10),
        (usage, cpu, memory, length) => {
          const file = profileOf((hour) => ({ cpu: usage.cpu * (hour % 3), memory: usage.memory }), { days: length });
          for (const autoscaledAt of [undefined, 90]) {
            const [defaults, given] = [{}, { minCpuMillis: cpu, minMemoryMib: memory }].map((floors) =>
              recommend(file, { ...floors, autoscaledAt }),
            );
            expect([defaults.cpuMillis >= 10, defaults.memoryMib >= 16]).toEqual([true, true]);
            expect([given.cpuMillis >= cpu, given.memoryMib >= memory]).toEqual([true, true]);
          }
        },
      ),
      { numRuns: 25 },
    );
    expect(requestsOf(recommend(profileOf(flat(1, 2))))).toEqual([10, 16]);
    expect(requestsOf(recommend(profileOf(flat(1, 2)), { minCpuMillis: 5, minMemoryMib: 8 }))).toEqual([5, 8]);
  });

  test('more of it asks for more', () => {
    fc.assert(
      fc.property(days, fc.constantFrom(1.5, 2, 3), fc.constantFrom(3, 12), (drawn, factor, length) => {
        const [less, more] = [1, factor].map((scale) => recommend(profileOf(loadOf(drawn, scale), { days: length })));
        expect(more.cpuMillis).toBeGreaterThan(less.cpuMillis);
        expect(more.memoryMib).toBeGreaterThan(less.memoryMib);
      }),
      { numRuns: 25 },
    );
  });

  test('a batch job asks for at most as much CPU as a service', () => {
    fc.assert(
      fc.property(days, (drawn) => {
        const file = profileOf(loadOf(drawn), { days: 12 });
        const [service, batch] = (['service', 'batch'] as const).map((workloadClass) => recommend(file, { workloadClass }).cpuMillis);
        expect(batch).toBeLessThanOrEqual(service);
      }),
      { numRuns: 25 },
    );
  });
});

test('a floor that is raised later lifts what was committed below it', () => {
  const file = profileOf(flat(100, 200));
  const low = committed(file, recommend(file));
  expect(requestsOf(recommend(low, { minCpuMillis: 400, minMemoryMib: 1000 }))).toEqual([400, 1000]);
});

describe('what happened to a container', () => {
  test('throttling raises CPU above what was measured', () => {
    const [free, throttled] = [0, 0.3].map((share) => recommend(profileOf((hour) => ({ cpu: 100 + hour, memory: 200, throttled: share }))));
    expect(throttled.cpuMillis).toBeGreaterThan(free.cpuMillis * 1.2);
    expect(throttled.memoryMib).toBe(free.memoryMib);
  });

  test.each([
    [205, 20],
    [300, 20],
    [1024, 20],
    [300, 2],
  ])('a kill for memory at a request of %p MiB after %p days raises it above that request', (request, length) => {
    const file = profileOf(
      (hour, day) => ({ cpu: 100, memory: 200, memoryRequest: request, oomKills: day === length - 1 && hour === 22 ? 1 : 0 }),
      {
        days: length,
      },
    );
    expect(recommend(file).memoryMib).toBeGreaterThan(request);
  });

  test('a peak of memory is kept for five weeks by a JVM, a batch job and next to a GPU, and given up by a service', () => {
    const peak =
      (ago: number): Load =>
      (_hour, day) => ({ cpu: 100, memory: day === 49 - ago ? 600 : 200 });
    const after = (ago: number, workloadClass: WorkloadClass) => recommend(profileOf(peak(ago), { days: 50 }), { workloadClass }).memoryMib;
    for (const kept of ['jvm', 'batch', 'gpu'] as const) {
      expect(after(34, kept)).toBeGreaterThan(600);
      expect(after(36, kept)).toBeLessThan(600);
    }
    expect(after(20, 'service')).toBeLessThan(600);
  });

  test.each(['service', 'batch', 'jvm', 'gpu'] as const)(
    'where a %s was killed, memory stays above that for five weeks',
    (workloadClass) => {
      const killed = (ago: number) =>
        recommend(
          profileOf((hour, day) => ({ cpu: 100, memory: 200, memoryRequest: 300, oomKills: day === 49 - ago && hour === 5 ? 1 : 0 }), {
            days: 50,
          }),
          { workloadClass },
        ).memoryMib;
      expect(killed(34)).toBeGreaterThan(300);
      expect(killed(36)).toBeLessThan(300);
    },
  );

  test('a service that was killed once keeps its peaks from then on, because a raised request has no kills to remember', () => {
    const load: Load = (hour, day) => ({
      cpu: 100,
      memory: day % 14 === 0 ? 400 : 200,
      memoryRequest: day < 14 ? 300 : 600,
      oomKills: day === 0 && hour === 3 ? 1 : 0,
    });
    expect(recommend(profileOf(load, { days: 68 })).memoryMib).toBeGreaterThan(400);
  });

  test('many kills raise further than one, up to twice the limit and a little more', () => {
    const kills = (count: number) =>
      recommend(profileOf((hour, day) => ({ cpu: 100, memory: 200, memoryRequest: 300, oomKills: day === 19 && hour === 5 ? count : 0 })))
        .memoryMib;
    expect(kills(3)).toBeGreaterThan(kills(1));
    expect(kills(50)).toBe(kills(20));
    expect(kills(50)).toBeLessThan(700);
  });

  test('a reason says that a pod is killed when a peak above its memory comes back', () => {
    const file = profileOf((_hour, day) => ({ cpu: 100, memory: day === 5 ? 600 : 200 }), { days: 40 });
    expect(recommend(file).reason).toContain('MiB costs least there, below the highest peak: the pod is killed when that comes back');
  });
});

describe('with little history', () => {
  const short = (fields: Partial<UsageSample> = {}) => profileOf(flat(100, 200, fields), { days: 2 });

  test('the confidence is low, and the request a fallback above what was seen', () => {
    const { confidence, historyDays, model, cpuMillis, memoryMib, reason } = recommend(short());
    expect({ confidence, historyDays, model }).toEqual({ confidence: 0.14, historyDays: 2, model: 'fallback' });
    // A quarter above CPU and a half above memory.
    expect([cpuMillis, memoryMib]).toEqual([125, 300]);
    expect(reason).toMatch(/^in 2 days CPU .*; that is too little history to take anything away/);
  });

  test('it is never less than the request now', () => {
    expect(requestsOf(recommend(short({ cpuRequest: 500, memoryRequest: 600 })))).toEqual([500, 600]);
    expect(requestsOf(recommend(short({ cpuRequest: 50, memoryRequest: 100 })))).toEqual([125, 300]);
  });

  test('it is never less than the request now for a container that is autoscaled, either', () => {
    expect(recommend(short({ cpuRequest: 500 }), { autoscaledAt: 60 }).cpuMillis).toBe(500);
  });

  test('it ends with a week, and days without a sample are no history', () => {
    const after = (length: number) => {
      const { confidence, model } = recommend(profileOf(flat(100, 200), { days: length }));
      return [confidence, model === 'fallback'];
    };
    expect([3, 6, 7, 14, 20].map(after)).toEqual([
      [0.21, true],
      [0.43, true],
      [0.5, false],
      [1, false],
      [1, false],
    ]);
    const gaps = profileOf(flat(100, 200), { days: 9 });
    const container = gaps.containers.get(APP) as ProfileContainer;
    container.blocks = container.blocks.filter(({ start }) => (start / 86_400) % 3 < 1);
    expect(recommend(gaps)).toMatchObject({ historyDays: 3, model: 'fallback' });
  });

  test('a job that runs for an hour a day has a day of history each day', () => {
    const file = profileOf(flat(900, 900, { cpuRequest: 4000, memoryRequest: 8192 }), { days: 28 });
    const container = file.containers.get(APP) as ProfileContainer;
    container.blocks = container.blocks.filter(({ start }) => start % 86_400 === 0);
    const { historyDays, cpuMillis, memoryMib } = recommend(file, { workloadClass: 'batch' });
    expect(historyDays).toBe(28);
    expect(cpuMillis).toBeLessThan(1000);
    expect(memoryMib).toBeLessThan(1100);
  });

  test('there is none without CPU or without memory', () => {
    const refused = (load: Load) => refusalOf(() => recommend(profileOf(load, { days: 1 })));
    expect(refused(() => ({ cpu: 100 }))).toEqual([`Millrace.UsageHistoryTooShort ${APP}`]);
    expect(refused(() => ({ memory: 100 }))).toEqual([`Millrace.UsageHistoryTooShort ${APP}`]);
    const empty = { ...emptyProfile('payments'), containers: new Map([[APP, { blocks: [] }]]) };
    expect(refusalOf(() => recommend(empty))).toEqual([`Millrace.UsageHistoryTooShort ${APP}`]);
    expect(codeOf(() => recommendContainer(empty, 'api/ap', { policy: 'steady' }))).toBe('Millrace.ProfileContainerUnknown');
  });
});

describe('the class of a container', () => {
  test('is what is asked for, else what the profile says, else gpu where one was measured, else service', () => {
    const file = profileOf(flat(100, 200));
    const classOf = (given: ProfileFile, options?: Partial<RecommenderOptions>) => recommend(given, options).workloadClass;
    expect(classOf(file)).toBe('service');
    const gpu = profileOf(flat(100, 200, { gpu: 700, gpuMemory: 8000 }));
    expect(classOf(gpu)).toBe('gpu');
    (gpu.containers.get(APP) as ProfileContainer).workloadClass = 'batch';
    expect([classOf(gpu), classOf(gpu, { workloadClass: 'jvm' })]).toEqual(['batch', 'jvm']);
  });

  test('a GPU is recommended by its duty and its memory with a tenth to spare', () => {
    const { gpuMillis, gpuMemoryMib } = recommend(profileOf(flat(100, 200, { gpu: 700, gpuMemory: 8000 })));
    expect(gpuMillis).toBeGreaterThan(690);
    expect(gpuMillis).toBeLessThanOrEqual(700);
    expect(gpuMemoryMib).toBe(8800);
    expect(recommend(profileOf(flat(100, 200)))).not.toHaveProperty('gpuMillis');
  });
});

describe('a container that is autoscaled on CPU', () => {
  // 40 m for 20 hours and 400 m for 4: 100 m on average.
  const file = profileOf((hour) => ({ cpu: hour < 20 ? 40 : 400, memory: 200 }));

  test('asks for what a replica uses on average at that utilisation', () => {
    for (const autoscaledAt of [50, 60, 80]) {
      const { cpuMillis } = recommend(file, { autoscaledAt });
      // Half a bucket is 4.5 %.
      expect(Math.abs(cpuMillis / (10_000 / autoscaledAt) - 1)).toBeLessThan(0.06);
    }
  });

  test('asks for the same memory as one that is not, and says why', () => {
    const scaled = recommend(file, { autoscaledAt: 60 });
    expect(scaled.memoryMib).toBe(recommend(file).memoryMib);
    expect(scaled.reason).toContain('m is what a replica used on average at 60 %, because replicas carry the peaks');
    // 167 m hold 40 m of 20 hours and not 400 m of 4.
    expect(scaled.expectedCpuOver).toBeCloseTo(4 / 24, 2);
    expect(scaled.expectedCpuSlack).toBeCloseTo(0.4, 1);
  });
});

describe('the saving of a recommendation', () => {
  const prices = { cpuCoreHour: 0.03, memoryGibHour: 0.004 };

  test('is what the change costs less in a month of 730 hours, over all replicas', () => {
    // The floors are 10 m and 16 MiB: 1 core and 1 GiB less, for 3 pods: 730 x 3 x 0.034.
    const file = profileOf(flat(3, 5, { cpuRequest: 1010, memoryRequest: 1040 }), { pods: 3 });
    expect(recommend(file, { prices })).toMatchObject({ cpuMillis: 10, memoryMib: 16, replicas: 3, monthlySaving: 74.46 });
  });

  test('is negative where more is needed', () => {
    // 5 m and 8 MiB more: 730 x (0.005 x 0.03 + 0.0078125 x 0.004).
    const file = profileOf(flat(3, 5, { cpuRequest: 5, memoryRequest: 8 }));
    expect(recommend(file, { prices }).monthlySaving).toBe(-0.13);
  });

  test('is not stated without prices or without a request', () => {
    const file = profileOf(flat(3, 5, { cpuRequest: 1010, memoryRequest: 1040 }));
    expect(recommend(file)).not.toHaveProperty('monthlySaving');
    expect(recommend(profileOf(flat(3, 5, { cpuRequest: 1010 })), { prices })).not.toHaveProperty('monthlySaving');
  });

  test('counts the pods of the last week, and the requests that were seen last', () => {
    const file = profileOf(
      (_hour, day, pod) =>
        day < 10 || pod === 0 ? { cpu: 3, memory: 5, cpuRequest: day < 19 ? 4000 : 1010, memoryRequest: day < 19 ? 8000 : 1040 } : {},
      {
        pods: 2,
      },
    );
    expect(recommend(file, { prices })).toMatchObject({ replicas: 1, monthlySaving: 24.82 });
  });
});

describe('what is recorded with a recommendation', () => {
  test('is how it was decided, on which history', () => {
    const { policy, algorithm, asOf, historyDays, confidence, model, reason } = recommend(profileOf(flat(100, 200)), {
      policy: 'responsive',
    });
    expect({ policy, algorithm, asOf, historyDays, confidence }).toEqual({
      policy: 'responsive',
      algorithm: 'millrace-1',
      asOf: '2026-11-21T00:00:00.000Z',
      historyDays: 20,
      confidence: 1,
    });
    expect(model).toMatch(/^CPU half-lives [\d.]+ d \(\d+ %\).*; memory peaks [\d.]+ d \(\d+ %\)/);
    expect(reason).toMatch(/^in 20 days CPU was at most 100m for 95 % of the time with a peak of 100m, and memory peaked at 200 MiB; /);
  });
});

describe('a recommendation that is committed and made again on the same history', () => {
  test.each<[string, Load, number]>([
    ['flat', flat(100, 200), 20],
    ['growing', (_hour, day) => ({ cpu: 100 + 10 * day, memory: 200 + 20 * day }), 30],
    ['shifted on the last day', (_hour, day) => ({ cpu: day === 19 ? 300 : 100, memory: day === 19 ? 700 : 200 }), 20],
    ['weekly', (_hour, day) => ({ cpu: day % 7 === 6 ? 400 : 100, memory: day % 7 === 6 ? 2000 : 1000 }), 36],
    ['killed', (hour, day) => ({ cpu: 100, memory: 200, memoryRequest: 300, oomKills: day === 18 && hour < 3 ? 1 : 0 }), 20],
  ])('is the same text for %s usage', (_name, load, length) => {
    for (const options of [{}, { autoscaledAt: 60 }, { workloadClass: 'jvm' as const }]) {
      const file = profileOf(load, { days: length });
      const first = committed(file, recommend(file, options));
      const second = committed(first, recommend(first, options));
      expect(formatProfile(second)).toBe(formatProfile(first));
    }
  });

  test('has room above a peak that came on the last day', () => {
    const file = profileOf((_hour, day) => ({ cpu: 100, memory: day === 19 ? 700 : 200 }));
    const before = committed(file, {
      ...recommend(profileOf(flat(100, 200))),
      asOf: new Date((NOVEMBER + 19 * 86_400) * 1000).toISOString(),
    });
    expect(recommend(before).memoryMib).toBeGreaterThan(735);
  });
});
