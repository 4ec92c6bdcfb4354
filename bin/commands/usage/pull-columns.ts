import type { TimeColumn, UsageColumns, UsageField, UsageUnit, ValueColumn } from '../../../lib/usage/sources/usage-columns';
import { numberOf } from './option-values';
import type { PullValues } from './pull-options';
import { WrongUsage } from './terminal';

const VALUE_OPTIONS = {
  cpu: 'cpu',
  'cpu-request': 'cpuRequest',
  mem: 'memory',
  'mem-peak': 'memoryPeak',
  'mem-request': 'memoryRequest',
  gpu: 'gpu',
  'gpu-request': 'gpuRequest',
  'gpu-mem': 'gpuMemory',
  throttled: 'throttled',
} as const satisfies Partial<Record<keyof PullValues, UsageField>>;

/** The columns that the options name. */
export function columnsOf(options: PullValues): UsageColumns {
  if (options.time === undefined || options.container === undefined)
    throw new WrongUsage('--time and --container name columns that are needed');
  const values: Partial<Record<UsageField, ValueColumn>> = {};
  for (const [option, field] of Object.entries(VALUE_OPTIONS)) {
    const text = options[option as keyof typeof VALUE_OPTIONS];
    if (text === undefined) continue;
    const [column, unit] = splitUnit(text);
    // A unit that is guessed is wrong by a factor of a thousand.
    if (unit === undefined)
      throw new WrongUsage(`--${option} '${text}': COLUMN:UNIT is needed, such as cpu_mcores:millicores or mem_mib:MiB`);
    values[field] = { column, unit: unit as UsageUnit };
  }
  if (options.oom !== undefined) values.oomKills = { column: options.oom, unit: 'count' };
  return { time: timeOf(options), container: options.container.split(','), pod: options.pod, values };
}

function timeOf(options: PullValues): TimeColumn {
  const [column, unit = 's'] = splitUnit(options.time as string);
  if (unit === 'timestamp') return { column, isTimestamp: true };
  const secondsPerUnit = unit === 's' ? 1 : unit === 'ms' ? 0.001 : (numberOf('time', unit, 0) as number);
  return { column, secondsPerUnit, epoch: numberOf('epoch', options.epoch, 0) };
}

/** A column and its unit; a name may hold a colon itself. */
function splitUnit(text: string): [column: string, unit: string | undefined] {
  const split = text.lastIndexOf(':');
  return split < 1 ? [text, undefined] : [text.slice(0, split), text.slice(split + 1)];
}
