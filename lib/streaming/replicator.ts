import type { Bitrate } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { type Rule, isPositive, isPositiveInteger } from '../core/rule';
import { TOPIC_NAME_RULE } from './topic-rules';

/** A replicator of either flavour. */
export interface IReplicator extends IConstruct {
  /** Name of the replicator: on AWS the MSK Replicator, on Kubernetes the KafkaMirrorMaker2 resource. */
  readonly replicatorName: string;
}

/** What replicated topics are called on the target. */
export enum TopicNaming {
  /** As on the source: clients move without a change, which a failover wants. */
  IDENTICAL = 'identical',
  /** With the alias of the source in front, so that both clusters can be written to and read together. */
  PREFIXED = 'prefixed',
}

/** Where a replicator begins in a topic that it has not copied before. */
export enum StartingPosition {
  /** With the oldest record. */
  EARLIEST = 'earliest',
  /** With what is written from now on. */
  LATEST = 'latest',
}

/** Names and prefixes, rather than regular expressions, because permissions know no others. */
export interface NameSelection {
  /**
   * Exact names.
   * @default - none
   */
  readonly names?: string[];
  /**
   * Everything that begins with one of these.
   * @default - none
   */
  readonly prefixes?: string[];
}

/** Which topics are replicated, and as what. */
export interface ReplicatedTopics extends NameSelection {
  /**
   * Names left out, of what the prefixes take in.
   * @default - none
   */
  readonly exclude?: string[];
  /**
   * What they are called on the target. Cannot be changed later.
   * @default TopicNaming.IDENTICAL
   */
  readonly naming?: TopicNaming;
  /**
   * Where copying begins. Cannot be changed later.
   * @default StartingPosition.EARLIEST: a target without the older records is no replica
   */
  readonly startingPosition?: StartingPosition;
}

/** What a replicator must carry. */
export interface ReplicationDemand {
  /** What all producers of the replicated topics together write at peak. */
  readonly throughput: Bitrate;
  /** Partitions of the replicated topics together, leaders only. */
  readonly partitions: number;
}

/** What both flavours of a replicator take. */
export interface ReplicatorOptions {
  /**
   * Name of the replicator. Changing it makes a new one, which begins at its starting position.
   * @default - from the construct path
   */
  readonly replicatorName?: string;
  /** Topics to replicate. */
  readonly topics: ReplicatedTopics;
  /**
   * Consumer groups whose offsets are translated to the target, so that consumers resume there.
   * @default - none: consumers begin at their own reset policy after a failover
   */
  readonly consumerGroups?: NameSelection;
  /**
   * What it must carry, checked against the partitions that carry it and against the target.
   * @default - not checked
   */
  readonly demand?: ReplicationDemand;
  /**
   * Whether another replicator runs the other way, for a failback without a gap.
   * @default false
   */
  readonly bidirectional?: boolean;
}

type NameList = 'names' | 'prefixes' | 'exclude';

// The rule checks whatever it is given; tables of rules of several types know its parameter as never.
const isName = (name: unknown) => TOPIC_NAME_RULE.valid(name as never, { topicName: '' });
const FEWEST: Rule<NameSelection> = {
  code: 'Millrace.ReplicatorTopicsInvalid',
  subject: 'topics.names, topics.prefixes',
  value: (selection) => (selection.names?.length ?? 0) + (selection.prefixes?.length ?? 0),
  valid: (count: number) => count > 0,
  allowed: 'at least one name or prefix',
  fix: 'name what is to be replicated',
};

function nameRule(code: string, subject: string, list: NameList): Rule<ReplicatedTopics> {
  return {
    code,
    subject: `${subject}.${list}`,
    value: (selection) => selection?.[list]?.find((name) => !isName(name)),
    valid: () => false,
    allowed: "1-249 letters, digits, '.', '_' or '-': no wildcard and no regular expression, which a permission could not follow",
    fix: 'give exact names, or the beginning of names as a prefix',
    tokens: 'refuse',
  };
}

const within = <P, Q>(rule: Rule<Q>, part: (props: P) => Q | undefined): Rule<P> => ({
  ...rule,
  value: (props) => {
    const inner = part(props);
    return inner === undefined ? undefined : rule.value(inner);
  },
  valid: (value: never, props: P) => rule.valid(value, part(props) as Q),
  allowed: (props) => (typeof rule.allowed === 'string' ? rule.allowed : rule.allowed(part(props) as Q)),
  fix: (props) => (typeof rule.fix === 'string' ? rule.fix : rule.fix(part(props) as Q)),
});

const GROUPS_CODE = 'Millrace.ReplicatorGroupsInvalid';
const DEMAND_CODE = 'Millrace.ReplicatorDemandInvalid';

/** Rules for what both flavours take. */
export const REPLICATOR_RULES: readonly Rule<ReplicatorOptions>[] = [
  within(FEWEST, (options) => options.topics),
  ...(['names', 'prefixes', 'exclude'] as const).map((list) =>
    within<ReplicatorOptions, ReplicatedTopics>(nameRule('Millrace.ReplicatorTopicsInvalid', 'topics', list), (options) => options.topics),
  ),
  within({ ...FEWEST, code: GROUPS_CODE, subject: 'consumerGroups' }, (options) => options.consumerGroups),
  ...(['names', 'prefixes'] as const).map((list) =>
    within<ReplicatorOptions, ReplicatedTopics>(nameRule(GROUPS_CODE, 'consumerGroups', list), (options) => options.consumerGroups),
  ),
  {
    code: DEMAND_CODE,
    subject: 'demand.throughput',
    value: (options) => options.demand && (options.demand.throughput ?? null),
    valid: (throughput: Bitrate | null) => isPositive(typeof throughput?.toBps === 'function' ? throughput.toBps() : NaN),
    allowed: 'a finite rate above zero',
    fix: 'add up what the producers of the replicated topics write at peak',
    tokens: 'refuse',
  },
  {
    code: DEMAND_CODE,
    subject: 'demand.partitions',
    value: (options) => options.demand && (options.demand.partitions ?? null),
    valid: isPositiveInteger,
    allowed: 'a whole number above zero',
    fix: 'add up the partitions of the replicated topics',
    tokens: 'refuse',
  },
];

/** A name as a regular expression that matches it alone; of what a name may have, only the dot means something there. */
const literal = (name: string) => name.replace(/\./g, '\\.');

/** The patterns of a selection: what MSK Replicator and MirrorMaker 2 match names against. */
export function patternsOf({ names = [], prefixes = [] }: NameSelection): string[] {
  return [...names.map(literal), ...prefixes.map((prefix) => `${literal(prefix)}.*`)];
}
