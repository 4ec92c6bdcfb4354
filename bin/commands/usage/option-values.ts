import { WrongUsage } from './terminal';

const HOURS: Readonly<Record<string, number>> = { h: 1, d: 24, w: 7 * 24, q: 91 * 24, y: 365 * 24 };

/** A length of time such as `12h`, `14d`, `2w`, `2q` (quarters of 91 days) or `1y`, in days. */
export function daysOf(option: string, text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([hdwqy])$/.exec(text) ?? [];
  if (!unit || Number(count) === 0)
    throw new WrongUsage(`--${option} '${text}': a length of time such as 14d, 12h, 2w, 2q or 1y is needed`);
  return (Number(count) * HOURS[unit]) / 24;
}

/** A number from `least` on; `undefined` when the option is not given. */
export function numberOf(option: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value) || value < least) throw new WrongUsage(`--${option} '${text}': a number from ${least} is needed`);
  return value;
}

/** A whole number from `least` on; `undefined` when the option is not given. */
export function wholeOf(option: string, text: string | undefined, least: number): number | undefined {
  const value = numberOf(option, text, least);
  if (value !== undefined && !Number.isSafeInteger(value)) throw new WrongUsage(`--${option} '${text}': a whole number is needed`);
  return value;
}

/** One of some words. */
export function oneOf<T extends string>(option: string, text: string, allowed: readonly T[]): T {
  if (!allowed.includes(text as T)) throw new WrongUsage(`--${option} '${text}': one of ${allowed.join(', ')} is needed`);
  return text as T;
}
