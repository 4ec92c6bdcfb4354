import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { FEATURE_GROUP_DIMENSION, FEATURE_METRICS, FEATURE_METRIC_NAMESPACE } from '../feature-metric-names';

/** What clients do with a feature group, as CloudWatch names it. */
export enum FeatureOperation {
  /** Reading one record. */
  GET_RECORD = 'GetRecord',
  /** Writing one record. */
  PUT_RECORD = 'PutRecord',
  /** Deleting one record. */
  DELETE_RECORD = 'DeleteRecord',
}

/**
 * The SageMaker developer guide names the metrics of Feature Store and their dimensions, not their namespace; this one is used by third
 * parties alone.
 */
const SERVICE_NAMESPACE = 'AWS/SageMaker/FeatureStore';

/**
 * The metrics of a feature group, with the statistic that tells the truth. `freshness`, `recordsWritten` and `recordsRejected` come from what
 * feeds it; the others from SageMaker, for single records: batches are reported for the whole account. Look whether those arrive in your
 * account before an alarm stands on one of them: their namespace, AWS/SageMaker/FeatureStore, is in no document of AWS.
 */
export class FeatureGroupMetrics {
  constructor(private readonly featureGroupName: string) {}

  /** Milliseconds from the event time of a record to its write. */
  public freshness(): cloudwatch.Metric {
    return this.ofIngestion(FEATURE_METRICS.freshness, 'p99');
  }

  /** Records that were written. */
  public recordsWritten(): cloudwatch.Metric {
    return this.ofIngestion(FEATURE_METRICS.written, cloudwatch.Stats.SUM);
  }

  /** Records that could not be written. */
  public recordsRejected(): cloudwatch.Metric {
    return this.ofIngestion(FEATURE_METRICS.rejected, cloudwatch.Stats.SUM);
  }

  /** Microseconds that SageMaker takes for a request. */
  public latency(operation: FeatureOperation): cloudwatch.Metric {
    return this.ofService('Latency', operation, 'p99');
  }

  /** Requests. */
  public invocations(operation: FeatureOperation): cloudwatch.Metric {
    return this.ofService('Invocations', operation);
  }

  /** Requests that were answered with an error of the client. */
  public clientErrors(operation: FeatureOperation): cloudwatch.Metric {
    return this.ofService('Operation4XXErrors', operation);
  }

  /** Requests that were answered with an error of the service. */
  public serverErrors(operation: FeatureOperation): cloudwatch.Metric {
    return this.ofService('Operation5XXErrors', operation);
  }

  /** Requests that were slowed down. */
  public throttledRequests(operation: FeatureOperation): cloudwatch.Metric {
    return this.ofService('ThrottledRequests', operation);
  }

  /** Units that an operation of a group on demand took: of reading for GET_RECORD, else of writing. */
  public consumedRequestUnits(operation: FeatureOperation): cloudwatch.Metric {
    return this.ofService(`Consumed${kindOf(operation)}RequestsUnits`, operation);
  }

  /** Units that an operation of a group with provisioned throughput took: of reading for GET_RECORD, else of writing. */
  public consumedCapacityUnits(operation: FeatureOperation): cloudwatch.Metric {
    return this.ofService(`Consumed${kindOf(operation)}CapacityUnits`, operation);
  }

  private ofIngestion(metricName: string, statistic: string): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: FEATURE_METRIC_NAMESPACE,
      metricName,
      statistic,
      period: Duration.minutes(1),
      dimensionsMap: { [FEATURE_GROUP_DIMENSION]: this.featureGroupName },
    });
  }

  private ofService(metricName: string, operation: FeatureOperation, statistic: string = cloudwatch.Stats.SUM): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: SERVICE_NAMESPACE,
      metricName,
      statistic,
      period: Duration.minutes(1),
      dimensionsMap: { FeatureGroupName: this.featureGroupName, OperationName: operation },
    });
  }
}

function kindOf(operation: FeatureOperation): string {
  return operation === FeatureOperation.GET_RECORD ? 'Read' : 'Write';
}
