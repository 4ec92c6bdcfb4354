import { Fn } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct, type IConstruct } from 'constructs';
import { refuse } from '../../core/error';
import { enforce } from '../../core/rule';
import { CONSUME_RULES, PRODUCE_RULES } from '../access-rules';
import type { ConsumeOptions, GrantTarget, ProduceOptions } from '../topic';
import { type ResourceAccess, consumeAccess, deadLetterTarget, produceAccess, recordAccess } from '../topic-access';
import type { IKafkaCluster } from './kafka-cluster';
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

/** A client that the brokers know by ACLs: SCRAM or a certificate authenticates it instead of IAM. */
interface AclClient extends iam.IGrantable {
  allow(resourceType: string, name: string, patternType: string, operations: string[]): void;
}

function isAclClient(grantee: iam.IGrantable): grantee is AclClient {
  return typeof (grantee as Partial<AclClient>).allow === 'function';
}

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
  ) {}

  /**
   * Lets a principal write to the topic, idempotent producers included. With a transactional id also in transactions: MSK with IAM can end
   * those that a client left open from Kafka 3.8 on.
   *
   * @throws Millrace.KafkaTransactionalIdInvalid, Millrace.KafkaClientDemandInvalid, Millrace.KafkaClusterConnectionsUnknown
   */
  public produce(grantee: iam.IGrantable, options: ProduceOptions = {}): iam.Grant {
    enforce(`${this.scope.node.path} grants.produce`, options, PRODUCE_RULES);
    this.record(grantee, 'send', this.target, options);
    if (isAclClient(grantee)) return this.allowUser(grantee, produceAccess(this.target, options));
    this.openNetwork(grantee);
    return this.allowWriting(grantee, this.target, options);
  }

  /**
   * Lets a principal read the topic in one consumer group, and write what it cannot process to the topic's dead-letter topic.
   *
   * @throws Millrace.KafkaGroupInvalid, Millrace.KafkaClientDemandInvalid, Millrace.KafkaClusterConnectionsUnknown
   */
  public consume(grantee: iam.IGrantable, options: ConsumeOptions): iam.Grant {
    enforce(`${this.scope.node.path} grants.consume`, options, CONSUME_RULES);
    const deadLetters = deadLetterTarget(this.target);
    const access = consumeAccess(this.target, options);
    this.record(grantee, 'receive', this.target, options);
    if (deadLetters) this.record(grantee, 'send', deadLetters, {});
    if (isAclClient(grantee)) return this.allowUser(grantee, [...access, ...(deadLetters ? produceAccess(deadLetters, {}) : [])]);
    this.openNetwork(grantee);
    this.openKey(grantee, ['kms:Decrypt']);
    const reading = this.allow(grantee, ['kafka-cluster:Connect'], this.cluster.clusterArn).combine(this.allowEach(grantee, access));
    return deadLetters ? reading.combine(this.allowWriting(grantee, deadLetters, {})) : reading;
  }

  private allowWriting(grantee: iam.IGrantable, target: GrantTarget, options: ProduceOptions): iam.Grant {
    this.openKey(grantee, PRODUCER_KEY_ACTIONS);
    return this.allow(grantee, ['kafka-cluster:Connect', 'kafka-cluster:WriteDataIdempotently'], this.cluster.clusterArn).combine(
      this.allowEach(grantee, produceAccess(target, options)),
    );
  }

  private allowUser(user: AclClient, accesses: ResourceAccess[]): iam.Grant {
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
    return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [resourceArn] });
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

  private openNetwork(grantee: iam.IGrantable): void {
    const client = clientOf(grantee);
    // A Lambda function outside of a VPC throws when asked for its connections; an event source mapping serves it without.
    if ((client as { isBoundToVpc?: boolean }).isBoundToVpc === false) return;
    const { connections } = client as Partial<ec2.IConnectable>;
    if (!connections) return;
    if (this.cluster.connections.securityGroups.length === 0) {
      refuse(`${this.scope.node.path} grants`, {
        code: 'Millrace.KafkaClusterConnectionsUnknown',
        subject: 'cluster',
        received: 'an imported cluster without securityGroups and a client with connections',
        allowed: 'a cluster whose network the grant can open',
        fix: 'give securityGroups to KafkaCluster.fromKafkaClusterAttributes',
      });
    }
    // From the client's side, so that both rules stand in its stack: in the cluster's they would close a circle with the client's policy.
    connections.allowToDefaultPort(this.cluster, 'Kafka clients with IAM');
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
