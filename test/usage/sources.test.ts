import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import * as zlib from 'zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { MillraceError } from '../../lib/core/error';
import { emptyProfile, formatProfile, type ProfileFile } from '../../lib/usage/profile-file';
import { readAggregatedFile } from '../../lib/usage/sources/aggregated';
import { readUsageFile } from '../../lib/usage/sources/duckdb';
import { runDuckDb } from '../../lib/usage/sources/duckdb-statement';
import { type PrometheusPullOptions, pullPrometheus } from '../../lib/usage/sources/pull-prometheus';
import { sigV4Signer } from '../../lib/usage/sources/sigv4';
import type { UsageColumns } from '../../lib/usage/sources/usage-columns';
import { usageSql } from '../../lib/usage/sources/usage-sql';
import { workloadOfPodName } from '../../lib/usage/sources/workload-names';
import { UsageRecording, type UsageSample } from '../../lib/usage/usage-recording';
import { FakePrometheus, type Interceptor } from './fake-prometheus';

const INTERVAL = 300;
const DAY = 86_400;
const START = Date.UTC(2026, 10, 1) / 1000;
const SHAPE = { name: 'shop', blockSeconds: 6 * 3600, intervalSeconds: INTERVAL };

/** Two days of three pods: exact powers of two, values below one, zeros, large ones, gaps, and a pod that is renamed. */
function syntheticSamples(): UsageSample[] {
  const samples: UsageSample[] = [];
  const cpu = [0, 0.25, 0.999, 1, 2, 4, 16, 1024, 4096, 1_048_576, 3_999_999.5, 17.125, 99.001];
  for (let step = 0; step < (2 * DAY) / INTERVAL; step++) {
    const time = START + step * INTERVAL;
    const pod = step < 300 ? 'checkout-aaaa-1' : 'checkout-bbbb-1';
    samples.push({
      container: 'checkout/app',
      pod,
      time,
      ...(step % 7 === 3 ? {} : { cpu: cpu[step % cpu.length] }),
      memory: 64 + (step % 50) * 16.5,
      memoryPeak: 70 + (step % 50) * 16.5,
      throttled: (step % 4) / 8,
      ...(step === 40 ? { oomKills: 2 } : {}),
      cpuRequest: step < 288 ? 250 : 500,
      memoryRequest: 512,
    });
    // A gap of three hours.
    if (step < 100 || step > 136)
      samples.push({ container: 'checkout/app', pod: 'checkout-aaaa-2', time, cpu: step, memory: 2 ** (step % 22) });
    if (step > 200)
      samples.push({
        container: 'trainer/main',
        pod: 'trainer-0',
        time,
        cpu: 900,
        memory: 4096,
        gpu: 730,
        gpuMemory: 40_536,
        gpuRequest: 2000,
      });
  }
  return samples;
}

const SAMPLES = syntheticSamples();
const COLUMNS: UsageColumns = {
  time: { column: 'step', secondsPerUnit: INTERVAL, epoch: START },
  container: ['workload', 'con"tainer'],
  pod: 'pod',
  values: {
    cpu: { column: 'cpu', unit: 'millicores' },
    memory: { column: 'mem', unit: 'bytes' },
    memoryPeak: { column: 'peak', unit: 'bytes' },
    gpu: { column: 'gpu', unit: 'percent' },
    gpuMemory: { column: 'gpumem', unit: 'MiB' },
    throttled: { column: 'throttled', unit: 'fraction' },
    oomKills: { column: 'oom', unit: 'count' },
    cpuRequest: { column: 'cpureq', unit: 'cores' },
    memoryRequest: { column: 'memreq', unit: 'MiB' },
    gpuRequest: { column: 'gpureq', unit: 'thousandths' },
  },
};
const HEADER = 'step,workload,"con""tainer",pod,cpu,mem,peak,gpu,gpumem,throttled,oom,cpureq,memreq,gpureq';

function csvOf(samples: readonly UsageSample[]): string {
  const scaled = (value: number | undefined, factor: number) => (value === undefined ? '' : value * factor);
  const lines = samples.map((sample) =>
    [
      (sample.time - START) / INTERVAL,
      ...sample.container.split('/'),
      sample.pod,
      scaled(sample.cpu, 1),
      scaled(sample.memory, 1048576),
      scaled(sample.memoryPeak, 1048576),
      scaled(sample.gpu, 1 / 10),
      scaled(sample.gpuMemory, 1),
      scaled(sample.throttled, 1),
      scaled(sample.oomKills, 1),
      scaled(sample.cpuRequest, 1 / 1000),
      scaled(sample.memoryRequest, 1),
      scaled(sample.gpuRequest, 1),
    ].join(','),
  );
  return `${HEADER}\n${lines.join('\n')}\n`;
}

function recorded(samples: readonly UsageSample[]): string {
  const recording = new UsageRecording(emptyProfile(SHAPE.name, SHAPE.blockSeconds, SHAPE.intervalSeconds), 'test');
  for (const sample of samples) recording.add(sample);
  return formatProfile(recording.finish());
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-sources-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | Buffer): string {
  const file = path.join(folder, name);
  fs.writeFileSync(file, content);
  return file;
}

async function refusalOf(pull: Promise<ProfileFile>): Promise<MillraceError> {
  const error: unknown = await pull.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof MillraceError)) throw new Error(`expected a refusal, not ${String(error)}`);
  return error;
}

const running: FakePrometheus[] = [];
afterEach(async () => {
  for (const fake of running.splice(0)) await fake.stop();
});

async function pullFake(
  samples: readonly UsageSample[],
  options: Partial<PrometheusPullOptions> = {},
  intercept?: Interceptor,
  signal?: AbortSignal,
): Promise<{ fake: FakePrometheus; pull: Promise<ProfileFile>; shares: number[] }> {
  const fake = await FakePrometheus.start(samples, intercept);
  running.push(fake);
  const shares: number[] = [];
  const all: PrometheusPullOptions = {
    ...SHAPE,
    namespace: 'shop',
    from: START,
    to: START + 2 * DAY,
    ...options,
    access: { url: fake.url, ...options.access },
    limits: { timeoutSeconds: 10, retries: 2, backoffMillis: 5, ...options.limits },
  };
  const pull = pullPrometheus(all, (share) => shares.push(share), signal);
  pull.catch(() => undefined);
  return { fake, pull, shares };
}

describe('all sources give one profile for the same samples', () => {
  const expected = recorded(SAMPLES);
  const csv = write('usage.csv', csvOf(SAMPLES));

  test('the profile holds what the samples say', () => {
    const { containers } = JSON.parse(expected);
    expect(Object.keys(containers)).toEqual(['checkout/app', 'trainer/main']);
    expect(containers['checkout/app'].blocks[0]).toMatch(
      /^2026-11-01T00 cpu 3999999\.5 \S+ mem 2097152 \S+ oom 2 throttled \d+ req 250\/512$/,
    );
    // The last six hours: 72 samples in one slot of each resource; 900 millicores, 4 GiB, 0.73 of a GPU of two.
    expect(containers['trainer/main'].blocks.at(-1)).toMatch(
      /^2026-11-02T18 cpu 900 (\S+) mem 4096 (\S+) gpu 730 (\S+) gpumem 40536 (\S+) req 0\/0\/2000$/,
    );
  });

  test('CSV through DuckDB, also compressed and in any order', async () => {
    expect(formatProfile(await readUsageFile({ ...SHAPE, path: csv, columns: COLUMNS }))).toBe(expected);
    const shuffled = csvOf([...SAMPLES].sort((a, b) => (a.time % 7919) - (b.time % 7919)));
    const gz = write('usage.csv.gz', zlib.gzipSync(shuffled));
    expect(formatProfile(await readUsageFile({ ...SHAPE, path: gz, columns: COLUMNS }))).toBe(expected);
  });

  test('Parquet through DuckDB, with decimals and timestamps', async () => {
    const parquet = path.join(folder, 'usage.parquet');
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    await connection.run(`COPY (SELECT * REPLACE (CAST(cpu AS DECIMAL(18, 4)) AS cpu),
      make_timestamp(CAST((${START} + CAST(step AS BIGINT) * ${INTERVAL}) * 1000000 AS BIGINT)) AS taken
      FROM read_csv('${csv}', header = true)) TO '${parquet}' (FORMAT parquet)`);
    connection.closeSync();
    instance.closeSync();
    expect(formatProfile(await readUsageFile({ ...SHAPE, path: parquet, columns: COLUMNS }))).toBe(expected);
    const columns = { ...COLUMNS, time: { column: 'taken', isTimestamp: true } };
    expect(formatProfile(await readUsageFile({ ...SHAPE, path: parquet, columns }))).toBe(expected);
  });

  test('the answer of the statement, as JSON lines, CSV and Parquet', async () => {
    const sql = usageSql({ dialect: 'duckdb', table: { sql: `read_csv('${csv}', all_varchar = true)` }, columns: COLUMNS, ...SHAPE });
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    for (const [file, format] of [
      ['rows.jsonl', 'json'],
      ['rows.csv', 'csv'],
      ['rows.parquet', 'parquet'],
    ]) {
      await connection.run(`COPY (${sql}) TO '${path.join(folder, file)}' (FORMAT ${format})`);
      expect(formatProfile(await readAggregatedFile({ ...SHAPE, path: path.join(folder, file) }))).toBe(expected);
    }
    connection.closeSync();
    instance.closeSync();
  });

  test('the Prometheus API', async () => {
    const { pull, shares, fake } = await pullFake(SAMPLES);
    expect(formatProfile(await pull)).toBe(expected);
    expect(shares).toEqual([0.5, 1]);
    expect(fake.asked[0].query).toBe(
      'max by (namespace, pod, container) (rate(container_cpu_usage_seconds_total{namespace="shop", container!="", container!="POD", container!="pause"}[300001ms]))',
    );
    const ranges = fake.asked.filter(({ endpoint }) => endpoint === '/api/v1/query_range');
    expect(new Set(ranges.map(({ start, end }) => end - start))).toEqual(new Set([DAY - INTERVAL]));
    expect(ranges.every(({ start, step }) => start % step === 0)).toBe(true);
  });

  test('values beside each boundary of a slot', async () => {
    const values = Array.from({ length: 351 }, (_, slot) =>
      [-1, 0, 1].map((off) => Math.round(2 ** (slot / 16) * 1000 + off) / 1000),
    ).flat();
    const samples = values
      .filter((value) => value <= 4_000_000)
      .map((cpu, index) => ({ container: 'a/b', pod: 'a-1', time: START + index * INTERVAL, cpu }));
    const file = write('boundaries.csv', csvOf(samples));
    expect(formatProfile(await readUsageFile({ ...SHAPE, path: file, columns: COLUMNS }))).toBe(recorded(samples));
  });

  test('a part of the time, from the first sample on and without the last', async () => {
    const [from, to] = [START + DAY / 2, START + DAY];
    const part = recorded(SAMPLES.filter(({ time }) => time >= from && time < to));
    expect(formatProfile(await readUsageFile({ ...SHAPE, path: csv, columns: COLUMNS, from, to }))).toBe(part);
    expect(formatProfile(await (await pullFake(SAMPLES, { from, to })).pull)).toBe(part);
  });
});

describe('samples that are wrong are refused by code, with an example', () => {
  const columns: UsageColumns = {
    time: { column: 'unix' },
    container: ['series'],
    values: { cpu: { column: 'cpu', unit: 'millicores' }, memory: { column: 'mem', unit: 'MiB' } },
  };
  const read = (text: string, more: Partial<UsageColumns> = {}) =>
    refusalOf(readUsageFile({ ...SHAPE, path: write('wrong.csv', `unix,series,cpu,mem\n${text}\n`), columns: { ...columns, ...more } }));

  test.each([
    ['1793491200,a,-5,1', 'a, pod -, 2026-11-01T00:00:00.000Z: received cpu -5; allowed: a finite number from 0'],
    ['1793491200,a,NaN,1', 'received cpu NaN; allowed: a finite number from 0'],
    ['1793491200,a,1,inf', 'received memory Infinity; allowed: a finite number from 0'],
    ['1793491200,a,1,5000000', 'received memory 5000000; allowed: at most 4 TiB, in MiB; fix: give the unit of the column: bytes or MiB'],
    ['1793491200000,a,1,1', 'allowed: unix seconds; fix: give the unit of the time column: seconds, not milliseconds'],
    ['1793491200,a,1,1\n1793491200,a,2,1', 'received a second sample at the same time'],
    ['1793491200,,1,1', 'received a sample without a container or pod'],
  ])('%j', async (text, message) => {
    const error = await read(text);
    expect(error.code).toBe('Millrace.UsageInvalid');
    expect(error.message).toContain(message);
  });

  test('wrong cores come with how many there are', async () => {
    const values = { cpu: { column: 'cpu', unit: 'cores' as const } };
    const error = await read([1, 2, 3].map((hour) => `${START + hour * 3600},a,9000,1`).join('\n'), { values });
    expect(error.message).toContain('and 2 more: received cpu 9000000; allowed: at most 4,000,000 millicores');
  });

  test('text that is no number, a missing column, a missing file, a truncated archive and nothing at all', async () => {
    expect((await read(`${START},a,fast,1`)).code).toBe('Millrace.UsageFileUnreadable');
    const missing = await read(`${START},a,1,1`, { values: { cpu: { column: 'cpus', unit: 'cores' } } });
    expect(missing.message).toMatch(/UsageFileUnreadable: file: received .*"cpus" not found.*; Candidate bindings/);
    const absent = await refusalOf(readUsageFile({ ...SHAPE, path: path.join(folder, 'absent.csv'), columns }));
    expect(absent.message).toContain('Millrace.UsageFileUnreadable: file: received ENOENT');
    const gz = zlib.gzipSync(csvOf(SAMPLES));
    const truncated = write('truncated.csv.gz', gz.subarray(0, gz.length - 2000));
    const damaged = await refusalOf(readUsageFile({ ...SHAPE, path: truncated, columns: COLUMNS }));
    expect(damaged.message).toContain(
      'Millrace.UsageFileUnreadable: file: received a gzip archive that is damaged: unexpected end of file',
    );
    expect((await read('')).code).toBe('Millrace.UsageEmpty');
  });

  test('columns that make no sample', async () => {
    const error = await read(`${START},a,1,1`, { values: { cpu: { column: 'cpu', unit: 'bytes' } } });
    expect(error.message).toContain("Millrace.UsageColumnsInvalid: cpu: received the unit 'bytes'; allowed: millicores, cores");
    expect((await read(`${START},a,1,1`, { values: {} })).code).toBe('Millrace.UsageColumnsInvalid');
  });

  test('without DuckDB the error is the line that installs it', async () => {
    const file = write('fine.csv', `unix,series,cpu,mem\n${START},a,1,1\n`);
    await jest.isolateModulesAsync(async () => {
      jest.doMock('@duckdb/node-api', () => {
        throw new Error("Cannot find module '@duckdb/node-api'");
      });
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded again, without the package
      const { readUsageFile: readWithout } = require('../../lib/usage/sources/duckdb') as typeof import('../../lib/usage/sources/duckdb');
      await expect(readWithout({ ...SHAPE, path: file, columns })).rejects.toMatchObject({
        code: 'Millrace.DuckDbMissing',
        message: expect.stringContaining('fix: npm install --save-dev @duckdb/node-api'),
      });
      jest.dontMock('@duckdb/node-api');
    });
  });

  test('an answer with a row twice, of another block length, or cut off', async () => {
    const row = {
      container: 'a/b',
      block_start: START,
      resource: 'cpu',
      slot: 3,
      samples: 1,
      peak: 1,
      request: 0,
      oom_kills: 0,
      throttled_millis: 0,
    };
    const lines = (rows: object[]) => write('rows.json', rows.map((entry) => JSON.stringify(entry)).join('\n'));
    const code = async (file: string) => (await refusalOf(readAggregatedFile({ ...SHAPE, path: file }))).message;
    expect(await code(lines([row, row]))).toContain(
      'Millrace.UsageFileUnreadable: row 2, slot: received a second row for a/b, cpu, slot 3',
    );
    expect(await code(lines([{ ...row, block_start: START + 3600 }]))).toContain('a multiple of the block length, 21600 s');
    expect(await code(write('rows.json', JSON.stringify(row).slice(0, 40)))).toContain('Millrace.UsageFileUnreadable: line 1');
    expect(await code(lines([{ ...row, problem: 'duplicate', example_pod: 'p', example_time: START }]))).toContain('Millrace.UsageInvalid');
    expect(await code(path.join(folder, 'absent.jsonl'))).toContain('ENOENT');
    expect(await code(lines([]))).toContain('Millrace.UsageEmpty');
  });

  test('NaN of Prometheus is a gap, infinity and negative values are refused', async () => {
    const at = (cpu: number): UsageSample[] => [
      { container: 'a/b', pod: 'a-1', time: START, cpu: 100 },
      { container: 'a/b', pod: 'a-1', time: START + INTERVAL, cpu },
    ];
    const profile = await (await pullFake(at(NaN))).pull;
    expect(profile.containers.get('a/b')?.blocks.map(({ samples }) => samples)).toEqual([1]);
    expect((await refusalOf((await pullFake(at(-1))).pull)).code).toBe('Millrace.UsageInvalid');
  });
});

describe('a crash loop', () => {
  const kills = (measuredEvery: number): UsageSample[] =>
    Array.from({ length: 96 }, (_, kill) => ({
      container: 'api/app',
      pod: 'api-5f6585d649-fnmft',
      time: START + kill * 2 * INTERVAL,
      oomKills: 1,
      cpuRequest: 250,
      memoryRequest: 512,
      ...(kill % measuredEvery === 0 ? { cpu: 100, memory: 500 } : {}),
    }));

  test('is recorded with every kill and the requests, measured or not', async () => {
    const profile = await (await pullFake(kills(32))).pull;
    expect(formatProfile(profile)).toBe(recorded(kills(32)));
    const blocks = profile.containers.get('api/app')!.blocks;
    expect(blocks.map(({ samples, oomKills }) => [samples, oomKills])).toEqual([
      [2, 36],
      [1, 36],
      [0, 24],
    ]);
    expect(blocks[2].usage.get('memory')?.request).toBe(512);
  });

  test('that is never measured is a profile too, in chunks that cut its blocks', async () => {
    const { pull } = await pullFake(kills(1000).slice(1), { chunkSeconds: 4000 });
    const blocks = (await pull).containers.get('api/app')!.blocks;
    expect(blocks.reduce((sum, { oomKills }) => sum + oomKills, 0)).toBe(95);
  });

  test('is told from a pod that has ended or waits, whose requests alone make no block', async () => {
    const waiting = Array.from({ length: 20 }, (_, step) => ({
      container: 'job/run',
      pod: 'job-x7k2p',
      time: START + step * INTERVAL,
      cpuRequest: 250,
      memoryPeak: 3,
    }));
    const profile = await (await pullFake([...kills(32), ...waiting])).pull;
    expect([...profile.containers.keys()]).toEqual(['api/app']);
    expect((await refusalOf((await pullFake(waiting)).pull)).code).toBe('Millrace.UsageEmpty');
  });
});

describe('a Prometheus that does not answer as it should', () => {
  const few = SAMPLES.slice(0, 200);
  const answerWith =
    (status: number, body: object | string = '', headers: Record<string, string> = {}): Interceptor =>
    (_asked, response) => {
      response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
      return true;
    };

  test('503 and 429 are asked again, as late as the server says', async () => {
    const started = Date.now();
    const { pull } = await pullFake(few, {}, (asked, response, count) => {
      if (count === 3) return answerWith(503)(asked, response, count);
      return count === 5 && answerWith(429, '', { 'retry-after': '1' })(asked, response, count);
    });
    expect(formatProfile(await pull)).toBe(recorded(few));
    expect(Date.now() - started).toBeGreaterThanOrEqual(1000);
  });

  test('an answer that breaks off is asked again', async () => {
    const { pull } = await pullFake(few, {}, (_asked, response, count) => {
      if (count !== 2) return false;
      response.writeHead(200, { 'content-length': '1000' }).write('{"status":');
      setTimeout(() => response.destroy(), 20);
      return true;
    });
    expect(formatProfile(await pull)).toBe(recorded(few));
  });

  test.each<[string, string, Interceptor, RegExp]>([
    ['503 for good', 'Millrace.PrometheusUnreachable', answerWith(503), /status 503 in each of 3 attempts/],
    ['wrong credentials', 'Millrace.PrometheusUnauthorized', answerWith(401, 'Unauthorized'), /received status 401, 'Unauthorized'/],
    ['a forbidden tenant', 'Millrace.PrometheusUnauthorized', answerWith(403), /received status 403/],
    ['a web page', 'Millrace.PrometheusRefused', answerWith(404, '<html>none</html>'), /check the url with the path before \/api\/v1/],
    ['a log-in page', 'Millrace.PrometheusRefused', answerWith(302, '', { location: 'https://login' }), /redirect to https:\/\/login/],
    [
      'a log-in page whose address carries a secret',
      'Millrace.PrometheusRefused',
      answerWith(302, '', { location: 'https://ada:secret@login/in?token=secret' }),
      /redirect to https:\/\/login\/in;/,
    ],
    ['another type', 'Millrace.PrometheusRefused', answerWith(200, { status: 'success', data: { resultType: 'scalar' } }), /type 'scalar'/],
    [
      'a bad query',
      'Millrace.PrometheusRefused',
      answerWith(400, { status: 'error', errorType: 'bad_data', error: 'parse error' }),
      /status 400, 'parse error'/,
    ],
    [
      'a store that is missing',
      'Millrace.PrometheusPartial',
      answerWith(200, { status: 'success', warnings: ['store gateway down'], data: { resultType: 'matrix', result: [] } }),
      /received store gateway down/,
    ],
    [
      'an empty answer',
      'Millrace.UsageEmpty',
      answerWith(200, { status: 'success', data: { resultType: 'matrix', result: [] } }),
      /namespace shop/,
    ],
  ])('%s', async (_name, code, intercept, message) => {
    const error = await refusalOf((await pullFake(few, {}, intercept)).pull);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  test('a server that hangs ends with the timeout', async () => {
    const { pull, fake } = await pullFake(few, { limits: { timeoutSeconds: 0.1, retries: 1, backoffMillis: 1 } }, () => true);
    expect((await refusalOf(pull)).message).toContain('Millrace.PrometheusUnreachable');
    expect(fake.asked).toHaveLength(2);
  });

  test('nobody at the address', async () => {
    const { pull } = await pullFake(few, { access: { url: 'http://127.0.0.1:1' } });
    expect((await refusalOf(pull)).message).toMatch(/Millrace.PrometheusUnreachable: http:\/\/127.0.0.1:1: received connect ECONNREFUSED/);
  });

  test('a chunk that is too large is halved, until one step is too large', async () => {
    const tooMany: Interceptor = (asked, response, count) =>
      asked.end - asked.start > 6 * 3600 &&
      answerWith(422, {
        status: 'error',
        errorType: 'execution',
        error: 'query processing would load too many samples into memory in query execution',
      })(asked, response, count);
    const { pull, fake } = await pullFake(SAMPLES, {}, tooMany);
    expect(formatProfile(await pull)).toBe(recorded(SAMPLES));
    const lengths = fake.asked.filter(({ step }) => step).map(({ start, end }) => (end - start) / INTERVAL + 1);
    expect([...new Set(lengths)]).toEqual([288, 144, 72]);
    const limited = await refusalOf((await pullFake(SAMPLES, { limits: { maxResponseBytes: 100 } })).pull);
    expect(limited.message).toContain('Millrace.PrometheusAnswerTooLarge: http://127.0.0.1');
  });

  test('a huge label set is read', async () => {
    const many = Array.from({ length: 3000 }, (_, index) => ({ container: `w${index}/app`, pod: `w${index}-0`, time: START, cpu: index }));
    const profile = await (await pullFake(many, { to: START + DAY })).pull;
    expect(profile.containers.size).toBe(3000);
  });

  test('no series asks for more than 11,000 values', async () => {
    const { pull, fake } = await pullFake(few, { intervalSeconds: 2, chunkSeconds: 40 * DAY, to: START + DAY });
    await pull.catch(() => undefined);
    expect(Math.max(...fake.asked.map(({ start, end }) => (end - start) / 2 + 1 || 0))).toBe(11_000);
  });

  test('an abort in the middle ends the pull at once', async () => {
    const abort = new AbortController();
    const { pull, fake } = await pullFake(
      few,
      {},
      (_asked, _response, count) => {
        if (count === 4) abort.abort();
        return count >= 4;
      },
      abort.signal,
    );
    await expect(pull).rejects.toMatchObject({ name: 'AbortError' });
    expect(fake.asked).toHaveLength(4);
    const columns = { ...COLUMNS };
    await expect(readUsageFile({ ...SHAPE, path: path.join(folder, 'usage.csv'), columns }, undefined, abort.signal)).rejects.toThrow(
      /abort/i,
    );
  });
});

describe('reading into a profile', () => {
  test('replaces the blocks that are read and keeps the others', async () => {
    const path_ = path.join(folder, 'usage.csv');
    const into = await readUsageFile({ ...SHAPE, path: path_, columns: COLUMNS });
    const again = await readUsageFile({ ...SHAPE, path: path_, columns: COLUMNS, into, from: START + DAY });
    expect(formatProfile(again)).toBe(recorded(SAMPLES));
    const { pull } = await pullFake(SAMPLES, { into, from: START + DAY });
    expect(formatProfile(await pull)).toBe(recorded(SAMPLES));
  });

  test('of another block length is refused', async () => {
    const { pull } = await pullFake(SAMPLES, { into: emptyProfile('shop', DAY, INTERVAL) });
    expect((await refusalOf(pull)).message).toContain("Millrace.ProfilesDiffer: into: received 'shop', interval 300 s, block 21600 s");
  });
});

describe('DuckDB', () => {
  test.each([0, 1, 50])('a statement is interrupted by an abort after %p ms, whether it runs yet or not', async (delay) => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), delay);
    const started = Date.now();
    const endless = 'SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b';
    await expect(runDuckDb('test', endless, () => undefined, {}, undefined, abort.signal)).rejects.toMatchObject({ name: 'AbortError' });
    expect(Date.now() - started).toBeLessThan(5000);
  });

  test('memory is bounded, and nothing is left in a temporary folder', async () => {
    const shares: number[] = [];
    const rows: unknown[] = [];
    const sql = 'SELECT count(*) AS n FROM (SELECT range % 1500000 AS k, max(range) FROM range(3000000) GROUP BY k)';
    const spilled = () => fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith('millrace-duckdb-'));
    const before = spilled();
    await runDuckDb(
      'test',
      sql,
      (row) => rows.push(row),
      { memoryMib: 64 },
      (share) => shares.push(share),
    );
    expect(rows).toEqual([{ n: '1500000' }]);
    expect(spilled().filter((name) => !before.includes(name))).toEqual([]);
    expect(shares.at(-1)).toBe(1);
  });
});

describe('credentials', () => {
  const access = (more: object) => pullFake(SAMPLES.slice(0, 3), { access: { url: '', ...more } });

  test('come from a file or a variable, beside further headers', async () => {
    const fake = await FakePrometheus.start(SAMPLES.slice(0, 3));
    running.push(fake);
    const pull = (more: object) =>
      pullPrometheus({ ...SHAPE, namespace: 'shop', from: START, to: START + DAY, access: { url: `${fake.url}/prometheus/`, ...more } });
    process.env.MILLRACE_TEST_TOKEN = 'word\n';
    await pull({ bearerTokenVariable: 'MILLRACE_TEST_TOKEN', headers: { 'X-Scope-OrgID': 'tenant-1' } });
    expect(fake.asked[0].headers).toMatchObject({ authorization: 'Bearer word', 'x-scope-orgid': 'tenant-1' });
    expect(fake.asked[0].endpoint).toBe('/prometheus/api/v1/query_range');
    await pull({ username: 'ada', passwordFile: write('password', 'secret\n') });
    expect(fake.asked.at(-1)?.headers.authorization).toBe('Basic YWRhOnNlY3JldA==');
    await pull({
      sigv4: { region: 'eu-west-1', credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'x', sessionToken: 'session' } },
    });
    expect(fake.asked.at(-1)?.headers).toMatchObject({
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/aps\/aws4_request, SignedHeaders=\S+/,
      ),
      'x-amz-security-token': 'session',
    });
    delete process.env.MILLRACE_TEST_TOKEN;
  });

  test.each([
    [{ url: 'prometheus:9090' }, 'an http or https address'],
    [{ url: 'http://ada:secret@localhost' }, 'received a url with a password'],
    [{ url: 'http://localhost', bearerTokenVariable: 'MILLRACE_ABSENT' }, 'nothing in the environment variable MILLRACE_ABSENT'],
    [{ url: 'http://localhost', bearerTokenFile: '/absent' }, 'ENOENT'],
    [{ url: 'http://localhost', tls: { cert: '/absent' } }, 'a certificate without its key'],
    [{ url: 'http://localhost', headers: { a: 'b\nc' } }, "received 'a'"],
  ])('%j is refused', async (more, message) => {
    const error = await refusalOf((await access(more)).pull);
    expect(error.code).toBe('Millrace.PrometheusAccessInvalid');
    expect(error.message).toContain(message);
  });

  test.each([
    { url: 'ada:hunter2@host:9090' },
    { url: 'host with ada:hunter2' },
    { url: 'https://ada:hunter2@host:port/?token=hunter2' },
    { url: 'ftp://host/?token=hunter2' },
    { url: 'http://localhost', headers: { 'Authorization: Basic hunter2': '' } },
    { url: 'http://localhost', headers: { hunter2hunter2hunter2hunter2hunter2hunter2hunter2: 'a' + String.fromCharCode(10) } },
  ])('%j is refused without a word of what may be secret', async (more) => {
    const error = await refusalOf((await access(more)).pull);
    expect(error.code).toBe('Millrace.PrometheusAccessInvalid');
    expect(error.message).not.toContain('hunter2');
  });

  test.each(['namespace', 'exported_namespace'])('the matcher %s cannot take the place of the namespace', async (label) => {
    const { pull, fake } = await pullFake(SAMPLES.slice(0, 3), { matchers: { [label]: 'other' } });
    const error = await refusalOf(pull);
    expect(error.message).toContain(`Millrace.PrometheusAccessInvalid: matchers: received the label '${label}'`);
    expect(fake.asked).toEqual([]);
  });

  test('SigV4 signs as the test suite of AWS says', async () => {
    // get-vanilla and post-x-www-form-urlencoded of aws-sig-v4-test-suite.
    const sign = sigV4Signer('test', {
      region: 'us-east-1',
      service: 'service',
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
    });
    const at = new Date('2015-08-30T12:36:00Z');
    const url = new URL('https://example.amazonaws.com/');
    const signature = async (request: { method: string; headers: Record<string, string>; body?: string }) =>
      (await sign({ ...request, url }, at)).authorization;
    expect(await signature({ method: 'GET', headers: {} })).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, ' +
        'Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    );
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await signature({ method: 'POST', headers, body: 'Param1=value1' })).toContain(
      'SignedHeaders=content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    );
  });
});

describe('workloads', () => {
  test.each([
    ['adservice-5f6585d649-fnmft', 'adservice'],
    ['report-28391040-x7k2p', 'report'],
    ['kafka-broker-0', 'kafka-broker'],
    ['node-exporter-x7k2p', 'node-exporter'],
    ['debug', 'debug'],
  ])('a pod named %s is of %s', (pod, workload) => {
    expect(workloadOfPodName(pod)).toBe(workload);
  });
});

describe('the statement', () => {
  test('names of columns and tables cannot leave their quotes', () => {
    const columns: UsageColumns = {
      time: { column: 't' },
      container: ['a"; DROP TABLE b; --'],
      values: { cpu: { column: 'c`d', unit: 'cores' } },
    };
    const of = (dialect: 'trino' | 'spark') => usageSql({ dialect, table: ['lake', 'us"age`'], columns, blockSeconds: DAY });
    expect(of('trino')).toContain('CAST("a""; DROP TABLE b; --" AS VARCHAR) AS container');
    expect(of('trino')).toContain('FROM "lake"."us""age`"');
    expect(of('spark')).toContain('FROM `lake`.`us"age```');
    expect(of('spark')).toContain('`c``d`');
  });
});
