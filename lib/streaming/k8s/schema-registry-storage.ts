import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { refuse, show } from '../../core/error';
import type { BoundStorage } from './bound-storage';
import { CLIENT, clientLabelOf } from './client-label';
import type { IKafkaCluster } from './kafka-cluster';
import { Topic } from './topic';

/** A PostgreSQL database for schemas. */
export interface PostgreSqlStorageOptions {
  /** JDBC address, for example `jdbc:postgresql://registry-db:5432/apicurio`. */
  readonly jdbcUrl: string;
  /** User of the database. */
  readonly userName: string;
  /** Secret in the namespace of the registry, with the password under the key `password`. */
  readonly passwordSecretName: string;
}

// The names that Apicurio Registry 3 has for its topics, and the prefix of its consumer groups, one group a pod.
const TOPICS = { Journal: 'kafkasql-journal', Snapshots: 'kafkasql-snapshots', Events: 'registry-events' };
const GROUP_PREFIX = 'apicurio-';

/** Where an Apicurio registry keeps its schemas. */
export class SchemaRegistryStorage {
  /**
   * In topics of a Strimzi cluster: nothing else to run, and as durable as the records that the schemas describe. The registry must stand in
   * the namespace of the cluster, where the operator puts its certificate. One registry a cluster, because the topics have fixed names.
   *
   * Apicurio's operator takes PKCS #12 stores alone, so Strimzi's must make them: `STRIMZI_PKCS12_KEYSTORE_GENERATION`, true by default in 1.2.
   * Strimzi plans to turn it off by default in 1.5 and to drop it in 1.7 (strimzi-kafka-operator#13128 and #13129).
   */
  public static kafka(cluster: IKafkaCluster): SchemaRegistryStorage {
    return new SchemaRegistryStorage((scope) => onKafka(scope, cluster), cluster.namespace);
  }

  /**
   * In a PostgreSQL database that exists.
   *
   * @throws Millrace.SchemaRegistryInvalid
   */
  public static postgreSql(options: PostgreSqlStorageOptions): SchemaRegistryStorage {
    if (!/^jdbc:postgresql:\/\/[^\s/@]+\/[^\s]+$/.test(options.jdbcUrl)) {
      refuse('SchemaRegistryStorage.postgreSql', {
        code: 'Millrace.SchemaRegistryInvalid',
        subject: 'jdbcUrl',
        received: show(options.jdbcUrl),
        allowed: 'jdbc:postgresql://<host>[:<port>]/<database>, without user and password',
        fix: 'give the address as the PostgreSQL driver takes it',
      });
    }
    const { jdbcUrl, userName, passwordSecretName } = options;
    const dataSource = { url: jdbcUrl, username: userName, password: { name: passwordSecretName, key: 'password' } };
    return new SchemaRegistryStorage(() => ({ storage: { type: 'postgresql', sql: { dataSource } }, env: [], podLabels: {} }));
  }

  /** Namespace in which the registry must stand. @internal */
  public readonly _namespace?: string;

  private constructor(
    private readonly bind: (scope: Construct) => BoundStorage,
    namespace?: string,
  ) {
    this._namespace = namespace;
  }

  /** Makes what the storage needs below a registry. @internal */
  public _bind(scope: Construct): BoundStorage {
    return this.bind(scope);
  }
}

function onKafka(scope: Construct, cluster: IKafkaCluster): BoundStorage {
  for (const [id, topicName] of Object.entries(TOPICS)) {
    // eslint-disable-next-line awscdk/require-passing-this -- they belong to the registry
    new Topic(scope, id, {
      cluster,
      topicName,
      partitions: 1,
      // What leaves the journal is gone: the registry refuses to start on topics that forget.
      config: { unlimitedRetention: true },
    });
  }
  const operations = ['Describe', 'DescribeConfigs', 'Read', 'Write'];
  // eslint-disable-next-line awscdk/require-passing-this -- as above
  const user = new ApiObject(scope, 'User', {
    apiVersion: 'kafka.strimzi.io/v1',
    kind: 'KafkaUser',
    metadata: { namespace: cluster.namespace, labels: { 'strimzi.io/cluster': cluster.clusterName } },
    spec: {
      authentication: { type: 'tls' },
      authorization: {
        type: 'simple',
        acls: [
          { resource: { type: 'group', name: GROUP_PREFIX, patternType: 'prefix' }, operations: ['Describe', 'Read'] },
          ...Object.values(TOPICS).map((name) => ({ resource: { type: 'topic', name, patternType: 'literal' }, operations })),
        ],
      },
    },
  });
  const clusterCa = `${cluster.clusterName}-cluster-ca-cert`;
  return {
    storage: {
      type: 'kafkasql',
      kafkasql: {
        bootstrapServers: cluster.bootstrapServers,
        // The stores that Strimzi puts into the secrets of a user and of the cluster.
        tls: {
          keystoreSecretRef: { name: user.name, key: 'user.p12' },
          keystorePasswordSecretRef: { name: user.name, key: 'user.password' },
          truststoreSecretRef: { name: clusterCa, key: 'ca.p12' },
          truststorePasswordSecretRef: { name: clusterCa, key: 'ca.password' },
        },
      },
    },
    // They stand as KafkaTopic; the user may not create any.
    env: [{ name: 'APICURIO_KAFKASQL_TOPIC_AUTO_CREATE', value: 'false' }],
    podLabels: { [clientLabelOf(cluster.clusterName)]: CLIENT },
  };
}
