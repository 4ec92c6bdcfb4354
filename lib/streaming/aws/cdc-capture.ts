import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { refuse, show } from '../../core/error';
import type { CdcCredentials } from '../cdc-options';
import type { CdcTopic } from '../cdc-topics';
import type { IConnectPlugin } from './connect-plugin';
import { Connector } from './connector';
import { ConnectorCapacity } from './connector-capacity';
import type { ConnectorNetwork } from './connector-network';
import type { IKafkaCluster } from './kafka-cluster';
import { Topic } from './topic';

/** User and password of a database in Secrets Manager, as JSON. */
export interface CdcSecret {
  /** The secret. */
  readonly secret: secretsmanager.ISecret;
  /**
   * Key of the user.
   * @default 'username': as RDS writes it
   */
  readonly userKey?: string;
  /**
   * Key of the password.
   * @default 'password': as RDS writes it
   */
  readonly passwordKey?: string;
}

/** Where and how the one worker of a capture runs. */
export interface CdcWorker {
  /**
   * MSK Connect units of the worker, 1 vCPU and 4 GiB each: 1, 2, 4 or 8.
   * @default 1
   */
  readonly mcuCount?: number;
  /**
   * Version of Kafka Connect.
   * @default '3.7.x'
   */
  readonly connectVersion?: string;
  /**
   * Where it stands; it must reach the database: `cdc.connections.allowTo(database, …)`.
   * @default - in the network of the cluster
   */
  readonly network?: ConnectorNetwork;
}

/** What both captures take on AWS. */
export interface CdcSurroundings {
  readonly cluster: IKafkaCluster;
  readonly plugins: IConnectPlugin[];
  readonly credentials: CdcSecret;
  readonly worker?: CdcWorker;
}

/** References to user and password. */
export function credentialsOf({ secret, userKey, passwordKey }: CdcSecret): CdcCredentials {
  return {
    user: Connector.secretReference(secret, userKey ?? 'username'),
    password: Connector.secretReference(secret, passwordKey ?? 'password'),
  };
}

/** One provisioned worker: the log of a database is followed by one task. */
export function workersOf({ credentials, worker = {} }: CdcSurroundings) {
  return {
    capacity: ConnectorCapacity.provisioned({ mcuCount: worker.mcuCount }),
    connectVersion: worker.connectVersion,
    network: worker.network,
    secrets: [credentials.secret],
  };
}

/** The topics of a capture. */
export class CdcTopics extends Construct {
  public readonly all: Topic[];
  private readonly byId: Map<string, Topic>;

  constructor(scope: Construct, id: string, cluster: IKafkaCluster, topics: readonly CdcTopic[]) {
    super(scope, id);
    this.byId = new Map(topics.map((topic) => [topic.id, new Topic(this, topic.id, { ...topic.options, cluster })]));
    this.all = [...this.byId.values()];
  }

  /** The topic of a table. */
  public of(table: string): Topic {
    const found = this.byId.get(table);
    if (found) return found;
    return refuse(this.node.path, {
      code: 'Millrace.CdcTableUnknown',
      subject: 'table',
      received: show(table),
      allowed: [...this.byId.keys()].filter((key) => key.includes('.')).join(', '),
      fix: 'add it to tables',
    });
  }
}
