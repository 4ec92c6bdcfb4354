import { type ChildProcess, execFileSync } from 'child_process';
import * as fs from 'fs';
import { createServer } from 'net';
import * as path from 'path';
import { setTimeout as sleep } from 'timers/promises';
import { startGroup } from '../deploy/process-groups';

const READY_WITHIN_MS = 30_000;
/** The password `test` as the documentation of Prometheus hashes it. */
const HASH = '$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay';
export const USER = 'admin';
export const PASSWORD = 'test';

/** A real Prometheus on loopback with backfilled samples. It ends with this process. */
export class PrometheusServer {
  /** Backfills and starts one on a free port. */
  public static async start(binaries: string, folder: string, openMetrics: string, maxSamples: number): Promise<PrometheusServer> {
    const tsdb = path.join(folder, 'tsdb');
    const metrics = path.join(folder, 'metrics.txt');
    fs.writeFileSync(metrics, openMetrics);
    const arguments_ = ['tsdb', 'create-blocks-from', '--max-block-duration=360h', 'openmetrics', metrics, tsdb];
    execFileSync(path.join(binaries, 'promtool'), arguments_, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 120_000 });
    fs.rmSync(metrics);
    fs.writeFileSync(path.join(folder, 'prometheus.yml'), 'global: {}\n');
    fs.writeFileSync(path.join(folder, 'web.yml'), `basic_auth_users:\n  ${USER}: ${HASH}\n`);
    const port = await freePort();
    const log = path.join(folder, 'prometheus.log');
    const file = fs.openSync(log, 'w');
    const process_ = startGroup(
      path.join(binaries, 'prometheus'),
      [
        `--config.file=${path.join(folder, 'prometheus.yml')}`,
        `--web.config.file=${path.join(folder, 'web.yml')}`,
        `--storage.tsdb.path=${tsdb}`,
        '--storage.tsdb.retention.time=100y',
        `--query.max-samples=${maxSamples}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', file, file] },
    );
    fs.closeSync(file);
    const server = new PrometheusServer(`http://127.0.0.1:${port}`, process_);
    await server.ready(log);
    return server;
  }

  private constructor(
    public readonly url: string,
    private readonly process: ChildProcess,
  ) {}

  /** Stops it from answering, without closing its connections. */
  public freeze(): void {
    this.process.kill('SIGSTOP');
  }

  public thaw(): void {
    this.process.kill('SIGCONT');
  }

  private async ready(log: string): Promise<void> {
    let failure: Error | undefined;
    this.process.once('error', (error) => (failure = error));
    const authorization = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
    for (const deadline = Date.now() + READY_WITHIN_MS; Date.now() < deadline; await sleep(100)) {
      if (failure) throw failure;
      if (this.process.exitCode !== null) throw new Error(`prometheus ended: ${fs.readFileSync(log, 'utf8')}`);
      const answer = await fetch(`${this.url}/-/ready`, { headers: { authorization } }).catch(() => undefined);
      if (answer?.ok) return;
    }
    throw new Error(`prometheus did not answer within ${READY_WITHIN_MS / 1000} s: ${fs.readFileSync(log, 'utf8')}`);
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no free port'))));
    });
  });
}
