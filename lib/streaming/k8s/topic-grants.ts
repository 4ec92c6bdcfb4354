import type { IConstruct } from 'constructs';
import { refuse } from '../../core/error';
import { enforce } from '../../core/rule';
import { CONSUME_RULES, PRODUCE_RULES } from '../access-rules';
import type { ConsumeOptions, GrantTarget, ProduceOptions } from '../topic';
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
import type { IKafkaCluster } from './kafka-cluster';
import type { KafkaUser } from './kafka-user';
import type { ISchemaRegistry } from './schema-registry';

/** Access to one topic on Strimzi, or to all whose names begin alike: ACLs for these and for the named group alone. */
export class TopicGrants {
  constructor(
    private readonly scope: IConstruct,
    private readonly cluster: IKafkaCluster,
    private readonly target: GrantTarget,
    private readonly registry?: ISchemaRegistry,
  ) {}

  /**
   * Lets a user write to the topic; idempotent producers need no more (Kafka 2.8 and later). With a transactional id also in transactions.
   *
   * @throws Millrace.KafkaTransactionalIdInvalid, Millrace.KafkaClientDemandInvalid, Millrace.KafkaForeignCluster
   */
  public produce(grantee: KafkaUser, options: ProduceOptions = {}): void {
    enforce(`${this.scope.node.path} grants.produce`, options, PRODUCE_RULES);
    this.checkCluster(grantee);
    this.allow(grantee, produceAccess(this.target, options));
    if (this.registry) grantee._readSchemas(this.registry);
    for (const load of producedLoads(this.target, options, this.brokers)) grantee._load(load);
    recordAccess(this.scope, this.cluster.clusterName, grantee, 'send', this.target, options);
  }

  /**
   * Lets a user read the topic in one consumer group, and write what it cannot process to the topic's dead-letter topic.
   *
   * @throws Millrace.KafkaGroupInvalid, Millrace.KafkaClientDemandInvalid, Millrace.KafkaForeignCluster
   */
  public consume(grantee: KafkaUser, options: ConsumeOptions): void {
    enforce(`${this.scope.node.path} grants.consume`, options, CONSUME_RULES);
    this.checkCluster(grantee);
    this.allow(grantee, consumeAccess(this.target, options));
    if (this.registry) grantee._readSchemas(this.registry);
    for (const load of consumedLoads(this.target, options, this.brokers)) grantee._load(load);
    recordAccess(this.scope, this.cluster.clusterName, grantee, 'receive', this.target, options);
    const deadLetters = deadLetterTarget(this.target);
    if (!deadLetters) return;
    this.allow(grantee, produceAccess(deadLetters, {}));
    recordAccess(this.scope, this.cluster.clusterName, grantee, 'send', deadLetters, {});
  }

  private allow(grantee: KafkaUser, accesses: ResourceAccess[]): void {
    for (const { resourceType, name, patternType, operations } of accesses) grantee.allow(resourceType, name, patternType, operations);
  }

  private get brokers(): number | undefined {
    return TopicLedger.of(this.cluster).sizing?.brokers;
  }

  private checkCluster(grantee: KafkaUser): void {
    const user = grantee.cluster;
    if (user === this.cluster || (user.clusterName === this.cluster.clusterName && user.namespace === this.cluster.namespace)) return;
    refuse(`${this.scope.node.path} grants`, {
      code: 'Millrace.KafkaForeignCluster',
      subject: 'grantee',
      received: `user ${grantee.node.path} of cluster '${user.clusterName}' for a topic of '${this.cluster.clusterName}'`,
      allowed: 'a user of the same cluster: each cluster knows its own users only',
      fix: `make a KafkaUser with cluster '${this.cluster.clusterName}'`,
    });
  }
}
