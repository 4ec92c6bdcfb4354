import type { Duration } from 'aws-cdk-lib';
import { enforce } from '../core/rule';
import { backTestedErrors } from './forecast-accuracy';
import { type FittedModel, fitModel, recentHistory } from './forecast-model';
import { CAPACITY_RULES, horizonSteps, millisOf, PERIOD_RULES, SERIES_RULES, stepRules } from './forecast-rules';
import { Uncertainty } from './forecast-uncertainty';

/** Measurements at a fixed interval: usage, bytes of a topic, a disk, a cost. */
export interface ForecastSeries {
  /** Time of the first value: ISO 8601 in UTC, such as `2026-01-31` or `2026-01-31T06:00:00Z`. */
  readonly start: string;
  /** Time from one value to the next. Days and weeks are seasons where it divides them. */
  readonly interval: Duration;
  /** The values, oldest first; NaN where nothing was measured. */
  readonly values: number[];
}

/** How a forecast is made. */
export interface ForecastOptions {
  /**
   * Share of outcomes that shall lie between `lower` and `upper`, from 0.5 to 0.99.
   * @default 0.8
   */
  readonly coverage?: number;
  /**
   * How far ahead can be asked for.
   * @default - 365 days, at most 200,000 intervals
   */
  readonly horizon?: Duration;
}

/** What is expected of one step. */
export interface ForecastPoint {
  /** Begin of the step, ISO 8601 in UTC. */
  readonly time: string;
  /** The outcome lies above and below about equally often. */
  readonly expected: number;
  /** Lower end of the prediction interval. */
  readonly lower: number;
  /** Upper end of the prediction interval. */
  readonly upper: number;
}

/** What is expected of the sum of a period. */
export interface ForecastTotal {
  /** The sum that is expected. */
  readonly expected: number;
  /** Lower end of the prediction interval of the sum. */
  readonly lower: number;
  /** Upper end of the prediction interval of the sum. */
  readonly upper: number;
  /** Steps that were added up: those that begin within the period. */
  readonly steps: number;
}

/** When a capacity is exceeded. A time that is missing lies beyond the horizon. */
export interface ForecastCrossing {
  /**
   * First step of which more than the capacity is expected.
   * @default - not within the horizon
   */
  readonly likely?: string;
  /**
   * First step whose upper bound exceeds the capacity: when to be ready.
   * @default - not within the horizon
   */
  readonly earliest?: string;
  /**
   * First step whose lower bound exceeds the capacity.
   * @default - not within the horizon
   */
  readonly latest?: string;
  /** The answer in words, with the horizon. */
  readonly reason: string;
}

/** How the forecast would have done: it is repeated at moments of the past, each time with nothing but what was known then. */
export interface ForecastAccuracy {
  /**
   * Mean absolute scaled error: below 1 it errs less than repeating the last season did within the history.
   * @default - the series is too short or repeats itself exactly, so that there is nothing to scale by
   */
  readonly mase?: number;
  /**
   * The same of the baseline, from the same moments over the same steps.
   * @default - as for `mase`
   */
  readonly baselineMase?: number;
  /**
   * Share of past outcomes that lay within the prediction interval of their time.
   * @default - too few of them
   */
  readonly coverage?: number;
  /** Moments of the past that were compared. */
  readonly folds: number;
  /** The most steps ahead that were compared. */
  readonly steps: number;
  /** What it is compared with. */
  readonly baseline: string;
}

/** How a forecast came about. */
export interface ForecastModel {
  /** The models in it with their shares. */
  readonly name: string;
  /** Why these, in words. */
  readonly reason: string;
}

/**
 * Where a series is going: expected values with prediction intervals, when a capacity is exceeded, what a period sums up to.
 *
 * A family of models (last value, last season, exponential smoothing with damped trend, steady level, straight line; with daily and weekly
 * seasons, also on log scale) is back-tested on the history of the series, and those that did best share the forecast. The intervals come
 * from the errors made there. The forecast is a function of its inputs alone.
 */
export class Forecast {
  /**
   * Fits the models to a series.
   *
   * @throws Millrace.ForecastInvalid, Millrace.TokenRefused
   */
  public static fromSeries(series: ForecastSeries, options: ForecastOptions = {}): Forecast {
    enforce('Forecast.fromSeries', { ...series, ...options }, SERIES_RULES);
    return new Forecast(series, options);
  }

  /** How the forecast would have done in the past. */
  public readonly accuracy: ForecastAccuracy;
  /** How the forecast came about. */
  public readonly model: ForecastModel;
  /** Reasons to trust it less; empty when there are none. */
  public readonly cautions: string[];

  private readonly firstMs: number;
  private readonly intervalMs: number;
  private readonly coverage: number;
  private readonly lastValue: number;
  /** What the values never fall below: zero where they never did, the last value where they only ever grow. */
  private readonly floor: number;
  private readonly fitted: FittedModel;
  private readonly uncertainty: Uncertainty;
  private readonly expected: Float64Array;

  private constructor(series: ForecastSeries, options: ForecastOptions) {
    this.intervalMs = millisOf(series.interval);
    this.coverage = options.coverage ?? 0.8;
    this.firstMs = Date.parse(series.start) + series.values.length * this.intervalMs;
    const history = recentHistory(series.values, this.intervalMs);
    const known = history.filter((value) => !Number.isNaN(value));
    // All of an old series may be gaps in the part that is used.
    const values = known.length >= 2 ? history : series.values;
    const facts = known.length >= 2 ? known : values.filter((value) => !Number.isNaN(value));
    this.lastValue = facts[facts.length - 1];
    const grows = onlyGrows(facts);
    this.floor = grows ? this.lastValue : facts.every((value) => value >= 0) ? 0 : -Infinity;
    const startMs = this.firstMs - values.length * this.intervalMs;
    this.fitted = fitModel(values, this.intervalMs, startMs, horizonSteps(series, options), grows);
    this.uncertainty = new Uncertainty(values, this.fitted.folds, this.fitted.tested, this.coverage);
    let least = this.floor;
    this.expected = this.fitted.path.map((value) => {
      const bounded = Math.max(least, value);
      if (grows) least = bounded;
      return bounded;
    });
    const errors = backTestedErrors(values, this.fitted);
    const orNothing = (value: number) => (Number.isNaN(value) ? undefined : Number(value.toFixed(4)));
    const period = this.fitted.seasonality.longest;
    this.accuracy = {
      mase: orNothing(errors.ours),
      baselineMase: orNothing(errors.baseline),
      coverage: orNothing(this.uncertainty.heldShare),
      folds: errors.folds,
      steps: this.fitted.tested,
      baseline: period > 1 ? `seasonal naive of ${period} steps` : 'naive: the last value again',
    };
    this.model = this.describe();
    this.cautions = this.doubts(facts.length, values.length);
  }

  /**
   * One step; 1 is the first after the history.
   *
   * @throws Millrace.ForecastInvalid
   */
  public at(horizonSteps: number): ForecastPoint {
    enforce('Forecast.at', { steps: horizonSteps, longest: this.expected.length }, stepRules('horizonSteps'));
    return this.pointAt(horizonSteps);
  }

  /**
   * The first steps after the history.
   *
   * @throws Millrace.ForecastInvalid
   */
  public points(count: number): ForecastPoint[] {
    enforce('Forecast.points', { steps: count, longest: this.expected.length }, stepRules('count'));
    return Array.from({ length: count }, (_, index) => this.pointAt(index + 1));
  }

  /**
   * When a capacity is exceeded: "when do we run out".
   *
   * @throws Millrace.ForecastInvalid
   */
  public exceeds(capacity: number): ForecastCrossing {
    enforce('Forecast.exceeds', { capacity }, CAPACITY_RULES);
    const found: { likely?: string; earliest?: string; latest?: string } = {};
    for (let step = 1; step <= this.expected.length && found.latest === undefined; step++) {
      const { time, expected, lower, upper } = this.pointAt(step);
      if (upper > capacity) found.earliest ??= time;
      if (expected > capacity) found.likely ??= time;
      if (lower > capacity) found.latest ??= time;
    }
    const until = this.timeOf(this.expected.length + 1);
    const already = this.lastValue > capacity ? `the last value, ${this.lastValue}, already exceeds ${capacity}; ` : '';
    const percent = Math.round(this.coverage * 100);
    const bounds = `with ${percent} % intervals not before ${found.earliest ?? until} and ${found.latest ? `by ${found.latest}` : `perhaps not before ${until}`}`;
    const answer = found.likely
      ? `more than ${capacity} is expected from ${found.likely} on, ${bounds}`
      : `more than ${capacity} is not expected before ${until}, where the horizon ends` +
        (found.earliest ? `; it may happen from ${found.earliest} on` : ` (${percent} % interval)`);
    return { ...found, reason: already + answer };
  }

  /**
   * The sum of the steps that begin from `start` on and before `end`: "what will it cost in two quarters". Its interval comes from errors
   * of such sums in the past: adding up the bounds of the steps would be far too wide, or too narrow where errors persist.
   *
   * @param start ISO 8601 in UTC, not before the end of the history
   * @param end ISO 8601 in UTC, exclusive, within the horizon
   * @throws Millrace.ForecastInvalid
   */
  public sum(start: string, end: string): ForecastTotal {
    const [first, last] = [this.timeOf(1), this.timeOf(this.expected.length + 1)];
    enforce('Forecast.sum', { start, end, first, last }, PERIOD_RULES);
    const indexOf = (time: string) => Math.ceil((Date.parse(time) - this.firstMs) / this.intervalMs - 1e-9);
    const [from, to] = [indexOf(start), indexOf(end)];
    if (to <= from) return { expected: 0, lower: 0, upper: 0, steps: 0 };
    const steps = to - from;
    const plain = this.expected.slice(from, to).reduce((sum, value) => sum + value, 0);
    const { below, above, shift } = this.uncertainty.ofSum(from, steps);
    const least = this.floor * steps;
    const expected = Math.max(least, plain + shift);
    return { expected, lower: Math.max(least, Math.min(expected, plain + below)), upper: Math.max(expected, plain + above), steps };
  }

  private pointAt(step: number): ForecastPoint {
    const expected = this.expected[step - 1];
    const { below, above } = this.uncertainty.ofStep(step);
    return { time: this.timeOf(step), expected, lower: Math.max(this.floor, expected + below), upper: expected + above };
  }

  private timeOf(step: number): string {
    return new Date(Math.round(this.firstMs + (step - 1) * this.intervalMs)).toISOString();
  }

  private describe(): ForecastModel {
    const { shares, seasonality, tested, trending, folds } = this.fitted;
    const [best] = shares;
    const listed = shares.slice(0, 3).map(({ name, share }) => `${name} (${Math.round(share * 100)} %)`);
    const more = shares.length > 3 ? ` and ${shares.length - 3} more` : '';
    const { mase, baselineMase, baseline } = this.accuracy;
    const compared = mase === undefined ? 'nothing to scale errors by' : `MASE ${mase} beside ${baselineMase} of the ${baseline}`;
    const trend = trending
      ? 'the trend has proven itself and goes on over the whole horizon'
      : `no straight trend has proven itself, so none goes on beyond ${tested} steps`;
    return {
      name: shares.length === 1 ? best.name : `${listed.join(', ')}${more}`,
      reason: `least error in ${folds.length} forecasts of up to ${tested} steps repeated on the history: ${compared}; ${seasonality.reason}; ${trend}`,
    };
  }

  private doubts(known: number, length: number): string[] {
    const { tested, seasonality, folds } = this.fitted;
    const found: string[] = [];
    if (folds.length < 8) found.push(`low confidence: the history allows ${folds.length} back-tests only`);
    if (seasonality.short) found.push(`low confidence: ${seasonality.short}`);
    if (known < length * 0.8) found.push(`${length - known} of ${length} values are missing`);
    if (this.expected.length > 3 * tested) {
      found.push(`beyond ${tested} steps the forecast is not back-tested: the history is ${length} steps long`);
    }
    return found;
  }
}

/** A counter such as the bytes on a disk that nobody clears: it never fell, and it grew in most steps. */
function onlyGrows(values: readonly number[]): boolean {
  let grown = 0;
  for (let index = 1; index < values.length; index++) {
    if (values[index] < values[index - 1]) return false;
    if (values[index] > values[index - 1]) grown += 1;
  }
  return grown >= 3 && grown * 2 > values.length;
}
