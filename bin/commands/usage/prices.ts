import * as fs from 'fs';
import { refuse, show } from '../../../lib/core/error';
import { WrongUsage } from './terminal';
import { numberOf } from './option-values';

/** Dollars. */
export interface Prices {
  readonly cpuCoreHour: number;
  readonly memoryGibHour: number;
}

/** Hours of a month, as the clouds bill it. */
export const MONTH_HOURS = 730;

/** Prices from a file or from two options; `undefined` when there are none. */
export function readPrices(file: string | undefined, cpu: string | undefined, memory: string | undefined): Prices | undefined {
  const cpuCoreHour = numberOf('cpu-price', cpu, 0);
  const memoryGibHour = numberOf('memory-price', memory, 0);
  if ((cpuCoreHour === undefined) !== (memoryGibHour === undefined)) throw new WrongUsage('--cpu-price and --memory-price belong together');
  if (file === undefined) return cpuCoreHour === undefined ? undefined : { cpuCoreHour, memoryGibHour: memoryGibHour as number };
  if (cpuCoreHour !== undefined) throw new WrongUsage('give --prices or --cpu-price and --memory-price, not both');
  let content: Partial<Record<keyof Prices, unknown>> | null;
  try {
    content = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    return refusePrices(file, (error as Error).message);
  }
  const given = { cpuCoreHour: content?.cpuCoreHour, memoryGibHour: content?.memoryGibHour };
  const isPrice = (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
  return isPrice(given.cpuCoreHour) && isPrice(given.memoryGibHour) ? (given as Prices) : refusePrices(file, show(given));
}

function refusePrices(file: string, received: string): never {
  return refuse('millrace usage', {
    code: 'Millrace.PricesInvalid',
    subject: file,
    received,
    allowed: 'a JSON object with cpuCoreHour and memoryGibHour, both numbers from 0 in dollars',
    fix: 'write for example { "cpuCoreHour": 0.031611, "memoryGibHour": 0.003459 }',
  });
}
