import type { RemovalPolicy } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { type Violation, refuse, violationMessage } from '../core/error';
import type { Rule } from '../core/rule';
import type { Compatibility } from './compatibility';
import type { Schema } from './schema';
import type { SchemaAssessment } from './schema-history';

/** A registry of schemas of either flavour. */
export interface ISchemaRegistry extends IConstruct {
  /** Name of the registry: on AWS that of the Glue registry, on Kubernetes its address. */
  readonly registryName: string;
}

/** The schema of a subject, in a registry of either flavour. */
export interface IRegisteredSchema extends IConstruct {
  /** Subject: by convention `<topic>-value` or `<topic>-key`. */
  readonly subject: string;
}

/** What both flavours take of a schema to register. */
export interface RegisteredSchemaOptions {
  /** Subject, 1-249 letters, digits, `.`, `_` or `-`: by convention `<topic>-value` or `<topic>-key`. Changing it starts a new history. */
  readonly subject: string;
  /** The schema; a changed one becomes the next version, after it was checked against those accepted. */
  readonly schema: Schema;
  /**
   * Which readers and writers must understand each other when the schema changes.
   * @default Compatibility.BACKWARD: consumers are upgraded first, as in AWS Glue's console and Confluent's registry
   */
  readonly compatibility?: Compatibility;
}

/** What both flavours of a registry take. */
export interface SchemaRegistryOptions {
  /**
   * What becomes of the schemas when the registry leaves the app. DESTROY also needs the context key `millrace:destroyData`; without its
   * schemas the records of a topic cannot be read.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Rules for a schema to register. */
export const REGISTERED_SCHEMA_RULES: readonly Rule<Pick<RegisteredSchemaOptions, 'subject'>>[] = [
  {
    code: 'Millrace.SchemaSubjectInvalid',
    subject: 'subject',
    value: (options) => options.subject ?? null,
    // It is a folder of the history and a part of an address, too.
    valid: (subject: unknown) => typeof subject === 'string' && /^[A-Za-z0-9._-]{1,255}$/.test(subject) && !/^\.+$/.test(subject),
    allowed: "1-255 letters, digits, '.', '_' or '-'",
    fix: 'name it after its topic: <topic>-value or <topic>-key',
    tokens: 'refuse',
  },
];

/** Subject of the values of a topic, after the TopicNameStrategy of Confluent's serializers. */
export function valueSubjectOf(topicName: string): string {
  return `${topicName}-value`;
}

/** Subject of the keys of a topic, after the TopicNameStrategy of Confluent's serializers. */
export function keySubjectOf(topicName: string): string {
  return `${topicName}-key`;
}

const subjects = new WeakMap<IConstruct, Set<string>>();

/** Remembers the subject in its registry; a second schema of a subject would fight the first. */
export function claimSubject(registry: IConstruct, path: string, subject: string): void {
  const taken = subjects.get(registry) ?? new Set();
  if (taken.has(subject)) {
    refuse(path, {
      code: 'Millrace.SchemaSubjectTwice',
      subject: 'subject',
      received: `'${subject}', which ${registry.node.path} holds already`,
      allowed: 'one schema a subject',
      fix: 'register it once; two topics have two subjects',
    });
  }
  subjects.set(registry, taken.add(subject));
}

/** Reports what forbids a new version with everything else that is wrong in the app. */
export function reportForbidden(construct: IConstruct, assessment: SchemaAssessment): void {
  construct.node.addValidation({ validate: () => assessment.violations.map((violation: Violation) => violationMessage(violation)) });
}
