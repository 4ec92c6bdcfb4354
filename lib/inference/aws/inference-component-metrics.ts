import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';

/** The metrics of a component that alarms and dashboards are built from. Latencies are in microseconds. */
export class InferenceComponentMetrics {
  constructor(private readonly componentName: string) {}

  /** Requests. */
  public invocations(): cloudwatch.Metric {
    return this.metric('AWS/SageMaker', 'Invocations', 'Sum');
  }

  /** Requests that were answered with 4xx. */
  public errors4xx(): cloudwatch.Metric {
    return this.metric('AWS/SageMaker', 'Invocation4XXErrors', 'Sum');
  }

  /** Requests that were answered with 5xx. */
  public errors5xx(): cloudwatch.Metric {
    return this.metric('AWS/SageMaker', 'Invocation5XXErrors', 'Sum');
  }

  /** Share of the requests that was answered with 5xx, 0-1. */
  public errorRate(): cloudwatch.Metric {
    return this.metric('AWS/SageMaker', 'Invocation5XXErrors', 'Average');
  }

  /** Time that the container takes, p99, microseconds. */
  public modelLatency(): cloudwatch.Metric {
    return this.metric('AWS/SageMaker', 'ModelLatency', 'p99');
  }

  /** Requests that failed because there was no copy. */
  public noCapacityFailures(): cloudwatch.Metric {
    return this.metric('AWS/SageMaker', 'NoCapacityInvocationFailures', 'Sum');
  }

  /** Processors in use of those it takes, percent. */
  public cpuUtilisation(): cloudwatch.Metric {
    return this.metric('/aws/sagemaker/InferenceComponents', 'CPUUtilizationNormalized', 'Average');
  }

  /** Memory in use of what it takes, percent. */
  public memoryUtilisation(): cloudwatch.Metric {
    return this.metric('/aws/sagemaker/InferenceComponents', 'MemoryUtilizationNormalized', 'Average');
  }

  /** GPUs in use of those it takes, percent. */
  public gpuUtilisation(): cloudwatch.Metric {
    return this.metric('/aws/sagemaker/InferenceComponents', 'GPUUtilizationNormalized', 'Average');
  }

  /** Memory of GPUs in use of those it takes, percent. */
  public gpuMemoryUtilisation(): cloudwatch.Metric {
    return this.metric('/aws/sagemaker/InferenceComponents', 'GPUMemoryUtilizationNormalized', 'Average');
  }

  private metric(namespace: string, metricName: string, statistic: string): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace,
      metricName,
      statistic,
      period: Duration.minutes(1),
      dimensionsMap: { InferenceComponentName: this.componentName },
    });
  }
}
