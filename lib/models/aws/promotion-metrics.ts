import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as stepfunctions from 'aws-cdk-lib/aws-stepfunctions';

/** What a receiver of promotions tells about itself. */
export class PromotionMetrics {
  constructor(
    private readonly steps: stepfunctions.IStateMachine,
    private readonly queue: sqs.IQueue,
  ) {}

  /** Versions that were checked and, when still approved, written; their number in five minutes. */
  public promoted(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.steps.metricSucceeded(options);
  }

  /** Approvals that could not be checked or written; each asks for a person. */
  public failed(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.steps.metricFailed(options);
  }

  /** Approvals that did not reach the check. */
  public undelivered(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.queue.metricApproximateNumberOfMessagesVisible(options);
  }
}
