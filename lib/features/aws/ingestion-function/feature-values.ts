import type { IngestionMapping, MappedFeature } from './ingestion-mapping';
import { Rejection } from './kafka-event';

/** A value as PutRecord takes it. */
export interface FeatureValue {
  readonly FeatureName: string;
  readonly ValueAsString: string;
}

/** A record as it is written. */
export interface MappedRecord {
  readonly entity: string;
  /** Milliseconds since 1970. */
  readonly eventTime: number;
  readonly values: readonly FeatureValue[];
}

const INT64 = 2n ** 63n;
const DAY_MS = 86_400_000;
const ZONED = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Maps the fields of a record to features. A field that is missing or null leaves its feature out, which stores keep as missing; so do NaN
 * and infinities, which are no numbers to a model. Every other value of a wrong type rejects the record.
 */
export function mapRecord(fields: object, mapping: IngestionMapping, now: number): MappedRecord {
  const field = (name: string): unknown => (Object.hasOwn(fields, name) ? (fields as Record<string, unknown>)[name] : undefined);
  const { eventTime, entityKey } = mapping;
  const time = millisOf(eventTime.encoding, eventTime.source, field(eventTime.source));
  if (time > now + DAY_MS)
    throw new Rejection(`${eventTime.source} is more than a day ahead: it would hide all later records of its entity`);
  const values = mapping.features.flatMap((feature) => {
    const value = textOf(feature, field(feature.source));
    return value === undefined ? [] : [{ FeatureName: feature.name, ValueAsString: value }];
  });
  const entity = values.find(({ FeatureName }) => FeatureName === entityKey)?.ValueAsString;
  if (!entity) throw new Rejection(`the entity key ${entityKey} is missing or empty`);
  values.push({ FeatureName: eventTime.name, ValueAsString: secondsOf(time) });
  return { entity, eventTime: time, values };
}

/** A value as text; nothing where the record has none. */
export function textOf({ name, type, source }: MappedFeature, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = TEXTS[type]?.(value);
  if (text === false || text === undefined) throw new Rejection(`${source} is ${kindOf(value)}, and the feature ${name} is ${type}`);
  return text ?? undefined;
}

/** `false` refuses a value, `null` leaves it out. */
const TEXTS: Readonly<Record<string, (value: unknown) => string | null | false>> = {
  String: (value) => (typeof value === 'string' ? value : false),
  Integral: (value) => {
    if (typeof value === 'boolean') return value ? '1' : '0';
    if (typeof value === 'bigint') return value >= -INT64 && value < INT64 && String(value);
    return Number.isSafeInteger(value) && String(value);
  },
  Fractional: (value) => {
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'number') return false;
    return Number.isFinite(value) ? String(value) : null;
  },
};

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number out of range' : 'a fraction';
  return typeof value === 'bigint' ? 'a whole number' : `a value of type ${typeof value}`;
}

/** Milliseconds since 1970 of a time as its source writes it. Seconds of the year 10000 are milliseconds that were declared wrongly. */
export function millisOf(encoding: string, source: string, value: unknown): number {
  const millis = MILLIS[encoding]?.(value);
  if (millis === undefined || !Number.isFinite(millis)) throw new Rejection(`${source} is no time of ${encoding}`);
  const whole = Math.floor(millis);
  if (whole < 0 || whole >= 253_402_300_800_000) throw new Rejection(`${source} is before 1970 or after 9999`);
  return whole;
}

const numeric = (value: unknown): number | undefined =>
  typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;

const MILLIS: Readonly<Record<string, (value: unknown) => number | undefined>> = {
  // Rounded first: 1.001 seconds are 1000.9999999999999 milliseconds of floating point.
  epochSeconds: (value) => Math.round((numeric(value) ?? NaN) * 1000),
  epochMillis: numeric,
  epochMicros: (value) => (numeric(value) ?? NaN) / 1000,
  iso8601: (value) => (typeof value === 'string' && ZONED.test(value) ? Date.parse(value.toUpperCase()) : undefined),
};

/** Seconds since 1970 with milliseconds, in decimal. */
export function secondsOf(millis: number): string {
  return `${Math.floor(millis / 1000)}.${String(millis % 1000).padStart(3, '0')}`;
}
