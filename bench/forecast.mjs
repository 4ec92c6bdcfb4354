// Forecasts of real usage against the seasonal naive forecast, from several moments of each series with nothing but what was known then:
// daily sums 7 and 14 days ahead, hourly means 24 and 168 hours ahead. Errors are MASE (Hyndman and Koehler 2006): divided by what the
// seasonal naive forecast errs within the history. No setting depends on a series or a file.
//   npm run bench:forecast -- <traces.csv.gz> [<traces.csv.gz> …] [--json FILE]
// A file has a column `series`, then `step` (5 min) or `unix` (s), then one or more columns of values.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { Duration } from 'aws-cdk-lib';
// Runs under tsx, so that the sources are measured and nothing has to be built.
import { Forecast } from '../lib/usage/forecast.ts';

const SAMPLE_SECONDS = 300;
const HOUR = 3600;
const DAY = 24 * HOUR;
const NOMINAL = 0.8;
const COVERAGE_TOLERANCE = 0.08;
const COLUMNS = { cpu_mcores: 'cpu', mem_mib: 'memory', value: 'value' };
// Baselines and horizons in steps. The first season of a horizon scales its errors.
const GRAINS = [
  {
    name: 'daily sums',
    seconds: DAY,
    interval: Duration.days(1),
    horizons: [
      { steps: 7, seasons: [7] },
      { steps: 14, seasons: [7] },
    ],
    shares: [6 / 13, 7 / 13, 8 / 13, 9 / 13, 10 / 13, 11 / 13],
  },
  {
    name: 'hourly means',
    seconds: HOUR,
    interval: Duration.hours(1),
    horizons: [
      { steps: 24, seasons: [24, 168] },
      { steps: 168, seasons: [168, 24] },
    ],
    shares: [4 / 13, 7 / 13, 10 / 13, 12 / 13],
  },
];

/** Samples by column and series: `[seconds, value]`. */
function readTraces(file) {
  const [head, ...lines] = gunzipSync(fs.readFileSync(file)).toString('utf8').trim().split('\n');
  const [, clock, ...columns] = head.split(',');
  const traces = new Map();
  for (const row of lines) {
    const [series, time, ...cells] = row.split(',');
    columns.forEach((column, index) => {
      if (!COLUMNS[column]) return;
      const key = `${COLUMNS[column]} ${series}`;
      if (!traces.has(key)) traces.set(key, { group: COLUMNS[column], samples: [] });
      traces.get(key).samples.push([Number(time) * (clock === 'step' ? SAMPLE_SECONDS : 1), Number(cells[index])]);
    });
  }
  return [...traces.values()];
}

/** Means of the samples of each step; NaN where more than half of them are missing. A sum is the mean times the samples of a full step. */
function aggregate(samples, { seconds, name }) {
  // Of an irregular clock the usual distance is what a full step is made of.
  const distances = samples.slice(1).map(([time], index) => time - samples[index][0]);
  const full = seconds / Math.max(1, median(distances));
  const first = Math.ceil(samples[0][0] / seconds);
  const steps = Math.floor((samples[samples.length - 1][0] + SAMPLE_SECONDS) / seconds) - first;
  const sums = new Float64Array(steps);
  const counts = new Uint32Array(steps);
  for (const [time, value] of samples) {
    const step = Math.floor(time / seconds) - first;
    if (step < 0 || step >= steps) continue;
    sums[step] += value;
    counts[step] += 1;
  }
  const values = Array.from(sums, (sum, step) =>
    counts[step] * 2 < full ? NaN : (sum / counts[step]) * (name === 'daily sums' ? full : 1),
  );
  return { values, start: new Date(first * seconds * 1000).toISOString() };
}

function seasonalNaive(values, origin, season, steps) {
  return Array.from({ length: steps }, (_, ahead) => {
    for (let step = origin - season + (ahead % season); step >= 0; step -= season) if (!Number.isNaN(values[step])) return values[step];
    return NaN;
  });
}

const mean = (values) => {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
};

function median(values) {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const errorOf = (values, origin, forecast) => mean(forecast.map((expected, ahead) => Math.abs(values[origin + ahead] - expected)));

/** One forecast against one outcome; undefined where the season never varied within the history, so that there is nothing to scale by. */
function compare(values, origin, forecast, { steps, seasons }) {
  const scale = mean(values.slice(seasons[0], origin).map((value, index) => Math.abs(value - values[index])));
  const outcome = values.slice(origin, origin + steps);
  const known = outcome.filter((value) => !Number.isNaN(value)).length;
  if (!(scale > 0) || known * 2 < steps) return undefined;
  const points = forecast.points(steps);
  const inside = outcome.map((value, ahead) =>
    Number.isNaN(value) ? NaN : value >= points[ahead].lower - 1e-9 && value <= points[ahead].upper + 1e-9 ? 1 : 0,
  );
  const total = forecast.sum(points[0].time, forecast.at(steps + 1).time);
  const sum = mean(outcome) * steps;
  return {
    ours:
      errorOf(
        values,
        origin,
        points.map(({ expected }) => expected),
      ) / scale,
    naive: seasons.map((season) => errorOf(values, origin, seasonalNaive(values, origin, season, steps)) / scale),
    inside: mean(inside),
    sumInside: sum >= total.lower - 1e-9 && sum <= total.upper + 1e-9 ? 1 : 0,
  };
}

function measure(traces, label, timing) {
  const groups = new Map();
  for (const { group, samples } of traces) {
    for (const grain of GRAINS) {
      const { values, start } = aggregate(samples, grain);
      const longest = grain.horizons[grain.horizons.length - 1].steps;
      for (const share of grain.shares) {
        const origin = Math.floor(values.length * share);
        // Less than three weeks say nothing about a week, neither to us nor to the baseline.
        const horizons = grain.horizons.filter(({ steps, seasons }) => origin + steps <= values.length && origin >= 3 * seasons[0]);
        const history = values.slice(0, origin);
        if (horizons.length === 0 || history.filter((value) => !Number.isNaN(value)).length < 2) continue;
        const begin = performance.now();
        const ahead = Duration.seconds((longest + 1) * grain.seconds);
        const forecast = Forecast.fromSeries({ start, interval: grain.interval, values: history }, { coverage: NOMINAL, horizon: ahead });
        timing.push({ grain: grain.name, ms: performance.now() - begin });
        for (const horizon of horizons) {
          const key = `${label} ${group}, ${grain.name}, ${horizon.steps} ahead`;
          if (!groups.has(key)) groups.set(key, []);
          const compared = compare(values, origin, forecast, horizon);
          if (compared) groups.get(key).push(compared);
        }
      }
    }
  }
  return groups;
}

const round = (value, digits = 3) => Number(value.toFixed(digits));

function summarise(group, results) {
  const ours = results.map((result) => result.ours);
  // The baseline of a group is the better of the daily and the weekly one, by median and by mean apart.
  const baselines = results[0].naive.map((_, index) => results.map((result) => result.naive[index]));
  return {
    group,
    forecasts: results.length,
    median: round(median(ours)),
    naiveMedian: round(Math.min(...baselines.map(median))),
    mean: round(mean(ours)),
    naiveMean: round(Math.min(...baselines.map(mean))),
    beaten: round(mean(results.map((result) => (result.ours < result.naive[0] ? 1 : 0)))),
    coverage: round(mean(results.map((result) => result.inside))),
    sumCoverage: round(mean(results.map((result) => result.sumInside))),
  };
}

/** Groups of less than this many forecasts are shown, not judged: their coverage alone may be off by more than the tolerance. */
const JUDGED_FROM = 100;

function verdictsOn(row) {
  const off = Math.abs(row.coverage - NOMINAL);
  return [
    { metric: `median MASE, ${row.group}`, value: row.median, target: '< 1', pass: row.median < 1 },
    {
      metric: `median MASE beside seasonal naive, ${row.group}`,
      value: row.median,
      target: `< ${row.naiveMedian}`,
      pass: row.median < row.naiveMedian,
    },
    {
      metric: `mean MASE beside seasonal naive, ${row.group}`,
      value: row.mean,
      target: `< ${row.naiveMean}`,
      pass: row.mean < row.naiveMean,
    },
    {
      metric: `interval coverage, ${row.group}`,
      value: row.coverage,
      target: `${NOMINAL} +- ${COVERAGE_TOLERANCE}`,
      pass: off <= COVERAGE_TOLERANCE,
    },
  ];
}

/** A thousand series of a quarter of daily values, as a fleet has: in CPU time, which other work on the machine does not decide. */
function speed() {
  const begin = process.cpuUsage();
  for (let series = 0; series < 1000; series++) {
    const values = Array.from({ length: 90 }, (_, day) => 100 + 20 * ((day + series) % 7) + ((day * 7919 + series * 104_729) % 37));
    Forecast.fromSeries({ start: '2026-01-05', interval: Duration.days(1), values });
  }
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e6;
}

const { values: options, positionals } = parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true });
if (positionals.length === 0)
  throw new Error('traces: received nothing; allowed: one or more .csv.gz files; fix: name the trace to measure on');

const timing = [];
const rows = [];
for (const file of positionals) {
  const label = path.basename(file).replace(/\.csv\.gz$/, '');
  for (const [group, results] of measure(readTraces(file), label, timing)) if (results.length > 0) rows.push(summarise(group, results));
}
const seconds = round(speed(), 1);
const verdicts = [
  ...rows.filter(({ forecasts }) => forecasts >= JUDGED_FROM).flatMap(verdictsOn),
  { metric: 'CPU seconds for 1,000 series of 90 daily values', value: seconds, target: '<= 30', pass: seconds <= 30 },
];

console.log(`\nnode ${process.version}, ${os.cpus().length} cores, MASE, ${NOMINAL * 100} % intervals\n`);
const width = Math.max(...rows.map(({ group }) => group.length)) + 2;
console.log(`${'group'.padEnd(width)}forecasts  median (naive)    mean (naive)   beaten  coverage  of sums`);
for (const row of rows) {
  const pair = (ours, naive) => `${ours.toFixed(2)} (${naive.toFixed(2)})`.padStart(16);
  const percent = (share, columns) => `${(share * 100).toFixed(0)} %`.padStart(columns);
  console.log(
    `${row.group.padEnd(width)}${String(row.forecasts).padStart(9)}${pair(row.median, row.naiveMedian)}${pair(row.mean, row.naiveMean)}` +
      `${percent(row.beaten, 9)}${percent(row.coverage, 10)}${percent(row.sumCoverage, 9)}`,
  );
}
for (const { name } of GRAINS) {
  const times = timing.filter(({ grain }) => grain === name).map(({ ms }) => ms);
  console.log(`\n${name}: ${times.length} fits, ${median(times).toFixed(1)} ms each (median)`);
}
console.log('');
for (const { metric, value, target, pass } of verdicts) console.log(`${pass ? 'pass' : 'FAIL'}  ${metric}: ${value} (target ${target})`);
if (options.json) fs.writeFileSync(options.json, JSON.stringify({ name: 'forecast', rows, verdicts }, undefined, 2) + '\n');
if (verdicts.some((verdict) => !verdict.pass)) process.exitCode = 1;
