import type { Duration } from 'aws-cdk-lib';
import type { VerticalMode } from './vertical-mode';

/** Between how many replicas a workload scales. */
export interface ScalingLimits {
  /**
   * Fewest replicas; 0, for a `Worker` that KEDA scales, lets the last one leave, and then a lost metric starts none.
   * @default - 3, one a zone, for a `Service`; 1 for a `Worker`. Never more than the size has by default
   */
  readonly minReplicas?: number;
  /**
   * Most replicas.
   * @default - twice those of the size at peak; for a Kafka topic no more than its partitions
   */
  readonly maxReplicas?: number;
  /**
   * A vertical autoscaler beside the horizontal one.
   * @default - none
   */
  readonly verticalAutoscaler?: VerticalMode;
}

/** How KEDA scales by a metric that it reads itself. */
export interface MetricScalingLimits extends ScalingLimits {
  /**
   * Replicas while the metric cannot be read, after three failures; with more running, those stay.
   * @default - the size at peak, because nobody knows the load; no more than `maxReplicas`
   */
  readonly fallbackReplicas?: number;
  /**
   * How often the metric is read, in whole seconds.
   * @default Duration.seconds(15)
   */
  readonly pollingInterval?: Duration;
  /**
   * How long after the last work the last replica leaves; it only matters with `minReplicas: 0`.
   * @default Duration.minutes(5)
   */
  readonly cooldown?: Duration;
}

/** Scaling by a Prometheus query. */
export interface PrometheusScalingOptions extends MetricScalingLimits {
  /** Address of Prometheus, for example `http://prometheus.monitoring.svc:9090`; KEDA's operator calls it, not the pods. */
  readonly serverAddress: string;
  /** PromQL that returns one number, over all replicas. */
  readonly query: string;
  /** What one replica should carry of that number. */
  readonly threshold: number;
}

/** A number of replicas that nothing changes. */
export interface FixedScalingOptions {
  /**
   * Replicas.
   * @default - those of the size
   */
  readonly replicas?: number;
  /**
   * A vertical autoscaler.
   * @default - none
   */
  readonly verticalAutoscaler?: VerticalMode;
}
