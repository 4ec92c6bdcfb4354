import { Duration, Lazy, Token } from 'aws-cdk-lib';
import fc from 'fast-check';
import { Forecast, type ForecastOptions } from '../../lib/usage/forecast';
import { backTestedErrors, scaledError, seasonalNaiveError } from '../../lib/usage/forecast-accuracy';
import { candidatesFor, seasonalNaive, Smoothing } from '../../lib/usage/forecast-candidates';
import { bandPosition, bandsOf, fitModel } from '../../lib/usage/forecast-model';
import { Uncertainty } from '../../lib/usage/forecast-uncertainty';
import { seasonalityOf, seasonalSlope } from '../../lib/usage/seasonality';
import { codeOf, refusalOf } from '../contract/refusal';

const START = '2026-01-05T00:00:00Z';
const DAY_MS = 86_400_000;

/** Normally distributed noise that is the same on every run. */
function noise(seed = 1): () => number {
  let state = seed;
  const uniform = () => (state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296) / 4_294_967_296;
  return () => Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform());
}

const series = (length: number, value: (step: number) => number) => Array.from({ length }, (_, step) => value(step));
const daily = (values: number[], options?: ForecastOptions) =>
  Forecast.fromSeries({ start: START, interval: Duration.days(1), values }, options);
const daysUntil = (time: string | undefined, days: number) => (Date.parse(time ?? '') - Date.parse(START)) / DAY_MS - days;

describe('published formulas', () => {
  test('MASE divides by the error of the seasonal naive forecast within the history (Hyndman and Koehler 2006)', () => {
    // History 2 4 3 7, period 1: |2| + |-1| + |4| = 7, over three 7/3. Forecast 5 5 of 8 4: errors 3 and 1, mean 2. 2 / (7/3) = 6/7.
    expect(scaledError([2, 4, 3, 7, 8, 4], 4, 1, Float64Array.of(5, 5))).toBeCloseTo(6 / 7, 12);
    // Period 2: |3 - 2| + |7 - 4| = 4, over two 2. 2 / 2 = 1.
    expect(scaledError([2, 4, 3, 7, 8, 4], 4, 2, Float64Array.of(5, 5))).toBeCloseTo(1, 12);
  });

  test('MASE leaves gaps out, and does not exist where the baseline makes no error', () => {
    expect(seasonalNaiveError([2, NaN, 3, 7], 4, 1)).toBe(4);
    expect(scaledError([2, 4, NaN, 8], 2, 1, Float64Array.of(0, 6))).toBe(1);
    expect(scaledError([5, 5, 5, 6], 3, 1, Float64Array.of(5))).toBeNaN();
    expect(scaledError([1, 2, NaN], 2, 1, Float64Array.of(5))).toBeNaN();
  });

  test("Holt's linear method in error-correction form follows the recursions by hand", () => {
    // alpha 0.5, beta 0.5, no damping. Seen 10: level 10, slope 0. Seen 14: error 4, level 12, slope 1.
    // Seen 15: expected 13, error 2, level 14, slope 1.5. Ahead: 15.5, 17.
    const holt = new Smoothing({ alpha: 0.5, beta: 0.5, gamma: 0, damping: 1, seasons: [], log: false });
    [10, 14, 15].forEach((value, step) => holt.learn(step, value));
    expect([...holt.path(3, 2)]).toEqual([15.5, 17]);
  });

  test('a damped trend of slope b adds b (0.9 + 0.81 + …), at most nine times b', () => {
    const damped = new Smoothing({ alpha: 0.5, beta: 0.5, gamma: 0, damping: 0.9, seasons: [], log: false });
    [10, 14].forEach((value, step) => damped.learn(step, value));
    const path = damped.path(2, 300);
    expect(path[0]).toBeCloseTo(12.9, 12);
    expect(path[1]).toBeCloseTo(12.9 + 0.81, 12);
    expect(path[299]).toBeCloseTo(12 + 9, 9);
  });

  test('the slope is the median over pairs whole seasons apart, so neither a season nor outliers bend it', () => {
    expect(seasonalSlope([0, 1, 2, 3, 100], 0, 5, 1)).toBe(1);
    expect(
      seasonalSlope(
        series(28, (step) => 3 * step + (step % 7 > 4 ? 50 : 0)),
        0,
        28,
        7,
      ),
    ).toBe(3);
    expect(seasonalSlope([1], 0, 1, 1)).toBe(0);
  });

  test('the seasonal naive forecast repeats the last season, and an older one where that has gaps', () => {
    expect([...seasonalNaive([1, 2, 3, 4, NaN, 6], 6, 3, 4)]).toEqual([4, 2, 6, 4]);
    expect([...seasonalNaive([NaN, 2, NaN, 4], 4, 2, 2)]).toEqual([3, 4]);
  });
});

describe('when do we run out', () => {
  test.each([1, 2, 3, 4, 5])('a disk that grows by 2 GiB a day with noise runs out within 3 % of the true date (seed %i)', (seed) => {
    const random = noise(seed);
    const forecast = daily(series(90, (day) => 100 + 2 * day + 3 * random()));
    // 100 + 2 d exceeds 520 after day 210: 121 days ahead.
    const { likely, earliest, latest } = forecast.exceeds(520);
    expect(Math.abs(daysUntil(likely, 210.5)) / 121).toBeLessThan(0.03);
    expect(Date.parse(earliest!)).toBeLessThanOrEqual(Date.parse(likely!));
    expect(Date.parse(likely!)).toBeLessThanOrEqual(Date.parse(latest!));
    expect(forecast.model.reason).toContain('the trend has proven itself');
  });

  test('a counter that only grows is never expected to fall', () => {
    const forecast = daily(series(60, (day) => 50 + 2 * day + (day % 3) * 0.9));
    const points = forecast.points(180);
    points.forEach(({ expected, lower }, index) => {
      expect(expected).toBeGreaterThanOrEqual(points[index - 1]?.expected ?? 169.8);
      expect(lower).toBeGreaterThanOrEqual(169.8);
    });
    // 50 + 2 d exceeds 400 after day 175.
    expect(Math.abs(daysUntil(forecast.exceeds(400).likely, 175)) / 116).toBeLessThan(0.03);
  });

  test('says so when the capacity is not exceeded within the horizon', () => {
    const crossing = daily(new Array(60).fill(5)).exceeds(6);
    expect(crossing).toEqual({
      reason: 'more than 6 is not expected before 2027-03-06T00:00:00.000Z, where the horizon ends (80 % interval)',
    });
  });

  test('says so when the capacity is exceeded already', () => {
    const crossing = daily(new Array(60).fill(5)).exceeds(4);
    expect(crossing.likely).toBe('2026-03-06T00:00:00.000Z');
    expect(crossing.reason).toMatch(/^the last value, 5, already exceeds 4; more than 4 is expected from 2026-03-06/);
  });

  test('names the earliest time alone when only the upper bound reaches the capacity', () => {
    const random = noise(3);
    const { likely, earliest, reason } = daily(series(60, () => 100 + 5 * random())).exceeds(112);
    expect([likely, typeof earliest]).toEqual([undefined, 'string']);
    expect(reason).toMatch(/is not expected before .*; it may happen from /);
  });
});

describe('what will it cost', () => {
  test('the sum of two quarters of a weekly pattern is within 3 %, and its interval is far narrower than the bounds added up', () => {
    const random = noise(7);
    const cost = (day: number) => (day % 7 > 4 ? 60 : 120);
    const forecast = daily(series(180, (day) => cost(day) + 6 * random()));
    const total = forecast.sum('2026-07-06', '2027-01-04');
    const truth = series(182, (day) => cost(day + 182)).reduce((sum, value) => sum + value, 0);
    expect(total.steps).toBe(182);
    expect(Math.abs(total.expected / truth - 1)).toBeLessThan(0.03);
    expect([total.lower <= truth, total.upper >= truth]).toEqual([true, true]);
    const points = forecast.points(184).slice(2);
    const added = points.reduce((sum, { upper, lower }) => sum + upper - lower, 0);
    expect(total.upper - total.lower).toBeLessThan(added / 2);
  });

  test('the sum of an intermittent series is not zero although each step is most likely so', () => {
    const random = noise(5);
    const forecast = daily(series(120, () => (random() > 0.8 ? 10 : 0)));
    const total = forecast.sum(forecast.at(1).time, forecast.at(91).time);
    expect(forecast.at(1).expected).toBeLessThan(1);
    expect(total.expected).toBeGreaterThan(50);
    // A fifth of 90 days at 10.
    expect([total.lower < 190, total.upper > 190]).toEqual([true, true]);
  });

  test('a period between two steps holds none of them', () => {
    const forecast = daily(new Array(30).fill(5));
    expect(forecast.sum('2026-02-10T01:00:00Z', '2026-02-10T02:00:00Z')).toEqual({ expected: 0, lower: 0, upper: 0, steps: 0 });
    const { expected, steps } = forecast.sum('2026-02-10', '2026-02-12');
    expect([expected, steps]).toEqual([10, 2]);
  });
});

describe('awkward series', () => {
  test('a constant stays what it is, a series of zeros zero, without a width', () => {
    for (const value of [5, 0, -3]) {
      const { expected, lower, upper } = daily(new Array(60).fill(value)).at(180);
      expect(expected).toBe(value);
      expect(lower).toBeCloseTo(value, 9);
      expect(upper).toBeCloseTo(value, 9);
    }
  });

  test('a constant has no MASE, because there is nothing to scale by', () => {
    const { mase, baselineMase, folds, steps, baseline } = daily(new Array(60).fill(5)).accuracy;
    expect([mase, baselineMase, folds, steps, baseline]).toEqual([undefined, undefined, 0, 20, 'seasonal naive of 7 steps']);
    expect(daily(new Array(60).fill(5)).model.name).toBe('naive');
  });

  test('one outlier moves neither the level nor the bounds of a quarter far', () => {
    const random = noise(2);
    const { expected, upper } = daily(series(90, (day) => (day === 60 ? 1000 : 10 + random()))).at(90);
    expect(Math.abs(expected - 10)).toBeLessThan(1.5);
    expect(upper).toBeLessThan(30);
  });

  test('after a level shift the forecast stands on the new level, without a trend', () => {
    const random = noise(4);
    const forecast = daily(series(90, (day) => (day < 60 ? 10 : 20) + random()));
    expect(Math.abs(forecast.at(7).expected - 20)).toBeLessThan(1.5);
    expect(Math.abs(forecast.at(182).expected - 20)).toBeLessThan(3);
  });

  test('a random walk does not explode in two quarters', () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const random = noise(seed);
      let value = 200;
      const values = series(90, () => (value += 3 * random()));
      const { expected } = daily(values).at(182);
      expect(Math.abs(expected - value)).toBeLessThan(2 * (Math.max(...values) - Math.min(...values)));
    }
  });

  test('gaps are no zeros', () => {
    const random = noise(6);
    const values = series(84, (day) => (day % 5 === 2 || day > 80 ? NaN : 100 + 30 * (day % 7) + random()));
    const forecast = daily(values);
    for (const ahead of [1, 4, 7]) expect(Math.abs(forecast.at(ahead).expected - (100 + 30 * ((83 + ahead) % 7)))).toBeLessThan(12);
    expect(forecast.cautions).toContain('19 of 84 values are missing');
  });

  test('a series whose part in use is all gaps but one falls back to the whole of it', () => {
    const values = [...series(10, () => 7), ...new Array(1600).fill(NaN), 7];
    expect(daily(values).at(3).expected).toBeCloseTo(7, 9);
  });

  test('two values are enough for a forecast that says how little it knows', () => {
    const forecast = daily([1, 2]);
    const { expected, lower, upper } = forecast.at(1);
    expect([expected >= 1, lower < expected, upper > expected]).toEqual([true, true, true]);
    expect(forecast.cautions.slice(0, 2)).toEqual([
      'low confidence: the history allows 1 back-tests only',
      'low confidence: no weekly season: 2 steps are less than 3 x 7',
    ]);
    expect(daily([NaN, NaN, 3, NaN, 4, NaN]).at(30).expected).toBeGreaterThan(2);
  });

  test('exponential growth is not carried on as such for two quarters', () => {
    const random = noise(9);
    const forecast = daily(series(90, (day) => 10 * Math.exp(0.02 * day + 0.05 * random())));
    // Carried on exponentially it would be 10 e^5.4 = 2,300.
    expect(forecast.at(182).expected).toBeLessThan(500);
    expect(forecast.at(30).expected).toBeGreaterThan(70);
  });
});

describe('seasons', () => {
  test('a day and a week are seasons where the interval divides them and three are there', () => {
    const [HOUR, DAY] = [3_600_000, DAY_MS];
    const found = (length: number, interval: number) => {
      const { daily: day, weekly: week, longest } = seasonalityOf(length, interval);
      return [day, week, longest];
    };
    expect(found(504, HOUR)).toEqual([24, 168, 168]);
    expect(found(503, HOUR)).toEqual([24, undefined, 24]);
    expect(found(21, DAY)).toEqual([undefined, 7, 7]);
    expect(found(20, DAY)).toEqual([undefined, undefined, 1]);
    expect(found(1000, 30 * DAY)).toEqual([undefined, undefined, 1]);
    expect(found(1000, 7 * HOUR)).toEqual([undefined, 24, 24]);
  });

  test('an hourly pattern of the day and the weekend is learnt from six weeks', () => {
    const random = noise(8);
    const load = (hour: number) => (100 + 40 * Math.sin((hour / 24) * 2 * Math.PI)) * (Math.floor(hour / 24) % 7 > 4 ? 0.5 : 1);
    const values = series(42 * 24, (hour) => load(hour) + 4 * random());
    const forecast = Forecast.fromSeries({ start: START, interval: Duration.hours(1), values }, { horizon: Duration.days(7) });
    const points = forecast.points(168);
    const error = points.reduce((sum, { expected }, ahead) => sum + Math.abs(expected - load(42 * 24 + ahead)), 0) / 168;
    // The noise itself is 3.2 on average.
    expect(error).toBeLessThan(4);
    expect(forecast.accuracy.mase).toBeLessThan(forecast.accuracy.baselineMase!);
    expect(forecast.model.reason).toContain('a daily season of 24 steps; a weekly season of 168 steps');
  });

  test('a log scale is tried only where no value is zero or below', () => {
    const names = (positive: boolean) => candidatesFor(seasonalityOf(90, DAY_MS), 0, positive).map(({ name }) => name);
    expect(names(true).filter((name) => name.includes('log scale'))).toHaveLength(2);
    expect(names(false).filter((name) => name.includes('log scale'))).toEqual([]);
  });
});

describe('the back-test', () => {
  test('judges horizons in bands that double', () => {
    expect(bandsOf(14)).toEqual([1, 2, 4, 8, 14]);
    expect(bandsOf(1)).toEqual([1]);
    expect(bandPosition([1, 2, 4], 1)).toEqual({ band: 0, next: 0 });
    expect(bandPosition([1, 2, 4], 2)).toEqual({ band: 1, next: 0 });
    expect(bandPosition([1, 2, 4], 400)).toEqual({ band: 2, next: 0 });
  });

  test('each fold is the forecast that the history up to then gives, whatever came later', () => {
    const random = noise(11);
    const values = series(60, (day) => 50 + (day % 7) + 3 * random());
    const changed = values.map((value, day) => (day < 40 ? value : value * 5));
    const [before, after] = [values, changed].map((history) => fitModel(history, DAY_MS, 0, 20, false).folds);
    const early = before.filter(({ origin }) => origin <= 40);
    expect(early.length).toBeGreaterThan(5);
    early.forEach(({ forecast }, index) => expect([...forecast]).toEqual([...after[index].forecast]));
  });

  test('scores below its baseline on a noisy weekly pattern, and its intervals held about as often as they claim', () => {
    const random = noise(12);
    const { mase, baselineMase, coverage } = daily(series(180, (day) => 100 + 20 * (day % 7) + 8 * random())).accuracy;
    expect(mase).toBeLessThan(0.95);
    expect(mase).toBeLessThan(baselineMase!);
    expect(Math.abs(coverage! - 0.8)).toBeLessThan(0.15);
  });

  test('averages over folds that have something to scale by', () => {
    const model = fitModel([1, 2, 1, 2, 1, 2, 1, 2, 1, 2], DAY_MS, 0, 3, false);
    const { ours, baseline, folds } = backTestedErrors([1, 2, 1, 2, 1, 2, 1, 2, 1, 2], model);
    expect(folds).toBe(model.folds.length);
    expect(ours).toBeLessThan(baseline);
  });

  test('a wider coverage gives wider intervals, for steps and for sums', () => {
    const random = noise(13);
    const values = series(120, () => 100 + 10 * random());
    const [narrow, wide] = [0.5, 0.95].map((coverage) => daily(values, { coverage }));
    const width = ({ lower, upper }: { lower: number; upper: number }) => upper - lower;
    expect(width(wide.at(10))).toBeGreaterThan(1.5 * width(narrow.at(10)));
    const sums = [narrow, wide].map((forecast) => width(forecast.sum(forecast.at(1).time, forecast.at(31).time)));
    expect(sums[1]).toBeGreaterThan(sums[0]);
  });

  test('an interval is never narrower for a longer look ahead', () => {
    const random = noise(14);
    const values = series(90, () => 100 + 10 * random());
    const { folds, tested } = fitModel(values, DAY_MS, 0, 365, false);
    const uncertainty = new Uncertainty(values, folds, tested, 0.8);
    let last = 0;
    for (let ahead = 1; ahead <= 365; ahead++) {
      const { below, above } = uncertainty.ofStep(ahead);
      expect(above - below).toBeGreaterThanOrEqual(last - 1e-9);
      last = above - below;
    }
  });
});

describe('properties', () => {
  const histories = fc.array(
    fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 5000 }) }, { weight: 1, arbitrary: fc.constant(NaN) }),
    {
      minLength: 6,
      maxLength: 70,
    },
  );
  const known = (values: number[]) => values.filter((value) => !Number.isNaN(value)).length >= 2;
  const options: ForecastOptions = { horizon: Duration.days(60) };

  test('lower <= expected <= upper, none below zero where no value is, all finite', () => {
    fc.assert(
      fc.property(histories.filter(known), (values) => {
        const forecast = daily(values, options);
        const total = forecast.sum(forecast.at(5).time, forecast.at(50).time);
        for (const { lower, expected, upper } of [...forecast.points(60), total]) {
          expect(Number.isFinite(upper) && lower >= 0 && lower <= expected && expected <= upper).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('values times c give forecasts times c', () => {
    fc.assert(
      fc.property(histories.filter(known), fc.constantFrom(0.125, 4, 1024), (values, factor) => {
        const [plain, scaled] = [values, values.map((value) => value * factor)].map((history) => daily(history, options).points(30));
        plain.forEach(({ expected, lower, upper }, index) => {
          const tolerance = 1e-6 * factor * 5000;
          expect(Math.abs(scaled[index].expected - factor * expected)).toBeLessThan(tolerance);
          expect(Math.abs(scaled[index].lower - factor * lower)).toBeLessThan(tolerance);
          expect(Math.abs(scaled[index].upper - factor * upper)).toBeLessThan(tolerance);
        });
      }),
      { numRuns: 40 },
    );
  });

  test('the same input gives the same forecast', () => {
    fc.assert(
      fc.property(histories.filter(known), (values) => {
        const [one, two] = [daily(values, options), daily([...values], options)];
        expect([one.points(60), one.accuracy, one.model]).toEqual([two.points(60), two.accuracy, two.model]);
      }),
      { numRuns: 20 },
    );
  });
});

describe('refuses', () => {
  const valid = { start: START, interval: Duration.days(1), values: [1, 2, 3] };
  const refused = (series: object, options?: ForecastOptions) => refusalOf(() => Forecast.fromSeries({ ...valid, ...series }, options));

  test.each<[string, object, ForecastOptions | undefined, string]>([
    ['one value', { values: [1] }, undefined, 'series.values'],
    ['one value beside gaps', { values: [1, NaN, NaN] }, undefined, 'series.values'],
    ['no values', { values: [] }, undefined, 'series.values'],
    ['infinity', { values: [1, 2, Infinity] }, undefined, 'series.values'],
    ['negative infinity', { values: [1, 2, -Infinity] }, undefined, 'series.values'],
    ['an interval of zero', { interval: Duration.days(0) }, undefined, 'series.interval'],
    ['a start without a zone', { start: '2026-01-05T00:00:00' }, undefined, 'series.start'],
    ['a day that does not exist', { start: '2026-02-30' }, undefined, 'series.start'],
    ['a start that is no date', { start: 'yesterday' }, undefined, 'series.start'],
    ['a coverage in per cent', {}, { coverage: 80 }, 'options.coverage'],
    ['a coverage of one', {}, { coverage: 1 }, 'options.coverage'],
    ['a horizon below one interval', {}, { horizon: Duration.hours(1) }, 'options.horizon'],
    ['a horizon of too many steps', { interval: Duration.seconds(1) }, { horizon: Duration.days(365) }, 'options.horizon'],
  ])('%s', (_what, series, options, subject) => {
    expect(refused(series, options)).toEqual([`Millrace.ForecastInvalid ${subject}`]);
  });

  test('a negative interval, which only a foreign duration can have', () => {
    expect(refused({ interval: { toMilliseconds: () => -1 } })).toEqual(['Millrace.ForecastInvalid series.interval']);
  });

  test('tokens, because a forecast is made at synth', () => {
    expect(refused({ start: Lazy.string({ produce: () => START }) })).toEqual(['Millrace.TokenRefused series.start']);
    expect(refused({ values: [1, 2, Token.asNumber({ Ref: 'Value' })] })).toEqual(['Millrace.TokenRefused series.values']);
  });

  test('names what was received, what is allowed and how to fix it', () => {
    expect(() => Forecast.fromSeries({ ...valid, values: [1, Infinity] })).toThrow(
      "Forecast.fromSeries: Millrace.ForecastInvalid: series.values: received 'Infinity at index 1'; allowed: finite numbers, and NaN where nothing was measured; fix: write NaN for a gap, and correct or drop what is no number",
    );
  });

  test('steps, capacities and periods outside of the forecast', () => {
    const forecast = Forecast.fromSeries(valid, { horizon: Duration.days(10) });
    const refusals: [() => unknown, string][] = [
      [() => forecast.at(0), 'horizonSteps'],
      [() => forecast.at(11), 'horizonSteps'],
      [() => forecast.points(1.5), 'count'],
      [() => forecast.exceeds(NaN), 'capacity'],
      [() => forecast.sum('2026-01-07', '2026-01-10'), 'start'],
      [() => forecast.sum('2026-01-10', '2026-01-10'), 'end'],
      [() => forecast.sum('2026-01-10', '2026-01-19'), 'end'],
      [() => forecast.sum('2026-01-10', 'soon'), 'end'],
    ];
    for (const [work, subject] of refusals) expect(refusalOf(work)).toEqual([`Millrace.ForecastInvalid ${subject}`]);
    expect(codeOf(() => forecast.sum('2026-01-08', '2026-01-18'))).toBeUndefined();
    expect([forecast.at(1).time, forecast.points(10)[9].time]).toEqual(['2026-01-08T00:00:00.000Z', '2026-01-17T00:00:00.000Z']);
  });
});

test('forecasts for short intervals reach at most 200,000 steps by default', () => {
  const forecast = Forecast.fromSeries({ start: START, interval: Duration.seconds(10), values: [1, 2, 3, 2] });
  expect([codeOf(() => forecast.at(200_000)), codeOf(() => forecast.at(200_001))]).toEqual([undefined, 'Millrace.ForecastInvalid']);
});
