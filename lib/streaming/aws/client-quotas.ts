import { createHash } from 'crypto';
import { type CfnResource, Bitrate, Lazy } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct, type IConstruct } from 'constructs';
import { refuse } from '../../core/error';
import { CostAllocation } from '../../cost/cost-allocation';
import { type ClientByteRates, ClientDemand, type GrantedLoad } from '../client-demand';
import { ClientQuota } from './client-quota';
import type { IKafkaCluster } from './kafka-cluster';
import { KafkaUser } from './kafka-user';
import { RoleSession } from './role-session';

/** Metadata of a quota: who owns the client, for reports, because a quota carries no tags. */
export const ALLOCATION_METADATA = 'millrace:allocation';

const quotas = new WeakMap<IConstruct, ClientQuotas>();

interface Client {
  /** Where its quota stands: beside the client, whose stack knows the cluster and not the other way round. */
  readonly scope: Construct;
  /** Name by which Kafka knows it. */
  readonly user: string;
}

/** The quotas of the clients of one cluster, from the demand that their grants state. */
export class ClientQuotas {
  /** Those of a cluster, made here or imported. */
  public static of(cluster: IKafkaCluster): ClientQuotas {
    const known = quotas.get(cluster) ?? new ClientQuotas(cluster);
    quotas.set(cluster, known);
    return known;
  }

  private readonly demands = new Map<string, ClientDemand>();

  private constructor(private readonly cluster: IKafkaCluster) {}

  /** Counts grants towards the quota of a client. Grants without a demand count for who cannot have a quota, too: they ask for none. */
  public add(place: string, grantee: iam.IGrantable, loads: readonly GrantedLoad[]): void {
    const client = clientOf(grantee);
    if (!client) {
      if (loads.some(({ demand }) => demand)) this.refuseUnknown(place);
      return;
    }
    const demand = this.demandOf(
      client,
      loads.some((load) => load.demand && !load.implied),
    );
    for (const load of loads) demand.add(load);
  }

  private demandOf({ scope, user }: Client, isDeclared: boolean): ClientDemand {
    const key = `${scope.node.path} ${user}`;
    const demand = this.demands.get(key) ?? new ClientDemand(scope, `demand of ${scope.node.path}`);
    this.demands.set(key, demand);
    const id = `KafkaQuota${this.cluster.node.addr.slice(-8)}`;
    if (isDeclared && !scope.node.tryFindChild(id)) this.addQuota(scope, id, user, demand);
    return demand;
  }

  private addQuota(scope: Construct, id: string, user: string, demand: ClientDemand): void {
    // eslint-disable-next-line awscdk/require-passing-this -- beside its client, one for each cluster
    const quota = new ClientQuota(scope, id, { cluster: this.cluster, user, limits: { producerRate: Bitrate.bps(8) } });
    // Further grants add up.
    quota._limitLate(() => limitsOf(demand.byteRates));
    const resource = quota.node.findChild('Resource').node.defaultChild as CfnResource;
    // By the client and not by its construct: a renamed construct would make a second quota of the same client, and then delete both.
    resource.overrideLogicalId(`KafkaQuota${this.hashOf(resource, user)}`);
    resource.addMetadata(ALLOCATION_METADATA, Lazy.any({ produce: () => CostAllocation.of(scope)?.labels() }));
  }

  private hashOf(resource: CfnResource, user: string): string {
    const client = resource.stack.resolve([this.cluster.clusterArn, user]);
    return createHash('sha256').update(JSON.stringify(client)).digest('hex').slice(0, 8).toUpperCase();
  }

  private refuseUnknown(place: string): never {
    return refuse(place, {
      code: 'Millrace.KafkaQuotaPrincipalUnknown',
      subject: 'demand',
      received: 'a demand of a client with IAM',
      allowed:
        'a client whose name Kafka knows: a KafkaUser, or a RoleSession, because Kafka has a quota for a session and none for a role',
      fix: "give RoleSession.of(client, '<session name>'), or leave the demand out",
    });
  }
}

function clientOf(grantee: iam.IGrantable): Client | undefined {
  const constructOf = (...candidates: unknown[]) => candidates.find((each): each is Construct => Construct.isConstruct(each))!;
  if (KafkaUser.isKafkaUser(grantee)) return { scope: constructOf(grantee), user: grantee.userName };
  if (!(grantee instanceof RoleSession)) return undefined;
  return { scope: constructOf(grantee.client, grantee.grantPrincipal), user: grantee.principalArn };
}

/** As Kafka names them. */
function limitsOf({ producerByteRate, consumerByteRate }: ClientByteRates): Record<string, number> {
  return {
    ...(consumerByteRate ? { consumer_byte_rate: consumerByteRate } : {}),
    ...(producerByteRate ? { producer_byte_rate: producerByteRate } : {}),
  };
}
