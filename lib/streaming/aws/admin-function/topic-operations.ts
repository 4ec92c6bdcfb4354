import type { KafkaAdminClient, SettingChanges } from './kafka-admin-client';
import { Refusal, codesOf } from './kafka-failure';

/** A topic as CloudFormation hands it over: numbers arrive as text. */
interface DeclaredTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
  readonly deletes: boolean;
}

function topicOf(properties: Record<string, any>): DeclaredTopic {
  return {
    name: String(properties.TopicName),
    partitions: Number(properties.PartitionCount),
    replicationFactor: Number(properties.ReplicationFactor),
    configs: properties.Configs ?? {},
    deletes: properties.OnDelete === 'DELETE',
  };
}

/** The settings to send: those that differ from the live ones, and those that were declared before and no longer are. */
function changesOf(
  live: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
  former: Readonly<Record<string, string>>,
): SettingChanges<string> {
  return {
    // Only what differs: MSK Serverless refuses to alter cleanup.policy after creation, even to the same value.
    set: Object.fromEntries(Object.entries(wanted).filter(([name, value]) => live[name] !== value)),
    remove: Object.keys(former).filter((name) => !(name in wanted) && name in live),
  };
}

async function applyConfigs(client: KafkaAdminClient, topic: DeclaredTopic, former: Readonly<Record<string, string>>): Promise<void> {
  const changes = changesOf(await client.topicConfigs(topic.name), topic.configs, former);
  if (Object.keys(changes.set).length + changes.remove.length > 0) await client.alterTopicConfigs(topic.name, changes);
}

/**
 * Makes a topic. One that exists with the declared number of partitions is taken over, so that a repeated request does no harm and an
 * existing topic can be adopted; one with another number is somebody else's, or declared wrongly.
 *
 * @returns the physical id, which is the name of the topic
 */
export async function createTopic(client: KafkaAdminClient, properties: Record<string, any>): Promise<string> {
  const topic = topicOf(properties);
  const live = await client.describeTopic(topic.name);
  if (!live) {
    try {
      await client.createTopic(topic);
      return topic.name;
    } catch (error) {
      // Made by an earlier attempt whose answer was lost: the brokers had not told each other yet.
      if (!codesOf(error).includes('TOPIC_ALREADY_EXISTS')) throw error;
    }
  }
  const { partitions } = live ?? (await client.describeTopic(topic.name)) ?? topic;
  if (partitions !== topic.partitions) {
    throw new Refusal(
      `topic ${topic.name} exists with ${partitions} partitions and is declared with ${topic.partitions}; declare ${partitions} to adopt it, or use another name`,
    );
  }
  await applyConfigs(client, topic, {});
  return topic.name;
}

/** Brings a topic to what is declared now. Settings first, because more partitions cannot be taken back. */
export async function updateTopic(
  client: KafkaAdminClient,
  properties: Record<string, any>,
  oldProperties: Record<string, any>,
): Promise<string> {
  const topic = topicOf(properties);
  const former = topicOf(oldProperties);
  if (topic.name !== former.name) return createTopic(client, properties);
  if (topic.replicationFactor !== former.replicationFactor) {
    throw new Refusal(
      `replication factor of topic ${topic.name} changes from ${former.replicationFactor} to ${topic.replicationFactor}; it cannot be changed in place: keep ${former.replicationFactor}`,
    );
  }
  const live = await client.describeTopic(topic.name);
  if (!live) return createTopic(client, properties);
  // A topic that somebody grew by hand stays as it is; only a declared decrease is refused. It passes where the growth never happened,
  // so that a rolled back update does not get stuck on it.
  if (topic.partitions < live.partitions && topic.partitions < former.partitions) {
    throw new Refusal(
      `topic ${topic.name} has ${live.partitions} partitions and is declared with ${topic.partitions}; Kafka can only add partitions: declare ${live.partitions} (in a stuck rollback, skip this resource with continue-update-rollback)`,
    );
  }
  await applyConfigs(client, topic, former.configs);
  if (topic.partitions > live.partitions) await client.growTopic(topic.name, topic.partitions);
  return topic.name;
}

/** Deletes a topic with its records, where that was declared; otherwise the topic stays. */
export async function deleteTopic(client: KafkaAdminClient, properties: Record<string, any>): Promise<void> {
  const topic = topicOf(properties);
  if (topic.deletes && (await client.describeTopic(topic.name))) await client.deleteTopic(topic.name);
}
