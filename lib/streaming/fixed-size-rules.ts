import type { Bitrate, Duration, Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import { type Rule, isPositive, isPositiveInteger } from '../core/rule';
import { BROKER_QUOTA, MAX_STORAGE_GIB } from './broker-choice';
import { BrokerClass } from './broker-type';
import { hoursOf, isProvisionable, mibps } from './kafka-demand';
import type { FixedKafkaSize } from './kafka-sizing';

const ZONES = 3;
// SizeRoundingBehavior.NONE, spelled out because the sizing runs without the CDK.
const UNROUNDED = 2 as SizeRoundingBehavior;

/** What a size chosen by hand must be. */
export const FIXED_SIZE_RULES: readonly Rule<FixedKafkaSize>[] = [
  {
    code: 'Millrace.KafkaSizeInvalid',
    subject: 'brokers',
    value: (size) => size.brokers,
    valid: (brokers: number) => isPositiveInteger(brokers) && brokers % ZONES === 0 && brokers <= BROKER_QUOTA,
    allowed: `a multiple of ${ZONES} from ${ZONES} to ${BROKER_QUOTA}`,
    fix: 'give every zone the same number of brokers',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaSizeInvalid',
    subject: 'storagePerBroker',
    value: (size) => size.storagePerBroker,
    valid: (storage: Size, size) => {
      const gib = storage.toGibibytes({ rounding: UNROUNDED });
      return size.brokerType.brokerClass !== BrokerClass.EXPRESS && Number.isInteger(gib) && gib >= 1 && gib <= MAX_STORAGE_GIB;
    },
    allowed: `1-${MAX_STORAGE_GIB} GiB on Standard and Kubernetes brokers, nothing on Express`,
    fix: 'Express stores by itself: leave it out there',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaSizeInvalid',
    subject: 'replicationFactor',
    value: (size) => size.replicationFactor,
    valid: (factor: number, size) => factor === 3 || (factor === 2 && size.brokerType.brokerClass !== BrokerClass.EXPRESS),
    allowed: '3, or 2 on Standard and Kubernetes brokers',
    fix: 'leave it out for 3',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaSizeInvalid',
    subject: 'primaryRetention',
    value: (size) => size.primaryRetention,
    valid: (primary: Duration, size) => size.brokerType.brokerClass === BrokerClass.STANDARD && isPositive(hoursOf(primary)),
    allowed: 'a duration above zero on Standard brokers',
    fix: 'leave it out: no tiered storage',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaSizeInvalid',
    subject: 'provisionedThroughput',
    value: (size) => size.provisionedThroughput,
    valid: (rate: Bitrate, size) => isProvisionable(mibps(rate)) && mibps(rate) <= (size.brokerType.limits.provisionable ?? 0),
    allowed: (size) => `whole MiB/s from 250 to ${size.brokerType.limits.provisionable ?? 'nothing'} on ${size.brokerType.name}`,
    fix: 'take a Standard size from 4xlarge on, or leave it out',
    tokens: 'refuse',
  },
];
