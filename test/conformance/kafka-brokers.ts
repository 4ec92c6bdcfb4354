import { type ChildProcess, execFileSync } from 'child_process';
import * as fs from 'fs';
import { createServer } from 'net';
import * as path from 'path';
import { setTimeout as sleep } from 'timers/promises';
import { startGroup } from '../deploy/process-groups';
import { KafkaProbe } from './kafka-probe';

const READY_WITHIN_MS = 90_000;
/** Any; the format of a KRaft cluster id is 16 bytes in base64. */
const CLUSTER_ID = 'bWlsbHJhY2UtdGVzdC0xMQ';
// Short-lived programs on two cores: compile little, collect simply.
const JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=info'];

/** The words that start a class of a class path, with little memory. */
export function java(jars: string, memoryMib: number, ...words: string[]): string[] {
  return [`-Xmx${memoryMib}m`, ...JVM, '-cp', `${jars}/*`, ...words];
}

/** How a client reaches a listener: the settings of Kafka's own clients. */
export type Client = Record<string, string>;

/** What brokers to start. */
export interface BrokerOptions {
  /** Folder of the jars. */
  readonly jars: string;
  readonly brokers: 1 | 3;
  /** The generated settings; they go over those that a broker on one machine needs. */
  readonly settings: Record<string, string>;
}

/** Where the brokers listen, by listener. */
const LISTENERS = ['INTERNAL', 'TLS', 'SCRAM', 'CONTROLLER'] as const;

/**
 * A real Kafka cluster on loopback: each broker a controller too. Whoever comes by the listener INTERNAL may do everything; TLS asks for a
 * client certificate and SCRAM for a password, as Strimzi's listeners do. It ends with this process.
 */
export class KafkaBrokers {
  /** Starts brokers on free ports, in a folder that is made, and waits until all of them are up. */
  public static async start(folder: string, options: BrokerOptions): Promise<KafkaBrokers> {
    fs.mkdirSync(folder);
    const authority = makeAuthority(folder);
    const ids = Array.from({ length: options.brokers }, (_, index) => index + 1);
    const free = await freePorts(ids.length * LISTENERS.length);
    const ports = new Map(ids.map((id) => [id, Object.fromEntries(LISTENERS.map((name) => [name, free.pop()!]))]));
    const address = (listener: string) => ids.map((id) => `127.0.0.1:${ports.get(id)![listener]}`).join(',');
    const brokers = new KafkaBrokers(folder, options, address, authority);
    for (const id of ids) {
      const listeners = LISTENERS.map((name) => `${name}://127.0.0.1:${ports.get(id)![name]}`);
      const properties = {
        ...ownSettings(folder, id, ids.length),
        'process.roles': 'broker,controller',
        'controller.quorum.voters': ids.map((voter) => `${voter}@127.0.0.1:${ports.get(voter)!.CONTROLLER}`).join(','),
        listeners: listeners.join(','),
        'advertised.listeners': listeners.filter((listener) => !listener.startsWith('CONTROLLER')).join(','),
        ...options.settings,
      };
      const text = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
      fs.writeFileSync(path.join(folder, `${id}.properties`), text.join(''));
    }
    await Promise.all(ids.map((id) => brokers.launch(id)));
    brokers.probe = await KafkaProbe.start(options.jars, path.join(folder, 'probe.log'));
    await brokers.allRegistered(ids.length);
    return brokers;
  }

  /** Asks the cluster, as anybody. */
  public probe!: KafkaProbe;
  private readonly processes: ChildProcess[] = [];

  private constructor(
    private readonly folder: string,
    private readonly options: BrokerOptions,
    private readonly address: (listener: string) => string,
    private readonly authority: Authority,
  ) {}

  /** A client that may do everything. */
  public get admin(): Client {
    return { 'bootstrap.servers': this.address('INTERNAL') };
  }

  /** A client with a certificate for this name, made here and now. */
  public tlsClient(name: string): Client {
    return {
      'bootstrap.servers': this.address('TLS'),
      'security.protocol': 'SSL',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': certificate(this.authority, this.folder, name),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': this.authority.certificate,
    };
  }

  /** A client with a user name and a password. */
  public scramClient(name: string, password: string): Client {
    const login = 'org.apache.kafka.common.security.scram.ScramLoginModule';
    return {
      'bootstrap.servers': this.address('SCRAM'),
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config': `${login} required username="${name}" password="${password}";`,
    };
  }

  /** Ends the brokers and the probe, without leave to finish anything. */
  public stop(): void {
    this.probe?.stop();
    for (const process of this.processes) endGroup(process);
  }

  private async launch(id: number): Promise<void> {
    const { jars } = this.options;
    const properties = path.join(this.folder, `${id}.properties`);
    const log = path.join(this.folder, `${id}.log`);
    const file = fs.openSync(log, 'a');
    const format = java(jars, 128, 'kafka.tools.StorageTool', 'format', '--cluster-id', CLUSTER_ID, '--config', properties);
    execFileSync('java', format, { stdio: ['ignore', file, file], timeout: 60_000 });
    const child = startGroup('java', java(jars, 256, 'kafka.Kafka', properties), { stdio: ['ignore', file, file] });
    fs.closeSync(file);
    this.processes.push(child);
    await saysInLog(child, log, /Kafka Server started/, `broker ${id}`);
  }

  private async allRegistered(count: number): Promise<void> {
    for (const deadline = Date.now() + READY_WITHIN_MS; Date.now() < deadline; await sleep(200)) {
      const nodes = await this.probe.ask('nodes', this.admin).catch(() => 0);
      if (nodes === count) return;
    }
    throw new Error(`${count} brokers did not come together within ${READY_WITHIN_MS / 1000} s, see ${this.folder}`);
  }
}

/** Waits until a program writes that it is ready. */
export async function saysInLog(child: ChildProcess, log: string, ready: RegExp, name: string): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  const tail = () => fs.readFileSync(log, 'utf8').slice(-3000);
  for (const deadline = Date.now() + READY_WITHIN_MS; Date.now() < deadline; await sleep(100)) {
    if (failure) throw failure;
    if (child.exitCode !== null) throw new Error(`${name} ended: ${tail()}`);
    if (ready.test(fs.readFileSync(log, 'utf8'))) return;
  }
  throw new Error(`${name} was not ready within ${READY_WITHIN_MS / 1000} s: ${tail()}`);
}

/** Ends a program that `startGroup` started, and what it started. */
export function endGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** As many ports that are free now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      await new Promise((resolve) => server.close(resolve));
      if (!address || typeof address !== 'object') throw new Error('no free port');
      return address.port;
    }),
  );
}

/** What any broker of three on one small machine needs, and nothing that we generate. */
function ownSettings(folder: string, id: number, brokers: number): Record<string, string> {
  const tiered = 'org.apache.kafka.server.log.remote.storage.LocalTieredStorage';
  return {
    'node.id': String(id),
    'broker.rack': `zone-${id}`,
    'log.dirs': path.join(folder, `data-${id}`),
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,SCRAM:SASL_PLAINTEXT',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.scram.scram-sha-512.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'ssl.client.auth': 'required',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': path.join(folder, 'broker.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': path.join(folder, 'ca.pem'),
    // MSK keeps old segments in its own store; here they go to a folder.
    'remote.log.storage.system.enable': 'true',
    'remote.log.storage.manager.class.name': tiered,
    'remote.log.metadata.manager.listener.name': 'INTERNAL',
    'remote.log.metadata.manager.impl.prefix': 'rlmm.config.',
    'rlmm.config.remote.log.metadata.topic.replication.factor': String(brokers),
    'rlmm.config.remote.log.metadata.topic.num.partitions': '3',
    'remote.log.storage.manager.impl.prefix': 'rsm.config.',
    'rsm.config.dir': path.join(folder, 'tiered'),
    // Defaults that a topic must be able to leave.
    'log.local.retention.bytes': '1073741824',
    'log.local.retention.ms': '86400000',
    // Small and quick.
    'group.initial.rebalance.delay.ms': '0',
    'offsets.topic.num.partitions': '3',
    'transaction.state.log.num.partitions': '3',
    'log.cleaner.dedupe.buffer.size': '8388608',
    ...(brokers === 1
      ? { 'offsets.topic.replication.factor': '1', 'transaction.state.log.replication.factor': '1', 'transaction.state.log.min.isr': '1' }
      : {}),
  };
}

interface Authority {
  readonly certificate: string;
  readonly key: string;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(...words: string[]): void {
  execFileSync('openssl', words, { stdio: 'ignore', timeout: 30_000 });
}

function makeAuthority(folder: string): Authority {
  const authority = { certificate: path.join(folder, 'ca.pem'), key: path.join(folder, 'ca.key') };
  const words = [...NEW_KEY, '-keyout', authority.key, '-out', authority.certificate];
  openssl('req', '-x509', ...words, '-days', '2', '-subj', '/CN=millrace test authority');
  certificate(authority, folder, 'broker');
  return authority;
}

/** The path of a file with a key and a certificate for a name, as Kafka reads both. */
function certificate(authority: Authority, folder: string, name: string): string {
  const file = (extension: string) => path.join(folder, `${name}.${extension}`);
  const alternative = ['-addext', 'subjectAltName=IP:127.0.0.1'];
  openssl('req', ...NEW_KEY, '-keyout', file('key'), '-out', file('csr'), '-subj', `/CN=${name}`, ...alternative);
  const by = ['-CA', authority.certificate, '-CAkey', authority.key, '-CAcreateserial', '-copy_extensions', 'copy'];
  openssl('x509', '-req', '-in', file('csr'), ...by, '-days', '2', '-out', file('crt'));
  fs.writeFileSync(file('pem'), `${fs.readFileSync(file('key'), 'utf8')}${fs.readFileSync(file('crt'), 'utf8')}`);
  return file('pem');
}
