import type { Rule } from '../../core/rule';
import type { FeatureGroupOptions } from '../feature-group';
import type { FeatureThroughput } from './feature-throughput';
import type { OfflineStore } from './offline-store';
import { OnlineStorageType, type OnlineStore } from './online-store';

/** A feature group with its defaults. */
export interface ResolvedGroup extends FeatureGroupOptions {
  readonly onlineStore: OnlineStore;
  readonly offlineStore: OfflineStore;
  readonly throughput: FeatureThroughput;
}

const isInMemory = ({ onlineStore }: ResolvedGroup) => onlineStore.storageType === OnlineStorageType.IN_MEMORY;

/** What CloudFormation takes at synth and SageMaker refuses at deploy. */
export const FEATURE_GROUP_RULES: readonly Rule<ResolvedGroup>[] = [
  {
    code: 'Millrace.FeatureGroupWithoutStore',
    subject: 'onlineStore, offlineStore',
    value: ({ onlineStore, offlineStore }) => (onlineStore.enabled || offlineStore.enabled ? undefined : 'neither'),
    valid: () => false,
    allowed: 'an online store, an offline store, or both',
    fix: 'leave one of them out for its default',
  },
  {
    code: 'Millrace.FeatureInMemoryOffline',
    subject: 'offlineStore',
    value: (group) => (isInMemory(group) ? group.offlineStore.tableFormat : undefined),
    valid: () => false,
    allowed: 'OfflineStore.none() beside OnlineStore.inMemory(): SageMaker writes nothing of it to an offline store',
    fix: 'write history from the same source with a sink of your own, or use OnlineStore.standard()',
  },
  {
    code: 'Millrace.FeatureInMemoryProvisioned',
    subject: 'throughput',
    value: (group) => (isInMemory(group) && group.throughput.isProvisioned ? 'provisioned' : undefined),
    valid: () => false,
    allowed: 'FeatureThroughput.onDemand() beside OnlineStore.inMemory()',
    fix: 'leave throughput out, or use OnlineStore.standard()',
  },
  {
    code: 'Millrace.FeatureTtlWithoutOnlineStore',
    subject: 'schema.ttl',
    value: ({ schema, onlineStore }) => (onlineStore.enabled ? undefined : schema.ttl),
    valid: () => false,
    allowed: 'no ttl without an online store: the offline store keeps every record',
    fix: 'drop the ttl, or give the group an online store',
  },
  {
    code: 'Millrace.FeatureThroughputDemandMissing',
    subject: 'demand',
    value: ({ throughput, demand }) => (throughput.isProvisioned && !throughput.units && !demand ? null : undefined),
    valid: () => false,
    allowed: 'a demand, from which provisioned units follow',
    fix: 'give demand, or units with FeatureThroughput.fixed',
  },
  {
    code: 'Millrace.FeatureThroughputInvalid',
    subject: 'throughput.readCapacityUnits',
    value: ({ throughput }) => throughput.units && (throughput.units.readCapacityUnits ?? null),
    valid: (units: number | null, { onlineStore }) => (units !== null) === onlineStore.enabled,
    allowed: ({ onlineStore }) => (onlineStore.enabled ? '0-40,000 read units' : 'no read units without an online store to read from'),
    fix: ({ onlineStore }) => (onlineStore.enabled ? 'give readCapacityUnits' : 'drop readCapacityUnits'),
  },
];

/** Below this p99 an online store takes memory (Feast, online server performance tuning). */
const MEMORY_P99_MILLIS = 10;

/** A latency that a key-value store does not promise. */
export function latencyWarning({ demand, onlineStore }: ResolvedGroup): string | undefined {
  const p99 = demand?.p99?.toMilliseconds({ integral: false });
  if (p99 === undefined || p99 >= MEMORY_P99_MILLIS || onlineStore.storageType !== OnlineStorageType.STANDARD) return undefined;
  return `demand.p99: received ${p99} ms with OnlineStore.standard(); allowed: ${MEMORY_P99_MILLIS} ms and more, below it a store takes memory; fix: use OnlineStore.inMemory(), whose history needs a sink of its own, or measure and raise p99`;
}
