import type { Violation } from '../core/error';
import type { FeatureType } from './feature';

/** A field at one end of a flow. */
export interface FlowField {
  readonly name: string;
  /** @default - a type that no feature has */
  readonly type?: FeatureType;
  /** The type in the words of that end. */
  readonly typeName: string;
  /** Whether a record may lack it. */
  readonly optional?: boolean;
}

/** A field as the end that receives it needs it. */
export interface NeededField {
  readonly name: string;
  readonly type: FeatureType;
  /** Its name at the end that sends it. */
  readonly source: string;
  /** Whether every record must have it. */
  readonly required?: boolean;
}

/** Where fields come from, in words: `topic payments.authorized`. */
export interface FlowSource {
  readonly what: string;
  readonly fields: readonly FlowField[];
}

/** Where they go, in words: `feature group card-activity`. */
export interface FlowTarget {
  readonly what: string;
  readonly fields: readonly NeededField[];
}

/**
 * What keeps fields from flowing from one end to the other: the topic's schema to a feature group, a feature group to the input of a model
 * and, once there is a processing room, the columns of a Flink job to either.
 */
export function flowViolations(from: FlowSource, to: FlowTarget): Violation[] {
  const sent = new Map(from.fields.map((field) => [field.name, field]));
  return to.fields.flatMap((needed) => {
    const field = sent.get(needed.source);
    const subject = `${needed.name} of ${to.what}`;
    if (!field) return [missing(subject, needed, from, to)];
    if (field.type !== needed.type) return [mismatch(subject, needed, field, from, to)];
    return needed.required && field.optional ? [optional(subject, needed, from)] : [];
  });
}

function missing(subject: string, needed: NeededField, from: FlowSource, to: FlowTarget): Violation {
  return {
    code: 'Millrace.FeatureFieldMissing',
    subject,
    received: `${from.what} without a field '${needed.source}'`,
    allowed: `one of its fields: ${from.fields.map(({ name }) => name).join(', ') || 'it has none'}`,
    fix: `add '${needed.source}' to ${from.what}, or take '${needed.name}' out of ${to.what}`,
  };
}

function mismatch(subject: string, needed: NeededField, field: FlowField, from: FlowSource, to: FlowTarget): Violation {
  return {
    code: 'Millrace.FeatureFieldTypeMismatch',
    subject,
    received: `'${field.name}' of ${from.what} is ${field.typeName}${field.type ? `, which is ${field.type}` : ', which no feature can be'}`,
    allowed: needed.type,
    fix: field.type
      ? `make '${needed.name}' of ${to.what} ${field.type}, or change '${field.name}' of ${from.what}`
      : `compute a number or a text from '${field.name}' before it reaches ${to.what}`,
  };
}

function optional(subject: string, needed: NeededField, from: FlowSource): Violation {
  return {
    code: 'Millrace.FeatureFieldOptional',
    subject,
    received: `'${needed.source}' of ${from.what}, which a record may lack`,
    allowed: 'a field that every record has: without it the record belongs to no entity and to no time',
    fix: `make '${needed.source}' required in ${from.what}`,
  };
}
