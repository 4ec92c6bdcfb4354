import { Names } from 'cdk8s';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { CdcLedger } from '../cdc-ledger';
import { POSTGRES_CDC_RULES, cdcRules } from '../cdc-rules';
import { heartbeatTopic, tableTopics } from '../cdc-topics';
import { ConnectorConfig } from '../connector-config';
import { type IPostgresCdc, POSTGRES_CONNECTOR, type PostgresCdcOptions, postgresConnectorConfig, slotNameOf } from '../postgres-cdc';
import { CdcTopics, credentialsOf } from './cdc-capture';
import type { CdcSecret } from './cdc-secret';
import type { ConnectCluster } from './connect-cluster';
import { Connector } from './connector';
import type { Topic } from './topic';

/** Properties of the capture of a Postgres database on Strimzi. */
export interface PostgresCdcProps extends PostgresCdcOptions {
  /** The workers that run it; their image has Debezium's Postgres connector. */
  readonly connectCluster: ConnectCluster;
  /** User and password. The user needs REPLICATION, and to own the tables or be given a publication that exists. */
  readonly credentials: CdcSecret;
}

/**
 * Every change of a Postgres database in Kafka, by Debezium on Strimzi with `pgoutput`: one task, a topic for each table, a heartbeat, credentials by
 * reference. The server needs `wal_level=logical`. What an update or a delete says of the old row follows from the table's REPLICA IDENTITY: by
 * default its key alone; `ALTER TABLE … REPLICA IDENTITY FULL` gives the whole row. A stopped connector keeps its slot, for which the server keeps its log.
 *
 * @throws Millrace.CdcTopicPrefixInvalid, Millrace.CdcTablesMissing, Millrace.CdcTableInvalid, Millrace.CdcKeyColumnsInvalid,
 * Millrace.CdcTopicCollision, Millrace.CdcHeartbeatInvalid, Millrace.CdcDatabaseInvalid, Millrace.CdcSlotInvalid, Millrace.CdcSlotTwice,
 * and those of `Connector` and `Topic`
 */
export class PostgresCdc extends Construct implements IPostgresCdc {
  /** Name of the connector. */
  public readonly connectorName: string;
  /** The connector. */
  public readonly connector: Connector;
  /** Topics of the tables, in their order. */
  public readonly topics: Topic[];
  /** Name of the replication slot on the server. */
  public readonly slotName: string;
  private readonly made: CdcTopics;

  constructor(scope: Construct, id: string, props: PostgresCdcProps) {
    super(scope, id);
    enforce(this.node.path, props, [...cdcRules(props), ...POSTGRES_CDC_RULES]);
    const { connectCluster } = props;
    this.slotName = slotNameOf(props);
    CdcLedger.of(this).claimSlot(this, props.database.hostname, this.slotName);
    const tables = tableTopics(props);
    this.made = new CdcTopics(this, 'Topics', { cluster: connectCluster.cluster, topics: [...tables, heartbeatTopic(props)] });
    this.topics = this.made.all.slice(0, tables.length);
    this.connector = new Connector(this, 'Resource', {
      connectorName: props.connectorName ?? Names.toDnsLabel(this),
      config: ConnectorConfig.source(POSTGRES_CONNECTOR, postgresConnectorConfig(props, credentialsOf(connectCluster, props.credentials))),
      topics: this.made.all,
      state: props.state,
      connectCluster,
    });
    this.connectorName = this.connector.connectorName;
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
