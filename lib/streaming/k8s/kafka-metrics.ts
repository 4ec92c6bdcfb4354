import type { ApiObjectProps } from 'cdk8s';
import { refuse, show } from '../../core/error';
import { KafkaMetricNames } from '../kafka-metric-names';

/** Options of the Strimzi Metrics Reporter. */
export interface StrimziReporterOptions {
  /**
   * Regular expressions of the metrics to expose, by their names in Prometheus.
   * @default - all
   */
  readonly allowList?: string[];
  /**
   * Whether to make a PodMonitor, for which the Prometheus operator must be installed.
   * @default false
   */
  readonly podMonitor?: boolean;
}

/** Options of the Prometheus JMX exporter. */
export interface JmxExporterOptions {
  /** Name of the ConfigMap with the rules of the exporter, in the namespace of the cluster. */
  readonly configMapName: string;
  /** Key of the rules in the ConfigMap. */
  readonly key: string;
  /**
   * Whether to make a PodMonitor, for which the Prometheus operator must be installed.
   * @default false
   */
  readonly podMonitor?: boolean;
}

/** How a Strimzi cluster exposes its metrics, on port 9404 of its pods. The two ways give the same metric different names. */
export class KafkaMetrics {
  /**
   * The Strimzi Metrics Reporter: no agent and no rules.
   *
   * @throws Millrace.KafkaMetricsInvalid
   */
  public static strimziReporter(options: StrimziReporterOptions = {}): KafkaMetrics {
    const allowList = options.allowList ?? ['.*'];
    if (allowList.length === 0 || !allowList.every(isExpression)) {
      refuse('KafkaMetrics.strimziReporter', {
        code: 'Millrace.KafkaMetricsInvalid',
        subject: 'allowList',
        received: show(allowList),
        allowed: 'at least one regular expression',
        fix: 'leave it out for all metrics',
      });
    }
    const config = { type: 'strimziMetricsReporter', values: { allowList } };
    return new KafkaMetrics(KafkaMetricNames.STRIMZI_METRICS_REPORTER, config, options.podMonitor ?? false);
  }

  /** The Prometheus JMX exporter with rules of one's own, for dashboards and alerts that know those names already. */
  public static jmxExporter(options: JmxExporterOptions): KafkaMetrics {
    const valueFrom = { configMapKeyRef: { name: options.configMapName, key: options.key } };
    return new KafkaMetrics(KafkaMetricNames.JMX_EXPORTER, { type: 'jmxPrometheusExporter', valueFrom }, options.podMonitor ?? false);
  }

  private constructor(
    /** Which names the metrics have. */
    public readonly metricNames: KafkaMetricNames,
    /** @internal */
    public readonly _config: Record<string, unknown>,
    private readonly hasPodMonitor: boolean,
  ) {}

  /**
   * The PodMonitor, if there is to be one.
   * @internal
   */
  public _podMonitor(clusterName: string): (ApiObjectProps & { readonly spec: unknown }) | undefined {
    if (!this.hasPodMonitor) return undefined;
    return {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PodMonitor',
      metadata: { name: `${clusterName}-kafka` },
      spec: {
        selector: { matchLabels: { 'strimzi.io/cluster': clusterName, 'strimzi.io/kind': 'Kafka' } },
        podTargetLabels: ['strimzi.io/cluster', 'strimzi.io/pool-name'],
        podMetricsEndpoints: [{ path: '/metrics', port: 'tcp-prometheus' }],
      },
    };
  }
}

function isExpression(text: unknown): boolean {
  try {
    return typeof text === 'string' && text !== '' && new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
