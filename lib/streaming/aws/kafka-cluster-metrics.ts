import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { enforce } from '../../core/rule';
import { MSK_METRICS, MSK_NAMESPACE } from '../msk-metrics';
import type { KafkaSizing } from '../kafka-sizing';

/**
 * The metrics of an MSK cluster that alarms and dashboards are built from, with the statistic that tells the truth. A metric that the
 * brokers of the cluster never report is refused: an alarm on it would stay silent for ever. Those of a broker need monitoring level
 * PER_BROKER, the default.
 *
 * Every method with a broker throws Millrace.KafkaBrokerIdInvalid for one that the cluster does not have.
 */
export class KafkaClusterMetrics {
  /** @param sizing Decides which metrics there are and how many brokers. */
  constructor(
    private readonly clusterName: string,
    private readonly sizing: KafkaSizing,
  ) {}

  /** Active controllers, of which there is one. */
  public activeControllers(): cloudwatch.Metric {
    return this.ofCluster('ActiveControllerCount');
  }

  /** Partitions without a leader. Standard brokers only. */
  public offlinePartitions(): cloudwatch.Metric {
    return this.ofCluster('OfflinePartitionsCount');
  }

  /** Share of the volumes that is used, percent. Standard brokers only. */
  public dataDiskUsed(broker: number): cloudwatch.Metric {
    return this.ofBroker('KafkaDataLogsDiskUsed', broker);
  }

  /** Bytes stored, copies not counted. Express brokers only. */
  public storageUsed(): cloudwatch.Metric {
    return this.ofCluster('StorageUsed');
  }

  /** Share of the processors of a broker that is busy, percent; above 60 a lost broker is too much for the others. */
  public cpuUtilisation(broker: number): cloudwatch.MathExpression {
    return new cloudwatch.MathExpression({
      expression: 'user + system',
      usingMetrics: { user: this.ofBroker('CpuUser', broker), system: this.ofBroker('CpuSystem', broker) },
      label: `CPU of broker ${broker}`,
      period: Duration.minutes(5),
    });
  }

  /** Partitions of a broker that lack a copy. Standard brokers only. */
  public underReplicatedPartitions(broker: number): cloudwatch.Metric {
    return this.ofBroker('UnderReplicatedPartitions', broker);
  }

  /** Partitions of a broker that take no writes, for want of copies. Standard brokers only. */
  public underMinIsrPartitions(broker: number): cloudwatch.Metric {
    return this.ofBroker('UnderMinIsrPartitionCount', broker, Duration.minutes(1));
  }

  /** Partitions on a broker, copies included. */
  public partitions(broker: number): cloudwatch.Metric {
    return this.ofBroker('PartitionCount', broker);
  }

  /** Bytes a second that producers write to a broker. */
  public bytesIn(broker: number): cloudwatch.Metric {
    return this.ofBroker('BytesInPerSec', broker);
  }

  /** Bytes a second that consumers read from a broker. */
  public bytesOut(broker: number): cloudwatch.Metric {
    return this.ofBroker('BytesOutPerSec', broker);
  }

  /** Share of the time in which the request handlers of a broker have nothing to do, 0-1; below 0.3 it is overloaded. */
  public requestHandlerIdle(broker: number): cloudwatch.Metric {
    return this.ofBroker('RequestHandlerAvgIdlePercent', broker);
  }

  /** Share of the time in which the network threads of a broker have nothing to do, 0-1; below 0.3 it is overloaded. */
  public networkProcessorIdle(broker: number): cloudwatch.Metric {
    return this.ofBroker('NetworkProcessorAvgIdlePercent', broker);
  }

  /** Share of the heap that is used after a collection, percent. Standard brokers only. */
  public heapAfterCollection(broker: number): cloudwatch.Metric {
    return this.ofBroker('HeapMemoryAfterGC', broker);
  }

  /** Milliseconds for which producers are held back. Express brokers only. */
  public produceThrottle(broker: number): cloudwatch.Metric {
    return this.ofBroker('ProduceThrottleTime', broker);
  }

  /** Milliseconds for which consumers are held back. Express brokers only. */
  public fetchThrottle(broker: number): cloudwatch.Metric {
    return this.ofBroker('FetchThrottleTime', broker);
  }

  /** New connections a second; a broker takes 100 with IAM. */
  public connectionCreation(broker: number): cloudwatch.Metric {
    return this.ofBroker('ConnectionCreationRate', broker, Duration.minutes(1));
  }

  /** Connections with IAM beyond the 3,000 that a broker takes. */
  public tooManyIamConnections(broker: number): cloudwatch.Metric {
    return this.ofBroker('IAMTooManyConnections', broker);
  }

  /** Records that a group has still to read of the partition where it is furthest behind. */
  public offsetLag(groupId: string, topicName: string): cloudwatch.Metric {
    return this.ofGroup('MaxOffsetLag', groupId, topicName);
  }

  /** Seconds that a group needs to catch up, as MSK estimates it. */
  public timeLag(groupId: string, topicName: string): cloudwatch.Metric {
    return this.ofGroup('EstimatedMaxTimeLag', groupId, topicName);
  }

  private ofCluster(metricName: string): cloudwatch.Metric {
    return this.metric(metricName, {});
  }

  private ofBroker(metricName: string, broker: number, period?: Duration): cloudwatch.Metric {
    const { brokers } = this.sizing;
    enforce('metrics', { broker }, [
      {
        code: 'Millrace.KafkaBrokerIdInvalid',
        subject: 'broker',
        value: (input) => input.broker,
        valid: (id: number) => Number.isInteger(id) && id >= 1 && id <= brokers,
        allowed: `1 to ${brokers}`,
        fix: 'MSK counts brokers from 1',
      },
    ]);
    return this.metric(metricName, { 'Broker ID': String(broker) }, period);
  }

  private ofGroup(metricName: string, groupId: string, topicName: string): cloudwatch.Metric {
    return this.metric(metricName, { 'Consumer Group': groupId, Topic: topicName }, Duration.minutes(1));
  }

  private metric(metricName: string, dimensions: Record<string, string>, period = Duration.minutes(5)): cloudwatch.Metric {
    const { brokers, statistic } = MSK_METRICS[metricName];
    const { brokerClass } = this.sizing.brokerType;
    enforce('metrics', { metricName }, [
      {
        code: 'Millrace.KafkaMetricNeverReported',
        subject: 'metric',
        value: (input) => input.metricName,
        valid: () => brokers.includes(brokerClass),
        allowed: `a metric of ${brokerClass} brokers; this one is reported by ${brokers.join(' and ')} brokers`,
        fix: 'drop the alarm: it would stay silent for ever',
      },
    ]);
    return new cloudwatch.Metric({
      namespace: MSK_NAMESPACE,
      metricName,
      statistic,
      period,
      dimensionsMap: { 'Cluster Name': this.clusterName, ...dimensions },
    });
  }
}
