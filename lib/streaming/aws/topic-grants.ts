import { Fn, Token, TokenComparison } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct, type IConstruct } from 'constructs';
import { refuse } from '../../core/error';
import { enforce } from '../../core/rule';
import { CONSUME_RULES, PRODUCE_RULES } from '../access-rules';
import type { ConsumeOptions, GrantTarget, ProduceOptions } from '../topic';
import type { GrantedLoad } from '../client-demand';
import {
  type ResourceAccess,
  consumeAccess,
  consumedLoads,
  deadLetterTarget,
  produceAccess,
  producedLoads,
  recordAccess,
} from '../topic-access';
import { TopicLedger } from '../topic-ledger';
import { ClientQuotas } from './client-quotas';
import { openWay } from './cluster-network';
import type { IKafkaCluster, KafkaCluster } from './kafka-cluster';
import type { SchemaRegistryGrants } from './schema-registry-grants';
import { type IKafkaUser, KafkaUser } from './kafka-user';
import { RoleSession } from './role-session';

/** IAM actions of what an ACL calls an operation (MSK Developer Guide, "Semantics of IAM authorization policy actions and resources"). */
const IAM_ACTIONS: Readonly<Record<string, string[]>> = {
  'topic Describe': ['kafka-cluster:DescribeTopic'],
  'topic Read': ['kafka-cluster:ReadData'],
  'topic Write': ['kafka-cluster:WriteData'],
  'group Read': ['kafka-cluster:AlterGroup', 'kafka-cluster:DescribeGroup'],
  'transactionalId Describe': ['kafka-cluster:DescribeTransactionalId'],
  'transactionalId Write': ['kafka-cluster:AlterTransactionalId'],
};
const ARN_KINDS = { topic: 'topic', group: 'group', transactionalId: 'transactional-id' };
const PRODUCER_KEY_ACTIONS = ['kms:GenerateDataKey', 'kms:Decrypt'];

/**
 * Access to one topic on MSK, or to all whose names begin alike. A grant opens the whole way: IAM statements for this topic and group alone
 * (ACLs for a `KafkaUser`), the brokers' security group for a grantee with `connections`, and the customer's key where the cluster has one.
 * A grant that is repeated adds nothing.
 */
export class TopicGrants {
  constructor(
    private readonly scope: IConstruct,
    private readonly cluster: IKafkaCluster,
    private readonly target: GrantTarget,
    private readonly schemas?: SchemaRegistryGrants,
    private readonly subjects: string[] = [],
  ) {}

  /**
   * Lets a principal write to the topic, idempotent producers included. With a transactional id also in transactions: MSK with IAM can end
   * those that a client left open from Kafka 3.8 on.
   *
   * @throws Millrace.KafkaTransactionalIdInvalid, Millrace.KafkaClientDemandInvalid, Millrace.KafkaQuotaPrincipalUnknown,
   * Millrace.KafkaForeignCluster, Millrace.KafkaClusterConnectionsUnknown
   */
  public produce(grantee: iam.IGrantable, options: ProduceOptions = {}): iam.Grant {
    enforce(`${this.scope.node.path} grants.produce`, options, PRODUCE_RULES);
    this.checkCluster(grantee);
    this.record(grantee, 'send', this.target, options);
    this.limit(grantee, producedLoads(this.target, options, this.brokers));
    if (KafkaUser.isKafkaUser(grantee)) return this.allowUser(grantee, produceAccess(this.target, options));
    this.openNetwork(grantee);
    return this.withSchemas(grantee, this.allowWriting(grantee, this.target, options));
  }

  /**
   * Lets a principal read the topic in one consumer group, and write what it cannot process to the topic's dead-letter topic.
   *
   * @throws Millrace.KafkaGroupInvalid, Millrace.KafkaClientDemandInvalid, Millrace.KafkaQuotaPrincipalUnknown,
   * Millrace.KafkaForeignCluster, Millrace.KafkaClusterConnectionsUnknown
   */
  public consume(grantee: iam.IGrantable, options: ConsumeOptions): iam.Grant {
    enforce(`${this.scope.node.path} grants.consume`, options, CONSUME_RULES);
    const deadLetters = deadLetterTarget(this.target);
    const access = consumeAccess(this.target, options);
    this.checkCluster(grantee);
    this.record(grantee, 'receive', this.target, options);
    this.limit(grantee, consumedLoads(this.target, options, this.brokers));
    if (deadLetters) this.record(grantee, 'send', deadLetters, {});
    if (KafkaUser.isKafkaUser(grantee)) return this.allowUser(grantee, [...access, ...(deadLetters ? produceAccess(deadLetters, {}) : [])]);
    this.openNetwork(grantee);
    this.openKey(grantee, ['kms:Decrypt']);
    const reading = this.allow(grantee, ['kafka-cluster:Connect'], this.cluster.clusterArn).combine(this.allowEach(grantee, access));
    return this.withSchemas(grantee, deadLetters ? reading.combine(this.allowWriting(grantee, deadLetters, {})) : reading);
  }

  private allowWriting(grantee: iam.IGrantable, target: GrantTarget, options: ProduceOptions): iam.Grant {
    this.openKey(grantee, PRODUCER_KEY_ACTIONS);
    return this.allow(grantee, ['kafka-cluster:Connect', 'kafka-cluster:WriteDataIdempotently'], this.cluster.clusterArn).combine(
      this.allowEach(grantee, produceAccess(target, options)),
    );
  }

  /** Whoever reads or writes messages looks their schema up; only deploys register one. */
  private withSchemas(grantee: iam.IGrantable, grant: iam.Grant): iam.Grant {
    return this.schemas ? grant.combine(this.schemas.readSubjects(grantee, this.subjects)) : grant;
  }

  private allowUser(user: IKafkaUser, accesses: ResourceAccess[]): iam.Grant {
    for (const { resourceType, name, patternType, operations } of accesses) user.allow(resourceType, name, patternType, operations);
    return iam.Grant.drop(user, 'Kafka ACLs instead of IAM');
  }

  private allowEach(grantee: iam.IGrantable, accesses: ResourceAccess[]): iam.Grant {
    return accesses
      .map((access) =>
        this.allow(
          grantee,
          access.operations.flatMap((operation) => IAM_ACTIONS[`${access.resourceType} ${operation}`]),
          this.arnOf(access),
        ),
      )
      .reduce((all, grant) => all.combine(grant));
  }

  private allow(grantee: iam.IGrantable, actions: string[], resourceArn: string): iam.Grant {
    this.letIn(grantee, actions, resourceArn);
    return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [resourceArn] });
  }

  /**
   * A principal of another account needs the word of both accounts, the cluster's in the policy of the cluster (MSK Developer Guide, "Permissions
   * for multi-VPC private connectivity"). An imported cluster has it from its owner.
   */
  private letIn(grantee: iam.IGrantable, actions: string[], resourceArn: string): void {
    const cluster = this.cluster as Partial<KafkaCluster>;
    const { principalAccount } = grantee.grantPrincipal;
    if (!cluster.addToResourcePolicy || principalAccount === undefined) return;
    if (Token.compareStrings(cluster.env!.account, principalAccount) !== TokenComparison.DIFFERENT) return;
    cluster.addToResourcePolicy(new iam.PolicyStatement({ principals: [grantee.grantPrincipal], actions, resources: [resourceArn] }));
  }

  /** `arn:<p>:kafka:<region>:<account>:cluster/<name>/<uuid>` with another kind in place of `cluster` and a name at the end. */
  private arnOf({ resourceType, name, patternType }: ResourceAccess): string {
    const parts = Fn.split(':cluster/', this.cluster.clusterArn);
    const pattern = patternType === 'prefix' ? `${name}*` : name;
    return Fn.join('', [Fn.select(0, parts), `:${ARN_KINDS[resourceType]}/`, Fn.select(1, parts), '/', pattern]);
  }

  /** A principal that is no construct, for example an ARN, stands in no catalogue: nobody in this app owns it. */
  private record(grantee: iam.IGrantable, action: 'send' | 'receive', target: GrantTarget, options: ProduceOptions & ConsumeOptions): void {
    const client = [clientOf(grantee), grantee.grantPrincipal].find((each) => Construct.isConstruct(each));
    if (client) recordAccess(this.scope, this.cluster.clusterName, client as IConstruct, action, target, options);
  }

  private limit(grantee: iam.IGrantable, loads: GrantedLoad[]): void {
    ClientQuotas.of(this.cluster).add(`${this.scope.node.path} grants`, grantee, loads);
  }

  private get brokers(): number | undefined {
    return TopicLedger.of(this.cluster).sizing?.brokers;
  }

  private checkCluster(grantee: iam.IGrantable): void {
    if (!KafkaUser.isKafkaUser(grantee)) return;
    const { cluster } = grantee;
    if (cluster === this.cluster || cluster.clusterArn === this.cluster.clusterArn) return;
    refuse(`${this.scope.node.path} grants`, {
      code: 'Millrace.KafkaForeignCluster',
      subject: 'grantee',
      received: `user ${grantee.node.path} of cluster '${cluster.node.path}' for a topic of '${this.cluster.node.path}'`,
      allowed: 'a user of the same cluster: each cluster knows its own users only',
      fix: `make a KafkaUser with the cluster ${this.cluster.node.path}`,
    });
  }

  private openNetwork(grantee: iam.IGrantable): void {
    const { defaultPort } = this.cluster.connections;
    openWay(`${this.scope.node.path} grants`, clientOf(grantee), this.cluster, defaultPort!, 'Kafka clients with IAM');
  }

  /** Confined to calls that MSK makes on the client's behalf, so that the key opens nothing else. */
  private openKey(grantee: iam.IGrantable, actions: string[]): void {
    const key = this.cluster.encryptionKey;
    if (!key) return;
    iam.Grant.addToPrincipal({
      grantee,
      actions,
      resourceArns: [key.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `kafka.${Fn.select(3, Fn.split(':', this.cluster.clusterArn))}.amazonaws.com` } },
    });
  }
}

/** The client itself, of a session of its role. */
function clientOf(grantee: iam.IGrantable): iam.IGrantable {
  return grantee instanceof RoleSession ? grantee.client : grantee;
}
