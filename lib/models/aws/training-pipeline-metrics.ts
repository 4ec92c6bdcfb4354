import { Duration } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';

/** Metrics of one pipeline (SageMaker developer guide, pipelines metrics). */
export class TrainingPipelineMetrics {
  constructor(private readonly pipelineName: string) {}

  /** Executions that were started. */
  public started(options: MetricOptions = {}): Metric {
    return this.metric('ExecutionStarted', options);
  }

  /** Executions that succeeded. */
  public succeeded(options: MetricOptions = {}): Metric {
    return this.metric('ExecutionSucceeded', options);
  }

  /** Executions that failed; those that were stopped do not count. */
  public failed(options: MetricOptions = {}): Metric {
    return this.metric('ExecutionFailed', options);
  }

  /** How long executions took, in milliseconds. */
  public duration(options: MetricOptions = {}): Metric {
    return this.metric('ExecutionDuration', { statistic: Stats.MAXIMUM, ...options });
  }

  private metric(metricName: string, options: MetricOptions): Metric {
    return new Metric({
      namespace: 'AWS/Sagemaker/ModelBuildingPipeline',
      metricName,
      dimensionsMap: { PipelineName: this.pipelineName },
      statistic: Stats.SUM,
      period: Duration.minutes(5),
      ...options,
    });
  }
}
