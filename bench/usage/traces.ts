import fs from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

/** One step of a trace, in seconds. */
export const STEP_SECONDS = 300;
const MIB = 1024 * 1024;

/** A series of samples; times in seconds from the start of the trace, CPU in millicores, memory in MiB. */
export interface Series {
  readonly id: string;
  readonly times: Float64Array;
  readonly cpu: Float64Array;
  readonly memory: Float64Array;
}

/** What a machine was provisioned with. */
export interface Provisioned {
  readonly cpu: number;
  readonly memory: number;
}

export const bytesOf = (mib: number): number => mib * MIB;

/** Streams a trace file, `series,step,cpu_mcores,mem_mib` with the rows of a series adjacent and ascending, one series at a time. */
export async function* readSeries(file: string): AsyncGenerator<Series> {
  const bytes = fs.createReadStream(file);
  const input = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  // A broken file must end the loop below with its error, not hang it.
  if (input !== bytes) bytes.on('error', (error) => input.destroy(error));
  const lines = createInterface({ input, crlfDelay: Infinity });
  const failed = new Promise<never>((_, reject) => input.on('error', reject));
  failed.catch(() => undefined);
  let id: string | undefined;
  let rows: number[] = [];
  let header = true;
  for await (const line of lines) {
    if (header) {
      header = false;
      continue;
    }
    const [series, step, cpu, memory] = line.split(',');
    if (series !== id) {
      if (id !== undefined) yield seriesOf(id, rows);
      id = series;
      rows = [];
    }
    rows.push(Number(step) * STEP_SECONDS, Number(cpu), Number(memory));
  }
  if (input.errored) throw input.errored;
  if (id !== undefined) yield seriesOf(id, rows);
}

function seriesOf(id: string, rows: readonly number[]): Series {
  const length = rows.length / 3;
  const column = (offset: number) => Float64Array.from({ length }, (_, row) => rows[row * 3 + offset]);
  return { id, times: column(0), cpu: column(1), memory: column(2) };
}

/** Reads the meta file, `series,cores,mem_provisioned_mib,…`. */
export function readProvisioned(file: string): Map<string, Provisioned> {
  const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(1);
  return new Map(
    lines.map((line) => {
      const [id, cores, memory] = line.split(',');
      return [id, { cpu: Number(cores) * 1000, memory: Number(memory) }];
    }),
  );
}
