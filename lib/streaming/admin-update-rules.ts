import type { Assembly } from '../core/assembly';
import { type ResourcePair, pairedResources, sameJson, valuesAt } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';

const TOPIC = 'Custom::MillraceKafkaTopic';

/** What a change of a topic says to a reader. */
interface Complaint {
  readonly message: string;
  readonly fix: string;
}

/** A rule that looks at each topic that the admin function makes. */
class AdminTopicRule implements IUpdateRule {
  constructor(
    public readonly id: string,
    private readonly complaints: (pair: ResourcePair) => Complaint[],
  ) {}

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedResources(before, after, TOPIC).flatMap((pair) =>
      this.complaints(pair).map((complaint) => ({
        code: this.id,
        severity: FindingSeverity.ERROR,
        path: pair.after.path,
        templateFile: pair.stackAfter.templateFile,
        logicalId: pair.after.logicalId,
        ...complaint,
      })),
    );
  }
}

/** The admin function refuses it, in the middle of a deploy. */
function decrease({ before, after }: ResourcePair): Complaint[] {
  const [from, to] = [before.properties.PartitionCount, after.properties.PartitionCount].map(Number);
  if (!(to < from)) return [];
  return [
    {
      message: `partitions shrink from ${from} to ${to}; Kafka can only add partitions, so the deploy fails`,
      fix: `keep ${from}, or make a topic of another name, move the readers and retire this one`,
    },
  ];
}

/** Another name starts an empty topic beside the old one; another replication factor is refused. */
function identity({ before, after }: ResourcePair): Complaint[] {
  return ['TopicName', 'ReplicationFactor']
    .filter((property) => !sameJson(before.properties[property], after.properties[property]))
    .map((property) => ({
      message: `${property} changes from ${JSON.stringify(before.properties[property])} to ${JSON.stringify(after.properties[property])}; ${
        property === 'TopicName' ? 'a new, empty topic is made beside the old one' : 'it cannot be changed in place, so the deploy fails'
      }`,
      fix: property === 'TopicName' ? 'keep the name, or make a second topic and move the readers' : 'keep it',
    }));
}

/** MSK Serverless takes cleanup.policy at creation alone (Amazon MSK Developer Guide, "Configuration properties for MSK Serverless clusters"). */
function cleanup({ before, after }: ResourcePair): Complaint[] {
  // The dot of the name is no step of a path.
  const [from, to] = [before, after].map(
    ({ properties }) => (valuesAt(properties, 'Configs') as Record<string, unknown>)?.['cleanup.policy'],
  );
  if (sameJson(from, to)) return [];
  return [
    {
      message: `cleanup.policy changes from ${JSON.stringify(from)} to ${JSON.stringify(to)}; MSK Serverless takes it only when a topic is made`,
      fix: 'keep it, or make a topic of another name, move the readers and retire this one',
    },
  ];
}

/** The update rules for topics that the admin function makes; the first two share their ids with those of other topics. */
export function adminUpdateRules(): IUpdateRule[] {
  return [
    new AdminTopicRule('Millrace.KafkaTopicPartitionsDecrease', decrease),
    new AdminTopicRule('Millrace.KafkaTopicIdentityChange', identity),
    new AdminTopicRule('Millrace.KafkaTopicCleanupChange', cleanup),
  ];
}
