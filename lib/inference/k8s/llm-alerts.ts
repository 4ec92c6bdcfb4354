import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import type { ResolvedLlmMonitoring } from '../llm-monitoring-rules';
import type { LlmMetrics } from './llm-metrics';
import { VLLM_PORT_NAME } from './vllm-pod';

/** What Prometheus is to read and to watch of a model. */
export interface LlmAlertsProps {
  readonly endpointName: string;
  readonly labels: { [key: string]: string };
  /**
   * Pods to read.
   * @default - none: an operator reads its pods itself
   */
  readonly read?: { readonly podSelector: { [key: string]: string }; readonly targetLabel: string };
  readonly metrics: LlmMetrics;
  /** Matchers of the series of what must never be unseen. */
  readonly selector: string;
  readonly monitoring: ResolvedLlmMonitoring;
  /**
   * Time until the first token that is promised.
   * @default - nothing is promised, and nothing fires
   */
  readonly timeToFirstTokenSeconds?: number;
}

/** A PodMonitor, and with alarms a PrometheusRule; both need the Prometheus operator. */
export class LlmAlerts extends Construct {
  constructor(scope: Construct, id: string, props: LlmAlertsProps) {
    super(scope, id);
    const { labels, read, monitoring, endpointName } = props;
    if (read) {
      new ApiObject(this, 'PodMonitor', {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'PodMonitor',
        metadata: { labels },
        spec: {
          selector: { matchLabels: { ...read.podSelector } },
          podTargetLabels: [read.targetLabel],
          podMetricsEndpoints: [{ port: VLLM_PORT_NAME, path: '/metrics', interval: '15s' }],
        },
      });
    }
    if (!monitoring.alarms) return;
    new ApiObject(this, 'PrometheusRule', {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: { labels },
      spec: { groups: [{ name: `${endpointName}.llm-endpoint`, rules: rulesOf(props) }] },
    });
  }
}

function rulesOf({ endpointName, metrics, selector, monitoring, timeToFirstTokenSeconds: first }: LlmAlertsProps): object[] {
  const { windowMinutes, errorPercent, kvCachePercent, waitingRequests } = monitoring;
  const alert = (name: string, expr: string, severity: string, summary: string) => ({
    alert: name,
    expr,
    for: `${windowMinutes}m`,
    labels: { severity, endpoint: endpointName },
    annotations: { summary },
  });
  return [
    alert(
      'LlmErrors',
      `${metrics.errorPercent().expression} > ${errorPercent}`,
      'critical',
      `${endpointName} fails more than ${errorPercent} % of its requests`,
    ),
    ...(first === undefined
      ? []
      : [
          alert(
            'LlmFirstTokenSlow',
            `${metrics.timeToFirstTokenP99().expression} > ${first}`,
            'critical',
            `${endpointName} begins one answer in a hundred later than ${first} s`,
          ),
        ]),
    alert(
      'LlmRequestsWaiting',
      `${metrics.waitingRequestsPerReplica().expression} > ${waitingRequests}`,
      'warning',
      `more than ${waitingRequests} requests wait for a replica of ${endpointName}`,
    ),
    alert(
      'LlmKvCacheFull',
      `${metrics.kvCachePercent().expression} >= ${kvCachePercent}`,
      'warning',
      `a replica of ${endpointName} has used ${kvCachePercent} % of its KV cache: it is about to push sequences out`,
    ),
    // The others are silent about what they cannot see.
    alert(
      'LlmUnseen',
      `absent(up{${selector}} == 1)`,
      'critical',
      `Prometheus reads no replica of ${endpointName}: either none runs, or nothing watches it`,
    ),
  ];
}
