import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { formatProfile, type ProfileFile } from '../../lib/usage/profile-file';
import { readAggregatedFile } from '../../lib/usage/sources/aggregated';
import { readUsageFile } from '../../lib/usage/sources/duckdb';
import type { UsageColumns } from '../../lib/usage/sources/usage-columns';
import { type SqlDialect, usageSql } from '../../lib/usage/sources/usage-sql';
import { type Cases, runConformance } from './cases';
import { CSV_COLUMNS, DAY, FROM, INTERVAL, TO, csvOf, observations } from './trace-workloads';

const LIMIT_MINUTES = 4;
const ROOT = path.resolve(__dirname, '../..');
const TRACES = path.join(process.env.MILLRACE_SHARED ?? path.join(ROOT, '../shared'), 'traces');
const PYTHON = process.env.MILLRACE_PYTHON ?? 'python3';
const SHAPE = { name: 'shop', blockSeconds: DAY, intervalSeconds: INTERVAL };
const RANGE = { from: FROM + DAY, to: TO };
const ENGINES: readonly { dialect: SqlDialect; engine: string }[] = [
  { dialect: 'spark', engine: 'Spark, really run' },
  { dialect: 'trino', engine: 'Trino, parsed by sqlglot as Trino and run by DuckDB, not a real Trino' },
  { dialect: 'athena', engine: 'Athena, parsed by sqlglot as Athena and run by DuckDB, not a real Athena' },
];
// Each line is wrong in its own way; the last one is right.
const WRONG = [
  ['1793491200,a,-5', 'negative'],
  ['1793491200,a,NaN', 'not a number'],
  ['1793491200,a,fast', 'text'],
  ['1793491200,a,5000000', 'another unit'],
  ['1793491200000,a,1', 'milliseconds'],
  ['1793491200,a,1\n1793491200,a,1', 'a duplicate'],
] as const;

/** The timestamps of a table, beside its unix seconds. */
const STAMPED: UsageColumns = { ...CSV_COLUMNS, time: { column: 'taken', isTimestamp: true } };
const PLAIN: UsageColumns = { time: { column: 'unix' }, container: ['series'], values: { cpu: { column: 'cpu', unit: 'millicores' } } };

/** Values at and beside each boundary between two slots, where logarithms of engines could differ. */
function boundariesCsv(): string {
  const values = Array.from({ length: 351 }, (_, slot) => [-2, -1, 0, 1, 2].map((off) => Math.round(2 ** (slot / 16) * 1000 + off) / 1000))
    .flat()
    .filter((value) => value >= 0 && value <= 4_000_000);
  return `unix,series,cpu\n${values.map((value, index) => `${FROM + index * INTERVAL},a,${value}`).join('\n')}\n`;
}

interface Task {
  readonly dialect: SqlDialect;
  readonly csv: string;
  readonly sql: string;
  readonly rows: string;
}

async function dialects(folder: string, cases: Cases): Promise<void> {
  const file = (name: string) => path.join(folder, name);
  fs.writeFileSync(file('usage.csv'), csvOf(observations(TRACES)));
  fs.writeFileSync(file('boundaries.csv'), boundariesCsv());
  WRONG.forEach(([lines], index) => fs.writeFileSync(file(`wrong-${index}.csv`), `unix,series,cpu\n${lines}\n`));
  const expected = formatProfile(await readUsageFile({ ...SHAPE, ...RANGE, path: file('usage.csv'), columns: CSV_COLUMNS }));
  const boundaries = formatProfile(await readUsageFile({ ...SHAPE, path: file('boundaries.csv'), columns: PLAIN }));

  const tasks: Task[] = [];
  const add = (dialect: SqlDialect, name: string, csv: string, columns: UsageColumns, range: { from?: number; to?: number }) => {
    const sql = usageSql({ dialect, table: ['usage_samples'], columns, blockSeconds: DAY, ...range });
    tasks.push({ dialect, csv: file(csv), sql, rows: file(`${dialect}-${name}.jsonl`) });
  };
  for (const { dialect } of ENGINES) {
    add(dialect, 'unix', 'usage.csv', CSV_COLUMNS, RANGE);
    add(dialect, 'stamped', 'usage.csv', STAMPED, RANGE);
    add(dialect, 'boundaries', 'boundaries.csv', PLAIN, {});
    WRONG.forEach((_, index) => add(dialect, `wrong-${index}`, `wrong-${index}.csv`, PLAIN, {}));
  }
  fs.writeFileSync(file('tasks.json'), JSON.stringify(tasks));
  const started = Date.now();
  const run = spawnSync(PYTHON, [path.join(__dirname, 'sql_dialects.py'), file('tasks.json')], {
    encoding: 'utf8',
    timeout: LIMIT_MINUTES * 60_000,
    killSignal: 'SIGKILL',
    env: { ...process.env, TZ: 'America/New_York' },
  });
  if (run.status !== 0) throw new Error(`${PYTHON} ended with ${run.status ?? run.signal}: ${run.stderr.slice(-3000)}`);
  console.log(`${run.stdout.trim()}, ${((Date.now() - started) / 1000).toFixed(1)} s`);

  const read = (dialect: SqlDialect, name: string): Promise<ProfileFile> =>
    readAggregatedFile({ ...SHAPE, path: file(`${dialect}-${name}.jsonl`) });
  for (const { dialect, engine } of ENGINES) {
    await cases.run(`${engine}: unix seconds`, async () => cases.equal(formatProfile(await read(dialect, 'unix')), expected));
    await cases.run(`${engine}: timestamps`, async () => cases.equal(formatProfile(await read(dialect, 'stamped')), expected));
    await cases.run(`${engine}: values beside each boundary of a slot`, async () =>
      cases.equal(formatProfile(await read(dialect, 'boundaries')), boundaries),
    );
    for (const [index, [, mistake]] of WRONG.entries()) {
      // DuckDB, which stands in for Trino, refuses text where a number should be before it gives any row; so does Trino.
      if (mistake === 'text' && dialect !== 'spark') continue;
      await cases.refuses(`${engine}: ${mistake}`, 'Millrace.UsageInvalid', () => read(dialect, `wrong-${index}`));
    }
  }
}

void runConformance({ name: 'dialects', limitMinutes: LIMIT_MINUTES + 1 }, dialects);
