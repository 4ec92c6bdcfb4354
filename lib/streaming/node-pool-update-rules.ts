import type { Assembly } from '../core/assembly';
import { pairedObjects, sameJson } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';

interface Volume {
  readonly type?: unknown;
  readonly size?: unknown;
  readonly class?: unknown;
  readonly deleteClaim?: unknown;
}

const POWERS = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** Bytes of a Kubernetes quantity such as `100Gi`, `1.5T` or `1e12`; NaN for what is none, so that nothing compares with it. */
export function bytesOfQuantity(quantity: unknown): number {
  const match = /^([0-9]+\.?[0-9]*|\.[0-9]+)(?:([kMGTPE])|([KMGTPE])i|[eE]([+-]?[0-9]+))?$/.exec(String(quantity));
  if (!match) return NaN;
  const [, amount, decimal = '', binary = '', exponent = '0'] = match;
  const factor = binary ? 1024 ** POWERS.indexOf(binary === 'K' ? 'k' : binary) : 1000 ** POWERS.indexOf(decimal);
  return Number(`${amount}e${exponent}`) * factor;
}

/** Volumes of a pool by their id; a pool without `jbod` has one. */
function volumesOf(manifest: any): Map<unknown, Volume> {
  const storage = manifest.spec?.storage;
  if (!storage) return new Map();
  const volumes: any[] = storage.volumes ?? (storage.type === 'jbod' ? [] : [storage]);
  return new Map(volumes.map((volume, index) => [volume.id ?? index, volume]));
}

/** What a change of one volume says; `after` is absent for a volume that leaves. */
interface VolumeRule {
  readonly id: string;
  readonly severity: FindingSeverity;
  readonly broken: (before: Volume, after: Volume | undefined) => boolean;
  readonly message: (before: Volume, after: Volume | undefined) => string;
  readonly fix: (before: Volume) => string;
}

const STORAGE_DECREASE = 'Millrace.KafkaStorageDecrease';
const STORAGE_CHANGE = 'Millrace.KafkaStorageChange';
const { ERROR, WARNING } = FindingSeverity;

const VOLUME_RULES: readonly VolumeRule[] = [
  {
    id: STORAGE_DECREASE,
    severity: ERROR,
    broken: (before, after) => bytesOfQuantity(after?.size) < bytesOfQuantity(before.size),
    message: (before, after) => `shrinks from ${before.size} to ${after?.size}; volumes only grow`,
    fix: (before) =>
      `fix the size with KafkaSizing.fixed(…) and keep ${before.size}, changing one thing a deploy; or move the data to a new node pool`,
  },
  {
    id: STORAGE_DECREASE,
    severity: ERROR,
    broken: (_before, after) => after === undefined,
    message: (before) => `of ${before.size} leaves, and the replicas on it`,
    fix: () => 'keep the volume, or move its replicas off with Cruise Control first',
  },
  {
    id: STORAGE_CHANGE,
    severity: ERROR,
    broken: (before, after) => after?.type === 'ephemeral' && before.type !== 'ephemeral',
    message: (before) => `changes from ${before.type} to ephemeral; every restart of a broker would lose its records`,
    fix: (before) => `keep ${before.type}, or move the data to a new node pool`,
  },
  {
    id: STORAGE_CHANGE,
    severity: ERROR,
    broken: (before, after) => after !== undefined && !sameJson(before.class, after.class),
    message: (before, after) =>
      `changes its storage class from ${before.class ?? 'the default'} to ${after?.class ?? 'the default'}; the claim of a volume keeps its class`,
    fix: (before) => `keep ${before.class ?? 'the default'}, or move the data to a new node pool with the other class`,
  },
  {
    id: 'Millrace.KafkaClaimDeletion',
    severity: WARNING,
    broken: (before, after) => after?.deleteClaim === true && before.deleteClaim !== true,
    message: () => 'gets deleteClaim true; its records go when the cluster or the pool goes',
    fix: () => 'keep deleteClaim false (removalPolicy RETAIN), unless this data may be lost',
  },
];

/** Every volume of every pool by its id, under one rule of the table. */
class VolumesRule implements IUpdateRule {
  public readonly id: string;

  constructor(private readonly rule: VolumeRule) {
    this.id = rule.id;
  }

  public check(before: Assembly, after: Assembly): Finding[] {
    const { id: code, severity, broken, message, fix } = this.rule;
    return pairedObjects(before, after, 'KafkaNodePool').flatMap((pair) => {
      const volumes = volumesOf(pair.after.manifest);
      return [...volumesOf(pair.before.manifest)]
        .filter(([volumeId, old]) => broken(old, volumes.get(volumeId)))
        .map(([volumeId, old]) => ({
          code,
          severity,
          path: pair.after.id,
          message: `volume ${volumeId} ${message(old, volumes.get(volumeId))}`,
          fix: fix(old),
        }));
    });
  }
}

/** Fewer brokers in a pool: Strimzi refuses while replicas stand on those that leave. Controllers hold no topics. */
class PoolBrokersRule implements IUpdateRule {
  public readonly id = 'Millrace.KafkaBrokersDecrease';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedObjects(before, after, 'KafkaNodePool')
      .map((pair) => ({ path: pair.after.id, old: pair.before.manifest.spec, now: pair.after.manifest.spec }))
      .filter(({ old, now }) => old?.roles?.includes('broker') && now?.replicas < old.replicas)
      .map(({ path, old, now }) => ({
        code: this.id,
        severity: ERROR,
        path,
        message: `brokers shrink from ${old.replicas} to ${now.replicas}; those that leave take their replicas along`,
        fix: `fix the size with KafkaSizing.fixed(…) and keep ${old.replicas} brokers; or move their partitions away with Cruise Control (remove-brokers) first`,
      }));
  }
}

/** The update rules for Strimzi node pools. */
export function nodePoolUpdateRules(): IUpdateRule[] {
  return [...VOLUME_RULES.map((rule) => new VolumesRule(rule)), new PoolBrokersRule()];
}
