import type { Duration } from 'aws-cdk-lib';
import type { Rule } from '../core/rule';
import { FeatureType } from './feature';
import type { FeatureSchemaProps } from './feature-schema';

/** Names that SageMaker Feature Store adds to every record (SageMaker developer guide, CreateFeatureGroup). */
const RESERVED = ['is_deleted', 'write_time', 'api_invocation_time'];
const GROUP_NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,63}$/;
const FEATURE_NAME = /^[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}$/;
const MAX_NAME = 64;
const MAX_FEATURES = 2500;

function namesOf(props: FeatureSchemaProps): string[] {
  return [...props.features.map(({ name }) => name), props.eventTime.name];
}

function secondsOf(duration: Duration): number {
  return duration.toSeconds({ integral: false });
}

/** What every feature schema keeps to, whatever store it goes to. */
export const FEATURE_SCHEMA_RULES: readonly Rule<FeatureSchemaProps>[] = [
  {
    code: 'Millrace.FeatureGroupNameInvalid',
    subject: 'name',
    value: (props) => props.name ?? null,
    valid: (name: unknown) => typeof name === 'string' && GROUP_NAME.test(name) && name.length <= MAX_NAME,
    allowed: `1-${MAX_NAME} letters, digits or '-', with a letter or digit at both ends`,
    fix: "write words apart with '-': card-activity",
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeatureNameInvalid',
    subject: 'features, eventTime',
    value: (props) => namesOf(props).filter((name) => !FEATURE_NAME.test(name) || name.length > MAX_NAME),
    valid: (wrong: string[]) => wrong.length === 0,
    allowed: `1-${MAX_NAME} letters, digits, '_' or '-', with a letter or digit at both ends`,
    fix: "give the feature such a name, and name the topic's field in source",
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeatureNameReserved',
    subject: 'features, eventTime',
    value: (props) => namesOf(props).filter((name) => RESERVED.includes(name.toLowerCase())),
    valid: (wrong: string[]) => wrong.length === 0,
    allowed: `any name but ${RESERVED.join(', ')}, which SageMaker Feature Store adds itself`,
    fix: "give the feature another name, and name the topic's field in source",
  },
  {
    code: 'Millrace.FeatureNameTwice',
    subject: 'features',
    value: (props) => props.features.map(({ name }) => name.toLowerCase()).filter((name, index, all) => all.indexOf(name) !== index),
    valid: (twice: string[]) => twice.length === 0,
    allowed: 'each name once, whatever its case: the offline table knows no case',
    fix: 'rename one of them',
  },
  {
    code: 'Millrace.FeatureTypeInvalid',
    subject: 'features',
    value: (props) => props.features.map(({ type }) => type).filter((type) => !Object.values(FeatureType).includes(type)),
    valid: (wrong: string[]) => wrong.length === 0,
    allowed: Object.values(FeatureType).join(', '),
    fix: 'use FeatureType',
  },
  {
    code: 'Millrace.FeatureCountInvalid',
    subject: 'features',
    value: (props) => props.features.length,
    valid: (count: number) => count >= 1 && count < MAX_FEATURES,
    allowed: `1-${MAX_FEATURES - 1} features beside the event time: a feature group has at most ${MAX_FEATURES}`,
    fix: 'split the group; a model may read several for one entity',
  },
  {
    code: 'Millrace.FeatureEntityKeyMissing',
    subject: 'entityKey',
    value: (props) => props.entityKey ?? null,
    valid: (key: unknown, props) => props.features.some(({ name }) => name === key),
    allowed: (props) => `one of the features: ${props.features.map(({ name }) => name).join(', ') || 'there are none'}`,
    fix: 'add the entity key to the features: every record has to say whom it is about',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeatureEntityKeyType',
    subject: 'entityKey',
    value: (props) => props.features.find(({ name }) => name === props.entityKey)?.type,
    valid: (type: FeatureType) => type !== FeatureType.FRACTIONAL,
    allowed: 'String or Integral: fractions that look alike are not equal',
    fix: 'make the key a text',
  },
  {
    code: 'Millrace.FeatureEventTimeTwice',
    subject: 'eventTime',
    value: (props) => props.eventTime.name,
    valid: (eventTime: string, props) => props.features.every(({ name }) => name.toLowerCase() !== eventTime.toLowerCase()),
    allowed: 'a name that is not among the features',
    fix: 'take it out of features: every store gets it beside them',
  },
  {
    code: 'Millrace.FeatureOwnerInvalid',
    subject: 'owner',
    value: (props) => props.owner ?? null,
    valid: (owner: unknown) => typeof owner === 'string' && owner.trim() !== '' && owner.length <= 128,
    allowed: '1-128 characters: a team or an address',
    fix: 'name who is asked when the features are wrong',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeatureTtlInvalid',
    subject: 'ttl',
    value: (props) => props.ttl,
    valid: (ttl: Duration) => Number.isInteger(secondsOf(ttl)) && secondsOf(ttl) >= 1,
    allowed: 'whole seconds, at least one',
    fix: 'leave it out to keep records for ever',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeatureFreshnessInvalid',
    subject: 'freshness',
    value: (props) => props.freshness,
    valid: (freshness: Duration, props) => secondsOf(freshness) >= 1 && (!props.ttl || secondsOf(freshness) <= secondsOf(props.ttl)),
    allowed: (props) => `at least a second${props.ttl ? ', and no more than the ttl: what is gone is not fresh' : ''}`,
    fix: 'promise what models need, and keep records at least as long',
    tokens: 'refuse',
  },
];
