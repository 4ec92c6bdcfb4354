import { Names } from 'cdk8s';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { CdcLedger, checkHistoryTopic, serverIdOf } from '../cdc-ledger';
import { MYSQL_CDC_RULES, cdcRules } from '../cdc-rules';
import { heartbeatTopic, historyTopic, tableTopics } from '../cdc-topics';
import { ConnectorConfig } from '../connector-config';
import {
  type IMySqlCdc,
  MYSQL_CONNECTOR,
  type MySqlCdcOptions,
  historyGroupId,
  historyTopicName,
  mySqlConnectorConfig,
} from '../mysql-cdc';
import { CdcTopics, credentialsOf } from './cdc-capture';
import type { CdcSecret } from './cdc-secret';
import type { ConnectCluster } from './connect-cluster';
import { Connector, grantsOf } from './connector';
import type { Topic } from './topic';

/** Properties of the capture of a MySQL database on Strimzi. */
export interface MySqlCdcProps extends MySqlCdcOptions {
  /** The workers that run it; their image has Debezium's MySQL connector. */
  readonly connectCluster: ConnectCluster;
  /** User and password. The user needs SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE and REPLICATION CLIENT. */
  readonly credentials: CdcSecret;
}

/**
 * Every change of a MySQL database in Kafka, by Debezium on Strimzi: one task, a topic for each table, a topic for the history of their definitions,
 * a heartbeat, credentials by reference. The server must write its binlog by rows, in full, and keep it longer than the connector may stand still.
 *
 * @throws Millrace.CdcTopicPrefixInvalid, Millrace.CdcTablesMissing, Millrace.CdcTableInvalid, Millrace.CdcKeyColumnsInvalid,
 * Millrace.CdcTopicCollision, Millrace.CdcHeartbeatInvalid, Millrace.CdcDatabaseInvalid, Millrace.CdcServerIdInvalid, Millrace.CdcServerIdTwice,
 * Millrace.CdcHistoryPartitions, and those of `Connector` and `Topic`
 */
export class MySqlCdc extends Construct implements IMySqlCdc {
  /** Name of the connector. */
  public readonly connectorName: string;
  /** The connector. */
  public readonly connector: Connector;
  /** Topics of the tables, in their order. */
  public readonly topics: Topic[];
  /** Id with which it joins the MySQL replicas. */
  public readonly serverId: number;
  private readonly made: CdcTopics;

  constructor(scope: Construct, id: string, props: MySqlCdcProps) {
    super(scope, id);
    enforce(this.node.path, props, [...cdcRules(props), ...MYSQL_CDC_RULES]);
    const { connectCluster, topicPrefix } = props;
    const { cluster, user } = connectCluster;
    this.serverId = props.serverId ?? serverIdOf(topicPrefix);
    CdcLedger.of(this).claimServerId(this, this.serverId);
    const ofHistory = historyTopic(historyTopicName(topicPrefix), props);
    const tables = tableTopics(props);
    this.made = new CdcTopics(this, 'Topics', {
      cluster,
      topics: [...tables, heartbeatTopic(props), ...(props.historyTopic ? [] : [ofHistory])],
    });
    this.topics = this.made.all.slice(0, tables.length);
    const history = props.historyTopic ?? this.made.of(ofHistory.id);
    checkHistoryTopic(this, cluster.clusterName, history.topicName);
    const settings = mySqlConnectorConfig(props, {
      credentials: credentialsOf(connectCluster, props.credentials),
      serverId: this.serverId,
      historyTopicName: history.topicName,
      kafka: connectCluster._client(),
    });
    this.connector = new Connector(this, 'Resource', {
      connectorName: props.connectorName ?? Names.toDnsLabel(this),
      config: ConnectorConfig.source(MYSQL_CONNECTOR, settings),
      topics: this.made.all.slice(0, tables.length + 1),
      state: props.state,
      connectCluster,
    });
    grantsOf(this, history).produce(user);
    grantsOf(this, history).consume(user, { groupId: historyGroupId(topicPrefix) });
    user.allow('topic', history.topicName, 'literal', ['DescribeConfigs']);
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
