import type { Duration } from 'aws-cdk-lib';
import type { Rule } from '../core/rule';
import { isPositive } from '../core/rule';
import { isToken } from '../core/token';
import type { ForecastOptions, ForecastSeries } from './forecast';

const CODE = 'Millrace.ForecastInvalid';
/** More steps than this are more than a year of five minutes; nobody reads that, and it is computed at once. */
export const MAX_STEPS = 200_000;
const YEAR_MS = 365 * 86_400_000;

export function millisOf(duration: Duration): number {
  return duration.toMilliseconds({ integral: false });
}

/** Steps that are forecast: those of the horizon given, else of a year. */
export function horizonSteps(series: ForecastSeries, options: ForecastOptions): number {
  if (options.horizon) return Math.floor(millisOf(options.horizon) / millisOf(series.interval) + 1e-9);
  return Math.min(MAX_STEPS, Math.max(1, Math.floor(YEAR_MS / millisOf(series.interval))));
}

/** A date or a time in UTC; a time without a zone would mean another moment on each machine. */
export function isUtcTime(text: string): boolean {
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/.test(text)) return false;
  const time = Date.parse(text);
  // Date.parse takes 30 February for 2 March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text.slice(0, 10));
}

export const UTC_TIME = 'a date or time of ISO 8601 in UTC, such as 2026-01-31 or 2026-01-31T06:00:00Z';

type Input = ForecastSeries & ForecastOptions;

function firstBad(values: readonly number[]): unknown {
  const index = values.findIndex((value) => typeof value !== 'number' || Math.abs(value) === Infinity || isToken(value));
  if (index < 0) return undefined;
  return isToken(values[index]) ? values[index] : `${String(values[index])} at index ${index}`;
}

export const SERIES_RULES: Rule<Input>[] = [
  {
    code: CODE,
    subject: 'series.start',
    value: ({ start }) => start,
    valid: isUtcTime,
    allowed: UTC_TIME,
    fix: 'give the time of the first value, for example with Date.toISOString()',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'series.interval',
    value: ({ interval }) => interval,
    valid: (interval: Duration) => isPositive(millisOf(interval)),
    allowed: 'a duration above zero',
    fix: 'give the time from one value to the next, such as Duration.days(1)',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'series.values',
    value: ({ values }) => firstBad(values),
    valid: () => false,
    allowed: 'finite numbers, and NaN where nothing was measured',
    fix: 'write NaN for a gap, and correct or drop what is no number',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'series.values',
    value: ({ values }) => `${values.filter((value) => !Number.isNaN(value)).length} known of ${values.length} values`,
    valid: (text: string) => Number.parseInt(text, 10) >= 2,
    allowed: 'at least 2 values that are not NaN',
    fix: 'wait for more measurements, or use a finer interval',
  },
  {
    code: CODE,
    subject: 'options.coverage',
    value: ({ coverage }) => coverage,
    valid: (coverage: number) => coverage >= 0.5 && coverage <= 0.99,
    allowed: 'a share from 0.5 to 0.99: a history of usual length says nothing about rarer outcomes',
    fix: 'leave it out for 0.8',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'options.horizon',
    value: ({ horizon }) => horizon,
    valid: (horizon: Duration, input) => {
      if (!isPositive(millisOf(input.interval))) return true;
      const steps = horizonSteps(input, { horizon });
      return steps >= 1 && steps <= MAX_STEPS;
    },
    allowed: `at least one interval and at most ${MAX_STEPS} of them`,
    fix: 'shorten it, use a coarser interval, or leave it out for a year',
    tokens: 'refuse',
  },
];

export interface StepCount {
  readonly steps: number;
  readonly longest: number;
}

export const stepRules = (subject: string): Rule<StepCount>[] => [
  {
    code: CODE,
    subject,
    value: ({ steps }) => steps,
    valid: (steps: number, { longest }) => Number.isSafeInteger(steps) && steps >= 1 && steps <= longest,
    allowed: ({ longest }) => `a whole number from 1 to ${longest}, the horizon in steps`,
    fix: 'make the forecast with a longer horizon, or ask for fewer steps',
    tokens: 'refuse',
  },
];

export const CAPACITY_RULES: Rule<{ readonly capacity: number }>[] = [
  {
    code: CODE,
    subject: 'capacity',
    value: ({ capacity }) => capacity,
    valid: Number.isFinite as (value: number) => boolean,
    allowed: 'a finite number, in the unit of the values',
    fix: 'give the limit that must not be exceeded, such as the size of the volume',
    tokens: 'refuse',
  },
];

export interface Period {
  readonly start: string;
  readonly end: string;
  /** Time of the first forecast step, and the end of the last one. */
  readonly first: string;
  readonly last: string;
}

export const PERIOD_RULES: Rule<Period>[] = [
  {
    code: CODE,
    subject: 'start',
    value: ({ start }) => start,
    valid: (start: string, { first }) => isUtcTime(start) && Date.parse(start) >= Date.parse(first),
    allowed: ({ first }) => `${UTC_TIME}, not before ${first}, where the forecast begins`,
    fix: 'sum what is measured from the series itself, and forecast the rest',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'end',
    value: ({ end }) => end,
    valid: (end: string, { start, last }) => isUtcTime(end) && Date.parse(end) > Date.parse(start) && Date.parse(end) <= Date.parse(last),
    allowed: ({ last }) => `${UTC_TIME}, after the start and not after ${last}, where the horizon ends`,
    fix: 'make the forecast with a longer horizon, or end the sum earlier',
    tokens: 'refuse',
  },
];
