import type { Size } from 'aws-cdk-lib';
import type { Rule } from '../../core/rule';
import type { KafkaStorage } from './kafka-storage';

const MAX_VOLUME_GIB = 16_384;
/** Share of a volume at which it grows, where none is given. */
export const DEFAULT_TARGET = 60;

/** What autoscaling must fit. */
export interface StorageInput {
  readonly storage: KafkaStorage;
  /** GiB of a volume as sized; none for Express. */
  readonly volumeGib?: number;
}

/** Rules for the storage of a cluster. */
export const STORAGE_RULES: readonly Rule<StorageInput>[] = [
  {
    code: 'Millrace.KafkaStorageOnExpress',
    subject: 'storage',
    value: ({ storage }) => [storage.tiered && 'tiered', storage.autoscaling && 'autoscaling'].filter(Boolean).join(', ') || undefined,
    valid: (_given: string, { volumeGib }) => volumeGib !== undefined,
    allowed: 'nothing: Express brokers store by themselves, without a limit that one sets',
    fix: 'drop it, or take Standard brokers',
  },
  {
    code: 'Millrace.KafkaStorageAutoscalingInvalid',
    subject: 'storage.autoscaling.maxSize',
    value: ({ storage, volumeGib }) => (volumeGib === undefined ? undefined : storage.autoscaling?.maxSize),
    valid: (size: Size, { volumeGib }) => {
      // SizeRoundingBehavior.NONE: a fraction is to be refused by us.
      const gib = size.toGibibytes({ rounding: 2 });
      return Number.isInteger(gib) && gib > volumeGib! && gib <= MAX_VOLUME_GIB;
    },
    allowed: ({ volumeGib }) => `whole GiB above the ${volumeGib} GiB that the brokers begin with, up to ${MAX_VOLUME_GIB}`,
    fix: 'give what you would pay for at most, for example twice the sized volume',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaStorageAutoscalingInvalid',
    subject: 'storage.autoscaling.targetUtilisation',
    value: ({ storage }) => storage.autoscaling?.targetUtilisation,
    valid: (share: number) => share >= 10 && share <= 80,
    allowed: 'percent from 10 to 80 (MSK developer guide, Automatic scaling)',
    fix: `leave it out for ${DEFAULT_TARGET}`,
  },
];
