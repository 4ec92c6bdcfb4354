import * as fs from 'fs';
import * as readline from 'readline';
import { refuse } from '../../core/error';
import type { ProfileFile } from '../profile-file';
import { tableOf } from './duckdb';
import { type DuckDbLimits, type Progress, runDuckDb } from './duckdb-statement';
import { type ProfileShape, type UsageRow, UsageRows } from './usage-rows';
import { USAGE_ROW_COLUMNS } from './usage-sql';

/** A file with the answer of the statement of `usageSql`. */
export interface AggregatedFileOptions extends ProfileShape, DuckDbLimits {
  /** `.jsonl`, `.ndjson` or `.json` with one row a line; `.csv`, `.csv.gz` or `.parquet`, which need DuckDB. */
  readonly path: string;
}

/**
 * Reads what Athena, Trino or Spark have counted.
 *
 * @throws Millrace.UsageFileUnreadable, Millrace.UsageInvalid, Millrace.UsageEmpty, Millrace.DuckDbMissing
 */
export async function readAggregatedFile(options: AggregatedFileOptions, progress?: Progress, signal?: AbortSignal): Promise<ProfileFile> {
  const rows = new UsageRows(options.path, options);
  if (/\.(jsonl|ndjson|json)$/i.test(options.path)) await readLines(options.path, (row) => rows.add(row), signal);
  else {
    const sql = `SELECT ${USAGE_ROW_COLUMNS.join(', ')} FROM ${await tableOf(options.path, signal)}`;
    await runDuckDb(options.path, sql, (row) => rows.add(row), options, progress, signal);
  }
  return rows.finish();
}

async function readLines(path: string, onRow: (row: UsageRow) => void, signal?: AbortSignal): Promise<void> {
  let number = 0;
  const unreadable = (received: string): never =>
    refuse(path, {
      code: 'Millrace.UsageFileUnreadable',
      subject: number === 0 ? 'file' : `line ${number}`,
      received,
      allowed: `one JSON object a line, with ${USAGE_ROW_COLUMNS.join(', ')}`,
      fix: 'correct the path, or export the answer of the statement again',
    });
  const stream = fs.createReadStream(path);
  const failed = new Promise<never>((_resolve, reject) => stream.once('error', reject));
  failed.catch(() => undefined);
  try {
    const lines = readline.createInterface({ input: stream, crlfDelay: Infinity })[Symbol.asyncIterator]();
    for (;;) {
      const { value, done } = await Promise.race([lines.next(), failed]);
      if (done) break;
      signal?.throwIfAborted();
      number++;
      if (value.trim() === '') continue;
      const row = parseLine(value);
      if (!row) unreadable(`'${value.slice(0, 60)}'`);
      else onRow(row);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    unreadable((error as Error).message);
  } finally {
    stream.destroy();
  }
}

function parseLine(line: string): UsageRow | undefined {
  try {
    const row: unknown = JSON.parse(line);
    return typeof row === 'object' && row !== null && !Array.isArray(row) ? (row as UsageRow) : undefined;
  } catch {
    return undefined;
  }
}
