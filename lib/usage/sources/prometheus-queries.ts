import { refuse } from '../../core/error';
import type { UsageField } from './usage-columns';

/** Which containers to ask for. */
export interface UsageSelection {
  readonly namespace: string;
  /** Further labels that all series carry, for example `cluster`. A name of a pod must be unique among what is left. */
  readonly matchers?: Readonly<Record<string, string>>;
}

/** One question; its answer has a value for each pod, container and step. */
export interface UsageQuery {
  readonly field: UsageField;
  readonly query: string;
  /** What turns a value into the unit of a sample. */
  readonly toSample: (value: number) => number;
}

const POD = 'namespace, pod, container';
const mebibytes = (bytes: number): number => bytes / 1048576;
const thousandths = (value: number): number => value * 1000;

/**
 * The questions for usage, asked at each multiple of the interval. The value at a time stands for the interval that ends there.
 *
 * Windows are chosen so that the answers are the same whether the server counts the start of a window in (Prometheus 2) or not
 * (Prometheus 3), also where samples are exactly an interval apart:
 * - A rate needs the sample at the start, so its window is a millisecond longer. Extrapolation covers that millisecond. Only when the counter
 *   starts at zero it does not, and the rate of that one interval is 3 millionths too low.
 * - A gauge must not show the sample at the start, which belongs to the interval before, so its window is a millisecond shorter. A plain
 *   selector would show a value up to five minutes after its series ended, and fill gaps.
 *
 * `max` folds series that two replicas of a server, or two generations of a container, have for one pod; their sum would count them twice.
 */
export function usageQueries(selection: UsageSelection, intervalSeconds: number): UsageQuery[] {
  const matchers = matchersOf(selection);
  const containers = `${matchers}, container!="", container!="POD", container!="pause"`;
  const rateWindow = `[${intervalSeconds * 1000 + 1}ms]`;
  const gaugeWindow = `[${intervalSeconds * 1000 - 1}ms]`;
  const max = (expression: string) => `max by (${POD}) (${expression})`;
  const rate = (metric: string) => `rate(${metric}{${containers}}${rateWindow})`;
  const last = (metric: string, more = '', shift = '') => max(`last_over_time(${metric}{${containers}${more}}${gaugeWindow}${shift})`);
  const request = (resource: string) => last('kube_pod_container_resource_requests', `, resource="${resource}"`);
  // Not increase(): what happens between the last sample of one window and the first of the next would be in neither.
  const grown = (metric: string) => `(${last(metric)} - ${last(metric, '', ` offset ${intervalSeconds}s`)} > 0)`;
  const killed = last('kube_pod_container_status_last_terminated_reason', ', reason="OOMKilled"');
  return [
    { field: 'cpu', query: max(rate('container_cpu_usage_seconds_total')), toSample: thousandths },
    { field: 'memory', query: last('container_memory_working_set_bytes'), toSample: mebibytes },
    {
      field: 'memoryPeak',
      query: max(`max_over_time(container_memory_working_set_bytes{${containers}}${gaugeWindow})`),
      toSample: mebibytes,
    },
    {
      field: 'throttled',
      query: max(`${rate('container_cpu_cfs_throttled_periods_total')} / ${rate('container_cpu_cfs_periods_total')}`),
      // Both are extrapolated, so that the share of a container that is always throttled can be a little more than one.
      toSample: (value) => Math.min(1, value),
    },
    {
      // A restart whose reason is a kill for memory, by kube-state-metrics. cAdvisor's own counter ends with the container that was killed, so
      // it comes second: for kills of a child process, and where there is no kube-state-metrics.
      field: 'oomKills',
      query: `(${grown('kube_pod_container_status_restarts_total')} and on (${POD}) (${killed} == 1)) or ${grown('container_oom_events_total')}`,
      toSample: Math.round,
    },
    { field: 'cpuRequest', query: request('cpu'), toSample: thousandths },
    { field: 'memoryRequest', query: request('memory'), toSample: mebibytes },
    { field: 'gpuRequest', query: request('nvidia_com_gpu'), toSample: thousandths },
    { field: 'gpu', query: gpu('DCGM_FI_DEV_GPU_UTIL', 'avg_over_time', selection, gaugeWindow), toSample: (percent) => percent * 10 },
    { field: 'gpuMemory', query: gpu('DCGM_FI_DEV_FB_USED', 'last_over_time', selection, gaugeWindow), toSample: (mib) => mib },
  ];
}

/** The labels of `max by (…)` answers that name a pod and a container; an exporter's own pod stands in the plain ones. */
export function containerOf(metric: Readonly<Record<string, string>>): { pod?: string; container?: string } {
  return { pod: metric.exported_pod ?? metric.pod, container: metric.exported_container ?? metric.container };
}

/** Questions for owners, asked at the end of a range of time; a subquery, so that pods that ended before are in the answer. */
export function ownerQueries(selection: UsageSelection, rangeSeconds: number, intervalSeconds: number) {
  const matchers = matchersOf(selection);
  const over = (labels: string, metric: string) =>
    `max by (${labels}) (max_over_time((max by (${labels}) (${metric}{${matchers}}))[${rangeSeconds}s:${intervalSeconds}s]))`;
  return {
    pods: over('pod, owner_kind, owner_name', 'kube_pod_owner'),
    replicaSets: over('replicaset, owner_kind, owner_name', 'kube_replicaset_owner'),
    jobs: over('job_name, owner_kind, owner_name', 'kube_job_owner'),
  };
}

function gpu(metric: string, over: string, selection: UsageSelection, window: string): string {
  // The exporter's scrape either honours the labels of the pod or moves them to exported_*. A container can hold several GPUs.
  const summed = (prefix: string) => {
    const labels = `${prefix}namespace, ${prefix}pod, ${prefix}container`;
    const series = `${metric}{${matchersOf(selection, prefix)}, ${prefix}pod!="", ${prefix}container!=""${prefix ? '' : ', exported_pod=""'}}`;
    return `sum by (${labels}) (max by (${labels}, UUID, GPU_I_ID) (${over}(${series}${window})))`;
  };
  return `${summed('')} or ${summed('exported_')}`;
}

function matchersOf({ namespace, matchers = {} }: UsageSelection, prefix = ''): string {
  for (const label of ['namespace', 'exported_namespace']) {
    if (!Object.hasOwn(matchers, label)) continue;
    refuse('usage pull', {
      code: 'Millrace.PrometheusAccessInvalid',
      subject: 'matchers',
      received: `the label '${label}'`,
      allowed: 'labels beside the namespace',
      fix: 'name the namespace with --namespace, and pull each namespace into a profile of its own',
    });
  }
  return Object.entries({ [`${prefix}namespace`]: namespace, ...matchers })
    .map(([label, value]) => {
      if (!/^[a-zA-Z_]\w*$/.test(label)) {
        refuse('usage pull', {
          code: 'Millrace.PrometheusAccessInvalid',
          subject: 'matchers',
          received: `the label '${label}'`,
          allowed: 'letters, digits and _',
          fix: 'correct the name of the label',
        });
      }
      return `${label}=${JSON.stringify(value)}`;
    })
    .join(', ');
}
