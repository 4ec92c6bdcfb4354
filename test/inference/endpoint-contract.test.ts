import { Duration } from 'aws-cdk-lib';
import * as fc from 'fast-check';
import type { EndpointDemand } from '../../lib/inference/endpoint-demand';
import { resolveMonitoring } from '../../lib/inference/endpoint-monitoring-rules';
import { EndpointScaling } from '../../lib/inference/endpoint-scaling';
import { EndpointSizing, type EndpointSizingOptions } from '../../lib/inference/endpoint-sizing';
import { Rollout } from '../../lib/inference/rollout';
import { codesOf } from '../contract/refusal';

const DEMAND: EndpointDemand = {
  peakRequestsPerSecond: 1200,
  latency: Duration.millis(20),
  p99: Duration.millis(60),
  concurrencyPerReplica: 8,
};
const sizing = (demand: Partial<EndpointDemand> = {}, options?: EndpointSizingOptions) =>
  EndpointSizing.forDemand({ ...DEMAND, ...demand }, options);

describe('the replicas of an endpoint', () => {
  test("follow from Little's law, at half of what a replica can do in three zones", () => {
    const decided = sizing();
    expect([decided.choice, decided.bottleneck, decided.utilisation]).toEqual(['6 x 8 at a time', 'concurrency', { concurrency: 1 }]);
    expect(decided.reason).toBe(
      '1200 requests/s x 20 ms = 24 in flight; at 50 % of 8 a replica (headroom 1.33, one of 3 zones lost) that is 6 replicas',
    );
  });

  test('are ceil(rate x latency x headroom / concurrency) x zones / (zones - 1), the reference formula', () => {
    // 1000/s x 50 ms x 1.2 / 10 = 6, and 9 with one of three zones lost.
    expect(
      sizing({ peakRequestsPerSecond: 1000, latency: Duration.millis(50), concurrencyPerReplica: 10 }, { headroom: 1.2 }).replicas,
    ).toBe(9);
    expect(
      sizing({ peakRequestsPerSecond: 1000, latency: Duration.millis(50), concurrencyPerReplica: 10 }, { headroom: 1.2, zones: 1 })
        .replicas,
    ).toBe(6);
  });

  test('are one a zone at least, and say so', () => {
    const decided = sizing({ peakRequestsPerSecond: 10 });
    expect([decided.replicas, decided.bottleneck]).toEqual([3, 'availability']);
    expect(decided.reason).toMatch(/that is 2 replicas, and one a zone is 3$/);
  });

  test('have an alternative in fewer zones, which costs more replicas', () => {
    expect(sizing().alternatives).toEqual([
      { choice: '8 x 8 at a time in 2 zones', bottleneck: 'concurrency', reason: 'a lost zone takes 1/2 of the replicas along' },
    ]);
  });

  test('are scaled at the target of the sizing: most requests a second x safety factor x 60 (SageMaker developer guide)', () => {
    // One replica serves 8 / 0.02 = 400 a second at most; half of it is 200, or 12,000 a minute.
    const { requestsPerSecondPerReplica, targetInvocationsPerMinute, targetConcurrency } = sizing();
    expect([requestsPerSecondPerReplica, targetInvocationsPerMinute, targetConcurrency]).toEqual([400, 12000, 4]);
  });

  test('have a target of at least one request', () => {
    expect(sizing({ concurrencyPerReplica: 1 }).targetConcurrency).toBe(1);
  });

  test('carry the peak with a zone lost, and are no more than that takes', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 5000, noNaN: true }),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 2, max: 6 }),
        fc.double({ min: 1, max: 4, noNaN: true }),
        (rate, millis, concurrency, zones, headroom) => {
          const inFlight = (rate * millis) / 1000;
          const needed = (inFlight * headroom) / concurrency;
          const whole = Math.ceil(needed - 1e-6);
          const least = Math.ceil((whole * zones) / (zones - 1) - 1e-6);
          fc.pre(least < 1000);
          const latency = Duration.millis(millis);
          const demand = { peakRequestsPerSecond: rate, latency, p99: latency, concurrencyPerReplica: concurrency };
          const { replicas } = EndpointSizing.forDemand(demand, { zones, headroom });
          // The zone that is lost may be the fullest.
          expect(replicas - Math.ceil(replicas / zones)).toBeGreaterThanOrEqual(whole);
          expect(replicas).toBeLessThanOrEqual(Math.max(zones, least));
          expect(replicas).toBeGreaterThanOrEqual(zones);
        },
      ),
    );
  });

  test('are refused beyond a thousand, with the arithmetic', () => {
    const attempt = () => sizing({ peakRequestsPerSecond: 500_000, latency: Duration.millis(60) });
    expect(codesOf(attempt)).toEqual(['Millrace.EndpointDemandDoesNotFit']);
    expect(attempt).toThrow(/received 500000 requests\/s, 30000 in flight: 7500 replicas with 8 at a time; allowed: at most 1000 replicas/);
  });

  test.each<[string, Partial<EndpointDemand>]>([
    ['no rate', { peakRequestsPerSecond: 0 }],
    ['a rate that is no number', { peakRequestsPerSecond: NaN }],
    ['no latency', { latency: Duration.millis(0) }],
    ['a p99 below the mean', { p99: Duration.millis(10) }],
    ['half a request at a time', { concurrencyPerReplica: 0.5 }],
    ['more at a time than a server takes', { concurrencyPerReplica: 2000 }],
  ])('are refused for %s', (_case, demand) => {
    expect(codesOf(() => sizing(demand))).toEqual(['Millrace.EndpointDemandInvalid']);
  });

  test.each<[string, EndpointSizingOptions]>([
    ['no zone', { zones: 0 }],
    ['seven zones', { zones: 7 }],
    ['a headroom below one', { headroom: 0.9 }],
    ['a headroom above four', { headroom: 5 }],
  ])('are refused with %s', (_case, options) => {
    expect(codesOf(() => sizing({}, options))).toEqual(['Millrace.EndpointSizingOptionsInvalid']);
  });

  test('can be given', () => {
    const fixed = EndpointSizing.fixed({ replicas: 2, concurrencyPerReplica: 4 });
    expect([fixed.replicas, fixed.zones, fixed.targetConcurrency, fixed.targetInvocationsPerMinute]).toEqual([2, 2, 2, undefined]);
    expect(codesOf(() => EndpointSizing.fixed({ replicas: 0, concurrencyPerReplica: 4 }))).toEqual([
      'Millrace.EndpointSizingOptionsInvalid',
    ]);
  });
});

describe('a rollout', () => {
  test('has the shares and times of the guardrails', () => {
    const shape = ({ kind, percent, bakeSeconds, unguarded }: Rollout) => [kind, percent, bakeSeconds, unguarded];
    expect([Rollout.canary(), Rollout.linear(), Rollout.rolling(), Rollout.allAtOnce({ bake: Duration.hours(1) })].map(shape)).toEqual([
      ['canary', 10, 600, false],
      ['linear', 25, 600, false],
      ['rolling', 25, 600, false],
      ['allAtOnce', 100, 3600, false],
    ]);
  });

  test.each<[string, () => Rollout]>([
    ['a canary over 50 %', () => Rollout.canary({ percent: 51 })],
    ['a canary of nothing', () => Rollout.canary({ percent: 0 })],
    ['a linear step of 5 %', () => Rollout.linear({ stepPercent: 5 })],
    ['a batch of 90 %', () => Rollout.rolling({ batchPercent: 90 })],
    ['half a percent', () => Rollout.canary({ percent: 10.5 })],
    ['a bake shorter than any alarm', () => Rollout.canary({ bake: Duration.seconds(30) })],
    ['a bake that SageMaker does not wait for', () => Rollout.linear({ bake: Duration.minutes(61) })],
  ])('is refused with %s', (_case, rollout) => {
    expect(codesOf(rollout)).toEqual(['Millrace.RolloutInvalid']);
  });
});

describe('the scaling of an endpoint', () => {
  test.each<[string, () => EndpointScaling]>([
    ['fewer replicas than none', () => EndpointScaling.concurrency({ minReplicas: -1 })],
    ['fewer at most than at least', () => EndpointScaling.invocations({ minReplicas: 5, maxReplicas: 4 })],
    ['no replica at most', () => EndpointScaling.concurrency({ maxReplicas: 0 })],
    ['a target of nothing', () => EndpointScaling.concurrency({ target: 0 })],
  ])('is refused with %s', (_case, scaling) => {
    expect(codesOf(scaling)).toEqual(['Millrace.EndpointScalingInvalid']);
  });
});

describe('what is watched of an endpoint', () => {
  test('is errors and latency by default, and no traffic is kept', () => {
    expect(resolveMonitoring('Endpoint')).toEqual({ alarms: true, errorPercent: 1, windowMinutes: 3 });
    expect(resolveMonitoring('Endpoint', { dataCapture: {} }).capturePercent).toBe(10);
  });

  test.each([
    { errorPercent: 0 },
    { errorPercent: 101 },
    { window: Duration.seconds(90) },
    { window: Duration.hours(2) },
    { dataCapture: { percent: 0 } },
    { dataCapture: { percent: 12.5 } },
  ])('is refused with %j', (monitoring) => {
    expect(codesOf(() => resolveMonitoring('Endpoint', monitoring))).toEqual(['Millrace.EndpointMonitoringInvalid']);
  });
});
