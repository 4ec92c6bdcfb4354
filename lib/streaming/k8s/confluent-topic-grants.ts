import type { IConstruct } from 'constructs';
import { refuse } from '../../core/error';
import { type Rule, enforce } from '../../core/rule';
import { CONSUME_RULES, PRODUCE_RULES } from '../access-rules';
import type { ConsumeOptions, GrantTarget, ProduceOptions } from '../topic';
import { type ResourceAccess, consumeAccess, deadLetterTarget, produceAccess, recordAccess } from '../topic-access';
import type { IConfluentCluster } from './confluent-cluster';
import type { ConfluentSchema } from './confluent-schema';
import type { ConfluentUser } from './confluent-user';

const RESOURCE_TYPES = { topic: 'Topic', group: 'Group', transactionalId: 'TransactionalId' };

/** No kind of the operator declares a quota of a client. */
const DEMAND_RULE: Rule<ProduceOptions & ConsumeOptions> = {
  code: 'Millrace.KafkaClientDemandUnsupported',
  subject: 'demand',
  value: ({ demand }) => demand,
  valid: () => false,
  allowed: 'no demand: Confluent for Kubernetes has no kind for the quota of a client',
  fix: 'leave it out, and set the quota with kafka-configs for the principal where the client needs one',
};

/**
 * Access to one topic of a Confluent cluster, or to all whose names begin alike: role bindings for these and for the named group alone, and for
 * reading the schemas that the topic registers.
 */
export class ConfluentTopicGrants {
  constructor(
    private readonly scope: IConstruct,
    private readonly cluster: IConfluentCluster,
    private readonly target: GrantTarget,
    private readonly schemas: ConfluentSchema[] = [],
  ) {}

  /**
   * Lets a user write to the topic; idempotent producers need no more (Kafka 2.8 and later). With a transactional id also in transactions.
   * Schemas it may read and not register: its serializer must not register them itself (`auto.register.schemas=false`).
   *
   * @throws Millrace.KafkaTransactionalIdInvalid, Millrace.KafkaClientDemandInvalid, Millrace.KafkaClientDemandUnsupported,
   * Millrace.KafkaForeignCluster
   */
  public produce(grantee: ConfluentUser, options: ProduceOptions = {}): void {
    enforce(`${this.scope.node.path} grants.produce`, options, [...PRODUCE_RULES, DEMAND_RULE]);
    this.checkCluster(grantee);
    this.allow(grantee, produceAccess(this.target, options));
    for (const schema of this.schemas) grantee._readSchema(schema);
    recordAccess(this.scope, this.cluster.clusterName, grantee, 'send', this.target, options);
  }

  /**
   * Lets a user read the topic in one consumer group, and write what it cannot process to the topic's dead-letter topic.
   *
   * @throws Millrace.KafkaGroupInvalid, Millrace.KafkaClientDemandInvalid, Millrace.KafkaClientDemandUnsupported,
   * Millrace.KafkaForeignCluster
   */
  public consume(grantee: ConfluentUser, options: ConsumeOptions): void {
    enforce(`${this.scope.node.path} grants.consume`, options, [...CONSUME_RULES, DEMAND_RULE]);
    this.checkCluster(grantee);
    this.allow(grantee, consumeAccess(this.target, options));
    for (const schema of this.schemas) grantee._readSchema(schema);
    recordAccess(this.scope, this.cluster.clusterName, grantee, 'receive', this.target, options);
    const deadLetters = deadLetterTarget(this.target);
    if (!deadLetters) return;
    this.allow(grantee, produceAccess(deadLetters, {}));
    recordAccess(this.scope, this.cluster.clusterName, grantee, 'send', deadLetters, {});
  }

  private allow(grantee: ConfluentUser, accesses: ResourceAccess[]): void {
    for (const { resourceType, name, patternType, operations } of accesses) {
      const role = operations.includes('Write') ? 'DeveloperWrite' : 'DeveloperRead';
      grantee.allow(role, RESOURCE_TYPES[resourceType], name, patternType === 'prefix');
    }
  }

  private checkCluster({ cluster: known, node }: ConfluentUser): void {
    if (known.clusterName === this.cluster.clusterName && known.namespace === this.cluster.namespace) return;
    refuse(`${this.scope.node.path} grants`, {
      code: 'Millrace.KafkaForeignCluster',
      subject: 'grantee',
      received: `user ${node.path} of cluster '${known.clusterName}' for a topic of '${this.cluster.clusterName}'`,
      allowed: 'a user of the same cluster: each cluster knows its own role bindings only',
      fix: `make a ConfluentUser with cluster '${this.cluster.clusterName}'`,
    });
  }
}
