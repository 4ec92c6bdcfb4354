import { Duration, Size, Token } from 'aws-cdk-lib';
import { Cpu } from 'cdk8s-plus-27';
import fc from 'fast-check';
import { Profile } from '../../lib/usage/profile';
import { Service } from '../../lib/workloads/k8s';
import { PodSize, type ProfilePodSizeOptions, type ServiceDemand } from '../../lib/workloads/pod-size';
import { codeOf, refusalOf } from '../contract/refusal';
import { IMAGE, manifestsOf } from './synthesis';

const MIB = 1024 * 1024;
const GATEWAY: ServiceDemand = {
  peakRequestsPerSecond: 1200,
  cpuTimePerRequest: Duration.millis(2),
  latency: Duration.millis(40),
  idleMemory: Size.mebibytes(180),
  memoryPerRequest: Size.kibibytes(256),
};

describe('a size for a demand', () => {
  test('carries the peak at 60 % CPU with a zone lost', () => {
    // 1200/s x 2 ms = 2.4 busy cores, at 60 % 4 cores = 8 pods of 500 m, with the third zone 12; 250 m would take 24.
    // 1200/s x 40 ms = 48 in flight, 6 on each of 8 survivors: (180 + 6 x 0.25) MiB x 1.2 = 217.8, in steps of 64: 256.
    const size = PodSize.forDemand(GATEWAY);
    expect([size.cpuMillis, size.replicas, size.memoryBytes]).toEqual([500, 12, 256 * MIB]);
    expect(size.choice).toBe('12 x 500m / 256 MiB');
    expect(size.bottleneck).toBe('cpu');
    expect(size.utilisation).toEqual({ cpu: 1, memory: 0.709 });
    expect(size.reason).toBe(
      '1200 requests/s keep 2.40 cores busy; at 60 % with one of 3 zones lost that is 12 replicas of 500m; memory (180 MiB idle + 6.0 in flight x 0.25 MiB) x 1.2 = 217.8 MiB a replica',
    );
    expect(size.alternatives.map(({ choice, reason }) => `${choice}: ${reason}`)).toEqual([
      '60 x 100m: 6 cores requested',
      '24 x 250m: 6 cores requested',
      '6 x 1000m: 6 cores requested',
    ]);
  });

  test('counts the fullest zone as the lost one when the replicas do not divide by three', () => {
    // 366/s x 1 ms = 0.366 busy cores, at 60 % 6.1 pods of 100 m, so 7. Of 10 replicas a zone holds 4 and leaves 6; of 11 it leaves 7.
    const size = PodSize.forDemand({ ...GATEWAY, peakRequestsPerSecond: 366, cpuTimePerRequest: Duration.millis(1) });
    expect([size.replicas, size.cpuMillis]).toEqual([11, 100]);
    expect(size.utilisation.cpu).toBe(0.8714);
  });

  test('has a replica a zone however little there is to do, and says that this is why', () => {
    const size = PodSize.forDemand({ peakRequestsPerSecond: 0.1, cpuTimePerRequest: Duration.millis(1), idleMemory: Size.mebibytes(40) });
    expect([size.replicas, size.cpuMillis, size.memoryBytes, size.bottleneck]).toEqual([3, 100, 64 * MIB, 'availability']);
  });

  test('grows beyond twelve replicas only with the largest pods', () => {
    // 100 busy cores, at 60 % 20.8 pods of 8 cores, so 21, with the third zone 32.
    const size = PodSize.forDemand({ ...GATEWAY, peakRequestsPerSecond: 10_000, cpuTimePerRequest: Duration.millis(10) });
    expect([size.replicas, size.cpuMillis]).toEqual([32, 8000]);
  });

  test('takes a request to be in flight for its CPU time when no latency is given', () => {
    const { latency: _latency, ...busy } = GATEWAY;
    expect(PodSize.forDemand(busy)).toEqual(PodSize.forDemand({ ...busy, latency: busy.cpuTimePerRequest }));
  });

  test('takes fractions of a millisecond', () => {
    // 0.6 busy cores, at 60 % 4 pods of 250 m.
    expect(PodSize.forDemand({ ...GATEWAY, cpuTimePerRequest: Duration.millis(0.5) }).choice).toBe('6 x 250m / 256 MiB');
  });

  test('fails for more than 300 replicas: 200 survivors of 8 cores at 60 % are 960 busy cores', () => {
    const demand = (cores: number) => ({ ...GATEWAY, peakRequestsPerSecond: cores, cpuTimePerRequest: Duration.seconds(1) });
    expect([codeOf(() => PodSize.forDemand(demand(960))), codeOf(() => PodSize.forDemand(demand(961)))]).toEqual([
      undefined,
      'Millrace.ServiceDemandDoesNotFit',
    ]);
    expect(PodSize.forDemand(demand(960)).replicas).toBe(300);
  });
});

describe('memory above 32 GiB a pod', () => {
  // 400/s x 60 s = 24,000 in flight of 10 MiB each; 0.4 busy cores ask for 11 replicas of 100 m.
  const waiting = (perRequest: number): ServiceDemand => ({
    peakRequestsPerSecond: 400,
    cpuTimePerRequest: Duration.millis(1),
    latency: Duration.minutes(1),
    idleMemory: Size.mebibytes(200),
    memoryPerRequest: Size.mebibytes(perRequest),
  });

  test('adds replicas until a pod needs no more, and says that this is why', () => {
    // (200 MiB + 240,000 MiB / survivors) x 1.2 <= 32,768 MiB needs 8.85 survivors: 13 replicas leave 8, 14 leave 9.
    const size = PodSize.forDemand(waiting(10));
    expect([size.replicas, size.bottleneck]).toEqual([14, 'memory']);
    // (200 + 24,000 / 9 x 10) x 1.2 = 32,240 MiB, in steps of 64: 32,256.
    expect(size.memoryBytes).toBe(32_256 * MIB);
    expect(size.reason).toMatch(
      /memory \(200 MiB idle \+ 2666\.7 in flight x 10 MiB\) x 1\.2 = 32240 MiB a replica; 14 replicas keep a pod within 32 GiB$/,
    );
  });

  test('fails when 300 replicas are not enough: 200 survivors hold 5.4 million MiB in flight', () => {
    // (200 + 24,000 / 200 x each) x 1.2 <= 32,768 MiB: at most 225.9 MiB each.
    expect(PodSize.forDemand(waiting(225)).replicas).toBeLessThanOrEqual(300);
    expect(codeOf(() => PodSize.forDemand(waiting(226)))).toBe('Millrace.ServiceDemandDoesNotFit');
  });

  test('fails at once for an idle process that is larger', () => {
    const demand = { ...GATEWAY, idleMemory: Size.gibibytes(27) };
    expect(codeOf(() => PodSize.forDemand(demand))).toBe('Millrace.ServiceDemandDoesNotFit');
    expect(codeOf(() => PodSize.forDemand({ ...demand, idleMemory: Size.gibibytes(26) }))).toBeUndefined();
  });
});

describe('for any demand', () => {
  const demands = fc.record({
    rate: fc.double({ min: 0.01, max: 200_000, noNaN: true }),
    cpu: fc.double({ min: 0.01, max: 5000, noNaN: true }),
    latency: fc.double({ min: 0.01, max: 60_000, noNaN: true }),
    idle: fc.integer({ min: 1, max: 4096 }),
    each: fc.integer({ min: 1, max: 10_000 }),
  });
  type Drawn = typeof demands extends fc.Arbitrary<infer T> ? T : never;
  const demandOf = ({ rate, cpu, latency, idle, each }: Drawn): ServiceDemand => ({
    peakRequestsPerSecond: rate,
    cpuTimePerRequest: Duration.millis(cpu),
    latency: Duration.millis(latency),
    idleMemory: Size.mebibytes(idle),
    memoryPerRequest: Size.kibibytes(each),
  });
  const sized = (drawn: Drawn) => {
    try {
      return PodSize.forDemand(demandOf(drawn));
    } catch (error) {
      expect((error as { code: string }).code).toBe('Millrace.ServiceDemandDoesNotFit');
      return undefined;
    }
  };

  test('the two zones that survive carry the peak at 60 % CPU, and their memory what is in flight', () => {
    let found = 0;
    fc.assert(
      fc.property(demands, (drawn) => {
        const size = sized(drawn);
        if (!size) return;
        found++;
        const survivors = size.replicas - Math.ceil(size.replicas / 3);
        expect((drawn.rate * drawn.cpu) / (survivors * size.cpuMillis)).toBeLessThanOrEqual(0.6 + 1e-9);
        const inFlight = (drawn.rate * drawn.latency) / 1000 / survivors;
        expect(size.memoryBytes).toBeGreaterThanOrEqual((drawn.idle * MIB + inFlight * drawn.each * 1024) * 1.2 * (1 - 1e-9));
        expect(size.memoryBytes % (64 * MIB)).toBe(0);
        expect(size.memoryBytes).toBeLessThanOrEqual(32 * 1024 * MIB);
        expect(size.replicas).toBeGreaterThanOrEqual(3);
        expect(size.replicas).toBeLessThanOrEqual(300);
        for (const share of Object.values(size.utilisation)) expect(share).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
    expect(found).toBeGreaterThan(50);
  });

  test('no smaller pod of the ladder would do with twelve replicas', () => {
    const ladder = [100, 250, 500, 1000, 2000, 4000, 8000];
    fc.assert(
      fc.property(demands, (drawn) => {
        const size = sized(drawn);
        const smaller = size && ladder[ladder.indexOf(size.cpuMillis) - 1];
        if (!smaller) return;
        // Twelve replicas leave eight.
        expect((drawn.rate * drawn.cpu) / (8 * smaller)).toBeGreaterThan(0.6);
      }),
    );
  });

  test('more requests never take smaller pods, nor fewer of the same size', () => {
    fc.assert(
      fc.property(demands, fc.double({ min: 1, max: 10, noNaN: true }), (drawn, factor) => {
        const less = sized(drawn);
        const more = sized({ ...drawn, rate: drawn.rate * factor });
        if (!less) return expect(more).toBeUndefined();
        if (!more) return undefined;
        expect(more.cpuMillis).toBeGreaterThanOrEqual(less.cpuMillis);
        if (more.cpuMillis === less.cpuMillis) expect(more.replicas).toBeGreaterThanOrEqual(less.replicas);
        return undefined;
      }),
    );
  });
});

describe('a demand', () => {
  const invalid = (subject: string) => [`Millrace.ServiceDemandInvalid demand.${subject}`];

  test.each<[keyof ServiceDemand, unknown]>([
    ['peakRequestsPerSecond', 0],
    ['peakRequestsPerSecond', -1],
    ['peakRequestsPerSecond', NaN],
    ['peakRequestsPerSecond', Infinity],
    ['cpuTimePerRequest', Duration.millis(0)],
    ['cpuTimePerRequest', Duration.millis(NaN)],
    ['latency', Duration.millis(0)],
    ['latency', Duration.millis(Infinity)],
    ['idleMemory', Size.mebibytes(0)],
    ['memoryPerRequest', Size.mebibytes(0)],
  ])('fails when %s is %p', (subject, value) => {
    expect(refusalOf(() => PodSize.forDemand({ ...GATEWAY, [subject]: value }))).toEqual(invalid(subject));
  });

  test('may give memory in fractions of a unit', () => {
    expect(PodSize.forDemand({ ...GATEWAY, memoryPerRequest: Size.kibibytes(0.3) }).memoryBytes).toBe(256 * MIB);
  });

  test('fails for everything that is known only at deploy time, at once', () => {
    const token = () => Token.asNumber({ Ref: 'N' });
    const late: ServiceDemand = {
      peakRequestsPerSecond: token(),
      cpuTimePerRequest: Duration.millis(token()),
      latency: Duration.millis(token()),
      idleMemory: Size.mebibytes(token()),
      memoryPerRequest: Size.mebibytes(token()),
    };
    const subjects = ['peakRequestsPerSecond', 'cpuTimePerRequest', 'latency', 'idleMemory', 'memoryPerRequest'];
    expect(refusalOf(() => PodSize.forDemand(late))).toEqual(subjects.map((subject) => `Millrace.TokenRefused demand.${subject}`));
  });
});

describe('a size chosen by hand', () => {
  const memory = Size.mebibytes(768);

  test('is taken as it is, with a replica a zone', () => {
    expect(PodSize.fixed({ cpu: Cpu.millis(500), memory })).toMatchObject({ choice: '3 x 500m / 768 MiB', bottleneck: 'chosen by hand' });
    expect(PodSize.fixed({ cpu: Cpu.units(2), memory, replicas: 1 })).toMatchObject({
      cpuMillis: 2000,
      replicas: 1,
      memoryBytes: 768 * MIB,
    });
  });

  test.each([
    [1.005, 1005],
    [4.35, 4350],
    [0.01, 10],
    [2.3, 2300],
  ])('of %p cores is %p thousandths, without floating-point dust', (cores, millis) => {
    expect(PodSize.fixed({ cpu: Cpu.units(cores), memory }).cpuMillis).toBe(millis);
  });

  test('of any whole number of thousandths is that number, however it is written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 192_000 }), (millis) => {
        expect(PodSize.fixed({ cpu: Cpu.millis(millis), memory }).cpuMillis).toBe(millis);
        expect(PodSize.fixed({ cpu: Cpu.units(millis / 1000), memory }).cpuMillis).toBe(millis);
      }),
    );
  });

  test.each([Cpu.millis(9), Cpu.millis(0), Cpu.millis(-100), Cpu.millis(NaN), Cpu.millis(100.5), Cpu.units(0.0105), Cpu.units(Infinity)])(
    'fails with %p',
    (cpu) => expect(refusalOf(() => PodSize.fixed({ cpu, memory }))).toEqual(['Millrace.PodSizeInvalid cpu']),
  );

  test.each([Size.mebibytes(15), Size.mebibytes(0), Size.bytes(17_000_000.5)])('fails with memory of %p', (given) => {
    expect(refusalOf(() => PodSize.fixed({ cpu: Cpu.millis(100), memory: given }))).toEqual(['Millrace.PodSizeInvalid memory']);
  });

  test.each([0, -3, 1.5, NaN, 301])('fails with %p replicas', (replicas) => {
    expect(refusalOf(() => PodSize.fixed({ cpu: Cpu.millis(100), memory, replicas }))).toEqual(['Millrace.PodSizeInvalid replicas']);
  });

  test('has its memory as the limit unless a higher one is given; a lower one fails', () => {
    const given = (memoryLimit?: Size) => PodSize.fixed({ cpu: Cpu.millis(100), memory, memoryLimit });
    expect([given().memoryLimitBytes, given(Size.gibibytes(1)).memoryLimitBytes, given(memory).memoryLimitBytes]).toEqual([
      768 * MIB,
      1024 * MIB,
      768 * MIB,
    ]);
    expect(given(Size.gibibytes(1)).memoryBytes).toBe(768 * MIB);
    expect(refusalOf(() => given(Size.mebibytes(767)))).toEqual(['Millrace.PodSizeInvalid memoryLimit']);
  });

  test('fails for everything at once, tokens included', () => {
    const late = { cpu: Cpu.millis(1), memory: Size.mebibytes(Token.asNumber({ Ref: 'M' })), replicas: Token.asNumber({ Ref: 'N' }) };
    expect(refusalOf(() => PodSize.fixed(late))).toEqual([
      'Millrace.PodSizeInvalid cpu',
      'Millrace.TokenRefused memory',
      'Millrace.TokenRefused replicas',
    ]);
  });
});

describe('a size from a profile', () => {
  const profileOf = (recommendation?: object) =>
    Profile.fromJson(
      JSON.stringify({
        profile: 1,
        name: 'payments',
        intervalSeconds: 300,
        blockSeconds: 28_800,
        containers: { 'api/app': { recommendation, blocks: [] } },
      }),
    );
  const RECOMMENDATION = {
    cpuMillis: 216,
    memoryMib: 575,
    replicas: 2.25,
    workloadClass: 'service',
    policy: 'steady',
    algorithm: 'millrace-1',
    asOf: '2026-11-20T00:00:00.000Z',
    historyDays: 14,
    confidence: 1,
    model: 'CPU half-lives 4 d (60 %)',
    reason: 'in 14 days memory peaked at 500 MiB',
    expectedCpuSlack: 0.4,
    expectedCpuOver: 0.01,
    expectedMemorySlack: 0.125,
    expectedMemoryOver: 0,
  };
  const sizeOf = (options?: ProfilePodSizeOptions, changed: object = {}) =>
    PodSize.fromProfile(profileOf({ ...RECOMMENDATION, ...changed }), 'api/app', options);
  let warned: jest.SpyInstance;

  const onDay = (date: string) => jest.spyOn(Date, 'now').mockReturnValue(Date.parse(`${date}T00:00:00Z`));

  beforeEach(() => {
    warned = jest.spyOn(process, 'emitWarning').mockImplementation();
    onDay('2026-11-21');
  });
  afterEach(() => jest.restoreAllMocks());

  test('is what is recommended, with the replicas rounded up and the memory request as the limit', () => {
    const size = sizeOf();
    expect([size.cpuMillis, size.memoryBytes, size.memoryLimitBytes, size.replicas]).toEqual([216, 575 * MIB, 575 * MIB, 3]);
    expect([size.choice, size.bottleneck]).toEqual(['3 x 216m / 575 MiB', 'measured usage']);
    expect(size.utilisation).toEqual({ cpu: 0.6, memory: 0.875 });
    expect([sizeOf({}, { replicas: 2 }).replicas, sizeOf({}, { replicas: 0 }).replicas]).toEqual([2, 1]);
  });

  test('takes the pod of a rollout that ran for minutes for no replica', () => {
    expect([sizeOf({}, { replicas: 3.01 }).replicas, sizeOf({}, { replicas: 3.2 }).replicas]).toEqual([3, 4]);
  });

  test('fails for a batch job without replicas, because averages over hours say nothing of pods that come and go', () => {
    expect(codeOf(() => sizeOf({}, { workloadClass: 'batch' }))).toBe('Millrace.PodSizeInvalid');
    expect(sizeOf({ replicas: 48 }, { workloadClass: 'batch' }).replicas).toBe(48);
  });

  test('fails below what a LimitRange admits', () => {
    expect(codeOf(() => sizeOf({}, { cpuMillis: 9 }))).toBe('Millrace.PodSizeInvalid');
    expect(codeOf(() => sizeOf({}, { memoryMib: 15 }))).toBe('Millrace.PodSizeInvalid');
    expect(sizeOf({}, { cpuMillis: 10, memoryMib: 16 }).choice).toBe('3 x 10m / 16 MiB');
  });

  test('says who decided, by what, and until when the usage goes', () => {
    expect(sizeOf().reason).toBe(
      'in 14 days memory peaked at 500 MiB (steady, millrace-1, usage until 2026-11-20; CPU half-lives 4 d (60 %))',
    );
  });

  test('takes other replicas and a higher memory limit, which leave the requests as they are', () => {
    const size = sizeOf({ replicas: 12, memoryLimit: Size.gibibytes(1) });
    expect([size.cpuMillis, size.memoryBytes, size.memoryLimitBytes, size.replicas]).toEqual([216, 575 * MIB, 1024 * MIB, 12]);
    expect(sizeOf({ memoryLimit: Size.mebibytes(575) }).memoryLimitBytes).toBe(575 * MIB);
  });

  test('fails for a limit below the request and for replicas that are none, at once', () => {
    expect(refusalOf(() => sizeOf({ memoryLimit: Size.mebibytes(574), replicas: 0 }))).toEqual([
      'Millrace.PodSizeInvalid replicas',
      'Millrace.PodSizeInvalid memoryLimit',
    ]);
    for (const replicas of [-1, 1.5, 301]) expect(refusalOf(() => sizeOf({ replicas }))).toEqual(['Millrace.PodSizeInvalid replicas']);
    const late = { memoryLimit: Size.mebibytes(Token.asNumber({ Ref: 'M' })), replicas: Token.asNumber({ Ref: 'N' }) };
    expect(refusalOf(() => sizeOf(late))).toEqual(['Millrace.TokenRefused replicas', 'Millrace.TokenRefused memoryLimit']);
  });

  test('fails for a container that is not in the profile, and for one without a recommendation', () => {
    expect(codeOf(() => PodSize.fromProfile(profileOf(RECOMMENDATION), 'api/ap'))).toBe('Millrace.ProfileContainerUnknown');
    expect(codeOf(() => PodSize.fromProfile(profileOf(), 'api/app'))).toBe('Millrace.RecommendationMissing');
  });

  test('warns from the thirty-first day on, or from the age that is given', () => {
    onDay('2026-12-20');
    sizeOf();
    expect(warned).not.toHaveBeenCalled();
    onDay('2026-12-21');
    sizeOf();
    expect(warned.mock.calls).toEqual([
      [
        'payments, api/app: the recommendation is of 2026-11-20, 31 days ago; pull and recommend again, or raise maxAge (30 days)',
        { code: 'Millrace.ProfileOld' },
      ],
    ]);
    sizeOf({ maxAge: Duration.days(31) });
    expect(warned).toHaveBeenCalledTimes(1);
    sizeOf({ maxAge: Duration.hours(12) });
    expect(warned.mock.calls[1][0]).toContain('raise maxAge (0.5 days)');
  });

  test('is the same bytes however old it is', () => {
    const synthesized = () => manifestsOf((chart) => new Service(chart, 'Api', { image: IMAGE, size: sizeOf() }));
    const fresh = JSON.stringify(synthesized());
    onDay('2029-01-01');
    expect(JSON.stringify(synthesized())).toBe(fresh);
    expect(warned).toHaveBeenCalledTimes(1);
  });

  test('stands in the pods with its limit, and in the annotation with its reason', () => {
    const size = sizeOf({ memoryLimit: Size.mebibytes(800) });
    const [deployment] = manifestsOf((chart) => new Service(chart, 'Api', { image: IMAGE, size })).filter(
      ({ kind }) => kind === 'Deployment',
    );
    const [{ resources }] = deployment.spec.template.spec.containers;
    expect(resources).toMatchObject({ requests: { cpu: '216m', memory: '575Mi' }, limits: { memory: '800Mi' } });
    expect(JSON.stringify(deployment.metadata.annotations)).toContain('usage until 2026-11-20');
  });
});
