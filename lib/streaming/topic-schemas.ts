import { Compatibility } from './compatibility';
import { type RegisteredSchemaOptions, keySubjectOf, valueSubjectOf } from './schema-registry';
import type { TopicOptions } from './topic';

/** What the registry of a cluster is told of a topic: a subject for the values and one for the keys, where they have a schema. */
export function schemasOf({
  topicName,
  schema,
  keySchema,
  compatibility = Compatibility.BACKWARD,
}: TopicOptions): RegisteredSchemaOptions[] {
  return [
    ...(schema ? [{ subject: valueSubjectOf(topicName), schema, compatibility }] : []),
    ...(keySchema ? [{ subject: keySubjectOf(topicName), schema: keySchema, compatibility }] : []),
  ];
}
