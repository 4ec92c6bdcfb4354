import { Construct } from 'constructs';
import { MillraceError, type Violation } from '../../core/error';
import { enforce } from '../../core/rule';
import { type Schema, SchemaFormat } from '../../streaming/schema';
import type { ITopic } from '../../streaming/topic';
import type { ClientCredentials } from '../../streaming/k8s/client-credentials';
import type { IKafkaCluster } from '../../streaming/k8s/kafka-cluster';
import { KafkaUser } from '../../streaming/k8s/kafka-user';
import type { ISchemaRegistry } from '../../streaming/k8s/schema-registry';
import { ImportedTopic, Topic } from '../../streaming/k8s/topic';
import { HealthCheck } from '../../workloads/k8s/health-check';
import { Worker } from '../../workloads/k8s/worker';
import { WorkerScaling } from '../../workloads/k8s/worker-scaling';
import type { PodSize } from '../../workloads/pod-size';
import { filesConfigMap } from './feast-jobs';
import type { FeatureGroup } from './feature-group';
import { FeatureGroupMetrics } from './feature-group-metrics';
import { mappingOf } from './push-mapping';
import { PUSH_SCRIPT } from './push-script';
import { RECORDS_SCRIPT } from './records-script';

/** How records become pushes. */
export interface FeaturePushOptions {
  /**
   * Consumer group.
   * @default - `feature-push-<project>-<name of the group>`
   */
  readonly groupId?: string;
  /**
   * Records that are pushed at once, at most, 1-1000.
   * @default 200
   */
  readonly batch?: number;
  /**
   * Whether each record is appended to the offline store, too, which has to take it: Athena does not.
   * @default false: another pipeline writes the history
   */
  readonly offline?: boolean;
  /**
   * How its credentials reach the namespace of its pods.
   * @default ClientCredentials.sameNamespace()
   */
  readonly credentials?: ClientCredentials;
  /**
   * Who knows the schemas of an imported topic in Avro: its records name them by a number.
   * @default - the registry of a topic that is made here
   */
  readonly schemaRegistry?: ISchemaRegistry;
}

/** Properties of a push. */
export interface FeaturePushProps {
  /** The group whose values it writes. */
  readonly featureGroup: FeatureGroup;
  /** The topic that it reads: one of Strimzi, made here or imported, with a schema in Avro or JSON. */
  readonly topic: ITopic;
  /** The cluster of the topic. */
  readonly cluster: IKafkaCluster;
  /** Image with Python 3.11 or later, confluent-kafka 2.x and, for Avro, fastavro 1.9 or later. There is none that could be named here. */
  readonly image: string;
  /** Size of a pod. */
  readonly size: PodSize;
  /**
   * By what it gets replicas.
   * @default - always the replicas of the size
   */
  readonly scaling?: WorkerScaling;
  /**
   * How records become pushes.
   * @default - 200 at once, to the online store alone
   */
  readonly push?: FeaturePushOptions;
}

const FILES = '/etc/millrace/push';
const PORT = 9400;
const BATCH = 200;

/**
 * Writes the records of a topic to a feature group as they come: a worker that reads, maps each record as the schema says, pushes to the online
 * server and then commits, so that a record arrives at least once. What cannot be mapped goes to the dead-letter topic of the topic; without
 * one the worker stops there. Port 9400 has metrics for Prometheus, the age of a value when it becomes readable among them; `FeatureGroupAlerts`
 * has them read and watched.
 *
 * Redis keeps the newest value of an entity whatever comes late. DynamoDB and PostgreSQL keep the last one written: there the records of an
 * entity have to come in order, in one partition.
 *
 * @throws Millrace.FeaturePushTopic, Millrace.FeaturePushInvalid, and what `FeatureSchema.requireSource` throws
 */
export class FeaturePush extends Construct {
  /** The group whose values it writes. */
  public readonly featureGroup: FeatureGroup;
  /** The worker, to scale or watch it. */
  public readonly worker: Worker;
  /** Who it is to Kafka. */
  public readonly user: KafkaUser;
  /** Consumer group. */
  public readonly groupId: string;
  /** What it tells Prometheus. */
  public readonly metrics: FeatureGroupMetrics;

  constructor(scope: Construct, id: string, props: FeaturePushProps) {
    super(scope, id);
    const { featureGroup, push = {} } = props;
    const { schema } = featureGroup;
    this.featureGroup = featureGroup;
    enforce(this.node.path, props, [
      {
        code: 'Millrace.FeaturePushInvalid',
        subject: 'push.batch',
        value: ({ push: given }) => given?.batch,
        valid: (batch: number) => Number.isInteger(batch) && batch >= 1 && batch <= 1000,
        allowed: '1-1000',
        fix: `leave it out for ${BATCH}`,
        tokens: 'refuse',
      },
      {
        code: 'Millrace.FeaturePushInvalid',
        subject: 'push.offline',
        value: ({ push: given }) => (given?.offline ? (featureGroup.store._offlineStore?._takesPushes ?? false) : undefined),
        valid: (takes: boolean) => takes,
        allowed: 'a feature store with an offline store to which Feast can append: PostgreSQL, Redshift or Snowflake',
        fix: 'leave it out, and write the history with a pipeline of its own',
      },
    ]);
    const { topic, records } = this.requireTopic(props.topic, push.schemaRegistry);
    schema.requireSource(records, `topic ${topic.topicName}`);
    this.groupId = push.groupId ?? `feature-push-${featureGroup.store.storeName}-${schema.name}`;
    const deadLetterTopic = 'deadLetterTopic' in topic ? topic.deadLetterTopic?.topicName : undefined;
    const files = filesConfigMap(this, 'Files', {
      'push.py': PUSH_SCRIPT,
      'records.py': RECORDS_SCRIPT,
      'push.json': JSON.stringify(
        {
          ...mappingOf(featureGroup, records, push.offline ?? false),
          topic: topic.topicName,
          deadLetterTopic,
          groupId: this.groupId,
          batch: push.batch ?? BATCH,
          port: PORT,
        },
        undefined,
        2,
      ),
    });
    this.worker = new Worker(this, 'Worker', {
      image: props.image,
      size: props.size,
      scaling: props.scaling ?? WorkerScaling.fixed(),
      health: HealthCheck.http(),
      container: { command: ['python', `${FILES}/push.py`, `${FILES}/push.json`], port: PORT, environment: { PYTHONUNBUFFERED: '1' } },
    });
    this.worker.mountConfigMap(files.name, FILES);
    this.user = new KafkaUser(this, 'User', { cluster: props.cluster, workload: this.worker, credentials: push.credentials });
    topic.grants.consume(this.user, { groupId: this.groupId });
    if (push.schemaRegistry) this.user._readSchemas(push.schemaRegistry);
    featureGroup.grants.write(this.worker);
    this.metrics = new FeatureGroupMetrics(featureGroup.projectName, schema.name, this.worker.namespace);
  }

  /** Lets every pod of a namespace, for example that of Prometheus, read the metrics. */
  public allowMetricsFromNamespace(namespaceName: string): void {
    this.worker.allowFromNamespace(namespaceName);
  }

  private requireTopic(topic: ITopic, registry?: ISchemaRegistry): { readonly topic: Topic | ImportedTopic; readonly records: Schema } {
    const refusal = (received: string, allowed: string, fix: string): Violation => ({
      code: 'Millrace.FeaturePushTopic',
      subject: 'topic',
      received,
      allowed,
      fix,
    });
    const { schema: records, topicName } = topic;
    const isStrimzi = topic instanceof Topic || topic instanceof ImportedTopic;
    const violations = [
      ...(isStrimzi
        ? []
        : [
            refusal(
              `'${topicName}', which is no topic of Strimzi`,
              'a Topic of streaming.k8s, made or imported',
              'read it with a worker of your own',
            ),
          ]),
      ...(records
        ? []
        : [
            refusal(
              `'${topicName}' without a schema`,
              'a topic whose records are known',
              'give the topic its schema, or name it when it is imported',
            ),
          ]),
      ...(records?.format === SchemaFormat.PROTOBUF
        ? [refusal(`'${topicName}' in Protobuf`, 'Avro or JSON', 'read it with a worker of your own, whose image has the generated code')]
        : []),
    ];
    const knowsRegistry = !(topic instanceof ImportedTopic) || registry !== undefined;
    if (records?.format === SchemaFormat.AVRO && !knowsRegistry) {
      violations.push(
        refusal(
          `'${topicName}', which is imported, in Avro and without a registry`,
          'push.schemaRegistry for an imported topic in Avro: its records name their schemas by a number',
          'give SchemaRegistry.fromSchemaRegistryAttributes(…)',
        ),
      );
    }
    if (violations.length > 0) throw new MillraceError(this.node.path, violations);
    return { topic: topic as Topic | ImportedTopic, records: records! };
  }
}
