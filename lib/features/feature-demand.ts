import type { Duration, Size } from 'aws-cdk-lib';
import type { Rule } from '../core/rule';

/** What an online store must carry at peak. */
export interface FeatureDemand {
  /** Records read a second, of all clients together: a request that needs three groups reads three. */
  readonly readsPerSecond: number;
  /** Records written a second. */
  readonly writesPerSecond: number;
  /** Entities that are kept at a time. */
  readonly entities: number;
  /**
   * Size of a record: names and values of all features of an entity.
   * @default Size.kibibytes(1)
   */
  readonly recordSize?: Size;
  /**
   * Latency that 99 of 100 reads may take. Below 10 ms it takes memory, above a key-value store will do (Feast, online store performance guide).
   * @default Duration.millis(20)
   */
  readonly p99?: Duration;
}

/** What the rates of every demand keep to, whatever is sized for it. */
export const FEATURE_RATE_RULES: readonly Rule<FeatureDemand>[] = (['readsPerSecond', 'writesPerSecond'] as const).map((subject) => ({
  code: 'Millrace.FeatureDemandInvalid',
  subject: `demand.${subject}`,
  value: (demand) => demand[subject] ?? null,
  valid: (rate: unknown) => typeof rate === 'number' && Number.isFinite(rate) && rate >= 0,
  allowed: 'a finite number of records a second, from 0',
  fix: 'count the records of the busiest minute and divide by 60',
  tokens: 'refuse',
}));
