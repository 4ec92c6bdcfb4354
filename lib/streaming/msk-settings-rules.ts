import type { Assembly, SynthesizedResource } from '../core/assembly';
import { type ResourcePair, sameJson, valuesAt } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';
import { type Complaint, MskClusterRule, placeOf, refersTo, settingsOf } from './msk-cluster-rule';

const CLUSTER = 'AWS::MSK::Cluster';
const SERVERLESS = 'AWS::MSK::ServerlessCluster';

/** A rule over the resources of a type in the new synthesis; what it says of one that said so before was accepted. */
class NewStateRule implements IUpdateRule {
  constructor(
    public readonly id: string,
    private readonly type: string,
    private readonly complaint: (resource: SynthesizedResource, former: SynthesizedResource | undefined) => Complaint | undefined,
  ) {}

  public check(before: Assembly, after: Assembly): Finding[] {
    return after.stacks.flatMap((stack) => {
      const old = before.stacks.find(({ id }) => id === stack.id)?.resources ?? [];
      return stack.resources
        .filter(({ type }) => type === this.type)
        .flatMap((resource) => {
          const former = old.find(({ logicalId, type }) => logicalId === resource.logicalId && type === resource.type);
          if (former && this.complaint(former, undefined)) return [];
          const complaint = this.complaint(resource, former);
          return complaint ? [{ code: this.id, severity: FindingSeverity.ERROR, ...placeOf(stack, resource), ...complaint }] : [];
        });
    });
  }
}

/** A provisioned cluster in place of a serverless one of the same path, or the other way round: an empty cluster beside the one with the data. */
class KindChangeRule implements IUpdateRule {
  public readonly id = 'Millrace.KafkaClusterKindChange';

  public check(before: Assembly, after: Assembly): Finding[] {
    const other: Record<string, string> = { [CLUSTER]: SERVERLESS, [SERVERLESS]: CLUSTER };
    return after.stacks.flatMap((stack) => {
      const old = before.stacks.find(({ id }) => id === stack.id)?.resources ?? [];
      return stack.resources
        .filter((resource) => old.some(({ path, type }) => path === resource.path && type === other[resource.type]))
        .map((resource) => ({
          code: this.id,
          severity: FindingSeverity.ERROR,
          ...placeOf(stack, resource),
          message: `${other[resource.type]} becomes ${resource.type}; MSK cannot turn one into the other, so this is a new, empty cluster`,
          fix: 'make it beside the old one under an id of its own, move topics and clients with a replicator, then retire the old one',
        }));
    });
  }
}

const enabled = (properties: object, path: string) => valuesAt(properties, `${path}.Enabled`) === true;

const OFFERS = 'BrokerNodeGroupInfo.ConnectivityInfo.VpcConnectivity.ClientAuthentication';

function connectivityAtCreation({ properties }: SynthesizedResource, former: SynthesizedResource | undefined): Complaint | undefined {
  if (former || !['Sasl.Iam', 'Sasl.Scram', 'Tls'].some((method) => enabled(properties, `${OFFERS}.${method}`))) return undefined;
  return {
    message: 'a new cluster offers connections to other VPCs; MSK refuses that while it makes a cluster',
    fix: 'deploy it without withMultiVpc(), accept that, and add withMultiVpc() as the only change of the next deploy',
  };
}

function burstable({ properties }: SynthesizedResource): Complaint | undefined {
  const type = properties.BrokerNodeGroupInfo?.InstanceType;
  const version = properties.KafkaVersion;
  if (typeof type !== 'string' || !type.startsWith('kafka.t3.') || typeof version !== 'string') return undefined;
  if (!version.endsWith('.kraft') && Number(version.split('.')[0]) < 4) return undefined;
  return { message: `${type} brokers with KRaft (${version}); MSK refuses the two together`, fix: 'take kafka.m7g.large or express.m7g.large' };
}

function versionsList({ properties }: SynthesizedResource): Complaint | undefined {
  if (properties.KafkaVersionsList === undefined) return undefined;
  return {
    message: 'KafkaVersionsList is set; a change of it replaces the configuration, and a version that is not on it cannot be upgraded to',
    fix: 'leave it out: the configuration then fits every version',
  };
}

/** Whether the settings of a cluster let a replica that lags become leader. */
function isUnclean(settings: unknown): boolean {
  return typeof settings === 'string' && /^\s*unclean\.leader\.election\.enable\s*=\s*true\s*$/m.test(settings);
}

function uncleanElection({ before, stackBefore, after, stackAfter }: ResourcePair): Complaint | undefined {
  if (isUnclean(settingsOf(before, stackBefore)) || !isUnclean(settingsOf(after, stackAfter))) return undefined;
  return {
    message: 'unclean leader election is turned on; a replica that lags may then become leader and records that were acknowledged are lost',
    fix: 'keep unclean.leader.election.enable=false; where availability matters more, turn it on for single topics for the time of an outage',
  };
}

function tieredStorageOff(pair: ResourcePair): Complaint | undefined {
  if (pair.before.properties.StorageMode !== 'TIERED' || pair.after.properties.StorageMode === 'TIERED') return undefined;
  return {
    message: 'tiered storage is turned off; MSK turns it on only, and what a topic holds on that tier is deleted when the topic leaves it',
    fix: 'keep storage.tiered, and set remote.storage.enable for the topics that need it',
  };
}

function authenticationRemoved(pair: ResourcePair): Complaint | undefined {
  const methods: Record<string, string> = { IAM: 'Sasl.Iam', SCRAM: 'Sasl.Scram', mTLS: 'Tls' };
  const removed = Object.keys(methods).filter((method) => {
    const [was, is] = [pair.before, pair.after].map(({ properties }) => enabled(properties, `ClientAuthentication.${methods[method]}`));
    return was && !is;
  });
  if (removed.length === 0) return undefined;
  const lists = pair.stackBefore.resources.filter(({ type, properties }) => type === 'AWS::MSK::BatchScramSecret' && properties.SecretArnList);
  const users = lists.filter((list) => refersTo(list, pair.before.logicalId)).flatMap(({ properties }) => properties.SecretArnList).length;
  const known = removed.includes('SCRAM') && users > 0 ? `, ${users} users with passwords among them` : '';
  return {
    message: `clients that log in with ${removed.join(' and ')} lose the cluster${known}`,
    fix: 'move them to IAM first, and watch ClientConnectionCount by Client Authentication until none is left',
  };
}

/** The volumes may be larger than the template says, once they grow by themselves. */
function storageAutoscaled(pair: ResourcePair): Complaint | undefined {
  const sizes = [pair.before, pair.after].map(({ properties }) => valuesAt(properties, 'BrokerNodeGroupInfo.StorageInfo'));
  if (sameJson(sizes[0], sizes[1])) return undefined;
  const scaled = pair.stackBefore.resources.some(
    (resource) =>
      resource.type === 'AWS::ApplicationAutoScaling::ScalableTarget' &&
      resource.properties.ServiceNamespace === 'kafka' &&
      refersTo(resource, pair.before.logicalId),
  );
  if (!scaled) return undefined;
  return {
    message: 'the storage of a cluster changes whose volumes grow by themselves; they may be larger than the template says, and MSK refuses a smaller size',
    fix: 'read the size with aws kafka describe-cluster-v2 and keep storagePerBroker at or above it',
  };
}

/** Rules for what a cluster is set to, beside those for its size. */
export function mskSettingsRules(): IUpdateRule[] {
  return [
    new KindChangeRule(),
    new NewStateRule('Millrace.KafkaConnectivityAtCreation', CLUSTER, connectivityAtCreation),
    new NewStateRule('Millrace.KafkaBurstableBrokers', CLUSTER, burstable),
    new NewStateRule('Millrace.KafkaVersionsListSet', 'AWS::MSK::Configuration', versionsList),
    new MskClusterRule('Millrace.KafkaUncleanElectionOn', uncleanElection),
    new MskClusterRule('Millrace.KafkaTieredStorageOff', tieredStorageOff),
    new MskClusterRule('Millrace.KafkaAuthenticationRemoved', authenticationRemoved, FindingSeverity.WARNING),
    new MskClusterRule('Millrace.KafkaStorageAutoscaled', storageAutoscaled, FindingSeverity.WARNING),
  ];
}
