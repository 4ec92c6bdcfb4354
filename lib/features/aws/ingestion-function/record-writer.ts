import type { FeatureValue } from './feature-values';
import { Rejection } from './kafka-event';

/** Writes one record to the feature group; throws as the AWS SDK does. */
export type PutRecord = (values: readonly FeatureValue[]) => Promise<void>;

/** What a writer needs of its surroundings. */
export interface WriterSurroundings {
  readonly putRecord: PutRecord;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly now: () => number;
  /** A number from 0 up to 1. */
  readonly random: () => number;
}

/** Twice this is waited for at most after the first attempt, and so on. */
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 5_000;

/**
 * Whether the service says that this very record is wrong. It also answers with a ValidationError when it cannot find the group, now and then
 * for one that is there (sagemaker-python-sdk, issue 2606); that is not the record's fault, and neither is a missing permission.
 */
export function blamesRecord(error: unknown): boolean {
  if (error instanceof Rejection) return true;
  const { name = '', message = '' } = (error ?? {}) as Partial<Error>;
  return /^ValidationE(rror|xception)$/.test(name) && !/Resource Not Found|find a FeatureGroup/i.test(message);
}

/**
 * Does the work, and tries again while there is time, whatever stands in the way but the record itself: a permission comes back, too, and
 * without the wait the event source would have given up within a minute. Delays are spread, so that waiters do not meet.
 */
export async function insist<T>(work: () => Promise<T>, { sleep, now, random }: WriterSurroundings, deadline: number): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const delay = Math.min(FIRST_DELAY_MS * 2 ** attempt, LONGEST_DELAY_MS) * random();
      if (blamesRecord(error) || now() + delay >= deadline) throw error;
      await sleep(delay);
    }
  }
}

/** Does the work for each of the items, so many at a time. */
export async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) await work(items[next++]);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}
