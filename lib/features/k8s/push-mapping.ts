import { type Schema, SchemaFormat } from '../../streaming/schema';
import { EventTimeEncoding } from '../event-time';
import { fieldsOf } from '../schema-fields';
import type { FeatureGroup } from './feature-group';

/** How the features follow from a record, for the script. */
export function mappingOf(
  { schema, pushSourceName, projectName }: Pick<FeatureGroup, 'schema' | 'pushSourceName' | 'projectName'>,
  records: Schema,
  offline: boolean,
): object {
  const { name, encoding, source = name } = schema.eventTime;
  const declared = fieldsOf(records).find((field) => field.name === source)?.time;
  return {
    project: projectName,
    view: schema.name,
    pushSource: pushSourceName,
    to: offline ? 'online_and_offline' : 'online',
    // History is every record; online it is the latest of each entity.
    keepAll: offline,
    ...(records.format === SchemaFormat.AVRO ? { format: 'AVRO', schema: records.definition } : { format: 'JSON' }),
    // Older values than these are counted as late.
    freshness: schema.freshness?.toSeconds({ integral: false }),
    entityKey: schema.entityKey,
    eventTime: { name, source, encoding: encoding === EventTimeEncoding.DECLARED ? declared : encoding },
    features: schema.features.map((feature) => ({ name: feature.name, source: feature.source ?? feature.name, type: feature.type })),
  };
}
