import * as fs from 'fs';
import { MillraceError, refuse, show, type Violation } from '../../../lib/core/error';
import type { ProfileContainer, ProfileFile } from '../../../lib/usage/profile-file';
import { parseCsv } from './csv';
import { DAY, dailyBlocks, replicasOfDay, type Statistic, statisticOf } from './daily-usage';

/** Values at one interval, NaN where there is none. */
export interface Series {
  /** Unix seconds. */
  readonly start: number;
  readonly intervalSeconds: number;
  readonly values: number[];
}

const MOST_VIOLATIONS = 20;
// More steps than this between two rows mean that the times are no series.
const MOST_STEPS = 1_000_000;

/** Use of all pods of a container by day: the statistic of one pod times the pods of that day. */
export function dailySeries(container: ProfileContainer, profile: ProfileFile, resource: 'cpu' | 'memory', statistic: Statistic): Series {
  const days = dailyBlocks(container);
  return {
    start: Math.floor((container.blocks[0]?.start ?? 0) / DAY) * DAY,
    intervalSeconds: DAY,
    values: days.map((day) => (day ? statisticOf(day, resource, statistic) * replicasOfDay(day, profile) : NaN)),
  };
}

/** Reads a time series from CSV: bytes of a topic, a disk, a cost. Every row that is wrong is named. */
export function readSeries(file: string, timeColumn: string, valueColumn: string): Series {
  const violations: Violation[] = [];
  const invalid = (subject: string, received: string, allowed: string, fix = `correct ${file}`) =>
    violations.push({ code: 'Millrace.ForecastSeriesInvalid', subject, received, allowed, fix });
  const [header, ...rows] = parseCsv(readText(file));
  const columns = header?.cells ?? [];
  for (const [option, column] of [
    ['time', timeColumn],
    ['value', valueColumn],
  ]) {
    if (!columns.includes(column))
      invalid('column', `no '${column}'`, columns.join(', ') || 'a first line with names', `name it with --${option}`);
  }
  if (violations.length > 0) throw new MillraceError(file, violations);
  const [timeIndex, valueIndex] = [columns.indexOf(timeColumn), columns.indexOf(valueColumn)];
  const points = rows.map(({ line, cells }) => {
    const [time, text] = [secondsOf(cells[timeIndex] ?? ''), (cells[valueIndex] ?? '').trim()];
    const value = text === '' ? NaN : Number(text);
    if (Number.isNaN(time))
      invalid(
        `line ${line}`,
        `time ${show(cells[timeIndex])}`,
        'ISO 8601 in UTC, such as 2026-01-31 or 2026-01-31T06:00:00Z, or unix seconds',
      );
    if (text !== '' && !Number.isFinite(value))
      invalid(`line ${line}`, `value ${show(text)}`, 'a number, or nothing where nothing was measured');
    return { line, time, value };
  });
  if (violations.length === 0 && points.length < 2) invalid('rows', String(points.length), 'at least two');
  refuseFirst(file, violations);
  points.sort((a, b) => a.time - b.time);
  const gaps = points.slice(1).map(({ time }, index) => time - points[index].time);
  const intervalSeconds = commonest(gaps);
  const start = points[0].time;
  if ((points[points.length - 1].time - start) / intervalSeconds > MOST_STEPS)
    invalid('times', `an interval of ${intervalSeconds} s`, `at most ${MOST_STEPS} steps`);
  refuseFirst(file, violations);
  const values = new Array<number>(Math.round((points[points.length - 1].time - start) / intervalSeconds) + 1).fill(NaN);
  let last = -1;
  for (const { line, time, value } of points) {
    const index = (time - start) / intervalSeconds;
    if (Number.isInteger(index) && index > last) {
      values[index] = value;
      last = index;
    } else if (index <= last) invalid(`line ${line}`, 'a second value of the same time', 'one value of a time');
    else
      invalid(
        `line ${line}`,
        `${new Date(time * 1000).toISOString()}, off the interval of ${intervalSeconds} s`,
        'times at one interval; gaps may be left out',
      );
  }
  refuseFirst(file, violations);
  return { start, intervalSeconds, values };
}

function refuseFirst(file: string, violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  const more = violations.length - MOST_VIOLATIONS;
  const first = violations.slice(0, MOST_VIOLATIONS);
  if (more > 0)
    first.push({ ...violations[violations.length - 1], subject: `and ${more} more, last ${violations[violations.length - 1].subject}` });
  throw new MillraceError(file, first);
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    return refuse('millrace usage forecast', {
      code: 'Millrace.ForecastSeriesInvalid',
      subject: file,
      received: (error as Error).message,
      allowed: 'a CSV file with a first line of names',
      fix: 'correct the path',
    });
  }
}

function secondsOf(text: string): number {
  const trimmed = text.trim();
  if (/^\d{9,10}$/.test(trimmed)) return Number(trimmed);
  // A time without a zone would be another moment on each machine.
  if (!/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d))?$/.test(trimmed)) return NaN;
  const time = Date.parse(trimmed.replace(' ', 'T'));
  return Math.round(time / 1000);
}

/** The gap that occurs most, and of equally frequent ones the shortest above zero. */
function commonest(gaps: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const gap of gaps) if (gap > 0) counts.set(gap, (counts.get(gap) ?? 0) + 1);
  const [best] = [...counts].sort(([a, countA], [b, countB]) => countB - countA || a - b);
  return best?.[0] ?? 1;
}
