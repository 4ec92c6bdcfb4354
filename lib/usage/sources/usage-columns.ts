import { refuse } from '../../core/error';

/** A column with a number, and what to multiply it with. */
export interface ValueColumn {
  readonly column: string;
  /** `millicores`, `cores`, `MiB`, `bytes`, `thousandths`, `percent`, `fraction` or `count`. */
  readonly unit: UsageUnit;
}

export type UsageUnit = keyof typeof FACTORS;

/** The column that says when a sample was taken. */
export interface TimeColumn {
  readonly column: string;
  /**
   * Seconds that one unit of the column stands for: 1 for unix seconds, 0.001 for milliseconds, 300 for an index of five minutes.
   * @default 1
   */
  readonly secondsPerUnit?: number;
  /**
   * Unix seconds of the zero of the column.
   * @default 0
   */
  readonly epoch?: number;
  /**
   * The column is a timestamp, or text such as 2026-11-01T00:00:00Z.
   * @default false
   */
  readonly isTimestamp?: boolean;
}

/** Which columns of a table hold which part of a sample. */
export interface UsageColumns {
  readonly time: TimeColumn;
  /** Columns that make the name when joined by `/`: usually the workload and the container. */
  readonly container: readonly string[];
  /**
   * Tells the pods of a container apart.
   * @default - each container is one pod
   */
  readonly pod?: string;
  /** At least one. */
  readonly values: Partial<Record<UsageField, ValueColumn>>;
}

/** The numbers of a sample, with the units they can come in. */
export const USAGE_FIELDS = {
  cpu: ['millicores', 'cores'],
  cpuRequest: ['millicores', 'cores'],
  memory: ['MiB', 'bytes'],
  memoryPeak: ['MiB', 'bytes'],
  memoryRequest: ['MiB', 'bytes'],
  gpu: ['thousandths', 'percent', 'fraction'],
  gpuRequest: ['thousandths', 'percent', 'fraction'],
  gpuMemory: ['MiB', 'bytes'],
  throttled: ['fraction', 'percent'],
  oomKills: ['count'],
} as const;
export type UsageField = keyof typeof USAGE_FIELDS;

const FACTORS = { millicores: 1, cores: 1000, MiB: 1, bytes: 1 / 1048576, thousandths: 1, percent: 10, fraction: 1000, count: 1 };
// A share stays one: it is turned into thousandths when it is summed.
const SHARE_FACTORS: Partial<Record<UsageUnit, number>> = { fraction: 1, percent: 0.01 };

/** What a value of a column is multiplied with to be in the unit of a sample. */
export function factorOf(field: UsageField, unit: UsageUnit): number {
  return (field === 'throttled' ? SHARE_FACTORS[unit] : undefined) ?? FACTORS[unit];
}

/** Refuses columns that cannot make a sample. */
export function checkColumns(scope: string, columns: UsageColumns): void {
  const invalid = (subject: string, received: string, allowed: string): never =>
    refuse(scope, {
      code: 'Millrace.UsageColumnsInvalid',
      subject,
      received,
      allowed,
      fix: 'name the columns of the file with their units, for example cpu_mcores in millicores and mem_mib in MiB',
    });
  if (columns.container.length === 0) invalid('container', 'no column', 'the columns of the workload and of the container');
  const fields = Object.entries(columns.values);
  if (fields.length === 0) invalid('values', 'no column', `at least one of ${Object.keys(USAGE_FIELDS).join(', ')}`);
  for (const [field, { unit }] of fields) {
    const units = (USAGE_FIELDS as Record<string, readonly string[]>)[field];
    if (!units) invalid(field, 'a field that no sample has', Object.keys(USAGE_FIELDS).join(', '));
    if (!units.includes(unit)) invalid(field, `the unit '${unit}'`, units.join(', '));
  }
  const { secondsPerUnit = 1, epoch = 0 } = columns.time;
  if (!(Number.isFinite(secondsPerUnit) && secondsPerUnit > 0)) invalid('time', `${secondsPerUnit} seconds a unit`, 'a number above 0');
  if (!Number.isFinite(epoch)) invalid('time', `epoch ${epoch}`, 'unix seconds');
}
