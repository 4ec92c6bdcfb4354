import type { PrometheusScalingOptions } from './scaling-limits';
import type { ScalingTrigger } from './scaling-plan';

/** A Prometheus trigger. */
export function prometheusTrigger(options: PrometheusScalingOptions): ScalingTrigger {
  return {
    type: 'prometheus',
    metadata: {
      serverAddress: options.serverAddress,
      query: options.query,
      threshold: String(options.threshold),
      // By default an empty answer counts as zero, and a lost metric would scale the workload down instead of falling back.
      ignoreNullValues: 'false',
    },
    rules: [
      {
        subject: 'scaling.serverAddress',
        value: options.serverAddress,
        valid: (address: string) => /^https?:\/\/[^\s/]+/.test(address),
        allowed: 'an http or https URL',
        fix: 'name the service of Prometheus, for example http://prometheus.monitoring.svc:9090',
      },
      {
        subject: 'scaling.query',
        value: options.query,
        valid: (query: string) => query.trim() !== '',
        allowed: 'PromQL that returns one number',
        fix: 'sum over the replicas, for example sum(rate(http_requests_total{service="radar"}[2m]))',
      },
      {
        subject: 'scaling.threshold',
        value: options.threshold,
        valid: (threshold: number) => Number.isFinite(threshold) && threshold > 0,
        allowed: 'a number above zero',
        fix: 'measure what one replica carries',
      },
    ],
  };
}
