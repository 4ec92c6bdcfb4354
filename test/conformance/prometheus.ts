import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as http from 'http';
import type { AddressInfo } from 'net';
import * as path from 'path';
import { formatProfile, type ProfileFile } from '../../lib/usage/profile-file';
import { readUsageFile } from '../../lib/usage/sources/duckdb';
import { type PrometheusPullOptions, pullPrometheus } from '../../lib/usage/sources/pull-prometheus';
import { type Cases, runConformance } from './cases';
import { HUGE, ZERO, openMetricsOf } from './open-metrics';
import { BASIC_AUTH, PASSWORD, PrometheusServer, USER, backfill, mutualTls } from './prometheus-server';
import { CSV_COLUMNS, DAY, FROM, INTERVAL, TO, csvOf, observations } from './trace-workloads';

const LIMIT_MINUTES = 4;
const ROOT = path.resolve(__dirname, '../..');
const TRACES = path.join(process.env.MILLRACE_SHARED ?? path.join(ROOT, '../shared'), 'traces');
const WORK = path.join(ROOT, '.ci/work/prometheus');
const SHAPE = { name: 'shop', blockSeconds: DAY, intervalSeconds: INTERVAL };
// A day of the traces fits; a few steps of the huge namespace do not.
const MAX_SAMPLES = 60_000;

async function conformance(folder: string, cases: Cases): Promise<void> {
  const binaries = execFileSync(path.join(__dirname, 'install-prometheus.sh'), [WORK], { encoding: 'utf8' }).trim();
  console.log(execFileSync(path.join(binaries, 'prometheus'), ['--version'], { encoding: 'utf8' }).split('\n')[0]);
  const seen = observations(TRACES);
  const csv = path.join(folder, 'usage.csv');
  fs.writeFileSync(csv, csvOf(seen));
  const started = Date.now();
  backfill(binaries, folder, openMetricsOf(seen));
  const server = await PrometheusServer.start(binaries, folder, BASIC_AUTH, MAX_SAMPLES);
  console.log(`${seen.length} observations of the traces backfilled in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  process.env.MILLRACE_CONFORMANCE_PASSWORD = PASSWORD;
  const access = { url: server.url, username: USER, passwordVariable: 'MILLRACE_CONFORMANCE_PASSWORD' };
  const pull = (more: Partial<PrometheusPullOptions> = {}, signal?: AbortSignal) =>
    pullPrometheus({ ...SHAPE, namespace: 'shop', from: FROM, to: TO, access, ...more }, undefined, signal);
  const expected = formatProfile(await readUsageFile({ ...SHAPE, path: csv, columns: CSV_COLUMNS }));
  const { containers } = JSON.parse(expected);

  let pulled = '';
  await cases.run('the profile pulled is the profile of the CSV, byte for byte', async () => {
    pulled = formatProfile(await pull());
    if (pulled !== expected) {
      fs.writeFileSync(path.join(folder, 'pulled.json'), pulled);
      fs.writeFileSync(path.join(folder, 'expected.json'), expected);
    }
    cases.equal(pulled, expected);
    return `${Object.keys(containers).length} containers, ${pulled.length} bytes`;
  });
  const half = (TO - FROM) / DAY / 2;
  const block = (container: string) => ({
    from: JSON.parse(pulled).containers[container].blocks[half],
    csv: containers[container].blocks[half],
  });
  for (const [name, container, also] of [
    ['a gap of three hours', 'gaps/app', undefined],
    ['a gap of one sample', 'single-gap/app', undefined],
    ['a counter reset', 'reset/app', undefined],
    ['a container that restarted after a kill for memory', 'restarted/app', / oom 1 /],
    ['a renamed pod', 'renamed/app', undefined],
    ['a CronJob with a GPU', 'nightly/job', / gpu \d+ /],
    ['a pod that kube-state-metrics does not know', 'unowned/app', undefined],
  ] as const) {
    await cases.run(name, async () => {
      const { from, csv: line } = block(container);
      cases.equal(from, line);
      if (also && !also.test(from)) throw new Error(`no ${also} in ${from}`);
    });
  }
  await cases.run('another chunk length gives the same profile', async () =>
    cases.equal(formatProfile(await pull({ chunkSeconds: 5 * 3600 })), expected),
  );
  await cases.run('pulling a day again into the profile changes nothing', async () => {
    const into = await pull();
    cases.equal(formatProfile(await pull({ into, from: FROM + 3 * DAY, to: FROM + 4 * DAY })), expected);
  });
  await cases.run('a counter that starts at zero is at most 4 millionths too low, for one interval', async () => {
    const zero = await pull({ namespace: ZERO.namespace, to: FROM + DAY });
    const usage = zero.containers.get('zero/app')?.blocks[0].usage.get('cpu');
    cases.equal(usage?.histogram.count, ZERO.samples - 1);
    cases.equal(usage?.peak, 999.997);
  });
  await faults(cases, server, access, pull, expected);
  await certificates(cases, binaries, path.join(folder, 'tls'), pull);
}

async function faults(
  cases: Cases,
  server: PrometheusServer,
  access: PrometheusPullOptions['access'],
  pull: (more?: Partial<PrometheusPullOptions>, signal?: AbortSignal) => Promise<ProfileFile>,
  expected: string,
): Promise<void> {
  await cases.run('a huge label set, halved when the server loads too many samples', async () => {
    const started = Date.now();
    const profile = await pull({ namespace: HUGE.namespace, to: FROM + DAY });
    cases.equal(profile.containers.size, HUGE.containers);
    cases.equal(profile.containers.get('w6/app')?.blocks[0].usage.get('cpu')?.peak, 20);
    cases.equal(profile.containers.get('w6/app')?.blocks[0].usage.get('memory')?.histogram.count, HUGE.samples);
    return `${HUGE.containers} containers in ${((Date.now() - started) / 1000).toFixed(1)} s`;
  });
  await cases.run('a 503 in the middle is asked again', async () => {
    const proxy = await refusingProxy(server.url, [7, 8, 40]);
    try {
      cases.equal(formatProfile(await pull({ access: { ...access, url: proxy.url }, limits: { backoffMillis: 10 } })), expected);
    } finally {
      proxy.close();
    }
  });
  await cases.refuses('an empty answer', 'Millrace.UsageEmpty', () => pull({ namespace: 'nowhere', to: FROM + 2 * DAY }));
  await cases.refuses('wrong credentials', 'Millrace.PrometheusUnauthorized', () => {
    process.env.MILLRACE_CONFORMANCE_WRONG = 'wrong';
    return pull({ access: { ...access, passwordVariable: 'MILLRACE_CONFORMANCE_WRONG' } });
  });
  await cases.refuses('no credentials', 'Millrace.PrometheusUnauthorized', () => pull({ access: { url: server.url } }));
  await cases.refuses('a path that is not the API', 'Millrace.PrometheusRefused', () =>
    pull({ access: { ...access, url: `${server.url}/graph` } }),
  );
  await cases.refuses('answers that never fit', 'Millrace.PrometheusAnswerTooLarge', () => pull({ limits: { maxResponseBytes: 50 } }));
  server.freeze();
  await cases.refuses('a server that hangs', 'Millrace.PrometheusUnreachable', () =>
    pull({ limits: { timeoutSeconds: 1, retries: 1, backoffMillis: 10 } }),
  );
  await cases.run('an abort while it hangs', async () => {
    const started = Date.now();
    const error = await pull({}, AbortSignal.timeout(200)).catch((reason: Error) => reason);
    if (!(error instanceof Error)) throw new Error('a profile came back');
    if (Date.now() - started > 2000) throw new Error(`it took ${Date.now() - started} ms`);
    return `${error.name} after ${Date.now() - started} ms`;
  });
  server.thaw();
  await cases.run('after that it answers again', async () => cases.equal(formatProfile(await pull()), expected));
}

type Pull = (more: Partial<PrometheusPullOptions>) => Promise<ProfileFile>;

/** A server of its own without samples, so that to be let in is to be told that there are none. */
async function certificates(cases: Cases, binaries: string, folder: string, pull: Pull): Promise<void> {
  fs.mkdirSync(folder);
  const { web, tls } = mutualTls(folder);
  const { url } = await PrometheusServer.start(binaries, folder, web, MAX_SAMPLES);
  const limits = { retries: 1, backoffMillis: 10 };
  await cases.refuses('a client certificate is let in', 'Millrace.UsageEmpty', () => pull({ access: { url, tls }, limits }));
  await cases.refuses('without one nobody is', 'Millrace.PrometheusUnreachable', () =>
    pull({ access: { url, tls: { ca: tls.ca } }, limits }),
  );
  await cases.refuses('a server that nobody vouches for is not trusted', 'Millrace.PrometheusUnreachable', () =>
    pull({ access: { url, tls: { cert: tls.cert, key: tls.key } }, limits }),
  );
}

/** A proxy that answers 503 to the requests of the given numbers. */
async function refusingProxy(target: string, refused: readonly number[]): Promise<{ url: string; close(): void }> {
  let count = 0;
  const proxy = http.createServer((request, response) => {
    count++;
    if (refused.includes(count)) {
      request.resume();
      response.writeHead(503).end('upstream connect error');
      return;
    }
    const { method, headers, url } = request;
    const onward = http.request(`${target}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const close = () => {
    proxy.closeAllConnections();
    proxy.close();
  };
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, close };
}

void runConformance({ name: 'prometheus', limitMinutes: LIMIT_MINUTES }, conformance);
