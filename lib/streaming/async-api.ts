import type { IConstruct } from 'constructs';
import { isToken } from '../core/token';
import { CostAllocation } from '../cost/cost-allocation';
import { type Schema, SchemaFormat } from './schema';
import type { CatalogAccess, CatalogConnector, CatalogTopic, StreamCatalog } from './stream-catalog';

type Json = Record<string, unknown>;

const ASYNC_API = '3.1.0';
const KAFKA_BINDING = '0.5.0';
/** The part of a prefix grant that is open, as a parameter of the channel's address. */
const REST = 'rest';

/** Media types that AsyncAPI 3 names for the languages of schemas (AsyncAPI 3.1, Multi Format Schema Object). */
const SCHEMA_FORMATS: Readonly<Record<SchemaFormat, string>> = {
  [SchemaFormat.AVRO]: 'application/vnd.apache.avro;version=1.9.0',
  [SchemaFormat.JSON_SCHEMA]: 'application/schema+json;version=draft-07',
  [SchemaFormat.PROTOBUF]: 'application/vnd.google.protobuf;version=3',
};

/** What the binding of Kafka knows of a topic's settings (AsyncAPI Kafka binding 0.5.0). */
const BOUND_SETTINGS = ['retention.ms', 'retention.bytes', 'delete.retention.ms', 'max.message.bytes'];

/** A channel and what is said about it. */
interface Channel {
  readonly clusterName: string;
  readonly topicName: string;
  readonly isPrefix?: boolean;
  readonly topic?: CatalogTopic;
}

/** A name for a key of the document: what is known only at deploy time would differ from synth to synth. */
function nameOf(name: string, otherwise: string): string {
  return (isToken(name) ? otherwise : name).replace(/[^A-Za-z0-9._-]/g, '-');
}

function sorted<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function ownerOf(construct: IConstruct): Json {
  const owner = CostAllocation.of(construct)?.tags();
  return owner ? { 'x-owner': owner } : {};
}

function payloadOf(schema: Schema): Json {
  const { format, definition } = schema;
  return { schemaFormat: SCHEMA_FORMATS[format], schema: format === SchemaFormat.PROTOBUF ? definition : JSON.parse(definition) };
}

function messageOf(topic: CatalogTopic): Json {
  const key = topic.keySchema;
  // The binding's key is a schema of AsyncAPI itself, so a key in another language is told beside it.
  const binding = key?.format === SchemaFormat.JSON_SCHEMA ? { key: JSON.parse(key.definition) as Json } : {};
  return {
    name: nameOf(topic.topicName, topic.construct.node.path),
    ...(topic.schema ? { payload: payloadOf(topic.schema) } : {}),
    bindings: { kafka: { ...binding, bindingVersion: KAFKA_BINDING } },
    ...(key && key.format !== SchemaFormat.JSON_SCHEMA ? { 'x-key': payloadOf(key) } : {}),
    ...(topic.compatibility ? { 'x-compatibility': topic.compatibility } : {}),
  };
}

function topicBinding(topic: CatalogTopic): Json {
  const config = topic.config ?? {};
  const bound = BOUND_SETTINGS.filter((name) => Number.isSafeInteger(Number(config[name]))).map((name) => [name, Number(config[name])]);
  const cleanup = config['cleanup.policy']?.split(',').map((policy) => policy.trim());
  return {
    ...(isToken(topic.topicName) ? {} : { topic: topic.topicName }),
    ...(topic.partitions ? { partitions: topic.partitions } : {}),
    ...(topic.replicationFactor ? { replicas: topic.replicationFactor } : {}),
    topicConfiguration: { ...(cleanup ? { 'cleanup.policy': cleanup } : {}), ...Object.fromEntries(bound) },
    bindingVersion: KAFKA_BINDING,
  };
}

/** The document under construction: channels by key, so that a topic has one however many clients it has. */
class Writer {
  private readonly channels = new Map<string, Channel>();
  private readonly clusterKeys = new Map<string, string>();

  constructor(private readonly catalog: StreamCatalog) {
    for (const { clusterName, construct } of catalog.clusters) this.clusterKeys.set(clusterName, nameOf(clusterName, construct.node.path));
    for (const topic of catalog.topics) this.channels.set(this.keyOf(topic), { ...topic, topic });
  }

  public write(): Json {
    // A client may be granted the same thing twice, once with more said about it.
    const operations: Record<string, Json> = {};
    for (const access of this.catalog.accesses) this.merge(operations, this.accessOperation(access));
    for (const connector of this.catalog.connectors) {
      for (const operation of this.connectorOperations(connector)) this.merge(operations, operation);
    }
    return {
      asyncapi: ASYNC_API,
      info: { title: 'Streams', version: '1.0.0', description: 'Topics, schemas, clients and connectors as the app declares them.' },
      servers: sorted(this.catalog.clusters.map((cluster) => [this.clusterKey(cluster.clusterName), this.server(cluster)] as const)),
      channels: sorted([...this.channels].map(([key, channel]) => [key, this.channel(channel)] as const)),
      operations: sorted(Object.entries(operations)),
    };
  }

  private merge(operations: Record<string, Json>, [key, operation]: [string, Json]): void {
    operations[key] = { ...operations[key], ...operation };
  }

  /** A cluster that is none of this app's is known by its name alone, unless that is known only at deploy time. */
  private clusterKey(clusterName: string): string {
    return this.clusterKeys.get(clusterName) ?? nameOf(clusterName, 'cluster');
  }

  private keyOf({ clusterName, topicName, isPrefix }: Channel): string {
    return `${this.clusterKey(clusterName)}.${nameOf(topicName, 'topic')}${isPrefix ? REST : ''}`;
  }

  private server({ construct, protocol, host }: StreamCatalog['clusters'][number]): Json {
    const known = host !== undefined && !isToken(host);
    return {
      host: known ? host : '{bootstrapServers}',
      protocol,
      ...(known ? {} : { variables: { bootstrapServers: { description: 'Known when the stack is deployed.' } } }),
      'x-construct': construct.node.path,
      ...ownerOf(construct),
    };
  }

  private channel(channel: Channel): Json {
    const { clusterName, topicName, isPrefix, topic } = channel;
    const server = this.catalog.clusters.some((cluster) => cluster.clusterName === clusterName)
      ? { servers: [{ $ref: `#/servers/${this.clusterKey(clusterName)}` }] }
      : {};
    // AsyncAPI's null is an address that is not known yet.
    const address = isToken(topicName) ? null : topicName;
    if (!topic) {
      return {
        address: isPrefix && address ? `${address}{${REST}}` : address,
        ...server,
        ...(isPrefix ? { parameters: { [REST]: { description: 'The rest of the topic name.' } } } : {}),
      };
    }
    return {
      address,
      ...server,
      messages: { value: messageOf(topic) },
      bindings: { kafka: topicBinding(topic) },
      'x-construct': topic.construct.node.path,
      ...(topic.deadLetterTopicName ? { 'x-dead-letter-topic': topic.deadLetterTopicName } : {}),
      ...ownerOf(topic.construct),
    };
  }

  private ref(channel: Channel): string {
    const key = this.keyOf(channel);
    if (!this.channels.has(key)) this.channels.set(key, channel);
    return `#/channels/${key}`;
  }

  private accessOperation(access: CatalogAccess): [string, Json] {
    const { client, action, clusterName, topicName, isPrefix, groupId, transactionalId } = access;
    const group = groupId && !isToken(groupId) ? { groupId: { type: 'string', enum: [groupId] } } : {};
    const key = `${nameOf(client.node.path, client.node.id)}.${action}.${this.keyOf({ clusterName, topicName, isPrefix })}`;
    return [
      groupId ? `${key}.${nameOf(groupId, 'group')}` : key,
      {
        action,
        channel: { $ref: this.ref({ clusterName, topicName, isPrefix }) },
        bindings: { kafka: { ...group, bindingVersion: KAFKA_BINDING } },
        'x-client': client.node.path,
        ...(transactionalId && !isToken(transactionalId) ? { 'x-transactional-id': transactionalId } : {}),
        ...ownerOf(client),
      },
    ];
  }

  private connectorOperations(connector: CatalogConnector): [string, Json][] {
    const { construct, name, kind, connectorClass, reads, writes } = connector;
    const operation =
      (action: 'send' | 'receive') =>
      (channel: Channel): [string, Json] => [
        `${nameOf(construct.node.path, construct.node.id)}.${action}.${this.keyOf(channel)}`,
        {
          action,
          channel: { $ref: this.ref(channel) },
          'x-client': construct.node.path,
          'x-connector': { name: nameOf(name, construct.node.path), kind, class: connectorClass },
          ...ownerOf(construct),
        },
      ];
    return [...reads.map(operation('receive')), ...writes.map(operation('send'))];
  }
}

/**
 * The catalogue of an app as an AsyncAPI 3.1 document in JSON: clusters are servers, topics are channels, and each client or connector that
 * writes or reads one is an operation. Owners stand under `x-owner`.
 */
export function asyncApiDocument(catalog: StreamCatalog): string {
  return `${JSON.stringify(new Writer(catalog).write(), null, 2)}\n`;
}
