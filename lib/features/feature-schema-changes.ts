import type { FeatureSchemaRecord } from './feature-schema-record';

/** One change of a feature schema that no store can follow. */
export interface SchemaChange {
  readonly code: string;
  /** What changes, and what it would do. */
  readonly message: string;
}

type RecordedFeature = FeatureSchemaRecord['features'][number];

/** What became of the features that were there: dropped, renamed, retyped or moved. New ones behind them are no change. */
export function schemaChanges(before: FeatureSchemaRecord, after: FeatureSchemaRecord): SchemaChange[] {
  const changes = before.features.flatMap((feature, index) => featureChange(feature, index, before, after));
  const moved = changes.length === 0 ? order(before, after) : [];
  return [...identity(before, after), ...changes, ...moved];
}

function identity(before: FeatureSchemaRecord, after: FeatureSchemaRecord): SchemaChange[] {
  return [
    ...(before.entityKey === after.entityKey
      ? []
      : [
          {
            code: 'Millrace.FeatureEntityKeyChanged',
            message: `the entity key goes from '${before.entityKey}' to '${after.entityKey}'; what is stored is found by the old one`,
          },
        ]),
    ...(before.eventTime === after.eventTime
      ? []
      : [
          {
            code: 'Millrace.FeatureEventTimeChanged',
            message: `the event time goes from '${before.eventTime}' to '${after.eventTime}'; what is stored is ordered by the old one`,
          },
        ]),
  ];
}

function featureChange(feature: RecordedFeature, index: number, before: FeatureSchemaRecord, after: FeatureSchemaRecord): SchemaChange[] {
  const now = after.features.find(({ name }) => name === feature.name);
  if (now && now.type === feature.type) return [];
  if (now) {
    return [
      {
        code: 'Millrace.FeatureRetyped',
        message: `feature '${feature.name}' goes from ${feature.type} to ${now.type}; stores keep the type that a feature began with`,
      },
    ];
  }
  const successor = after.features[index];
  const isNew = successor && !before.features.some(({ name }) => name === successor.name);
  return [
    isNew
      ? {
          code: 'Millrace.FeatureRenamed',
          message: `feature '${feature.name}' becomes '${successor.name}'; stores know no renaming, so its values would be lost to readers`,
        }
      : {
          code: 'Millrace.FeatureDropped',
          message: `feature '${feature.name}' is gone; stores only add features, and models that read it would fail`,
        },
  ];
}

function order(before: FeatureSchemaRecord, after: FeatureSchemaRecord): SchemaChange[] {
  const at = before.features.findIndex(({ name }, index) => after.features[index].name !== name);
  if (at < 0) return [];
  return [
    {
      code: 'Millrace.FeatureReordered',
      message: `'${after.features[at].name}' stands where '${before.features[at].name}' was; stores add features at the end, and readers may know them by place`,
    },
  ];
}
