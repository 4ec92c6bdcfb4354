import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { CdcCredentials } from '../cdc-options';
import { type CdcTopic, refuseTable } from '../cdc-topics';
import type { CdcSecret, CdcWorker } from './cdc-worker';
import type { IConnectPlugin } from './connect-plugin';
import { Connector } from './connector';
import { ConnectorCapacity } from './connector-capacity';
import type { IKafkaCluster } from './kafka-cluster';
import { Topic } from './topic';

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

/** The way out to the database, whose security group we do not know; groups that were given are opened by whoever made them. */
export function openDatabase(connector: Connector, worker: CdcWorker | undefined, port: number): void {
  if (worker?.network?.securityGroups) return;
  connector.connections.allowToAnyIpv4(ec2.Port.tcp(port), 'Database');
}

/** What the topics of a capture are made of. */
export interface CdcTopicsProps {
  readonly cluster: IKafkaCluster;
  readonly topics: readonly CdcTopic[];
}

/** The topics of a capture. */
export class CdcTopics extends Construct {
  // eslint-disable-next-line awscdk/no-construct-in-public-property-of-construct -- its grants are no part of ITopic, as those of addTopic
  public readonly all: Topic[];
  private readonly byId: Map<string, Topic>;

  constructor(scope: Construct, id: string, props: CdcTopicsProps) {
    super(scope, id);
    this.byId = new Map(props.topics.map((topic) => [topic.id, new Topic(this, topic.id, { ...topic.options, cluster: props.cluster })]));
    this.all = [...this.byId.values()];
  }

  /** The topic of a table. */
  public of(table: string): Topic {
    return this.byId.get(table) ?? refuseTable(this.node.path, table, this.byId.keys());
  }
}
