import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';

/**
 * The metrics of an endpoint that alarms and dashboards are built from, of its first variant unless another is named. Latencies are in
 * microseconds (SageMaker developer guide, metrics in CloudWatch). An asynchronous endpoint reports neither invocations nor overhead latency,
 * but the queue.
 */
export class ModelEndpointMetrics {
  /** @param defaultVariant Name of the variant that is meant where none is named. */
  constructor(
    private readonly endpointName: string,
    private readonly defaultVariant: string,
  ) {}

  /** Requests. */
  public invocations(variant?: string): cloudwatch.Metric {
    return this.ofVariant('Invocations', 'Sum', variant);
  }

  /** Requests that were answered with 4xx. */
  public errors4xx(variant?: string): cloudwatch.Metric {
    return this.ofVariant('Invocation4XXErrors', 'Sum', variant);
  }

  /** Requests that were answered with 5xx. */
  public errors5xx(variant?: string): cloudwatch.Metric {
    return this.ofVariant('Invocation5XXErrors', 'Sum', variant);
  }

  /** Share of the requests that was answered with 5xx, 0-1: SageMaker reports 1 or 0 for each. */
  public errorRate(variant?: string): cloudwatch.Metric {
    return this.ofVariant('Invocation5XXErrors', 'Average', variant);
  }

  /** Time that the container takes, p99, microseconds. */
  public modelLatency(variant?: string): cloudwatch.Metric {
    return this.ofVariant('ModelLatency', 'p99', variant);
  }

  /** Time that SageMaker adds, p99, microseconds. */
  public overheadLatency(variant?: string): cloudwatch.Metric {
    return this.ofVariant('OverheadLatency', 'p99', variant);
  }

  /** Requests in flight on a model, every ten seconds. */
  public concurrentRequests(variant?: string): cloudwatch.Metric {
    return this.ofVariant('ConcurrentRequestsPerModel', 'Maximum', variant, Duration.seconds(10));
  }

  /** Processors in use, percent: 400 is all of four. */
  public cpuUtilisation(variant?: string): cloudwatch.Metric {
    return this.ofInstances('CPUUtilization', variant);
  }

  /** Memory in use, percent. */
  public memoryUtilisation(variant?: string): cloudwatch.Metric {
    return this.ofInstances('MemoryUtilization', variant);
  }

  /** Disk in use, percent. */
  public diskUtilisation(variant?: string): cloudwatch.Metric {
    return this.ofInstances('DiskUtilization', variant);
  }

  /** GPUs in use, percent: 400 is all of four. */
  public gpuUtilisation(variant?: string): cloudwatch.Metric {
    return this.ofInstances('GPUUtilization', variant);
  }

  /** Memory of GPUs in use, percent: 400 is all of four. */
  public gpuMemoryUtilisation(variant?: string): cloudwatch.Metric {
    return this.ofInstances('GPUMemoryUtilization', variant);
  }

  /** Requests in the queue. Asynchronous endpoints only. */
  public backlog(): cloudwatch.Metric {
    return this.ofEndpoint('ApproximateBacklogSize', 'Average');
  }

  /** Requests in the queue for each instance. Asynchronous endpoints only, and none without an instance. */
  public backlogPerInstance(): cloudwatch.Metric {
    return this.ofEndpoint('ApproximateBacklogSizePerInstance', 'Average');
  }

  /** 1 while requests wait and there is no instance. Asynchronous endpoints only. */
  public backlogWithoutCapacity(): cloudwatch.Metric {
    return this.ofEndpoint('HasBacklogWithoutCapacity', 'Maximum');
  }

  /** Seconds that the oldest request has waited. Asynchronous endpoints only. */
  public oldestRequestAge(): cloudwatch.Metric {
    return this.ofEndpoint('ApproximateAgeOfOldestRequest', 'Maximum');
  }

  /** Time from the request to the answer in the bucket, p99, milliseconds. Asynchronous endpoints only. */
  public totalProcessingTime(variant?: string): cloudwatch.Metric {
    return this.ofVariant('TotalProcessingTime', 'p99', variant);
  }

  private ofVariant(metricName: string, statistic: string, variant = this.defaultVariant, period?: Duration): cloudwatch.Metric {
    return this.metric('AWS/SageMaker', metricName, statistic, { VariantName: variant }, period);
  }

  private ofInstances(metricName: string, variant = this.defaultVariant): cloudwatch.Metric {
    return this.metric('/aws/sagemaker/Endpoints', metricName, 'Average', { VariantName: variant });
  }

  private ofEndpoint(metricName: string, statistic: string): cloudwatch.Metric {
    return this.metric('AWS/SageMaker', metricName, statistic, {});
  }

  private metric(
    namespace: string,
    metricName: string,
    statistic: string,
    dimensions: Record<string, string>,
    period = Duration.minutes(1),
  ): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace,
      metricName,
      statistic,
      period,
      dimensionsMap: { EndpointName: this.endpointName, ...dimensions },
    });
  }
}
