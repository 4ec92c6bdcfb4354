import { Construct } from 'constructs';
import type { CdcCredentials } from '../cdc-options';
import { type CdcTopic, refuseTable } from '../cdc-topics';
import type { CdcSecret } from './cdc-secret';
import type { ConnectCluster } from './connect-cluster';
import type { IKafkaCluster } from './kafka-cluster';
import { Topic } from './topic';

/** References to user and password. */
export function credentialsOf(connect: ConnectCluster, { secretName, userKey, passwordKey }: CdcSecret): CdcCredentials {
  return {
    user: connect.secretReference(secretName, userKey ?? 'username'),
    password: connect.secretReference(secretName, passwordKey ?? 'password'),
  };
}

/** What the topics of a capture are made of. */
export interface CdcTopicsProps {
  readonly cluster: IKafkaCluster;
  readonly topics: readonly CdcTopic[];
}

/** The topics of a capture. */
export class CdcTopics extends Construct {
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
