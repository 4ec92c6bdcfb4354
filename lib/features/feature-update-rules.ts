import type { Assembly, SynthesizedObject, SynthesizedResource } from '../core/assembly';
import { objectChanges, pairedResources } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';
import { type SchemaChange, schemaChanges } from './feature-schema-changes';
import { FEATURE_SCHEMA_RECORD_KEY, type FeatureSchemaRecord } from './feature-schema-record';

const FEATURE_GROUP = 'AWS::SageMaker::FeatureGroup';

/** A feature schema on both sides, and where the new one stands. */
interface SchemaPair {
  readonly before: FeatureSchemaRecord;
  readonly after: FeatureSchemaRecord;
  readonly place: Pick<Finding, 'path' | 'templateFile' | 'logicalId'>;
}

const TTL_SECONDS: Readonly<Record<string, number>> = { Seconds: 1, Minutes: 60, Hours: 3600, Days: 86_400, Weeks: 604_800 };

/** What the properties of a feature group say. */
function recordOfProperties({ properties }: SynthesizedResource): FeatureSchemaRecord | undefined {
  const { FeatureGroupName: name, RecordIdentifierFeatureName, EventTimeFeatureName, FeatureDefinitions } = properties;
  const ttl = properties.OnlineStoreConfig?.TtlDuration;
  // An intrinsic function is known at deploy time only.
  if (!Array.isArray(FeatureDefinitions) || typeof name !== 'string') return undefined;
  return {
    name,
    entityKey: String(RecordIdentifierFeatureName),
    eventTime: String(EventTimeFeatureName),
    features: FeatureDefinitions.map((feature) => ({ name: String(feature.FeatureName), type: String(feature.FeatureType) })),
    owner: '',
    ...(typeof ttl?.Value === 'number' ? { ttlSeconds: ttl.Value * TTL_SECONDS[ttl.Unit] } : {}),
  };
}

/** The records on a Kubernetes object: one feature view, or the list of those in a project. */
function recordsOfObject({ manifest }: SynthesizedObject): FeatureSchemaRecord[] {
  const text: unknown = manifest.metadata?.annotations?.[FEATURE_SCHEMA_RECORD_KEY];
  return typeof text === 'string' ? [JSON.parse(text) as FeatureSchemaRecord | FeatureSchemaRecord[]].flat() : [];
}

function resourcePairs(before: Assembly, after: Assembly): SchemaPair[] {
  return pairedResources(before, after, FEATURE_GROUP).flatMap((pair) => {
    const sides = [pair.before, pair.after];
    // The record has the event time apart. Where one side is not ours, both are what their properties say.
    const ours = sides.every(({ metadata }) => metadata[FEATURE_SCHEMA_RECORD_KEY]);
    const [old, now] = sides.map((side) =>
      ours ? (side.metadata[FEATURE_SCHEMA_RECORD_KEY] as FeatureSchemaRecord) : recordOfProperties(side),
    );
    // Another name is another, empty group: the replacement of stateful resources has its own rule.
    if (!old || !now || old.name !== now.name) return [];
    const { templateFile } = pair.stackAfter;
    return [{ before: old, after: now, place: { path: pair.after.path, templateFile, logicalId: pair.after.logicalId } }];
  });
}

function keyed(objects: readonly SynthesizedObject[]): Map<string, { record: FeatureSchemaRecord; object: SynthesizedObject }> {
  return new Map(
    objects.flatMap((object) =>
      recordsOfObject(object).map((record) => [`${object.manifest.metadata?.namespace ?? ''}/${record.name}`, { record, object }] as const),
    ),
  );
}

/** Schemas of Kubernetes objects: those of the same object, then by name, because an object may be named after its content. */
function objectPairs(before: Assembly, after: Assembly): { pairs: SchemaPair[]; gone: { name: string; path: string }[] } {
  const changes = objectChanges(before, after);
  const groups = [
    ...changes.pairs.map((pair) => [keyed([pair.before]), keyed([pair.after])] as const),
    [keyed(changes.removed), keyed(changes.added)] as const,
  ];
  const pairs: SchemaPair[] = [];
  const left: { name: string; path: string }[] = [];
  for (const [old, now] of groups) {
    for (const [key, { record, object }] of old) {
      const successor = now.get(key);
      if (successor) pairs.push({ before: record, after: successor.record, place: { path: successor.object.id } });
      else left.push({ name: record.name, path: object.id });
    }
  }
  const staying = keyed(after.objects);
  const names = new Set([...staying.values()].map(({ record }) => record.name));
  return { pairs, gone: left.filter(({ name }) => !names.has(name)) };
}

/** `card-activity-v2` for `card-activity`, `card-activity-v3` for that. */
function nextName(name: string): string {
  const [, stem, version] = /^(.*?)(?:-v(\d+))?$/.exec(name)!;
  return `${stem}-v${Number(version ?? 1) + 1}`;
}

/** One kind of change that no store can follow, in the feature groups of SageMaker and the feature views of Feast. */
class SchemaChangeRule implements IUpdateRule {
  constructor(public readonly id: string) {}

  public check(before: Assembly, after: Assembly): Finding[] {
    return [...resourcePairs(before, after), ...objectPairs(before, after).pairs].flatMap((pair) =>
      schemaChanges(pair.before, pair.after)
        .filter(({ code }) => code === this.id)
        .map((change) => this.finding(change, pair)),
    );
  }

  private finding({ message }: SchemaChange, { after: { name }, place }: SchemaPair): Finding {
    const fix =
      this.id === 'Millrace.FeatureReordered'
        ? 'put the features back in their order and new ones behind them'
        : `keep ${name} as it is, make ${nextName(name)} beside it, backfill it, move the readers, then retire ${name}`;
    return { code: this.id, severity: FindingSeverity.ERROR, message: `feature group ${name}: ${message}`, fix, ...place };
  }
}

/** Another TTL on SageMaker: its API could change it in place, CloudFormation replaces the group and empties it. */
class FeatureTtlRule implements IUpdateRule {
  public readonly id = 'Millrace.FeatureTtlReplaces';

  public check(before: Assembly, after: Assembly): Finding[] {
    const say = (seconds?: number) => (seconds === undefined ? 'none' : `${seconds} s`);
    return resourcePairs(before, after)
      .filter((pair) => pair.before.ttlSeconds !== pair.after.ttlSeconds)
      .map(({ before: old, after: now, place }) => ({
        code: this.id,
        severity: FindingSeverity.ERROR,
        message: `feature group ${now.name}: the ttl goes from ${say(old.ttlSeconds)} to ${say(now.ttlSeconds)}; the API of SageMaker changes it in place, but to CloudFormation it is part of OnlineStoreConfig, which replaces the group and loses what is in it`,
        fix: `keep the ttl of the schema at ${say(old.ttlSeconds)}, so that the template stays as it is, and change the running group with \`aws sagemaker update-feature-group --online-store-config\`; or make ${nextName(now.name)} beside it and backfill it`,
        ...place,
      }));
  }
}

/** A feature view of Kubernetes that leaves; a feature group of SageMaker is a resource of its own, whose removal has a rule. */
class FeatureViewRemovedRule implements IUpdateRule {
  public readonly id = 'Millrace.FeatureViewRemoved';

  public check(before: Assembly, after: Assembly): Finding[] {
    return objectPairs(before, after).gone.map(({ name, path }) => ({
      code: this.id,
      severity: FindingSeverity.WARNING,
      path,
      message: `feature group ${name} leaves the manifests; its readers fail, and its records stay in the online store until they expire`,
      fix: 'move its readers first; keep its name, if it was renamed',
    }));
  }
}

const CHANGES = [
  'Millrace.FeatureDropped',
  'Millrace.FeatureEntityKeyChanged',
  'Millrace.FeatureEventTimeChanged',
  'Millrace.FeatureRenamed',
  'Millrace.FeatureReordered',
  'Millrace.FeatureRetyped',
];

/** The update rules for feature groups, both flavours. */
export class FeatureUpdateRules {
  /**
   * Features only ever come: refused are those that are dropped, renamed, retyped or moved, another entity key or event time, and on AWS
   * another TTL. Changed stores, roles, names and removed groups of SageMaker are found by `StatefulUpdateRules`, changed tags by
   * `TagUpdateRules`.
   */
  public static all(): IUpdateRule[] {
    return [...CHANGES.map((id) => new SchemaChangeRule(id)), new FeatureTtlRule(), new FeatureViewRemovedRule()];
  }

  private constructor() {}
}
