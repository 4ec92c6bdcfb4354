import { show } from '../core/error';
import { WORKLOAD_CLASSES } from './workload-class';

/** One field of a recommendation that is not as it should be. */
export interface FieldProblem {
  readonly field: string;
  readonly received: string;
  readonly allowed: string;
}

interface Field {
  readonly valid: (value: unknown) => boolean;
  readonly allowed: string;
  readonly optional?: boolean;
}

const isAmount = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0;
const POSITIVE: Field = { valid: (value) => Number.isInteger(value) && (value as number) > 0, allowed: 'a whole number above zero' };
const AMOUNT: Field = { valid: isAmount, allowed: 'a number from 0' };
const SHARE: Field = { valid: (value) => isAmount(value) && (value as number) <= 1, allowed: 'a number from 0 to 1' };
const TEXT: Field = { valid: (value) => typeof value === 'string' && value.length > 0, allowed: 'a text' };

const FIELDS: Readonly<Record<string, Field>> = {
  cpuMillis: POSITIVE,
  memoryMib: POSITIVE,
  gpuMillis: { ...POSITIVE, optional: true },
  gpuMemoryMib: { ...POSITIVE, optional: true },
  replicas: AMOUNT,
  workloadClass: { valid: (value) => WORKLOAD_CLASSES.includes(value as never), allowed: WORKLOAD_CLASSES.join(', ') },
  policy: { valid: (value) => value === 'steady' || value === 'responsive', allowed: 'steady, responsive' },
  algorithm: TEXT,
  asOf: { valid: (value) => typeof value === 'string' && Number.isFinite(Date.parse(value)), allowed: 'a date in UTC' },
  historyDays: AMOUNT,
  confidence: SHARE,
  model: TEXT,
  reason: TEXT,
  expectedCpuSlack: SHARE,
  expectedCpuOver: SHARE,
  expectedMemorySlack: SHARE,
  expectedMemoryOver: SHARE,
  monthlySaving: { valid: (value) => Number.isFinite(value), allowed: 'a number', optional: true },
};

/** What is wrong with a recommendation read from a file. */
export function recommendationProblems(recommendation: unknown): FieldProblem[] {
  if (typeof recommendation !== 'object' || recommendation === null) {
    return [{ field: 'all', received: show(recommendation), allowed: 'an object as millrace usage recommend writes it' }];
  }
  const given = recommendation as Record<string, unknown>;
  const unknown = Object.keys(given)
    .filter((field) => !(field in FIELDS))
    .map((field) => ({ field, received: show(given[field]), allowed: 'no such field in this version' }));
  const wrong = Object.entries(FIELDS)
    .filter(([name, field]) => (given[name] === undefined ? !field.optional : !field.valid(given[name])))
    .map(([field, { allowed }]) => ({ field, received: show(given[field]), allowed }));
  return [...unknown, ...wrong];
}
