import { type ChildProcess, execFileSync, spawnSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import type { FeatureSchema } from '../../lib/features/feature-schema';
import { FeatureStoreMetrics } from '../../lib/features/k8s/feature-store-metrics';
import { OnlineStoreKind, OnlineStoreSizing } from '../../lib/features/online-store-sizing';
import { startGroup } from '../deploy/process-groups';
import { type Cases, runConformance } from './cases';
import { CARDS, CARD_RECORD, DROPPED, type EmittedFeast, GROWN_CARDS, KEPT, MERCHANTS, emit, writeMounts } from './feast-emitted';
import { installRedis } from './install';
import { endGroup, freePorts, saysInLog } from './kafka-brokers';

const LIMIT_MINUTES = 8;
const DAY = 86_400;

/** A Python with Feast: the one given, or one that is made here. */
function pythonWithFeast(): string {
  const given = process.env.MILLRACE_FEAST_PYTHON;
  if (given) return given;
  const folder = path.resolve(__dirname, '../../.ci/work/feast');
  const python = path.join(folder, 'bin/python');
  if (!fs.existsSync(python)) execFileSync('python3', ['-m', 'venv', folder], { timeout: 60_000 });
  const words = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', path.join(__dirname, 'requirements-feast.txt')];
  execFileSync(python, words, { timeout: 400_000, stdio: 'inherit' });
  return python;
}

async function startRedis(folder: string): Promise<number> {
  const usr = path.join(installRedis(), 'usr');
  const [port] = await freePorts(1);
  const log = path.join(folder, 'redis.log');
  const env = { ...process.env, LD_LIBRARY_PATH: path.join(usr, 'lib/x86_64-linux-gnu') };
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  const child = startGroup(path.join(usr, 'bin/redis-server'), words, {
    env,
    stdio: ['ignore', fs.openSync(log, 'a'), fs.openSync(log, 'a')],
  });
  await saysInLog(child, log, /Ready to accept connections/, 'Redis');
  return port;
}

/** What the pods of a store would have and do, below a folder of this machine. */
class Store {
  private server?: ChildProcess;
  private url = '';

  constructor(
    private readonly root: string,
    private readonly python: string,
    private readonly redisPort: number,
  ) {
    const secrets = { sql: `path: sqlite:///${root}/registry.db\ncache_mode: thread\ncache_ttl_seconds: 300\n`, redis: this.redisSecret() };
    for (const [section, key] of [
      ['registry', 'sql'],
      ['online_store', 'redis'],
    ] as const) {
      const folder = path.join(root, '/etc/millrace/feast/secrets', section);
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(path.join(folder, key), secrets[key]);
    }
  }

  public get work(): string {
    return path.join(this.root, '/tmp/feast');
  }

  /** Runs the command of the job. */
  public apply(emitted: EmittedFeast): string {
    fs.rmSync(path.join(this.root, '/etc/millrace/feast/groups'), { recursive: true, force: true });
    fs.rmSync(this.work, { recursive: true, force: true });
    writeMounts(this.root, emitted.mounts);
    const storeFile = path.join(this.root, '/etc/millrace/feast/store/store.json');
    fs.writeFileSync(storeFile, fs.readFileSync(storeFile, 'utf8').replaceAll('"/etc/', `"${this.root}/etc/`));
    const [, ...words] = emitted.applyCommand.map((word) => (word.startsWith('/') ? this.root + word : word));
    return this.run(words, '', emitted.variables);
  }

  public run(words: string[], input = '', env: { readonly [name: string]: string } = {}): string {
    const done = spawnSync(this.python, words, { env: { ...process.env, ...env }, input, encoding: 'utf8', timeout: 120_000 });
    if (done.status !== 0) throw new Error(`${words[0]}: ${done.stderr.slice(-3000)}${done.error ?? ''}`);
    return done.stdout;
  }

  /** What the registry and Redis hold. */
  public listing(): any {
    const text = this.run([path.join(__dirname, 'feast_listing.py'), this.work, String(this.redisPort)], '', {
      FEAST_KEY_TTL_SECONDS: '0',
    });
    return JSON.parse(text.trim().split('\n').pop()!);
  }

  /** The online server with the options that the operator makes of the FeatureStore. */
  public async serve({ workerConfigs, variables }: EmittedFeast): Promise<void> {
    if (this.server) endGroup(this.server);
    const [port] = await freePorts(1);
    const { workers, workerConnections, maxRequests, maxRequestsJitter, registryTTLSeconds } = workerConfigs;
    const options = {
      workers,
      'worker-connections': workerConnections,
      'max-requests': maxRequests,
      'max-requests-jitter': maxRequestsJitter,
    };
    const words = Object.entries({ ...options, registry_ttl_sec: registryTTLSeconds }).flatMap(([name, value]) => [
      `--${name}`,
      String(value),
    ]);
    const log = path.join(this.root, `serve-${port}.log`);
    const feast = path.join(path.dirname(this.python), 'feast');
    this.server = startGroup(feast, ['serve', '-h', '127.0.0.1', '-p', String(port), ...words], {
      cwd: this.work,
      env: { ...process.env, ...variables, HOME: this.root },
      stdio: ['ignore', fs.openSync(log, 'a'), fs.openSync(log, 'a')],
    });
    await saysInLog(this.server, log, /Application startup complete/, 'feast serve');
    this.url = `http://127.0.0.1:${port}`;
  }

  public stop(): void {
    if (this.server) endGroup(this.server);
  }

  /** Runs the script of a push over records. */
  public push(files: { readonly [file: string]: string }, records: unknown[], schema?: object): any {
    const folder = fs.mkdtempSync(path.join(this.root, 'push-'));
    writeMounts(folder, { '/': files });
    const words = [path.join(__dirname, 'feast_push.py'), path.join(folder, 'push.py'), path.join(folder, 'push.json'), this.url];
    return JSON.parse(this.run(words, JSON.stringify({ records, schema })).trim().split('\n').pop()!);
  }

  /** Reads features of entities as a model would. */
  public async read(schema: FeatureSchema, entities: readonly unknown[], features?: readonly string[]): Promise<unknown[][]> {
    const names = features ?? schema.features.map(({ name }) => name).filter((name) => name !== schema.entityKey);
    const body = { features: names.map((name) => `${schema.name}:${name}`), entities: { [schema.entityKey]: entities } };
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${this.url}/get-online-features`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers,
      signal: AbortSignal.timeout(30_000),
    });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    const { results, metadata } = (await answer.json()) as any;
    return entities.map((_entity, row) => names.map((name) => results[metadata.feature_names.indexOf(name)].values[row]));
  }

  private redisSecret(): string {
    return `connection_string: localhost:${this.redisPort}\nkey_ttl_seconds: \${FEAST_KEY_TTL_SECONDS}\n`;
  }
}

/** What the registry should know of a schema. */
function expected({ name, owner, ttl, freshness, entityKey, eventTime, features }: FeatureSchema, removal: string): object {
  const types = { Integral: 'Int64', Fractional: 'Float64', String: 'String' };
  return {
    owner,
    ttl: ttl?.toSeconds() ?? 0,
    tags: { ...(freshness ? { 'millrace.io/freshness-seconds': String(freshness.toSeconds()) } : {}), 'millrace.io/removal': removal },
    entities: [entityKey],
    online: true,
    timestamp: eventTime.name,
    push: `${name}-push`,
    columns: Object.fromEntries(features.map((feature) => [feature.name, [types[feature.type], feature.description ?? '']])),
  };
}

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, part) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );

async function conformance(folder: string, cases: Cases): Promise<void> {
  const python = pythonWithFeast();
  const redisPort = await startRedis(folder);
  const store = new Store(folder, python, redisPort);
  console.log(store.run(['-c', 'import feast; print("Feast", feast.__version__)']).trim());
  const emitted = emit(path.join(folder, 'first'), false);
  await cases.run('the job applies the generated definitions to a registry in SQL', async () => {
    const lines = store.apply(emitted).trim().split('\n');
    cases.equal(
      lines.filter((line) => line.startsWith('applied')).join(', '),
      [KEPT, DROPPED, CARDS, MERCHANTS]
        .map(({ name }) => `applied ${name}`)
        .sort()
        .join(', '),
    );
  });
  await cases.run('the registry lists what the schemas say: types, TTL, owner, tags, descriptions', async () => {
    const { views, entities } = store.listing();
    const wanted = {
      [CARDS.name]: expected(CARDS, 'retain'),
      [MERCHANTS.name]: expected(MERCHANTS, 'retain'),
      [KEPT.name]: expected(KEPT, 'retain'),
      [DROPPED.name]: expected(DROPPED, 'destroy'),
    };
    cases.equal(canonical(views), canonical(wanted));
    cases.equal(canonical(entities), canonical({ card_id: [['card_id'], 'STRING'], merchant_id: [['merchant_id'], 'INT64'] }));
  });
  await cases.run('Feast has the series and labels that the metrics of a store ask for', async () => {
    const source = store.run(['-c', 'import feast.metrics, inspect; print(inspect.getsource(feast.metrics))']);
    const metrics = new FeatureStoreMetrics('fraud-features');
    for (const { expression } of [metrics.reads(), metrics.errorPercent(), metrics.latencyP99(), metrics.storeLatencyP99()]) {
      for (const [, series] of expression.matchAll(/(feast_\w+?)(?:_bucket)?\{/g)) {
        if (!source.includes(`"${series}"`)) throw new Error(`no ${series}`);
      }
    }
    for (const text of ['["endpoint", "status"]', 'status_label = "error"']) if (!source.includes(text)) throw new Error(`no ${text}`);
  });
  await store.serve(emitted);
  await checkPushes(cases, store, emitted);
  await checkMemory(cases, store, emitted);
  await checkChange(cases, store, folder);
  store.stop();
}

async function checkPushes(cases: Cases, store: Store, emitted: EmittedFeast): Promise<void> {
  const now = Date.now();
  const card = (cardId: string, more: object = {}) => ({
    cardId,
    authorizedAt: now * 1000,
    count10m: 3,
    amount: 1.5,
    declined: true,
    channel: 'POS',
    ...more,
  });
  await cases.run('records in Avro are pushed and read back: gaps, booleans, enums and numbers beyond 2^53', async () => {
    const { deadLetters, metrics } = store.push(
      emitted.pushes[CARDS.name],
      [
        card('c1'),
        card('c2', { count10m: null, declined: false, channel: 'WEB' }),
        card('c3', { count10m: 4_503_599_627_370_497 }),
        'no Avro',
        card('c1', { amount: 9, authorizedAt: (now - 5000) * 1000 }),
      ],
      CARD_RECORD,
    );
    const read = await store.read(CARDS, ['c1', 'c2', 'c3', 'nobody']);
    cases.equal(
      JSON.stringify(read),
      JSON.stringify([
        [3, 1.5, 1, 'POS'],
        [null, 1.5, 0, 'WEB'],
        [4_503_599_627_370_497, 1.5, 1, 'POS'],
        [null, null, null, null],
      ]),
    );
    cases.equal(JSON.stringify(deadLetters.map(([topic, value]: string[]) => [topic, value])), JSON.stringify([['cards.dlq', 'no Avro']]));
    for (const line of ['dead_letters_total 1', 'records_total 5', 'freshness_seconds_count 4'].map((each) =>
      each.replace(' ', '{project="fraud_features",view="card-activity"} '),
    )) {
      if (!metrics.includes(`millrace_feature_${line}\n`)) throw new Error(`no ${line} in ${metrics}`);
    }
  });
  await cases.run('a late record does not take the place of a newer one', async () => {
    store.push(emitted.pushes[CARDS.name], [card('c1', { amount: 7, authorizedAt: (now - 60_000) * 1000 })], CARD_RECORD);
    cases.equal(JSON.stringify(await store.read(CARDS, ['c1'], ['amount'])), '[[1.5]]');
    store.push(emitted.pushes[CARDS.name], [card('c1', { amount: 8, authorizedAt: (now + 1000) * 1000 })], CARD_RECORD);
    cases.equal(JSON.stringify(await store.read(CARDS, ['c1'], ['amount'])), '[[8]]');
  });
  await cases.run('records in JSON, with seconds as the time and a number as the entity; what cannot be mapped is put aside', async () => {
    const records = [
      { merchant: 7, at: now / 1000, risk: 0.25 },
      { merchant: 8, at: Math.floor(now / 1000), risk: 1 },
      { merchant: 9, at: 'today', risk: 1 },
      { merchant: 'x', at: 1, risk: 1 },
    ];
    const { deadLetters } = store.push(emitted.pushes[MERCHANTS.name], records);
    cases.equal(JSON.stringify(await store.read(MERCHANTS, [7, 8, 9])), '[[0.25],[1],[null]]');
    cases.equal(
      deadLetters.map(([topic, , error]: string[]) => `${topic}: ${error}`).join('; '),
      "merchants.dlq: event time 'today' is no epochSeconds; merchants.dlq: merchant_id is 'x', which is no Integral",
    );
  });
  await cases.run('Redis deletes by the longest TTL of the groups, which reaches it through the secret', async () => {
    const { keys, ttls } = store.listing();
    cases.equal(keys, 5);
    if (ttls.some((ttl: number) => ttl > 60 * DAY || ttl < 60 * DAY - 600)) throw new Error(`TTLs of ${ttls.join(', ')} s`);
  });
}

/** Whether Redis takes as much memory as the sizing says. */
async function checkMemory(cases: Cases, store: Store, emitted: EmittedFeast): Promise<void> {
  await cases.run('Redis takes no more memory than the sizing says', async () => {
    const before = store.listing();
    const count = 5000;
    const text = 'x'.repeat(40);
    const records = Array.from({ length: count }, (_value, at) => ({
      cardId: `card-${at}-${text}`,
      authorizedAt: Date.now() * 1000,
      count10m: at,
      amount: at / 7,
      declined: at % 2 === 0,
      channel: 'WEB',
    }));
    for (let at = 0; at < count; at += 1000) store.push(emitted.pushes[CARDS.name], records.slice(at, at + 1000), CARD_RECORD);
    const after = store.listing();
    cases.equal(after.keys - before.keys, count);
    const measured = (after.memory - before.memory) / count;
    // Names and values, as FeatureDemand counts a record.
    const bytes = CARDS.features.reduce(
      (sum, { name, type }) => sum + name.length + (type === 'String' ? (name === 'channel' ? 3 : `card-1000-${text}`.length) : 8),
      0,
    );
    const recordSize = { toBytes: () => bytes } as never;
    const sizing = OnlineStoreSizing.forDemand(
      { readsPerSecond: 1, writesPerSecond: 1, entities: count, recordSize },
      { store: OnlineStoreKind.REDIS },
    );
    const claimed = sizing.storageBytes / count;
    if (measured > claimed || measured < claimed / 4) throw new Error(`${measured} bytes an entity, where ${claimed} are claimed`);
    return `${Math.round(measured)} of ${Math.round(claimed)} bytes for a record of ${bytes}`;
  });
}

/** A feature more, and groups that leave. */
async function checkChange(cases: Cases, store: Store, folder: string): Promise<void> {
  const grown = emit(path.join(folder, 'second'), true);
  await cases.run(
    'a store with a feature more and three groups less keeps the values, and drops the group that may be dropped',
    async () => {
      const lines = store.apply(grown).trim().split('\n');
      cases.equal(
        lines
          .filter((line) => /^(applied|kept|dropped)/.test(line))
          .sort()
          .join(', '),
        [
          'applied card-activity',
          'dropped card-trial, which is no longer defined',
          'kept card-past, which is no longer defined',
          'kept merchant-risk, which is no longer defined',
        ].join(', '),
      );
      cases.equal(Object.keys(store.listing().views).sort().join(', '), 'card-activity, card-past, merchant-risk');
    },
  );
  await store.serve(grown);
  await cases.run('and what was pushed before is read as before', async () => {
    cases.equal(JSON.stringify(await store.read(GROWN_CARDS, ['c2'])), '[[null,1.5,0,"WEB",null]]');
    cases.equal(JSON.stringify(await store.read(MERCHANTS, [7])), '[[0.25]]');
  });
}

void runConformance(
  {
    name: 'feast',
    limitMinutes: LIMIT_MINUTES,
    programs: [
      ['python3', '--version'],
      ['apt-get', '--version'],
      ['dpkg', '--version'],
    ],
  },
  conformance,
);
