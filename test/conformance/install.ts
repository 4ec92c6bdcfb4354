import { execFileSync } from 'child_process';
import * as path from 'path';

const WORK = path.resolve(__dirname, '../../.ci/work/kafka');

function run(script: string, ...words: string[]): string {
  return execFileSync(path.join(__dirname, script), words, { encoding: 'utf8', timeout: 500_000 }).trim();
}

/** Folder of the jars of an Apache Kafka of this version, its Connect worker and MirrorMaker. */
export function installKafka(version: string): string {
  return run('install-maven.sh', WORK, 'kafka', version);
}

/** Folder of the plugins, by connector: `mysql`, `mariadb`, `postgres`. */
export function installDebezium(version: string, ...connectors: string[]): string {
  return run('install-debezium.sh', WORK, version, ...connectors);
}

/** Folder of the plugin of Iceberg's sink. */
export function installIceberg(version: string): string {
  const jars = run('install-maven.sh', path.join(WORK, 'plugins'), 'iceberg', version);
  return path.dirname(jars);
}

/** Folder of the files of a MariaDB. */
export function installMariaDb(): string {
  const packages = ['mariadb-server-core', 'mariadb-client-core', 'mariadb-common', 'libmariadb3', 'libaio1', 'liburing2'];
  return run('install-debian.sh', WORK, 'mariadb', ...packages);
}

/** Folder of the files of a Redis. */
export function installRedis(): string {
  return run('install-debian.sh', WORK, 'redis', 'redis-server', 'redis-tools', 'liblzf1', 'libjemalloc2');
}
