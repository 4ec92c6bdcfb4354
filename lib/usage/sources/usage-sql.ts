import { BUCKETS_PER_OCTAVE, SLOTS } from '../usage-histogram';
import { LATEST_TIME, USAGE_LIMITS } from '../usage-recording';
import { type UsageColumns, type UsageField, checkColumns, factorOf } from './usage-columns';

/** Engines that the text is written for. Athena speaks Trino. */
export const SQL_DIALECTS = ['duckdb', 'athena', 'trino', 'spark'] as const;
export type SqlDialect = (typeof SQL_DIALECTS)[number];

/** What to aggregate. */
export interface UsageSqlOptions {
  readonly dialect: SqlDialect;
  /** The parts of a table name, which are quoted; or the text of a table expression, which is taken as it is. */
  readonly table: readonly string[] | { readonly sql: string };
  readonly columns: UsageColumns;
  readonly blockSeconds: number;
  /** Unix seconds of the first sample that counts. */
  readonly from?: number;
  /** Unix seconds that all samples are before. */
  readonly to?: number;
}

/**
 * The columns of the answer, one row for each container, block, resource and slot. A row with a problem stands for samples that are wrong:
 * `samples` says how many, the examples say which, and nothing of the answer may be used.
 */
export const USAGE_ROW_COLUMNS = [
  'container',
  'block_start',
  'resource',
  'slot',
  'samples',
  'peak',
  'request',
  'oom_kills',
  'throttled_millis',
  'problem',
  'example_pod',
  'example_time',
] as const;

interface Dialect {
  readonly text: string;
  readonly quote: string;
  unixSeconds(column: string): string;
  /** A number; text that is none must not become a missing value. */
  number(column: string): string;
}

const asDouble = (column: string): string => `CAST(${column} AS DOUBLE)`;
const TRINO: Dialect = {
  text: 'VARCHAR',
  quote: '"',
  // Not to_unixtime: whether it looks at the time zone of the session depends on the type of the column.
  unixSeconds: (column) => `date_diff('millisecond', TIMESTAMP '1970-01-01 00:00:00', CAST(${column} AS TIMESTAMP)) / 1E3`,
  number: asDouble,
};
const DIALECTS: Readonly<Record<SqlDialect, Dialect>> = {
  // The session is in UTC, so that a time without a zone is UTC.
  duckdb: { text: 'VARCHAR', quote: '"', unixSeconds: (column) => `epoch(CAST(${column} AS TIMESTAMPTZ))`, number: asDouble },
  athena: TRINO,
  trino: TRINO,
  spark: {
    text: 'STRING',
    quote: '`',
    unixSeconds: (column) => `CAST(CAST(${column} AS TIMESTAMP) AS DOUBLE)`,
    // Without ANSI mode Spark makes NULL of text that is no number, which would be a gap.
    number: (column) => `CASE WHEN ${column} IS NOT NULL THEN coalesce(CAST(${column} AS DOUBLE), CAST('NaN' AS DOUBLE)) END`,
  },
};

/** The fields of a sample by what they are counted for. */
const RESOURCES: readonly { resource: string; value?: UsageField; peak?: UsageField; request?: UsageField; events?: UsageField[] }[] = [
  { resource: 'cpu', value: 'cpu', request: 'cpuRequest' },
  { resource: 'memory', value: 'memory', peak: 'memoryPeak', request: 'memoryRequest' },
  { resource: 'gpu', value: 'gpu', request: 'gpuRequest' },
  { resource: 'gpuMemory', value: 'gpuMemory' },
  { resource: 'events', events: ['throttled', 'oomKills'] },
];

/**
 * One statement that aggregates samples to the counts of a profile where they are, in one pass over the table. Order does not matter to it;
 * duplicates do, so samples are grouped by container, pod and time first.
 *
 * @throws Millrace.UsageColumnsInvalid
 */
export function usageSql(options: UsageSqlOptions): string {
  const { columns, blockSeconds, from, to } = options;
  checkColumns('usage pull --sql', columns);
  const dialect = DIALECTS[options.dialect];
  const name = (column: string) => quoted(dialect, column);
  const fields = Object.keys(columns.values) as UsageField[];
  const present = RESOURCES.map((entry) => ({ ...entry, fields: fieldsOf(entry).filter((field) => fields.includes(field)) })).filter(
    (entry) => entry.fields.length > 0,
  );
  const container = columns.container.map((column) => `CAST(${name(column)} AS ${dialect.text})`).join(` || '/' || `);
  const pod = columns.pod === undefined ? `CAST('-' AS ${dialect.text})` : `CAST(${name(columns.pod)} AS ${dialect.text})`;
  const table = 'sql' in options.table ? options.table.sql : options.table.map(name).join('.');
  const badTime = `sample_time IS NULL OR NOT (sample_time >= 0E0 AND sample_time <= ${double(LATEST_TIME)})`;
  const range = [
    ...(from === undefined ? [] : [`sample_time >= ${double(from)}`]),
    ...(to === undefined ? [] : [`sample_time < ${double(to)}`]),
  ];

  const select = fields.map(
    (field) =>
      `,\n    ${scaled(dialect.number(name(columns.values[field]!.column)), factorOf(field, columns.values[field]!.unit))} AS ${field}`,
  );
  const of = (pick: (entry: (typeof present)[number]) => UsageField | undefined) =>
    caseOf(present.map((entry) => [entry.resource, fields.includes(pick(entry)!) ? pick(entry) : undefined]));
  const wrong = present.flatMap(({ resource, fields: own }) =>
    own.map((field) => [
      `resource = '${resource}' AND ${field} IS NOT NULL AND NOT (${field} >= 0E0 AND ${field} <= ${limitOf(field)})`,
      field,
    ]),
  );
  const event = (field: UsageField) =>
    fields.includes(field) ? `CASE WHEN resource = 'events' AND problem IS NULL THEN ${field} END` : undefined;
  const sumOf = (value: string | undefined) => (value ? `CAST(coalesce(sum(${value}), 0E0) AS BIGINT)` : 'CAST(0 AS BIGINT)');
  const throttled = event('throttled');

  return `WITH samples AS (
  SELECT ${container} AS container,
    ${pod} AS pod,
    ${timeOf(dialect, columns, name)} AS sample_time${select.join('')}
  FROM ${table}
), merged AS (
  SELECT container, pod, sample_time, count(*) AS copies${fields.map((field) => `, max(${field}) AS ${field}`).join('')}
  FROM samples
  WHERE ${range.length > 0 ? `${badTime} OR (${range.join(' AND ')})` : '1 = 1'}
  GROUP BY container, pod, sample_time
), checked AS (
  SELECT merged.*, resource,
    CASE WHEN container IS NULL OR pod IS NULL THEN 'name' WHEN ${badTime} THEN 'time' WHEN copies > 1 THEN 'duplicate'
${wrong.map(([condition, field]) => `      WHEN ${condition} THEN '${field}'\n`).join('')}      END AS problem,
    CASE ${wrong.map(([condition, field]) => `WHEN ${condition} THEN ${field} `).join('\n      ')}END AS wrong_value
  FROM merged CROSS JOIN (VALUES ${present.map(({ resource }) => `('${resource}')`).join(', ')}) AS resources (resource)
), measured AS (
  SELECT checked.*,
    CASE WHEN problem IS NULL THEN ${rounded(of(({ value }) => value))} END AS amount,
    CASE WHEN problem IS NULL THEN ${rounded(of(({ peak }) => peak))} END AS highest,
    CASE WHEN problem IS NULL THEN ${rounded(of(({ request }) => request))} END AS requested,
    CASE WHEN ${badTime} THEN NULL ELSE CAST(floor(sample_time / ${double(blockSeconds)}) AS BIGINT) * ${blockSeconds} END AS block_start
  FROM checked
), counted AS (
  SELECT measured.*,
    CASE WHEN amount IS NULL THEN NULL WHEN amount < 1E0 THEN 0
      ELSE least(${SLOTS - 1}, 1 + CAST(floor(log2(greatest(amount, 1E0)) * ${BUCKETS_PER_OCTAVE}E0 + 1E-9) AS BIGINT)) END AS slot
  FROM measured
)
SELECT container, block_start, resource, slot,
  CASE WHEN problem IS NULL THEN count(amount) ELSE count(*) END AS samples,
  CASE WHEN problem IS NULL THEN max(greatest(coalesce(amount, 0E0), coalesce(highest, 0E0))) ELSE min_by(wrong_value, sample_time) END AS peak,
  max(coalesce(requested, 0E0)) AS request,
  ${sumOf(event('oomKills'))} AS oom_kills,
  ${sumOf(throttled && `round((${throttled}) * 1E3)`)} AS throttled_millis,
  problem,
  CASE WHEN problem IS NOT NULL THEN min_by(pod, sample_time) END AS example_pod,
  CASE WHEN problem IS NOT NULL THEN min(sample_time) END AS example_time
FROM counted
GROUP BY container, block_start, resource, slot, problem
`;
}

/** A name in quotes, whatever stands in it. */
function quoted({ quote }: Dialect, name: string): string {
  return quote + name.split(quote).join(quote + quote) + quote;
}

/** A literal that is a double and no decimal in every dialect. */
function double(value: number): string {
  const text = value.toExponential().replace('e+', 'E').replace('e', 'E');
  return value < 0 ? `(${text})` : text;
}

function scaled(expression: string, factor: number): string {
  if (factor === 1) return expression;
  // Dividing by 1000 is exact where multiplying by 0.001 is not.
  const divisor = Math.round(1 / factor);
  return divisor > 1 && 1 / divisor === factor ? `(${expression}) / ${double(divisor)}` : `(${expression}) * ${double(factor)}`;
}

function timeOf(dialect: Dialect, { time }: UsageColumns, name: (column: string) => string): string {
  if (time.isTimestamp) return dialect.unixSeconds(name(time.column));
  const { secondsPerUnit = 1, epoch = 0 } = time;
  const seconds = scaled(dialect.number(name(time.column)), secondsPerUnit);
  return epoch === 0 ? seconds : `${seconds} + ${double(epoch)}`;
}

function fieldsOf({ value, peak, request, events = [] }: (typeof RESOURCES)[number]): UsageField[] {
  return [value, peak, request, ...events].filter((field) => field !== undefined);
}

function caseOf(entries: [string, string | undefined][]): string {
  const branches = entries.filter(([, field]) => field).map(([resource, field]) => `WHEN '${resource}' THEN ${field}`);
  return branches.length > 0 ? `CASE resource ${branches.join(' ')} END` : 'CAST(NULL AS DOUBLE)';
}

function rounded(expression: string): string {
  return `round((${expression}) * 1E3) / 1E3`;
}

function limitOf(field: UsageField): string {
  return double(USAGE_LIMITS[field]?.most ?? 1e15);
}
