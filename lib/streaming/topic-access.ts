import type { IConstruct } from 'constructs';
import type { GrantedLoad } from './client-demand';
import { StreamCatalog } from './stream-catalog';
import type { ConsumeOptions, GrantTarget, ProduceOptions } from './topic';

/** Access to one resource of Kafka, or to all whose names begin alike, in the words of its ACLs. */
export interface ResourceAccess {
  readonly resourceType: 'topic' | 'group' | 'transactionalId';
  readonly name: string;
  readonly patternType: 'literal' | 'prefix';
  readonly operations: string[];
}

const topicAccess = (target: GrantTarget, operation: string): ResourceAccess => ({
  resourceType: 'topic',
  name: target.topicName,
  patternType: target.isPrefix ? 'prefix' : 'literal',
  operations: ['Describe', operation],
});

/** What a producer needs; an idempotent one needs no more (Kafka 2.8 and later). */
export function produceAccess(target: GrantTarget, options: ProduceOptions): ResourceAccess[] {
  const { transactionalId, transactionalIdPrefix } = options;
  const id = transactionalId ?? transactionalIdPrefix;
  const operations = ['Describe', 'Write'];
  const patternType = transactionalId === undefined ? 'prefix' : 'literal';
  return [
    topicAccess(target, 'Write'),
    ...(id === undefined ? [] : [{ resourceType: 'transactionalId' as const, name: id, patternType: patternType as 'prefix', operations }]),
  ];
}

/** What a consumer needs. */
export function consumeAccess(target: GrantTarget, options: ConsumeOptions): ResourceAccess[] {
  const { groupId, groupPrefix } = options;
  return [
    topicAccess(target, 'Read'),
    groupId === undefined
      ? { resourceType: 'group', name: groupPrefix!, patternType: 'prefix', operations: ['Read'] }
      : { resourceType: 'group', name: groupId, patternType: 'literal', operations: ['Read'] },
  ];
}

/** The dead-letter topic of a target as a target of its own. */
export function deadLetterTarget(target: GrantTarget): GrantTarget | undefined {
  return target.deadLetterTopicName === undefined ? undefined : { topicName: target.deadLetterTopicName };
}

/** What a producer adds to its quota. */
export function producedLoads({ topicName, partitions }: GrantTarget, { demand }: ProduceOptions, brokers?: number): GrantedLoad[] {
  return [{ action: 'produce', key: topicName, demand, partitions, brokers }];
}

/** What a consumer adds to its quota: at worst it writes all it reads to the dead-letter topic, whose few partitions may stand on one broker. */
export function consumedLoads(target: GrantTarget, options: ConsumeOptions, brokers?: number): GrantedLoad[] {
  const { topicName, partitions, deadLetterTopicName } = target;
  const { demand } = options;
  const reading: GrantedLoad = {
    action: 'consume',
    key: `${topicName} in ${options.groupId ?? options.groupPrefix}`,
    demand,
    partitions,
    brokers,
  };
  return deadLetterTopicName === undefined
    ? [reading]
    : [reading, { action: 'produce', key: deadLetterTopicName, demand, brokers, implied: true }];
}

/** Who reads or writes what, for the catalogue; a grant that is repeated stands in it once. */
export function recordAccess(
  scope: IConstruct,
  clusterName: string,
  client: IConstruct,
  action: 'send' | 'receive',
  target: GrantTarget,
  options: ProduceOptions & ConsumeOptions,
): void {
  const { accesses } = StreamCatalog.of(scope);
  const groupId = options.groupId ?? options.groupPrefix;
  const transactionalId = options.transactionalId ?? options.transactionalIdPrefix;
  const access = {
    client,
    action,
    clusterName,
    topicName: target.topicName,
    ...(target.isPrefix ? { isPrefix: true } : {}),
    ...(groupId === undefined ? {} : { groupId }),
    ...(transactionalId === undefined ? {} : { transactionalId }),
  };
  const isSame = (other: (typeof accesses)[number]) =>
    (Object.keys({ ...access, ...other }) as (keyof typeof access)[]).every((key) => other[key] === access[key]);
  if (!accesses.some(isSame)) accesses.push(access);
}
