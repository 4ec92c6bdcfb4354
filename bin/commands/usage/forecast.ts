import { MillraceError, type Violation } from '../../../lib/core/error';
import { Forecast, type ForecastSeries } from '../../../lib/usage/forecast';
import type { ProfileContainer } from '../../../lib/usage/profile-file';
import type { Statistic } from './daily-usage';
import type { Chart } from './html';
import { plot } from './plot';
import { readProfiles, requestNow, selectContainers, warnOfAge } from './profile-files';
import { checkOutput, output, type OutputOptions } from './report-output';
import { readSeries, dailySeries, type Series } from './series';
import { lastReplicas } from './show';
import { type ColumnKind, printable, renderTable, type Table } from './table';
import { breathe, type Terminal } from './terminal';

/** Options of `millrace usage forecast`. */
export interface ForecastOptions extends OutputOptions {
  readonly files: readonly string[];
  readonly containers: readonly string[];
  readonly resource?: 'cpu' | 'memory';
  /** @default - p95 of CPU, peak of memory */
  readonly statistic?: Statistic;
  readonly horizonDays: number;
  readonly capacity?: number;
  readonly maxAgeDays: number;
  /** A CSV file instead of profiles. */
  readonly series?: { readonly file: string; readonly time: string; readonly value: string };
  /** Adds what the horizon sums up to. */
  readonly sum: boolean;
}

interface Subject {
  readonly name: string;
  readonly resource: string;
  readonly kind: ColumnKind;
  readonly series: Series;
  readonly capacity?: number;
}

interface Result {
  readonly subject: Subject;
  readonly forecast: Forecast;
  readonly steps: number;
}

const DAY_MS = 86_400_000;
const MARKS = [1, 7, 30, 91, 182, 365];

/** Prints where usage or another series is going. */
export async function runForecast(options: ForecastOptions, terminal: Terminal): Promise<number> {
  checkOutput(options);
  const subjects = options.series ? [seriesSubject(options.series, options.capacity)] : await profileSubjects(options, terminal);
  const bar = terminal.progress('forecast');
  const results: Result[] = [];
  const violations: Violation[] = [];
  try {
    for (const subject of subjects) {
      try {
        results.push(forecastOf(subject, options.horizonDays));
      } catch (error) {
        if (!(error instanceof MillraceError)) throw error;
        const where = `${subject.name}: ${subject.resource}`;
        violations.push(...error.violations.map((violation) => ({ ...violation, subject: `${where}: ${violation.subject}` })));
      }
      bar.update(results.length, subjects.length);
      await breathe(terminal);
    }
  } finally {
    bar.stop();
  }
  if (violations.length > 0) throw new MillraceError('millrace usage forecast', violations);
  const tables = [pointsTable(results), ...(options.sum ? [sumsTable(results)] : [])];
  output(
    {
      title: 'Forecast',
      content: { forecasts: results.map((result) => contentOf(result, options.sum)) },
      tables,
      charts: () => results.map(chartOf),
      notes: [],
      lines: results.flatMap((result) => linesOf(result, options.sum, terminal)),
    },
    options,
    terminal,
  );
  return 0;
}

function seriesSubject({ file, time, value }: NonNullable<ForecastOptions['series']>, capacity?: number): Subject {
  return { name: file, resource: value, kind: 'decimal', series: readSeries(file, time, value), capacity };
}

async function profileSubjects(options: ForecastOptions, terminal: Terminal): Promise<Subject[]> {
  const profiles = await readProfiles(options.files, terminal);
  const selected = selectContainers(profiles, options.containers);
  warnOfAge(profiles, options.maxAgeDays, terminal);
  const resources = options.resource ? [options.resource] : (['cpu', 'memory'] as const);
  return selected.flatMap(({ read: { profile }, names }) =>
    names.flatMap((name) => {
      const container = profile.containers.get(name) as ProfileContainer;
      const replicas = lastReplicas(container, profile);
      return resources.map((resource): Subject => {
        const request = requestNow(container, resource);
        return {
          name,
          resource,
          kind: resource === 'cpu' ? 'millicores' : 'mebibytes',
          series: dailySeries(container, profile, resource, options.statistic ?? (resource === 'cpu' ? 'p95' : 'peak')),
          capacity: options.capacity ?? (request === undefined ? undefined : Math.round(request * replicas)),
        };
      });
    }),
  );
}

function forecastOf(subject: Subject, horizonDays: number): Result {
  const { start, intervalSeconds, values } = subject.series;
  // The one method of a Duration that is called; the command line runs where the CDK is not installed.
  const span = (millis: number) => ({ toMilliseconds: () => millis }) as unknown as ForecastSeries['interval'];
  const interval = span(intervalSeconds * 1000);
  const steps = Math.max(1, Math.floor((horizonDays * DAY_MS) / (intervalSeconds * 1000)));
  const horizon = span(steps * intervalSeconds * 1000);
  return { subject, forecast: Forecast.fromSeries({ start: new Date(start * 1000).toISOString(), interval, values }, { horizon }), steps };
}

/** Steps that are printed: some lengths of time, and the horizon. */
function marksOf({ subject, steps }: Result): { readonly days: number; readonly step: number }[] {
  const perDay = 86_400 / subject.series.intervalSeconds;
  const marks = MARKS.map((days) => ({ days, step: Math.round(days * perDay) })).filter(({ step }) => step >= 1 && step < steps);
  return [...marks, { days: Math.round((steps / perDay) * 100) / 100, step: steps }];
}

function pointsTable(results: readonly Result[]): Table {
  return {
    title: 'What is expected, with the interval that holds 80 % of outcomes',
    columns: [
      { key: 'name', title: 'of', kind: 'text' },
      { key: 'resource', title: 'what', kind: 'text' },
      { key: 'days', title: 'days ahead', kind: 'decimal' },
      { key: 'time', title: 'time', kind: 'text' },
      { key: 'lower', title: 'lower', kind: 'decimal' },
      { key: 'expected', title: 'expected', kind: 'decimal' },
      { key: 'upper', title: 'upper', kind: 'decimal' },
    ],
    rows: results.flatMap((result) => {
      const { name, resource } = result.subject;
      return marksOf(result).map(({ days, step }) => ({ name, resource, days, ...result.forecast.at(step) }));
    }),
  };
}

function totalOf({ forecast, steps, subject }: Result) {
  const { start, intervalSeconds, values } = subject.series;
  const [from, to] = [values.length, values.length + steps].map((step) => new Date((start + step * intervalSeconds) * 1000).toISOString());
  return { from, to, ...forecast.sum(from, to) };
}

function sumsTable(results: readonly Result[]): Table {
  return {
    title: 'Sum over the horizon',
    columns: [
      { key: 'name', title: 'of', kind: 'text' },
      { key: 'resource', title: 'what', kind: 'text' },
      { key: 'from', title: 'from', kind: 'text' },
      { key: 'to', title: 'to', kind: 'text' },
      { key: 'lower', title: 'lower', kind: 'decimal' },
      { key: 'expected', title: 'expected', kind: 'decimal' },
      { key: 'upper', title: 'upper', kind: 'decimal' },
    ],
    rows: results.map((result) => ({ name: result.subject.name, resource: result.subject.resource, ...totalOf(result) })),
  };
}

function contentOf(result: Result, withSum: boolean) {
  const { subject, forecast, steps } = result;
  const { accuracy, model, cautions } = forecast;
  return {
    name: subject.name,
    resource: subject.resource,
    capacity: subject.capacity,
    ...(subject.capacity === undefined ? {} : { exceeds: forecast.exceeds(subject.capacity) }),
    accuracy,
    model,
    cautions,
    ...(withSum ? { sum: totalOf(result) } : {}),
    points: forecast.points(steps),
  };
}

function linesOf(result: Result, withSum: boolean, terminal: Terminal): string[] {
  const { subject, forecast, steps } = result;
  const { kind } = subject;
  const columns = (['lower', 'expected', 'upper'] as const).map((key) => ({ key, title: key, kind }));
  const rows = marksOf(result).map(({ days, step }) => {
    const { time, ...values } = forecast.at(step);
    return { ahead: days === 1 ? 'in a day' : `in ${days} days`, time: time.slice(0, 10), ...values };
  });
  const marks: Table = {
    title: '',
    columns: [{ key: 'ahead', title: '', kind: 'text' }, { key: 'time', title: 'on', kind: 'text' }, ...columns],
    rows,
  };
  const points = forecast.points(steps);
  const gap = subject.series.values.map(() => NaN);
  const drawn = plot(
    [
      [...subject.series.values, ...points.map(({ expected }) => expected)],
      [...gap, ...points.map(({ upper }) => upper)],
    ],
    {
      width: Math.max(20, Math.min(72, terminal.width - 20)),
      height: 6,
    },
  );
  const total = withSum ? totalOf(result) : undefined;
  const { mase, baseline, folds } = forecast.accuracy;
  const number = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 2 });
  return [
    printable(`${subject.name}  ${subject.resource}${subject.kind === 'decimal' ? '' : ' of all pods'}`),
    ...drawn.map((line) => `  ${line}`),
    renderTable(marks, terminal.colours),
    subject.capacity === undefined ? '  no capacity is known: give one with --capacity' : `  ${forecast.exceeds(subject.capacity).reason}`,
    ...(total
      ? [
          `  sum from ${total.from.slice(0, 10)} to ${total.to.slice(0, 10)}: ${number(total.expected)} expected, ${number(total.lower)} to ${number(total.upper)}`,
        ]
      : []),
    mase === undefined
      ? '  accuracy is not known: nothing to scale errors by'
      : `  accuracy: MASE ${mase} in ${folds} forecasts of the past (below 1 is better than the ${baseline})`,
    ...forecast.cautions.map((caution) => `  ${caution}`),
    '',
  ];
}

function chartOf({ subject, forecast, steps }: Result): Chart {
  const { start, intervalSeconds, values } = subject.series;
  const points = forecast.points(steps);
  const gap = values.map(() => null);
  const after = points.map(() => null);
  const rounded = (value: number) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : null);
  const limit = subject.capacity;
  return {
    title: `${subject.name}: ${subject.resource}`,
    times: [...values, ...points].map((_, index) => start + index * intervalSeconds),
    lines: [
      { label: 'measured', role: 'third', values: [...values.map(rounded), ...after] },
      { label: 'expected', role: 'main', values: [...gap, ...points.map(({ expected }) => rounded(expected))] },
      { label: 'lower', role: 'second', values: [...gap, ...points.map(({ lower }) => rounded(lower))] },
      { label: 'upper', role: 'second', values: [...gap, ...points.map(({ upper }) => rounded(upper))] },
      ...(limit === undefined ? [] : [{ label: 'capacity', role: 'limit' as const, values: [...values, ...points].map(() => limit) }]),
    ],
  };
}
