import type { EndpointExpressions } from './endpoint-expressions';
import { ENDPOINT_LABEL, NODE_TYPE } from './ray-names';

/** What a label of a pod is called in Prometheus. */
function promLabel(label: string): string {
  return label.replace(/[^a-zA-Z0-9_]/g, '_');
}

/** The expressions for Ray Serve: what its proxies count, without what they ask each other below `/-/`. */
export function rayExpressions(
  endpointName: string,
  deployment: string,
  namespace: string | undefined,
  window: string,
): { readonly selector: string; readonly expressions: EndpointExpressions } {
  const by = promLabel(ENDPOINT_LABEL);
  const selector = `${namespace ? `namespace="${namespace}",` : ''}${by}="${endpointName}"`;
  const workers = `${selector},${promLabel(NODE_TYPE)}="worker"`;
  const asked = `${selector},route!~"/-/.*"`;
  const rate = (metric: string, more = '') => `sum by (${by}) (rate(${metric}{${asked}${more}}[${window}]))`;
  const requests = rate('ray_serve_num_http_requests_total');
  return {
    selector: workers,
    expressions: {
      requests,
      failures: `${rate('ray_serve_num_http_requests_total', ',status_code=~"5.."')} or ${requests} * 0`,
      latencyBuckets: `sum by (${by}, le) (rate(ray_serve_http_request_latency_ms_bucket{${asked}}[${window}]))`,
      latencyMillis: true,
      inFlight: `sum by (${by}) (ray_serve_replica_processing_queries{${selector},deployment="${deployment}"})`,
      replicas: `count by (${by}) (up{${workers}} == 1)`,
    },
  };
}
