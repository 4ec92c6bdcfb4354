import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { MillraceError, refuse } from '../../core/error';
import type { UsageRow } from './usage-rows';

/** How much of the machine a statement may take. */
export interface DuckDbLimits {
  /**
   * Memory before data is written to a temporary folder, in MiB.
   * @default 1024
   */
  readonly memoryMib?: number;
  /** @default 2 */
  readonly threads?: number;
}

/** Called with the share that is done, from 0 to 1. */
export type Progress = (share: number) => void;

const INSTALL = 'npm install --save-dev @duckdb/node-api';
const PROGRESS_EVERY_MS = 200;

/** Runs a statement and hands its rows over as they come. */
export async function runDuckDb(
  scope: string,
  sql: string,
  onRow: (row: UsageRow) => void,
  limits: DuckDbLimits = {},
  progress?: Progress,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const { DuckDBInstance } = loadDuckDb(scope);
  const { memoryMib = 1024, threads = 2 } = limits;
  // By default DuckDB would spill into the folder it runs in, which is somebody's project.
  const spill = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-duckdb-'));
  const settings = { memory_limit: `${memoryMib}MiB`, threads: String(threads), temp_directory: spill };
  const instance = await DuckDBInstance.create(':memory:', settings);
  const connection = await instance.connect();
  const interrupt = () => connection.interrupt();
  signal?.addEventListener('abort', interrupt);
  const timer = setInterval(() => {
    // An interrupt that comes before the statement runs is lost.
    if (signal?.aborted) interrupt();
    progress?.(Math.min(1, Math.max(0, connection.progress.percentage / 100)));
  }, PROGRESS_EVERY_MS);
  timer.unref();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    signal?.throwIfAborted();
    const result = await connection.stream(sql);
    for await (const rows of result.yieldRowObjectJson()) {
      signal?.throwIfAborted();
      for (const row of rows) onRow(row as UsageRow);
    }
    progress?.(1);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof MillraceError) throw error;
    unreadable(scope, (error as Error).message);
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', interrupt);
    connection.closeSync();
    instance.closeSync();
    fs.rmSync(spill, { recursive: true, force: true });
  }
}

function loadDuckDb(scope: string): typeof import('@duckdb/node-api') {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- an optional peer
    return require('@duckdb/node-api') as typeof import('@duckdb/node-api');
  } catch (error) {
    return refuse(scope, {
      code: 'Millrace.DuckDbMissing',
      subject: '@duckdb/node-api',
      received: (error as Error).message.split('\n')[0],
      allowed: 'the package that reads CSV and Parquet, an optional peer of millrace',
      fix: INSTALL,
    });
  }
}

function unreadable(scope: string, message: string): never {
  const lines = message.split('\n').filter((line) => line.trim() !== '');
  // What DuckDB says about columns that are there is worth more than where in our statement it stood.
  const candidates = lines.find((line) => /candidate bindings/i.test(line));
  return refuse(scope, {
    code: 'Millrace.UsageFileUnreadable',
    subject: 'file',
    received: [lines[0], candidates].filter(Boolean).join('; '),
    allowed: 'a CSV or Parquet file with the named columns',
    fix: 'correct the path, the columns or the file; nothing was written',
  });
}
