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

/** Settings that ask for a user name and a password. */
export const BASIC_AUTH = `basic_auth_users:\n  ${USER}: ${HASH}\n`;

/** Settings that ask for a client certificate, and the files for it. */
export function mutualTls(folder: string) {
  const file = (name: string) => path.join(folder, name);
  const openssl = (...words: string[]) => execFileSync('openssl', words, { stdio: 'ignore' });
  const key = (name: string) => ['-newkey', 'rsa:2048', '-nodes', '-keyout', file(`${name}.key`)];
  openssl('req', '-x509', ...key('ca'), '-days', '2', '-out', file('ca.pem'), '-subj', '/CN=millrace test authority');
  for (const name of ['server', 'client']) {
    openssl('req', ...key(name), '-out', file(`${name}.csr`), '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1');
    const authority = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-copy_extensions', 'copy'];
    openssl('x509', '-req', '-in', file(`${name}.csr`), ...authority, '-days', '2', '-out', file(`${name}.pem`));
  }
  const web = [
    'tls_server_config:',
    `  cert_file: ${file('server.pem')}`,
    `  key_file: ${file('server.key')}`,
    `  client_ca_file: ${file('ca.pem')}`,
    '  client_auth_type: RequireAndVerifyClientCert\n',
  ].join('\n');
  return { web, tls: { ca: file('ca.pem'), cert: file('client.pem'), key: file('client.key') } };
}

/** Writes samples into the blocks of a database in the folder. */
export function backfill(binaries: string, folder: string, openMetrics: string): void {
  const metrics = path.join(folder, 'metrics.txt');
  fs.writeFileSync(metrics, openMetrics);
  const words = ['tsdb', 'create-blocks-from', '--max-block-duration=360h', 'openmetrics', metrics, path.join(folder, 'tsdb')];
  execFileSync(path.join(binaries, 'promtool'), words, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 120_000 });
  fs.rmSync(metrics);
}

/** A real Prometheus on loopback, over the database in a folder. It ends with this process. */
export class PrometheusServer {
  /** Starts one on a free port and waits until it answers. */
  public static async start(binaries: string, folder: string, web: string, maxSamples: number): Promise<PrometheusServer> {
    fs.writeFileSync(path.join(folder, 'prometheus.yml'), 'global: {}\n');
    fs.writeFileSync(path.join(folder, 'web.yml'), web);
    const port = await freePort();
    const log = path.join(folder, 'prometheus.log');
    const file = fs.openSync(log, 'w');
    const child = startGroup(
      path.join(binaries, 'prometheus'),
      [
        `--config.file=${path.join(folder, 'prometheus.yml')}`,
        `--web.config.file=${path.join(folder, 'web.yml')}`,
        `--storage.tsdb.path=${path.join(folder, 'tsdb')}`,
        '--storage.tsdb.retention.time=100y',
        `--query.max-samples=${maxSamples}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', file, file] },
    );
    fs.closeSync(file);
    const scheme = web.includes('tls_server_config') ? 'https' : 'http';
    const server = new PrometheusServer(`${scheme}://127.0.0.1:${port}`, child);
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
    for (const deadline = Date.now() + READY_WITHIN_MS; Date.now() < deadline; await sleep(100)) {
      if (failure) throw failure;
      if (this.process.exitCode !== null) throw new Error(`prometheus ended: ${fs.readFileSync(log, 'utf8')}`);
      // Its own word, because each server lets in somebody else.
      if (/Server is ready to receive web requests/.test(fs.readFileSync(log, 'utf8'))) return;
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
