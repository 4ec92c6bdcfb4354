import { type ResourcePair, sameJson, valuesAt } from '../core/changes';
import type { IUpdateRule } from '../core/update-rule';
import { mskAlarmRules } from './msk-alarm-rules';
import { type Complaint, MskClusterRule, settingsOf } from './msk-cluster-rule';
import { mskSettingsRules } from './msk-settings-rules';

const STAGING = 'fix the size with KafkaSizing.fixed(…) and';

// What UpdateCluster calls of MSK each cover; CloudFormation sends one of them an update.
const MSK_UPDATE_GROUPS: Readonly<Record<string, readonly string[]>> = {
  'broker type': ['BrokerNodeGroupInfo.InstanceType'],
  storage: ['BrokerNodeGroupInfo.StorageInfo'],
  'storage mode': ['StorageMode'],
  'broker count': ['NumberOfBrokerNodes'],
  'version and configuration': ['KafkaVersion', 'ConfigurationInfo'],
  'client authentication and encryption': ['ClientAuthentication', 'EncryptionInfo'],
  'monitoring and logging': ['EnhancedMonitoring', 'OpenMonitoring', 'LoggingInfo'],
  connectivity: ['BrokerNodeGroupInfo.ConnectivityInfo'],
  rebalancing: ['Rebalancing'],
};

/** Both values of a property, when each is of the wanted type: what is known only at deploy time cannot be compared. */
function bothOf(pair: ResourcePair, path: string, type: 'string' | 'number'): any[] {
  const values = [pair.before, pair.after].map(({ properties }) => valuesAt(properties, path));
  return values.every((value) => typeof value === type) ? values : [];
}

/** Brokers of one class cannot become those of the other. */
function classChange(pair: ResourcePair): Complaint | undefined {
  const [from, to] = bothOf(pair, 'BrokerNodeGroupInfo.InstanceType', 'string');
  if (from === undefined || from.split('.')[0] === to.split('.')[0]) return undefined;
  return {
    message: `brokers change from ${from} to ${to}; MSK cannot turn Express brokers into Standard ones, nor the other way round`,
    fix: 'make a new cluster beside this one and move topics and clients with a replicator (MSK Replicator or MirrorMaker 2), then retire this one',
  };
}

/** Two cluster attributes in one diff: MSK takes one change at a time, and the stack fails after hours. */
function twoChanges(pair: ResourcePair): Complaint | undefined {
  // A change of class is no update that could be staged.
  if (classChange(pair)) return undefined;
  const changed = Object.entries(MSK_UPDATE_GROUPS)
    .filter(
      ([, paths]) =>
        paths.some((path) => !sameJson(valuesAt(pair.before.properties, path), valuesAt(pair.after.properties, path))) ||
        (paths.includes('ConfigurationInfo') && settingsOf(pair.before, pair.stackBefore) !== settingsOf(pair.after, pair.stackAfter)),
    )
    .map(([group]) => group);
  if (changed.length < 2) return undefined;
  return {
    message: `${changed.join(' and ')} change in one deploy; MSK updates one attribute of a cluster at a time`,
    fix: `${STAGING} change one thing a deploy: ${changed.join(', then ')}; KafkaSizing.forDemand(demand, { current }) gives the next step of a size`,
  };
}

function storageDecrease(pair: ResourcePair): Complaint | undefined {
  const [from, to] = bothOf(pair, 'BrokerNodeGroupInfo.StorageInfo.EBSStorageInfo.VolumeSize', 'number');
  if (from === undefined || to >= from) return undefined;
  return {
    message: `storage a broker shrinks from ${from} to ${to} GiB; volumes only grow`,
    fix: `${STAGING} keep storagePerBroker at ${from} GiB, changing one thing a deploy; or move the data to a new cluster`,
  };
}

function brokersDecrease(pair: ResourcePair): Complaint | undefined {
  const [from, to] = bothOf(pair, 'NumberOfBrokerNodes', 'number');
  if (from === undefined || to >= from) return undefined;
  return {
    message: `brokers shrink from ${from} to ${to}; those that leave take their replicas along`,
    fix: `${STAGING} keep ${from} brokers; or move the partitions to a smaller cluster`,
  };
}

function versionDowngrade(pair: ResourcePair): Complaint | undefined {
  const [from, to] = bothOf(pair, 'KafkaVersion', 'string');
  if (from === undefined || !isOlder(to, from)) return undefined;
  return {
    message: `Kafka goes back from ${from} to ${to}; MSK upgrades only`,
    fix: `keep ${from}, or make a new cluster of ${to} and move topics and clients with a replicator`,
  };
}

/** Compares the numbers of two versions; an `x` stands for whatever patch MSK runs. */
function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  const differing = [0, 1, 2].find((index) => a[index] !== b[index] && !Number.isNaN(a[index]) && !Number.isNaN(b[index]));
  return differing !== undefined && a[differing] < b[differing];
}

/** The update rules for MSK clusters. */
export function mskUpdateRules(): IUpdateRule[] {
  return [
    new MskClusterRule('Millrace.KafkaClusterTwoChanges', twoChanges),
    new MskClusterRule('Millrace.KafkaBrokerClassChange', classChange),
    new MskClusterRule('Millrace.KafkaVersionDowngrade', versionDowngrade),
    new MskClusterRule('Millrace.KafkaBrokersDecrease', brokersDecrease),
    new MskClusterRule('Millrace.KafkaStorageDecrease', storageDecrease),
    ...mskSettingsRules(),
    ...mskAlarmRules(),
  ];
}
