import type { Assembly } from '../core/assembly';
import { type ObjectPair, objectChanges, sameJson } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';
import { StrimziApiRule } from './strimzi-v1-rules';

const { ERROR, WARNING } = FindingSeverity;

/** Pairs of a kind of Strimzi's: other operators name theirs alike. */
function strimziPairs(before: Assembly, after: Assembly, kind: string): ObjectPair[] {
  return objectChanges(before, after).pairs.filter(
    ({ after: { manifest } }) => manifest.kind === kind && String(manifest.apiVersion).startsWith('kafka.strimzi.io/'),
  );
}

/** Numbers of a version of Kafka (`4.3.1`) or of its metadata (`4.2-IV1`); the short form `4.2` is the last of its release. */
function numbersOf(version: unknown): number[] | undefined {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?(?:-IV(\d+))?$/.exec(String(version));
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0), Number(match[4] ?? Infinity)] : undefined;
}

/** Below zero when `a` is earlier, over the first `length` numbers; zero when either is no version, so that nothing is said of it. */
function compare(a: unknown, b: unknown, length: number): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  if (!left || !right) return 0;
  const index = left.slice(0, length).findIndex((part, at) => part !== right[at]);
  return index === -1 ? 0 : left[index] < right[index] ? -1 : 1;
}

const RELEASE = 2;
const PATCH = 3;

/** The metadata that a cluster has: held back, or that of its release. */
function metadataOf(spec: any): unknown {
  return spec?.metadataVersion ?? spec?.version;
}

/** A version of Kafka below the metadata that the cluster has: its brokers could not read it. */
class VersionDowngradeRule implements IUpdateRule {
  public readonly id = 'Millrace.KafkaVersionDowngrade';

  public check(before: Assembly, after: Assembly): Finding[] {
    return strimziPairs(before, after, 'Kafka').flatMap((pair) => {
      const [old, now] = [pair.before.manifest.spec?.kafka, pair.after.manifest.spec?.kafka];
      const metadata = metadataOf(old);
      if (compare(now?.version, old?.version, PATCH) >= 0 || compare(now?.version, metadata, RELEASE) >= 0) return [];
      return [
        {
          code: this.id,
          severity: ERROR,
          path: pair.after.id,
          message: `Kafka goes back from ${old.version} to ${now.version}, below its metadata version ${String(metadata)}, which older brokers cannot read`,
          fix: `keep ${old.version}; an upgrade can be undone only while the metadata is held back: KafkaVersion.withMetadata('<earlier>')`,
        },
      ];
    });
  }
}

/** A new version of Kafka that raises the metadata in the same step: there is no way back. */
class MetadataUpgradeRule implements IUpdateRule {
  public readonly id = 'Millrace.KafkaMetadataUpgrade';

  public check(before: Assembly, after: Assembly): Finding[] {
    return strimziPairs(before, after, 'Kafka').flatMap((pair) => {
      const [old, now] = [pair.before.manifest.spec?.kafka, pair.after.manifest.spec?.kafka];
      if (compare(now?.version, old?.version, RELEASE) <= 0 || compare(metadataOf(now), metadataOf(old), RELEASE) <= 0) return [];
      const release = numbersOf(metadataOf(old))!.slice(0, RELEASE).join('.');
      return [
        {
          code: this.id,
          severity: WARNING,
          path: pair.after.id,
          message: `Kafka goes from ${old.version} to ${now.version} and raises its metadata in the same step; it cannot go back afterwards`,
          fix: `deploy .withMetadata('${release}') first and drop that once the new version has proven itself`,
        },
      ];
    });
  }
}

/** Metadata that goes back: Kafka refuses it where the format changed in between. */
class MetadataDowngradeRule implements IUpdateRule {
  public readonly id = 'Millrace.KafkaMetadataDowngrade';

  public check(before: Assembly, after: Assembly): Finding[] {
    return strimziPairs(before, after, 'Kafka').flatMap((pair) => {
      const [old, now] = [pair.before.manifest.spec?.kafka, pair.after.manifest.spec?.kafka];
      if (compare(metadataOf(now), metadataOf(old), RELEASE) >= 0) return [];
      // The downgrade of Kafka itself is refused already.
      if (compare(now?.version, metadataOf(old), RELEASE) < 0) return [];
      return [
        {
          code: this.id,
          severity: WARNING,
          path: pair.after.id,
          message: `the metadata version goes back from ${String(metadataOf(old))} to ${String(metadataOf(now))}; Kafka refuses it where its format changed in between`,
          fix: 'keep it, unless the release notes of Kafka say that the two share a format',
        },
      ];
    });
  }
}

/** A leader may be elected that lacks acknowledged records. */
class UncleanElectionRule implements IUpdateRule {
  public readonly id = 'Millrace.KafkaUncleanElection';

  public check(before: Assembly, after: Assembly): Finding[] {
    return ['Kafka', 'KafkaTopic'].flatMap((kind) => {
      const isUnclean = (manifest: any) => {
        const config = kind === 'Kafka' ? manifest.spec?.kafka?.config : manifest.spec?.config;
        return String(config?.['unclean.leader.election.enable']).toLowerCase() === 'true';
      };
      const { pairs, added } = objectChanges(before, after);
      const accepted = new Set(pairs.filter((pair) => isUnclean(pair.before.manifest)).map((pair) => pair.after));
      return [...pairs.map((pair) => pair.after), ...added]
        .filter((object) => object.manifest.kind === kind && isUnclean(object.manifest) && !accepted.has(object))
        .map(({ id }) => ({
          code: this.id,
          severity: ERROR,
          path: id,
          message: 'allows unclean leader elections, which lose acknowledged records',
          fix: 'drop unclean.leader.election.enable',
        }));
    });
  }
}

/** A listener that leaves, or asks its clients for something else than before. */
class ListenerRule implements IUpdateRule {
  public readonly id = 'Millrace.KafkaListenerChange';

  public check(before: Assembly, after: Assembly): Finding[] {
    return strimziPairs(before, after, 'Kafka').flatMap((pair) => {
      const now: any[] = pair.after.manifest.spec?.kafka?.listeners ?? [];
      const old: any[] = pair.before.manifest.spec?.kafka?.listeners ?? [];
      return old.flatMap((listener) => {
        const next = now.find(({ name }) => name === listener.name);
        const changed = ['port', 'type', 'tls', 'authentication'].filter((field) => next && !sameJson(listener[field], next[field]));
        if (next && changed.length === 0) return [];
        return [
          {
            code: this.id,
            severity: WARNING,
            path: pair.after.id,
            message: `listener ${listener.name} ${next ? `changes its ${changed.join(' and ')}` : 'leaves'}, which cuts off the clients that use it`,
            fix: 'add the new listener beside it, move the clients, then retire this one',
          },
        ];
      });
    });
  }
}

/** The update rules for what Strimzi runs, beside those for node pools. */
export function strimziUpdateRules(): IUpdateRule[] {
  return [
    new VersionDowngradeRule(),
    new MetadataUpgradeRule(),
    new MetadataDowngradeRule(),
    new UncleanElectionRule(),
    new ListenerRule(),
    new StrimziApiRule(),
  ];
}
