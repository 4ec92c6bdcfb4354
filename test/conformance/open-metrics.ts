import { FROM, INTERVAL, type Observation, gpuOf } from './trace-workloads';

type Line = readonly [labels: Record<string, string>, value: number, time: number];

/** Namespace with many containers in few samples. */
export const HUGE = { namespace: 'huge', containers: 5000, samples: 24 };
/** Namespace of one container whose counter starts at zero and that uses one core. */
export const ZERO = { namespace: 'zero', samples: 2 };

/** The metrics of cAdvisor, kube-state-metrics and DCGM as a server would have scraped them, twice where there are two replicas. */
export function openMetricsOf(all: readonly Observation[]): string {
  const labels = (one: Observation) => ({ namespace: 'shop', pod: one.pod, container: one.container });
  const cadvisor = (one: Observation) => ({ ...labels(one), id: `/kubepods/${one.id}` });
  const owned = all.filter(({ owner }) => owner);
  const gauge = (of: (one: Observation) => Line) => (list: readonly Observation[]) => list.map(of);
  const restarted = all.filter(({ workload }) => workload === 'restarted');
  const cpu: Line[] = all.flatMap((one): Line[] => [
    [cadvisor(one), one.counter, one.time],
    // The other replica, and what stands for the whole pod and its sandbox: none of them may be counted again.
    ...(one.workload === 'checkout'
      ? ([
          [{ ...cadvisor(one), prometheus_replica: 'b' }, one.counter, one.time],
          [{ namespace: 'shop', pod: one.pod, container: '', id: `/pod/${one.id}` }, one.counter * 3, one.time],
          [{ namespace: 'shop', pod: one.pod, container: 'POD', id: `/sandbox/${one.id}` }, one.time - FROM, one.time],
        ] as Line[])
      : []),
  ]);
  const others = (value: (container: number, sample: number) => number): Line[] =>
    range(HUGE.containers).flatMap((container) =>
      range(HUGE.samples).map((sample): Line => {
        const names = { namespace: HUGE.namespace, pod: `w${container}-5f6585d649-fnmft`, container: 'app' };
        return [{ ...names, label_of_a_length_that_adds_up: 'x'.repeat(200) }, value(container, sample), FROM + sample * INTERVAL];
      }),
    );
  const zero = range(ZERO.samples).map((sample): Line => [
    { namespace: ZERO.namespace, pod: 'zero-0', container: 'app' },
    sample * INTERVAL,
    FROM + sample * INTERVAL,
  ]);
  const zeroMemory = zero.map(([names, , time]): Line => [names, 1048576, time]);
  return [
    family('container_cpu_usage_seconds', 'counter', '_total', [
      ...cpu,
      ...zero,
      ...others((container, sample) => 50 + sample * (container % 7)),
    ]),
    family('container_memory_working_set_bytes', 'gauge', '', [
      ...gauge((one) => [cadvisor(one), one.memoryMib * 1048576, one.time])(all),
      ...zeroMemory,
      ...others((container) => 1048576 * (1 + (container % 100))),
    ]),
    family(
      'kube_pod_container_resource_requests',
      'gauge',
      '',
      owned.flatMap((one): Line[] => [
        [{ ...labels(one), resource: 'cpu', unit: 'core' }, 0.25, one.time],
        [{ ...labels(one), resource: 'memory', unit: 'byte' }, 512 * 1048576, one.time],
      ]),
    ),
    family(
      'kube_pod_owner',
      'gauge',
      '',
      distinct(owned, (one) => `${one.pod} ${one.time}`).map((one) => [
        { namespace: 'shop', pod: one.pod, owner_kind: one.owner!.kind, owner_name: one.owner!.name },
        1,
        one.time,
      ]),
    ),
    family(
      'kube_replicaset_owner',
      'gauge',
      '',
      distinct(
        owned.filter(({ owner }) => owner?.kind === 'ReplicaSet'),
        (one) => `${one.owner!.name} ${one.time}`,
      ).map((one) => [{ namespace: 'shop', replicaset: one.owner!.name, owner_kind: 'Deployment', owner_name: one.workload }, 1, one.time]),
    ),
    family(
      'kube_job_owner',
      'gauge',
      '',
      owned
        .filter(({ owner }) => owner?.kind === 'Job')
        .map((one) => [{ namespace: 'shop', job_name: one.owner!.name, owner_kind: 'CronJob', owner_name: one.workload }, 1, one.time]),
    ),
    family('kube_pod_container_status_restarts', 'counter', '_total', gauge((one) => [labels(one), one.restarts, one.time])(restarted)),
    family(
      'kube_pod_container_status_last_terminated_reason',
      'gauge',
      '',
      restarted.filter(({ restarts }) => restarts > 0).map((one) => [{ ...labels(one), reason: 'OOMKilled' }, 1, one.time]),
    ),
    family(
      'DCGM_FI_DEV_GPU_UTIL',
      'gauge',
      '',
      all
        .filter((one) => gpuOf(one) !== undefined)
        .map((one) => [
          {
            namespace: 'gpu-operator',
            pod: 'dcgm-exporter-x7k2p',
            container: 'exporter',
            UUID: 'GPU-1',
            exported_namespace: 'shop',
            exported_pod: one.pod,
            exported_container: one.container,
          },
          gpuOf(one)!,
          one.time,
        ]),
    ),
    '# EOF\n',
  ].join('');
}

function family(name: string, type: string, suffix: string, lines: readonly Line[]): string {
  const text = lines.map(([labels, value, time]) => {
    const set = Object.entries(labels).map(([label, word]) => `${label}="${word}"`);
    return `${name}${suffix}{${set.join(',')}} ${value} ${time}\n`;
  });
  return `# TYPE ${name} ${type}\n${text.join('')}`;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

function distinct(list: readonly Observation[], key: (one: Observation) => string): Observation[] {
  return [...new Map(list.map((one) => [key(one), one])).values()];
}
