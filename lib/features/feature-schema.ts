import type { Duration } from 'aws-cdk-lib';
import { MillraceError } from '../core/error';
import { enforce } from '../core/rule';
import type { Schema } from '../streaming/schema';
import { EventTime } from './event-time';
import { type Feature, FeatureType } from './feature';
import { type NeededField, flowViolations } from './feature-flow';
import { FEATURE_SCHEMA_RULES } from './feature-schema-rules';
import { type SchemaField, fieldsOf } from './schema-fields';

/** What a feature schema is made of. */
export interface FeatureSchemaProps {
  /**
   * Name of the feature group and of the feature view: 1-64 letters, digits or `-`. Changing it makes a new, empty group, which is the way to
   * drop, rename or retype a feature: `card-activity-v2` beside `card-activity`.
   */
  readonly name: string;
  /** The feature that tells entities apart, such as `card_id`: one of `features`, String or Integral. */
  readonly entityKey: string;
  /** When the values of a record became true. It is no part of `features`. */
  readonly eventTime: EventTime;
  /** The features, the entity key among them: 1-2,499, which with the event time are the 2,500 of SageMaker. New ones go to the end. */
  readonly features: Feature[];
  /** Who answers for it: a team or an address, 1-128 characters. */
  readonly owner: string;
  /**
   * How long a record may be read online after its event time; stores delete it then.
   * @default - for ever
   */
  readonly ttl?: Duration;
  /**
   * How old the newest value of an entity may be when it is read: the promise to models, on which alarms stand.
   * @default - no promise
   */
  readonly freshness?: Duration;
}

/** How the features follow from a topic. */
export interface TopicFeaturesOptions {
  /** Name of the feature group and of the feature view. */
  readonly name: string;
  /** The field that tells entities apart. */
  readonly entityKey: string;
  /**
   * The field that says when. Its schema has to say that it is a time; where it does not, build the schema by hand with `EventTime.epochMillis`
   * or one of its siblings.
   */
  readonly eventTime: string;
  /** Who answers for it. */
  readonly owner: string;
  /**
   * The fields to take, besides the entity key.
   * @default - every field that can be a feature
   */
  readonly fields?: string[];
  /**
   * How long a record may be read online after its event time.
   * @default - for ever
   */
  readonly ttl?: Duration;
  /**
   * How old the newest value of an entity may be when it is read.
   * @default - no promise
   */
  readonly freshness?: Duration;
}

/**
 * The contract of a feature group: who it is about, since when, which features of which types, how fresh, and whose. The same value makes the
 * feature group of SageMaker, the feature view of Feast and the check of a model's input, so that a field which changes at one end fails
 * the synthesis with both ends named.
 *
 * @throws Millrace.FeatureGroupNameInvalid, Millrace.FeatureNameInvalid, Millrace.FeatureNameReserved, Millrace.FeatureNameTwice,
 * Millrace.FeatureTypeInvalid, Millrace.FeatureCountInvalid, Millrace.FeatureEntityKeyMissing, Millrace.FeatureEntityKeyType,
 * Millrace.FeatureEventTimeTwice, Millrace.FeatureOwnerInvalid, Millrace.FeatureTtlInvalid, Millrace.FeatureFreshnessInvalid,
 * Millrace.TokenRefused
 */
export class FeatureSchema {
  /**
   * Takes the features from the records of a topic: texts and enums are String, whole numbers and booleans Integral, others Fractional.
   * Records, lists, maps, decimals and times are no features; they are left out, or refused where `fields` names them.
   *
   * @throws Millrace.FeatureFieldMissing, Millrace.FeatureFieldTypeMismatch, Millrace.FeatureFieldOptional, Millrace.FeatureEventTimeUndeclared,
   * and what the constructor throws
   */
  public static fromTopicSchema(schema: Schema, options: TopicFeaturesOptions): FeatureSchema {
    const fields = fieldsOf(schema);
    const taken =
      options.fields ?? fields.filter(({ name, type, time }) => type && !time && name !== options.eventTime).map(({ name }) => name);
    const names = taken.includes(options.entityKey) ? taken : [options.entityKey, ...taken];
    const typeOf = (name: string) => fields.find((field) => field.name === name)?.type ?? FeatureType.STRING;
    const { name, entityKey, owner, ttl, freshness } = options;
    const features = new FeatureSchema({
      name,
      entityKey,
      eventTime: EventTime.timestamp(options.eventTime),
      features: names.map((field) => ({ name: field, type: typeOf(field) })),
      owner,
      ttl,
      freshness,
    });
    features.requireSource(schema, "the topic's schema");
    return features;
  }

  /** Name of the feature group and of the feature view. */
  public readonly name: string;
  /** The feature that tells entities apart. */
  public readonly entityKey: string;
  /** When the values of a record became true. */
  public readonly eventTime: EventTime;
  /** The features, the entity key among them. */
  public readonly features: Feature[];
  /** Who answers for it. */
  public readonly owner: string;
  /** How long a record may be read online after its event time. */
  public readonly ttl?: Duration;
  /** How old the newest value of an entity may be when it is read. */
  public readonly freshness?: Duration;

  constructor(props: FeatureSchemaProps) {
    enforce(`FeatureSchema ${props.name}`, props, FEATURE_SCHEMA_RULES);
    this.name = props.name;
    this.entityKey = props.entityKey;
    this.eventTime = props.eventTime;
    this.features = [...props.features];
    this.owner = props.owner;
    this.ttl = props.ttl;
    this.freshness = props.freshness;
  }

  /**
   * Refuses a schema of records from which these features cannot be made.
   *
   * @param source The schema of the records.
   * @param what Where the records come from, for the message: `topic payments.authorized`.
   * @throws Millrace.FeatureFieldMissing, Millrace.FeatureFieldTypeMismatch, Millrace.FeatureFieldOptional, Millrace.FeatureEventTimeUndeclared
   */
  public requireSource(source: Schema, what: string): void {
    const fields = fieldsOf(source);
    const target = `feature group ${this.name}`;
    const violations = flowViolations({ what, fields }, { what: target, fields: this.features.map((feature) => this.needed(feature)) });
    violations.push(...this.eventTimeViolations(fields, what, target));
    if (violations.length > 0) throw new MillraceError(`FeatureSchema ${this.name}`, violations);
  }

  private needed(feature: Feature): NeededField {
    return { name: feature.name, type: feature.type, source: feature.source ?? feature.name, required: feature.name === this.entityKey };
  }

  private eventTimeViolations(fields: readonly SchemaField[], what: string, target: string) {
    const { name, source = name, encoding } = this.eventTime;
    const field = fields.find((each) => each.name === source);
    const accepted = ACCEPTED_TIMES[encoding];
    const needed: NeededField = {
      name,
      type: field?.type && accepted.includes(field.type) ? field.type : accepted[0],
      source,
      required: true,
    };
    if (encoding !== 'declared' || !field) return flowViolations({ what, fields }, { what: target, fields: [needed] });
    if (field.time) {
      const typed = { ...field, type: needed.type };
      return flowViolations({ what, fields: [typed] }, { what: target, fields: [needed] });
    }
    return [
      {
        code: 'Millrace.FeatureEventTimeUndeclared',
        subject: `${name} of ${target}`,
        received: `'${source}' of ${what} is ${field.typeName}, which does not say that it is a time`,
        allowed: 'timestamp-millis or timestamp-micros of Avro, date-time of JSON Schema, google.protobuf.Timestamp',
        fix: `declare it in the schema of the topic, or say how it is written: EventTime.epochMillis('${name}')`,
      },
    ];
  }
}

const ACCEPTED_TIMES: Readonly<Record<string, readonly FeatureType[]>> = {
  declared: [FeatureType.INTEGRAL, FeatureType.STRING],
  epochSeconds: [FeatureType.FRACTIONAL, FeatureType.INTEGRAL],
  epochMillis: [FeatureType.INTEGRAL, FeatureType.FRACTIONAL],
  epochMicros: [FeatureType.INTEGRAL],
  iso8601: [FeatureType.STRING],
};
