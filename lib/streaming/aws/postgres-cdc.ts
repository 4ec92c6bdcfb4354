import { Names } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { CdcLedger } from '../cdc-ledger';
import { POSTGRES_CDC_RULES, cdcRules } from '../cdc-rules';
import { heartbeatTopic, tableTopics } from '../cdc-topics';
import { ConnectorConfig } from '../connector-config';
import { type IPostgresCdc, POSTGRES_CONNECTOR, type PostgresCdcOptions, postgresConnectorConfig, slotNameOf } from '../postgres-cdc';
import { CdcTopics, credentialsOf, openDatabase, workersOf } from './cdc-capture';
import type { CdcSecret, CdcWorker } from './cdc-worker';
import type { IConnectPlugin } from './connect-plugin';
import { Connector } from './connector';
import type { IKafkaCluster } from './kafka-cluster';
import type { Topic } from './topic';

/** Properties of the capture of a Postgres database on MSK Connect. */
export interface PostgresCdcProps extends PostgresCdcOptions {
  /** The cluster, made here or imported, with IAM authentication. */
  readonly cluster: IKafkaCluster;
  /** The files of Debezium's Postgres connector and of the config provider for Secrets Manager (`msk-config-providers` of aws-samples). */
  readonly plugins: IConnectPlugin[];
  /** User and password. The user needs REPLICATION, and to own the tables or be given a publication that exists. */
  readonly credentials: CdcSecret;
  /**
   * Where and how its one worker runs.
   * @default - one unit, in the network of the cluster
   */
  readonly worker?: CdcWorker;
}

/**
 * Every change of a Postgres database in Kafka, by Debezium on MSK Connect with `pgoutput`: one task on one provisioned worker, a topic for each
 * table, a heartbeat, credentials by reference. The server needs `wal_level=logical`. What an update or a delete says of the old row follows from
 * the table's REPLICA IDENTITY: by default its key alone; `ALTER TABLE … REPLICA IDENTITY FULL` gives the whole row.
 *
 * The position is in the slot on the server and in a topic of ours; neither name follows from a hash. To change a setting, deploy with
 * `state: STOPPED`, then with the new setting. A stopped connector keeps its slot, for which the server keeps its log.
 *
 * @throws Millrace.CdcTopicPrefixInvalid, Millrace.CdcTablesMissing, Millrace.CdcTableInvalid, Millrace.CdcKeyColumnsInvalid,
 * Millrace.CdcTopicCollision, Millrace.CdcHeartbeatInvalid, Millrace.CdcDatabaseInvalid, Millrace.CdcSlotInvalid, Millrace.CdcSlotTwice,
 * and those of `Connector` and `Topic`
 */
export class PostgresCdc extends Construct implements IPostgresCdc, ec2.IConnectable {
  /** Name of the connector. */
  public readonly connectorName: string;
  /** The connector. */
  // eslint-disable-next-line awscdk/no-construct-in-public-property-of-construct -- for its network and role, which no interface has
  public readonly connector: Connector;
  /** Topics of the tables, in their order. */
  // eslint-disable-next-line awscdk/no-construct-in-public-property-of-construct -- its grants are no part of ITopic, as those of addTopic
  public readonly topics: Topic[];
  /** Network of the worker. */
  public readonly connections: ec2.Connections;
  /** Name of the replication slot on the server. */
  public readonly slotName: string;
  private readonly made: CdcTopics;

  constructor(scope: Construct, id: string, props: PostgresCdcProps) {
    super(scope, id);
    enforce(this.node.path, props, [...cdcRules(props), ...POSTGRES_CDC_RULES]);
    const { cluster } = props;
    this.slotName = slotNameOf(props);
    CdcLedger.of(this).claimSlot(this, props.database.hostname, this.slotName);
    const tables = tableTopics(props);
    this.made = new CdcTopics(this, 'Topics', { cluster, topics: [...tables, heartbeatTopic(props)] });
    this.topics = this.made.all.slice(0, tables.length);
    this.connector = new Connector(this, 'Resource', {
      connectorName: props.connectorName ?? Names.uniqueResourceName(this, { maxLength: 63, separator: '-' }).toLowerCase(),
      config: ConnectorConfig.source(POSTGRES_CONNECTOR, postgresConnectorConfig(props, credentialsOf(props.credentials))),
      topics: this.made.all,
      state: props.state,
      cluster,
      plugins: props.plugins,
      workers: workersOf(props),
    });
    this.connectorName = this.connector.connectorName;
    this.connections = this.connector.connections;
    openDatabase(this.connector, props.worker, props.database.port ?? 5432);
  }

  /**
   * The topic of a table, for grants.
   *
   * @throws Millrace.CdcTableUnknown
   */
  public topicFor(table: string): Topic {
    return this.made.of(table);
  }
}
