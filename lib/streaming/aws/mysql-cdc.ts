import { Names } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
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
import { CdcTopics, credentialsOf, openDatabase, workersOf } from './cdc-capture';
import type { CdcSecret, CdcWorker } from './cdc-worker';
import type { IConnectPlugin } from './connect-plugin';
import { Connector, iamClient } from './connector';
import { grantOwnTopic, grantsOf } from './connector-access';
import type { IKafkaCluster } from './kafka-cluster';
import type { Topic } from './topic';

/** Properties of the capture of a MySQL database on MSK Connect. */
export interface MySqlCdcProps extends MySqlCdcOptions {
  /** The cluster, made here or imported, with IAM authentication. */
  readonly cluster: IKafkaCluster;
  /** The files of Debezium's MySQL connector and of the config provider for Secrets Manager (`msk-config-providers` of aws-samples). */
  readonly plugins: IConnectPlugin[];
  /** User and password. The user needs SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE and REPLICATION CLIENT. */
  readonly credentials: CdcSecret;
  /**
   * Where and how its one worker runs.
   * @default - one unit, in the network of the cluster
   */
  readonly worker?: CdcWorker;
}

/**
 * Every change of a MySQL database in Kafka, by Debezium on MSK Connect: one task on one provisioned worker, a topic for each table, a topic for
 * the history of their definitions, a heartbeat, credentials by reference. The server must write its binlog by rows, in full, and keep it longer
 * than the connector may stand still.
 *
 * Names, ids and topics that hold the position follow from `topicPrefix` and `connectorName`, never from a hash. To change a setting, deploy with
 * `state: STOPPED`, then with the new setting: CloudFormation cannot do it in one step, and the old worker is gone before the new one joins the
 * replicas under the same id.
 *
 * @throws Millrace.CdcTopicPrefixInvalid, Millrace.CdcTablesMissing, Millrace.CdcTableInvalid, Millrace.CdcKeyColumnsInvalid,
 * Millrace.CdcTopicCollision, Millrace.CdcHeartbeatInvalid, Millrace.CdcDatabaseInvalid, Millrace.CdcServerIdInvalid, Millrace.CdcServerIdTwice,
 * Millrace.CdcHistoryPartitions, and those of `Connector` and `Topic`
 */
export class MySqlCdc extends Construct implements IMySqlCdc, ec2.IConnectable {
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
  /** Id with which it joins the MySQL replicas. */
  public readonly serverId: number;
  private readonly made: CdcTopics;

  constructor(scope: Construct, id: string, props: MySqlCdcProps) {
    super(scope, id);
    enforce(this.node.path, props, [...cdcRules(props), ...MYSQL_CDC_RULES]);
    const { cluster, topicPrefix } = props;
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
      credentials: credentialsOf(props.credentials),
      serverId: this.serverId,
      historyTopicName: history.topicName,
      kafka: iamClient(cluster),
    });
    this.connector = new Connector(this, 'Resource', {
      connectorName: props.connectorName ?? Names.uniqueResourceName(this, { maxLength: 63, separator: '-' }).toLowerCase(),
      config: ConnectorConfig.source(MYSQL_CONNECTOR, settings),
      topics: this.made.all.slice(0, tables.length + 1),
      state: props.state,
      cluster,
      plugins: props.plugins,
      workers: workersOf(props),
    });
    grantsOf(this, history).produce(this.connector);
    grantsOf(this, history).consume(this.connector, { groupId: historyGroupId(topicPrefix) });
    grantOwnTopic(this.connector, cluster, history.topicName);
    // A worker that finds no history would make one, and may not.
    this.connector.node.tryFindChild('Resource')?.node.addDependency(history);
    this.connectorName = this.connector.connectorName;
    this.connections = this.connector.connections;
    openDatabase(this.connector, props.worker, props.database.port ?? 3306);
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
