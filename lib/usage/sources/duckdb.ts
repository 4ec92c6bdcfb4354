import * as fs from 'fs';
import { Writable } from 'stream';
import { pipeline } from 'stream/promises';
import * as zlib from 'zlib';
import { refuse } from '../../core/error';
import type { ProfileFile } from '../profile-file';
import { type DuckDbLimits, type Progress, runDuckDb } from './duckdb-statement';
import type { UsageColumns } from './usage-columns';
import { type ProfileShape, UsageRows } from './usage-rows';
import { usageSql } from './usage-sql';

/** A file of samples. */
export interface UsageFileOptions extends ProfileShape, DuckDbLimits {
  /** `.csv`, `.csv.gz` or `.parquet`. */
  readonly path: string;
  readonly columns: UsageColumns;
  /** Unix seconds of the first sample that counts. */
  readonly from?: number;
  /** Unix seconds that all samples are before. */
  readonly to?: number;
}

/**
 * Reads samples from a CSV or Parquet file through DuckDB. The rows may stand in any order.
 *
 * @throws Millrace.DuckDbMissing, Millrace.UsageFileUnreadable, Millrace.UsageColumnsInvalid, Millrace.UsageInvalid, Millrace.UsageEmpty
 */
export async function readUsageFile(options: UsageFileOptions, progress?: Progress, signal?: AbortSignal): Promise<ProfileFile> {
  const { path, columns, blockSeconds, from, to } = options;
  const sql = usageSql({ dialect: 'duckdb', table: { sql: await tableOf(path, signal) }, columns, blockSeconds, from, to });
  const rows = new UsageRows(path, options);
  await runDuckDb(path, sql, (row) => rows.add(row), options, progress, signal);
  return rows.finish();
}

/** The table expression of a file, once it is known to be whole. */
export async function tableOf(path: string, signal?: AbortSignal): Promise<string> {
  await checkFile(path, signal);
  // Glob characters would name other files than the one that was checked.
  const literal = `'${path.replace(/[*?[\]]/g, '[$&]').replace(/'/g, "''")}'`;
  if (/\.(parquet|pq)$/i.test(path)) return `read_parquet(${literal})`;
  return `read_csv(${literal}, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')`;
}

async function checkFile(path: string, signal?: AbortSignal): Promise<void> {
  const unreadable = (received: string, fix: string): never =>
    refuse(path, {
      code: 'Millrace.UsageFileUnreadable',
      subject: 'file',
      received,
      allowed: 'a whole file that ends with .csv, .csv.gz or .parquet',
      fix,
    });
  if (!/\.(csv|csv\.gz|parquet|pq)$/i.test(path)) unreadable('another ending', 'rename the file after what it holds');
  try {
    if (!fs.statSync(path).isFile()) unreadable('no file', 'name one file');
    fs.accessSync(path, fs.constants.R_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    unreadable((error as Error).message, 'correct the path');
  }
  if (!/\.gz$/i.test(path)) return;
  // DuckDB takes the end of a truncated archive for the end of the rows, if it is long enough to be recognized.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    await pipeline(fs.createReadStream(path), zlib.createGunzip(), nowhere, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    unreadable(`a gzip archive that is damaged: ${(error as Error).message}`, 'copy or export the file again');
  }
}
