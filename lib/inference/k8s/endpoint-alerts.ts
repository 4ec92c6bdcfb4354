import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import type { ResolvedMonitoring } from '../endpoint-monitoring-rules';
import type { EndpointMetrics } from './endpoint-metrics';

/** What Prometheus is to read and to watch of an endpoint. */
export interface EndpointAlertsProps {
  readonly endpointName: string;
  readonly labels: { [key: string]: string };
  readonly podSelector: { [key: string]: string };
  /** Labels of the pods that the series carry. */
  readonly targetLabels: string[];
  /** Name of the port with the metrics. */
  readonly port: string;
  readonly metrics: EndpointMetrics;
  /** Matchers of the series of what must never be unseen. */
  readonly selector: string;
  readonly monitoring: ResolvedMonitoring;
  readonly p99Seconds: number;
  readonly concurrencyPerReplica: number;
}

/** A PodMonitor, and with alarms a PrometheusRule; both need the Prometheus operator. */
export class EndpointAlerts extends Construct {
  constructor(scope: Construct, id: string, props: EndpointAlertsProps) {
    super(scope, id);
    const { labels, podSelector, monitoring } = props;
    new ApiObject(this, 'PodMonitor', {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PodMonitor',
      metadata: { labels },
      spec: {
        selector: { matchLabels: { ...podSelector } },
        podTargetLabels: props.targetLabels,
        podMetricsEndpoints: [{ port: props.port, path: '/metrics', interval: '15s' }],
      },
    });
    if (!monitoring.alarms) return;
    new ApiObject(this, 'PrometheusRule', {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: { labels },
      spec: { groups: [{ name: `${props.endpointName}.model-endpoint`, rules: rulesOf(props) }] },
    });
  }
}

function rulesOf({ endpointName, metrics, selector, monitoring, p99Seconds, concurrencyPerReplica }: EndpointAlertsProps): object[] {
  const window = `${monitoring.windowMinutes}m`;
  const alert = (name: string, expr: string, held: string, severity: string, summary: string) => ({
    alert: name,
    expr,
    for: held,
    labels: { severity, endpoint: endpointName },
    annotations: { summary },
  });
  return [
    alert(
      'ModelEndpointErrors',
      `${metrics.errorPercent().expression} > ${monitoring.errorPercent}`,
      window,
      'critical',
      `${endpointName} fails more than ${monitoring.errorPercent} % of its requests`,
    ),
    alert(
      'ModelEndpointSlow',
      `${metrics.latencyP99().expression} > ${p99Seconds}`,
      window,
      'critical',
      `${endpointName} answers one request in a hundred later than ${p99Seconds} s`,
    ),
    alert(
      'ModelEndpointSaturated',
      `${metrics.inFlightPerReplica().expression} > ${concurrencyPerReplica}`,
      window,
      'warning',
      `${endpointName} has more than ${concurrencyPerReplica} requests in flight on a replica: its latency grows`,
    ),
    // The others are silent about what they cannot see.
    alert(
      'ModelEndpointUnseen',
      `absent(up{${selector}} == 1)`,
      '5m',
      'critical',
      `Prometheus reads no replica of ${endpointName}: either none runs, or nothing watches it`,
    ),
  ];
}
