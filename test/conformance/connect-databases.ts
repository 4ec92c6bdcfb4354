import { type ChildProcess, type SpawnOptions, execFileSync, spawnSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { startGroup } from '../deploy/process-groups';
import { freePorts, saysInLog } from './kafka-brokers';

/** How a connector reaches a database. */
export interface DatabaseAddress {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** A real database on loopback, in a folder that is made. It ends with this process. */
export interface Database extends DatabaseAddress {
  readonly version: string;
  /** Runs statements as the administrator. */
  run(sql: string): void;
}

const PASSWORD = 'debezium';

/** A key and a certificate of nobody's, for connections that are encrypted and no more. */
function selfSigned(folder: string): { readonly certificate: string; readonly key: string } {
  const files = { certificate: path.join(folder, 'server.crt'), key: path.join(folder, 'server.key') };
  const words = ['-newkey', 'rsa:2048', '-nodes', '-keyout', files.key, '-out', files.certificate];
  execFileSync('openssl', ['req', '-x509', ...words, '-days', '2', '-subj', '/CN=127.0.0.1'], { stdio: 'ignore', timeout: 30_000 });
  fs.chmodSync(files.key, 0o600);
  return files;
}

/** A MariaDB with the binary log that Debezium asks for, and a user with the rights that Debezium's documentation lists. */
export async function startMariaDb(root: string, folder: string, database: string): Promise<Database> {
  fs.mkdirSync(folder);
  const usr = path.join(root, 'usr');
  const env = { ...process.env, LD_LIBRARY_PATH: path.join(usr, 'lib/x86_64-linux-gnu') };
  const log = path.join(folder, 'mariadb.log');
  const data = path.join(folder, 'data');
  const socket = path.join(folder, 'socket');
  const [port] = await freePorts(1);
  const quiet: SpawnOptions = { env, stdio: ['ignore', fs.openSync(log, 'a'), fs.openSync(log, 'a')] };
  const places = ['--no-defaults', `--basedir=${usr}`, `--datadir=${data}`, '--user=root'];
  const install = ['--auth-root-authentication-method=normal', '--skip-test-db', `--lc-messages-dir=${usr}/share/mysql`];
  const { status } = spawnSync(path.join(usr, 'bin/mariadb-install-db'), [...places, ...install], { ...quiet, timeout: 60_000 });
  if (status !== 0) throw new Error(`no database was made: ${fs.readFileSync(log, 'utf8').slice(-2000)}`);
  const tls = selfSigned(folder);
  const server = [
    ...places,
    `--ssl-cert=${tls.certificate}`,
    `--ssl-key=${tls.key}`,
    `--lc-messages-dir=${usr}/share/mysql`,
    `--character-sets-dir=${usr}/share/mysql/charsets`,
    `--plugin-dir=${usr}/lib/mysql/plugin`,
    `--socket=${socket}`,
    `--pid-file=${path.join(folder, 'pid')}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--server-id=1',
    `--log-bin=${path.join(data, 'binlog')}`,
    '--binlog-format=ROW',
    '--binlog-row-image=FULL',
    '--skip-name-resolve',
  ];
  const child = startGroup(path.join(usr, 'sbin/mariadbd'), server, quiet);
  await saysInLog(child, log, /ready for connections/, 'MariaDB');
  const run = (sql: string) =>
    execFileSync(path.join(usr, 'bin/mariadb'), ['--no-defaults', `--socket=${socket}`, '--user=root', '--batch', '--skip-column-names'], {
      env,
      input: sql,
      encoding: 'utf8',
      timeout: 30_000,
    });
  run(`CREATE DATABASE ${database};
    CREATE USER 'debezium'@'%' IDENTIFIED BY '${PASSWORD}';
    GRANT SELECT, RELOAD, SHOW DATABASES, LOCK TABLES, REPLICATION SLAVE, REPLICATION CLIENT, BINLOG MONITOR ON *.* TO 'debezium'@'%';`);
  const version = `MariaDB ${run('SELECT VERSION();').trim()}`;
  return { port, user: 'debezium', password: PASSWORD, version, run: (sql) => void run(`USE ${database};\n${sql}`) };
}

/** The folder of the programs of PostgreSQL of this machine, if it has them all. */
export function postgresPrograms(): string | undefined {
  const found = spawnSync('sh', ['-c', 'ls -d /usr/lib/postgresql/*/bin /usr/local/bin /usr/local/pgsql/bin 2>/dev/null'], {
    encoding: 'utf8',
  });
  const folders = found.stdout.split('\n').filter((folder) => folder !== '');
  return folders.find((folder) => ['initdb', 'postgres', 'psql'].every((program) => fs.existsSync(path.join(folder, program))));
}

/** A PostgreSQL with logical decoding, and a user that may replicate. It will not run as root, so root runs it as `nobody`. */
export async function startPostgres(programs: string, folder: string, database: string): Promise<Database> {
  fs.mkdirSync(folder);
  const log = path.join(folder, 'postgres.log');
  const data = path.join(folder, 'data');
  const [port] = await freePorts(1);
  const root = process.getuid?.() === 0;
  const ids = root ? { uid: 65534, gid: 65534 } : {};
  const tls = selfSigned(folder);
  if (root) {
    for (const owned of [folder, tls.key, tls.certificate]) fs.chownSync(owned, 65534, 65534);
    fs.chmodSync(path.dirname(folder), 0o755);
  }
  const quiet: SpawnOptions = { ...ids, cwd: folder, stdio: ['ignore', fs.openSync(log, 'a'), fs.openSync(log, 'a')] };
  const made = spawnSync(
    path.join(programs, 'initdb'),
    ['-D', data, '-U', 'admin', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'],
    {
      ...quiet,
      timeout: 60_000,
    },
  );
  if (made.status !== 0) throw new Error(`no database was made: ${fs.readFileSync(log, 'utf8').slice(-2000)}`);
  const settings = ['wal_level=logical', 'fsync=off', `unix_socket_directories=${folder}`, 'listen_addresses=127.0.0.1'];
  settings.push('ssl=on', `ssl_cert_file=${tls.certificate}`, `ssl_key_file=${tls.key}`);
  const words = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  const child: ChildProcess = startGroup(path.join(programs, 'postgres'), words, quiet);
  await saysInLog(child, log, /ready to accept connections/, 'PostgreSQL');
  const run = (sql: string, at: string) =>
    execFileSync(
      path.join(programs, 'psql'),
      ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', '-h', '127.0.0.1', '-p', String(port), '-U', 'admin', at],
      {
        input: sql,
        encoding: 'utf8',
        timeout: 30_000,
      },
    );
  run(`CREATE DATABASE ${database};`, 'postgres');
  run(`CREATE ROLE debezium SUPERUSER REPLICATION LOGIN PASSWORD '${PASSWORD}';`, database);
  const version = `PostgreSQL ${run('SHOW server_version;', database).trim()}`;
  return { port, user: 'debezium', password: PASSWORD, version, run: (sql) => void run(sql, database) };
}
