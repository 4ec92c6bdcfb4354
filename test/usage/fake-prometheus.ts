import * as http from 'http';
import type { AddressInfo } from 'net';
import type { UsageSample } from '../../lib/usage/usage-recording';

/** A question as it came in. */
export interface Asked {
  readonly endpoint: string;
  readonly query: string;
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly headers: http.IncomingHttpHeaders;
}

/** Answers a request itself and returns true, or leaves it to the samples. */
export type Interceptor = (asked: Asked, response: http.ServerResponse, count: number) => boolean;

type Value = (sample: UsageSample) => number | undefined;

const times =
  (factor: number, field: keyof UsageSample): Value =>
  (sample) =>
    sample[field] === undefined ? undefined : (sample[field] as number) * factor;

/** What a query asks for, by the first text it contains, in the unit of the metric. */
const METRICS: readonly [string, Value][] = [
  ['cfs_throttled_periods_total', times(1, 'throttled')],
  ['container_cpu_usage_seconds_total', times(1 / 1000, 'cpu')],
  ['max_over_time(container_memory', times(1048576, 'memoryPeak')],
  ['last_over_time(container_memory', times(1048576, 'memory')],
  ['container_status_restarts', times(1, 'oomKills')],
  ['resource="cpu"', times(1 / 1000, 'cpuRequest')],
  ['resource="memory"', times(1048576, 'memoryRequest')],
  ['resource="nvidia_com_gpu"', times(1 / 1000, 'gpuRequest')],
  ['DCGM_FI_DEV_GPU_UTIL', times(1 / 10, 'gpu')],
  ['DCGM_FI_DEV_FB_USED', times(1, 'gpuMemory')],
];

/** A server on loopback that answers the queries of a pull from samples. */
export class FakePrometheus {
  public static async start(samples: readonly UsageSample[], intercept: Interceptor = () => false): Promise<FakePrometheus> {
    const fake = new FakePrometheus(samples, intercept);
    await new Promise<void>((resolve) => fake.server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  public readonly asked: Asked[] = [];
  private readonly server = http.createServer((request, response) => void this.answer(request, response));

  private constructor(
    private readonly samples: readonly UsageSample[],
    private readonly intercept: Interceptor,
  ) {}

  public get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  public async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += chunk;
    const parameters = new URLSearchParams(body);
    const number = (name: string) => Number(parameters.get(name));
    const asked = {
      endpoint: request.url ?? '',
      query: parameters.get('query') ?? '',
      start: number('start'),
      end: number('end'),
      step: number('step'),
      headers: request.headers,
    };
    this.asked.push(asked);
    if (this.intercept(asked, response, this.asked.length)) return;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ status: 'success', data: asked.endpoint.endsWith('/query') ? this.owners(asked) : this.matrix(asked) }));
  }

  private matrix({ query, start, end }: Asked) {
    const value = METRICS.find(([text]) => query.includes(text))?.[1];
    const series = new Map<string, { metric: object; values: [number, string][] }>();
    for (const sample of this.samples) {
      const amount = value?.(sample);
      if (amount === undefined || sample.time < start || sample.time > end) continue;
      const [, container] = sample.container.split('/');
      const key = `${sample.pod}/${container}`;
      const entry = series.get(key) ?? { metric: { namespace: 'shop', pod: sample.pod, container }, values: [] };
      entry.values.push([sample.time, String(amount)]);
      series.set(key, entry);
    }
    return { resultType: 'matrix', result: [...series.values()] };
  }

  /** Each workload is a Deployment with one ReplicaSet. */
  private owners({ query }: Asked) {
    const pods = [...new Map(this.samples.map(({ pod, container }) => [pod, container.split('/')[0]]))];
    const vector = (metrics: object[]) => ({ resultType: 'vector', result: metrics.map((metric) => ({ metric, value: [0, '1'] })) });
    if (query.includes('kube_pod_owner')) {
      return vector(pods.map(([pod, workload]) => ({ pod, owner_kind: 'ReplicaSet', owner_name: `${workload}-rs` })));
    }
    if (query.includes('kube_replicaset_owner')) {
      return vector(pods.map(([, workload]) => ({ replicaset: `${workload}-rs`, owner_kind: 'Deployment', owner_name: workload })));
    }
    return vector([]);
  }
}
