import type { NameSelection, ReplicatedTopics } from './replicator';
import { StartingPosition, TopicNaming } from './replicator';

/** What a runbook is written for. */
export interface RunbookSubject {
  readonly replicatorName: string;
  /** Names of the clusters as their people know them. */
  readonly source: string;
  readonly target: string;
  readonly topics: ReplicatedTopics;
  readonly consumerGroups?: NameSelection;
  readonly bidirectional: boolean;
  /** Alias in front of prefixed topics; on MSK it is decided when the replicator is made. @default - shown as a placeholder */
  readonly alias?: string;
  /** Who answers for it, by key. @default - nobody is named */
  readonly owner?: { readonly [key: string]: string };
  /** How this flavour shows that the replicator keeps up, one a line. */
  readonly healthChecks: readonly string[];
  /** How this flavour stops the replicator. */
  readonly stop: string;
  /** How this flavour makes one the other way. */
  readonly reverse: string;
  /** How this flavour goes on after a failback. @default - by removing the replicator the other way */
  readonly resume?: string;
}

const list = (lines: readonly string[]) => lines.map((line) => `- ${line}`).join('\n');
const steps = (lines: readonly string[]) => lines.map((line, index) => `${index + 1}. ${line}`).join('\n');
const code = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ');

function selection({ names = [], prefixes = [] }: NameSelection): string {
  return code([...names, ...prefixes.map((prefix) => `${prefix}*`)]);
}

function afterFailover(subject: RunbookSubject): string[] {
  const { topics, target, consumerGroups } = subject;
  const alias = subject.alias ?? '<source alias>';
  const resume = consumerGroups
    ? `Consumers of ${selection(consumerGroups)} resume near where they left off and read some records again: they must be idempotent.`
    : 'No consumer group is replicated: consumers begin at their reset policy. Decide it before you start them.';
  if (topics.naming === TopicNaming.PREFIXED) {
    return [
      `Point producers to ${target}. They write to the topics without a prefix.`,
      `Start consumers on the topics \`${alias}.<topic>\` and wait until their lag is zero; where order does not matter start them on both names at once.`,
      'Then let consumers read the topics without a prefix.',
      resume,
    ];
  }
  return [`Point producers and consumers to ${target}. Topics have the same names there.`, resume];
}

/** A failover runbook in Markdown, for the one who reads it at 3 a.m.: the names are those of the deployed resources. */
export function failoverRunbook(subject: RunbookSubject): string {
  const { replicatorName, source, target, topics, consumerGroups, owner } = subject;
  const start = topics.startingPosition === StartingPosition.LATEST ? 'from what is written after it was made' : 'from the oldest record';
  const facts = [
    `Source: ${source}`,
    `Target: ${target}`,
    `Topics: ${selection(topics)}${topics.exclude?.length ? `, without ${code(topics.exclude)}` : ''}, copied ${start}`,
    `Consumer groups with translated offsets: ${consumerGroups ? selection(consumerGroups) : 'none'}`,
    ...(owner
      ? [
          `Owner: ${Object.entries(owner)
            .map(([key, value]) => `${key} ${value}`)
            .join(', ')}`,
        ]
      : []),
  ];
  const failback = subject.bidirectional
    ? [`The replicator the other way runs already. Wait until its lag is zero.`]
    : [subject.reverse, 'Wait until its lag is zero.'];
  return [
    `# Failover of ${replicatorName}`,
    'Written by millrace from the declaration of the replicator; change the declaration, not this file.',
    list(facts),
    '## Is the replica good?',
    list(subject.healthChecks),
    'Replication is asynchronous: what had not been copied when the source was lost stays there until it comes back.',
    '## Planned failover',
    steps([
      `Stop the producers of ${source}.`,
      'Wait until the lag of the replicator is zero, then until the lag of the consumers on the source is zero.',
      'Stop the consumers.',
      ...afterFailover(subject),
      subject.bidirectional ? 'Leave both replicators running.' : subject.stop,
    ]),
    '## Unplanned failover',
    steps([
      `Try to stop producers and consumers of ${source}, so that no one writes there while you move. This may not succeed.`,
      'Note the lag of the replicator now: those records are missing on the target.',
      ...afterFailover(subject),
    ]),
    '## Failback',
    steps([
      ...failback,
      `Stop the producers of ${target}, wait until the lag of that replicator and of the consumers is zero, then stop the consumers.`,
      `Start producers and consumers on ${source}.`,
      subject.bidirectional
        ? `See that ${replicatorName} copies again.`
        : (subject.resume ?? `Remove the replicator the other way, and see that ${replicatorName} copies again.`),
    ]),
    '',
  ].join('\n\n');
}
