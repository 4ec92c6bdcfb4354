import type { Assembly } from '../core/assembly';
import { objectChanges, pairedObjects, pairedResources, sameJson } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';

const MSK_REPLICATION = 'ReplicationInfoList.0';
// UpdateReplicationInfo takes topics, groups and what is copied along with them, and nothing else.
const MSK_FROZEN: Readonly<Record<string, readonly string[]>> = {
  'its name, clusters or role': ['ReplicatorName', 'KafkaClusters', 'ServiceExecutionRoleArn', 'Description'],
  'the naming of topics': [`${MSK_REPLICATION}.TopicReplication.TopicNameConfiguration`],
  'the starting position': [`${MSK_REPLICATION}.TopicReplication.StartingPosition`],
  'the compression': [`${MSK_REPLICATION}.TargetCompressionType`],
};
const MIRROR_FROZEN: Readonly<Record<string, readonly string[]>> = {
  'the group or a storage topic': ['target.groupId', 'target.configStorageTopic', 'target.offsetStorageTopic', 'target.statusStorageTopic'],
  'the alias of a cluster': ['target.alias', 'mirrors.0.source.alias'],
  'the naming of topics': ['mirrors.0.sourceConnector.config'],
};

function at(value: any, path: string): unknown {
  return path.split('.').reduce((part, name) => part?.[name], value);
}

/** Of a connector's settings only the policy names topics; keys with dots cannot be reached by a path. */
function frozenPart(value: any, path: string): unknown {
  const part: any = at(value, path);
  return path.endsWith('.config') ? part?.['replication.policy.class'] : part;
}

function changes(frozen: Readonly<Record<string, readonly string[]>>, before: any, after: any): string[] {
  return Object.entries(frozen)
    .filter(([, paths]) => paths.some((path) => !sameJson(frozenPart(before, path), frozenPart(after, path))))
    .map(([what]) => what);
}

/** Ids of the new KafkaMirrorMaker2 of an assembly that one leaves: its name is that of the topics that say how far it has come. */
function renamedMirrors(before: Assembly, after: Assembly): string[] {
  const { added, removed } = objectChanges(before, after);
  const isMirror = ({ manifest }: { readonly manifest: { readonly [name: string]: unknown } }) => manifest.kind === 'KafkaMirrorMaker2';
  return removed.some(isMirror) ? added.filter(isMirror).map(({ id }) => id) : [];
}

/** A change after which a replicator no longer knows how far it had come. */
class ReplicatorPositionRule implements IUpdateRule {
  public readonly id = 'Millrace.ReplicatorPositionLost';

  public check(before: Assembly, after: Assembly): Finding[] {
    return [
      ...pairedResources(before, after, 'AWS::MSK::Replicator').flatMap((pair) =>
        this.findings(pair.after.path, changes(MSK_FROZEN, pair.before.properties, pair.after.properties), {
          templateFile: pair.stackAfter.templateFile,
          logicalId: pair.after.logicalId,
        }),
      ),
      ...pairedObjects(before, after, 'KafkaMirrorMaker2').flatMap((pair) =>
        this.findings(pair.after.id, changes(MIRROR_FROZEN, pair.before.manifest.spec, pair.after.manifest.spec), {}),
      ),
      ...renamedMirrors(before, after).flatMap((id) => this.findings(id, ['its name and with it the group and storage topics'], {})),
    ];
  }

  private findings(path: string, changed: string[], place: { templateFile?: string; logicalId?: string }): Finding[] {
    if (changed.length === 0) return [];
    return [
      {
        code: this.id,
        severity: FindingSeverity.ERROR,
        path,
        message: `${changed.join(' and ')} change; the replicator begins again at its starting position and copies records a second time, or is refused`,
        fix: 'make a second replicator with the new settings beside this one, move the consumers, then retire this one',
        ...place,
      },
    ];
  }
}

/** The update rules for replicators. */
export function replicatorUpdateRules(): IUpdateRule[] {
  return [new ReplicatorPositionRule()];
}
