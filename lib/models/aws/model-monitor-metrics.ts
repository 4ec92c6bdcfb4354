import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { BiasLimit } from './monitor-options';

type Dimensions = { readonly [name: string]: string };

const PERIOD = Duration.hours(1);

/**
 * What the jobs of a monitor publish, one value an execution.
 *
 * AWS's sources disagree about the place of the metrics of data quality. The developer guide's page on the built-in container has
 * `/aws/sagemaker/Endpoints/data-metric` with `EndpointName` and `ScheduleName`, which no alarm of AWS's samples uses. An alarm that AWS's drift
 * sample recorded has `aws/sagemaker/Endpoints/data-metrics` with `Endpoint` and `MonitoringSchedule`; the dashboards of the SageMaker Python
 * SDK have the dimension `Feature` beside these two. Both of the latter are asked for here, and the larger value counts.
 */
export class ModelMonitorMetrics {
  constructor(
    private readonly endpointName: string,
    private readonly monitoringScheduleName: string,
  ) {}

  /** Distance of a field from the baseline, 0-1; of a monitor of data quality. */
  public drift(field: string, options: MetricOptions = {}): IMetric {
    return this.ofField(field, `feature_baseline_drift_${field}`, options);
  }

  /** Values of a field that were there; of a monitor of data quality. */
  public completeness(field: string, options: MetricOptions = {}): IMetric {
    return this.ofField(field, `feature_non_null_${field}`, { statistic: Stats.SUM, ...options });
  }

  /** A measure of the predictions, such as `auc`; of a monitor of model quality. */
  public quality(metricName: string, options: MetricOptions = {}): Metric {
    return this.metric('model-metrics', metricName, {}, options);
  }

  /** A measure of bias after the training; of a monitor of bias. */
  public bias(group: BiasLimit, options: MetricOptions = {}): Metric {
    const { metric, label, labelValue, facet, facetValue } = group;
    const dimensions = { BiasStage: 'Post-Training', Label: label, LabelValue: labelValue, Facet: facet, FacetValue: facetValue };
    return this.metric('bias-metrics', `bias_metric_${metric}`, dimensions, options);
  }

  /** Mean share of a field in the predictions; of a monitor of explainability. */
  public attribution(field: string, labelName: string, options: MetricOptions = {}): Metric {
    const dimensions = { ExplainabilityMethod: 'KernelShap', Label: labelName, ValueType: 'GlobalShapValues' };
    return this.metric('explainability-metrics', `feature_${field}`, dimensions, options);
  }

  /** The container publishes under one of two sets of dimensions; a series without data does not count in an array. */
  private ofField(field: string, metricName: string, options: MetricOptions): IMetric {
    const { period = PERIOD, label = metricName, color } = options;
    return new MathExpression({
      expression: 'MAX([plain, byFeature])',
      usingMetrics: {
        plain: this.metric('data-metrics', metricName, {}, options),
        byFeature: this.metric('data-metrics', metricName, { Feature: field }, options),
      },
      period,
      label,
      color,
    });
  }

  private metric(kind: string, metricName: string, dimensions: Dimensions, options: MetricOptions): Metric {
    return new Metric({
      namespace: `aws/sagemaker/Endpoints/${kind}`,
      metricName,
      dimensionsMap: { Endpoint: this.endpointName, MonitoringSchedule: this.monitoringScheduleName, ...dimensions },
      statistic: Stats.MAXIMUM,
      period: PERIOD,
      ...options,
    });
  }
}
