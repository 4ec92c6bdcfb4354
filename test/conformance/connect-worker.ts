import type { ChildProcess } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { setTimeout as sleep } from 'timers/promises';
import { startGroup } from '../deploy/process-groups';
import { endGroup, freePorts, java, saysInLog } from './kafka-brokers';

const RUNNING_WITHIN_MS = 60_000;
const OVERRIDE = /^(producer|consumer|admin)\.override\./;

/** What worker to start. */
export interface WorkerOptions {
  /** Folder of the jars. */
  readonly jars: string;
  /** Folders of plugins. @default - what the jars have */
  readonly plugins?: readonly string[];
  readonly settings: Record<string, string>;
  /** Secrets by path and key, as files below the folder it runs in. @default - none */
  readonly secrets?: Record<string, Record<string, string>>;
}

/** A real worker of Kafka Connect in distributed mode, on loopback. It ends with this process. */
export class ConnectWorker {
  /** Starts one in a folder that is made and waits until it takes requests. */
  public static async start(folder: string, { jars, plugins, settings, secrets = {} }: WorkerOptions): Promise<ConnectWorker> {
    fs.mkdirSync(folder);
    for (const [secret, keys] of Object.entries(secrets)) {
      fs.mkdirSync(path.join(folder, secret), { recursive: true });
      for (const [key, value] of Object.entries(keys)) fs.writeFileSync(path.join(folder, secret, key), value);
    }
    const [port] = await freePorts(1);
    const properties = {
      // An empty path would be the folder this runs in.
      ...(plugins ? { 'plugin.path': plugins.join(',') } : {}),
      'plugin.discovery': 'service_load',
      listeners: `http://127.0.0.1:${port}`,
      // Nothing of it waits for another worker that there is not.
      'scheduled.rebalance.max.delay.ms': '0',
      'offset.flush.interval.ms': '1000',
      ...settings,
    };
    const file = path.join(folder, 'worker.properties');
    fs.writeFileSync(
      file,
      Object.entries(properties)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    const log = path.join(folder, 'worker.log');
    const output = fs.openSync(log, 'w');
    const child = startGroup('java', java(jars, 768, 'org.apache.kafka.connect.cli.ConnectDistributed', file), {
      cwd: folder,
      stdio: ['ignore', output, output],
    });
    fs.closeSync(output);
    await saysInLog(child, log, /Finished starting connectors and tasks/, 'the Connect worker');
    const worker = new ConnectWorker(`http://127.0.0.1:${port}`, log, child);
    await worker.listens();
    return worker;
  }

  private constructor(
    private readonly url: string,
    private readonly log: string,
    private readonly child: ChildProcess,
  ) {}

  public stop(): void {
    endGroup(this.child);
  }

  /** What is wrong with a configuration: errors of the connector, and settings that neither it nor the worker knows. */
  public async validate(config: Record<string, string>): Promise<string[]> {
    const kind = config['connector.class'].split('.').pop();
    const answer = await this.request('PUT', `/connector-plugins/${kind}/config/validate`, { name: 'validated', ...config });
    const errors: string[] = answer.configs.flatMap(({ value }: any) => value.errors.map((error: string) => `${value.name}: ${error}`));
    if (errors.length !== answer.error_count) throw new Error(`${answer.error_count} errors counted, ${errors.length} found`);
    // Of settings that replace those of its clients the worker knows the names but has no definition.
    const known = new Set(
      answer.configs.filter(({ definition, value }: any) => definition ?? OVERRIDE.test(value.name)).map(({ value }: any) => value.name),
    );
    // Settings of clients and converters, which those look at for themselves.
    const elsewhere =
      /^((key|value)\.converter|schema\.history\.internal\.(kafka|consumer|producer)|(source|target)\.(cluster|consumer|producer|admin)|iceberg\.(catalog|kafka))\./;
    const unknown = Object.keys(config).filter((name) => !known.has(name) && !elsewhere.test(name));
    return [...errors, ...unknown.map((name) => `${name}: no such setting`)];
  }

  /** Starts a connector and waits until it and its first task run. */
  public async run(name: string, config: Record<string, string>): Promise<void> {
    await this.request('PUT', `/connectors/${name}/config`, config);
    let seen = 'nothing';
    for (const deadline = Date.now() + RUNNING_WITHIN_MS; Date.now() < deadline; await sleep(200)) {
      const status = await this.request('GET', `/connectors/${name}/status`).catch(() => undefined);
      const states = [status?.connector, ...(status?.tasks ?? [])].filter(Boolean);
      const failed = states.find(({ state }: any) => state === 'FAILED');
      if (failed) throw new Error(`${name} failed: ${String(failed.trace).slice(0, 1500)}`);
      seen = states.map(({ state }: any) => state).join(' ');
      if (states.length > 1 && states.every(({ state }: any) => state === 'RUNNING')) return;
    }
    throw new Error(`${name} did not run within ${RUNNING_WITHIN_MS / 1000} s but was ${seen}, see ${this.log}`);
  }

  /** Its door opens before anybody stands behind it. */
  private async listens(): Promise<void> {
    for (const deadline = Date.now() + RUNNING_WITHIN_MS; ; await sleep(200)) {
      const error: unknown = await this.request('GET', '/connectors').then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!error) return;
      if (Date.now() > deadline) throw error;
    }
  }

  private async request(method: string, route: string, body?: unknown): Promise<any> {
    const response = await fetch(this.url + route, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text.slice(0, 1500)}`);
    return text ? JSON.parse(text) : undefined;
  }
}
