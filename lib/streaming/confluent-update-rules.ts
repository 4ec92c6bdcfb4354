import type { Assembly } from '../core/assembly';
import { type ObjectPair, pairedObjects, sameJson } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';
import { bytesOfQuantity } from './node-pool-update-rules';

const { ERROR } = FindingSeverity;
const STORING = ['Kafka', 'KRaftController'];

/** What a change of one resource of Confluent's says. */
interface ChangeRule {
  readonly id: string;
  readonly kinds: readonly string[];
  /** What is wrong, if anything is. */
  readonly broken: (before: any, after: any) => string | undefined;
  readonly fix: (before: any) => string;
}

const shrinks = (before: unknown, after: unknown) => typeof before === 'number' && typeof after === 'number' && after < before;
const isUnclean = (manifest: any): boolean =>
  manifest.kind === 'Kafka'
    ? (manifest.spec?.configOverrides?.server ?? []).some((line: string) => /^unclean\.leader\.election\.enable\s*=\s*true$/i.test(line))
    : String(manifest.spec?.configs?.['unclean.leader.election.enable']).toLowerCase() === 'true';

const RULES: readonly ChangeRule[] = [
  {
    id: 'Millrace.KafkaTopicPartitionsDecrease',
    kinds: ['KafkaTopic'],
    broken: ({ spec: old }, { spec: now }) =>
      shrinks(old?.partitionCount, now?.partitionCount)
        ? `partitions shrink from ${old.partitionCount} to ${now.partitionCount}; Kafka can only add partitions, so the apply fails`
        : undefined,
    fix: ({ spec }) => `keep ${spec.partitionCount}, or make a topic of another name, move the readers and retire this one`,
  },
  ...['name', 'replicas'].map((field): ChangeRule => ({
    id: 'Millrace.KafkaTopicIdentityChange',
    kinds: ['KafkaTopic'],
    broken: ({ spec: old }, { spec: now }) =>
      sameJson(old?.[field], now?.[field])
        ? undefined
        : `spec.${field} changes from ${JSON.stringify(old?.[field])} to ${JSON.stringify(now?.[field])}; a topic keeps both for its life`,
    fix: () => 'make a topic of another name and move the readers',
  })),
  {
    id: 'Millrace.KafkaStorageDecrease',
    kinds: STORING,
    broken: ({ spec: old }, { spec: now }) =>
      bytesOfQuantity(now?.dataVolumeCapacity) < bytesOfQuantity(old?.dataVolumeCapacity)
        ? `dataVolumeCapacity shrinks from ${old.dataVolumeCapacity} to ${now.dataVolumeCapacity}; volumes only grow`
        : undefined,
    fix: ({ spec }) => `fix the size with KafkaSizing.fixed(…) and keep ${spec.dataVolumeCapacity}`,
  },
  {
    id: 'Millrace.KafkaStorageChange',
    kinds: STORING,
    broken: ({ spec: old }, { spec: now }) =>
      sameJson(old?.storageClass, now?.storageClass)
        ? undefined
        : `the storage class changes from ${old?.storageClass?.name ?? 'the default'} to ${now?.storageClass?.name ?? 'the default'}; the claim of a volume keeps its class`,
    fix: ({ spec }) => `keep ${spec?.storageClass?.name ?? 'the default'}, or make a second cluster and move the data`,
  },
  {
    id: 'Millrace.KafkaBrokersDecrease',
    kinds: STORING,
    broken: ({ spec: old }, { spec: now }) =>
      shrinks(old?.replicas, now?.replicas)
        ? `pods shrink from ${old.replicas} to ${now.replicas}; those that leave take their replicas along`
        : undefined,
    fix: ({ spec }) => `fix the size with KafkaSizing.fixed(…) and keep ${spec.replicas}; or move their partitions away first`,
  },
  {
    id: 'Millrace.KafkaUncleanElection',
    kinds: ['Kafka', 'KafkaTopic'],
    broken: (old, now) =>
      isUnclean(now) && !isUnclean(old) ? 'allows unclean leader elections, which lose acknowledged records' : undefined,
    fix: () => 'drop unclean.leader.election.enable',
  },
  {
    id: 'Millrace.ConfluentAuthorizationChange',
    kinds: STORING,
    broken: ({ spec: old }, { spec: now }) =>
      sameJson(old?.authorization?.type, now?.authorization?.type)
        ? undefined
        : `the authorization changes from ${old?.authorization?.type ?? 'none'} to ${now?.authorization?.type ?? 'none'}, which a running cluster with client certificates does not take`,
    fix: () => 'keep it, or make a second cluster and move the data',
  },
];

/** Every resource of a kind of Confluent's, under one row of the table. */
class ConfluentChangeRule implements IUpdateRule {
  public readonly id: string;

  constructor(private readonly rule: ChangeRule) {
    this.id = rule.id;
  }

  public check(before: Assembly, after: Assembly): Finding[] {
    return confluentPairs(before, after, this.rule.kinds).flatMap((pair) => {
      const message = this.rule.broken(pair.before.manifest, pair.after.manifest);
      if (message === undefined) return [];
      return [{ code: this.id, severity: ERROR, path: pair.after.id, message, fix: this.rule.fix(pair.before.manifest) }];
    });
  }
}

function confluentPairs(before: Assembly, after: Assembly, kinds: readonly string[]): ObjectPair[] {
  return pairedObjects(before, after).filter(
    ({ after: { manifest } }) => kinds.includes(manifest.kind) && String(manifest.apiVersion).startsWith('platform.confluent.io/'),
  );
}

/** The update rules for what Confluent for Kubernetes runs. */
export function confluentUpdateRules(): IUpdateRule[] {
  return RULES.map((rule) => new ConfluentChangeRule(rule));
}
