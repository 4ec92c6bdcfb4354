import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { MSK_NAMESPACE } from '../../streaming/msk-metrics';
import { FEATURE_GROUP_DIMENSION, FEATURE_METRICS, FEATURE_METRIC_NAMESPACE } from '../feature-metric-names';

/** What identifies an ingestion in its metrics. */
export interface FeatureIngestionIdentity {
  /** Name of the feature group. */
  readonly featureGroupName: string;
  /** Name of the function. */
  readonly functionName: string;
  /** Name of the MSK cluster. */
  readonly clusterName: string;
  /** Name of the topic. */
  readonly topicName: string;
  /** Consumer group. */
  readonly groupId: string;
}

/** The metrics of an ingestion that alarms and dashboards are built from. */
export class FeatureIngestionMetrics {
  constructor(private readonly identity: FeatureIngestionIdentity) {}

  /** Age of records when they are written, milliseconds since their event time: what 99 of 100 stay below. */
  public freshness(): cloudwatch.Metric {
    return this.ofGroup(FEATURE_METRICS.freshness, 'p99');
  }

  /** Records written. */
  public recordsWritten(): cloudwatch.Metric {
    return this.ofGroup(FEATURE_METRICS.written, 'Sum');
  }

  /** Records that can never be written and are kept in the failure bucket. */
  public recordsRejected(): cloudwatch.Metric {
    return this.ofGroup(FEATURE_METRICS.rejected, 'Sum');
  }

  /** Seconds that the consumer group needs to catch up, as MSK estimates it. */
  public timeLag(): cloudwatch.Metric {
    const { clusterName, groupId, topicName } = this.identity;
    return new cloudwatch.Metric({
      namespace: MSK_NAMESPACE,
      metricName: 'EstimatedMaxTimeLag',
      statistic: 'Maximum',
      period: Duration.minutes(1),
      dimensionsMap: { 'Cluster Name': clusterName, 'Consumer Group': groupId, Topic: topicName },
    });
  }

  /** Records between the end of the topic and what Lambda has handed over, of the partition where it is furthest behind. */
  public offsetLag(): cloudwatch.Metric {
    return this.ofFunction('OffsetLag', 'Maximum');
  }

  /** Invocations that failed: a batch that is to be tried again as a whole. */
  public errors(): cloudwatch.Metric {
    return this.ofFunction('Errors', 'Sum');
  }

  private ofGroup(metricName: string, statistic: string): cloudwatch.Metric {
    const dimensionsMap = { [FEATURE_GROUP_DIMENSION]: this.identity.featureGroupName };
    return new cloudwatch.Metric({
      namespace: FEATURE_METRIC_NAMESPACE,
      metricName,
      statistic,
      period: Duration.minutes(1),
      dimensionsMap,
    });
  }

  private ofFunction(metricName: string, statistic: string): cloudwatch.Metric {
    const dimensionsMap = { FunctionName: this.identity.functionName };
    return new cloudwatch.Metric({ namespace: 'AWS/Lambda', metricName, statistic, period: Duration.minutes(1), dimensionsMap });
  }
}
