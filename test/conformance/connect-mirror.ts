import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { setTimeout as sleep } from 'timers/promises';
import { Chart } from 'cdk8s';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import * as k8s from '../../lib/streaming/k8s';
import { TopicNaming } from '../../lib/streaming/replicator';
import type { Cases } from './cases';
import { strimziWorker, texts } from './connect-configs';
import { ConnectWorker } from './connect-worker';
import { type EmittedUser, clientOf, loadUser } from './kafka-access';
import { type Client, KafkaBrokers } from './kafka-brokers';
import { usersOf } from './kafka-emitted';

const MIRRORED_WITHIN_MS = 60_000;
const SOURCE = 'frankfurt';
const TARGET = 'ireland';

/** The emitted replicator between two Kafkas that deny what no ACL allows, for both ways to name the copies. */
export async function checkMirrors(cases: Cases, folder: string, jars: string, settings: Record<string, string>): Promise<void> {
  const source = await KafkaBrokers.start(path.join(folder, SOURCE), { jars, brokers: 1, settings });
  const make = (topic: string) => source.probe.ask('createTopic', source.admin, { topic, partitions: 2, replicas: 1, config: RETENTION });
  for (const topic of ['orders.placed', 'ledger.booked', 'ledger.scratch', 'other']) await make(topic);
  await source.probe.ask('produce', source.admin, { topic: 'orders.placed', key: 'k', values: ['one', 'two', 'three'] });
  await source.probe.ask('consume', { ...source.admin, 'group.id': 'billing' }, { topic: 'orders.placed', keep: true });
  for (const naming of [TopicNaming.IDENTICAL, TopicNaming.PREFIXED]) {
    const target = await KafkaBrokers.start(path.join(folder, `${TARGET}-${naming}`), { jars, brokers: 1, settings });
    await checkMirror(cases, source, target, path.join(folder, `mirror-${naming}`), jars, naming);
    target.stop();
  }
  source.stop();
}

const RETENTION = { 'retention.ms': '3600000' };

async function checkMirror(
  cases: Cases,
  source: KafkaBrokers,
  target: KafkaBrokers,
  folder: string,
  jars: string,
  naming: TopicNaming,
): Promise<void> {
  const { spec, users } = emittedMirror(naming);
  const [sourceUser, targetUser] = [SOURCE, TARGET].map((name) => users.find(({ cluster }) => cluster === name)!);
  await loadUser(source, sourceUser);
  await loadUser(target, targetUser);
  const targetClient = clientOf(target, targetUser);
  const settings = { 'key.converter': BYTES, 'value.converter': BYTES, ...strimziWorker(spec.target, targetClient) };
  const worker = await ConnectWorker.start(folder, { jars, settings });
  const connectors = mirrorConnectors(spec, clientOf(source, sourceUser), targetClient);
  const before = naming === TopicNaming.PREFIXED ? `${SOURCE}.` : '';
  const copy = `${before}orders.placed`;
  await cases.run(`MirrorMaker, ${naming} names: its connectors find nothing wrong with the generated settings`, async () => {
    const wrong = await Promise.all(Object.values(connectors).map((config) => worker.validate(config)));
    // Strimzi gives the patterns to every connector; one of them has to know each.
    const known = (error: string) => PATTERN.test(error) && !wrong.every((errors) => errors.includes(error));
    cases.equal(wrong.flatMap((errors) => errors.filter((error) => !known(error))).join('\n'), '');
    return Object.keys(connectors).join(', ');
  });
  await cases.run(`MirrorMaker, ${naming} names: it starts, and copies records and settings with the ACLs of its users alone`, async () => {
    for (const [name, config] of Object.entries(connectors)) await worker.run(name, config);
    const names = async (): Promise<string[]> =>
      (await target.probe.ask('listTopics', target.admin)).filter((name: string) => !/^__|internal$/.test(name));
    await until(async () => (await names()).length >= 2, 'no two topics came');
    const records = await target.probe.ask('read', target.admin, { topic: copy, atLeast: 3, seconds: 40 });
    cases.equal(records.map(({ value }: any) => value).join(' '), 'one two three');
    const { partitions, config } = await target.probe.ask('describeTopic', target.admin, { topic: copy });
    cases.equal(`${partitions} partitions, retention.ms=${config['retention.ms'].value}`, '2 partitions, retention.ms=3600000');
    cases.equal((await names()).sort().join(' '), [`${before}ledger.booked`, copy].join(' '));
    return (await names()).join(', ');
  });
  await cases.run(`MirrorMaker, ${naming} names: it takes over the offsets of the group`, async () => {
    const offsets = () => target.probe.ask('groupOffsets', target.admin, { group: 'billing' }).catch(() => ({}));
    const ofCopy = async () => Object.entries(await offsets()).find(([partition]) => partition.startsWith(`${copy}-`));
    await until(async () => (await ofCopy()) !== undefined, 'no offset of billing came');
    return String(await ofCopy());
  });
  worker.stop();
}

const PATTERN = /^(topics|groups)(\.exclude)?: no such setting$/;

/** A replicator of some topics and a group from one Strimzi cluster to another, as emitted. */
function emittedMirror(naming: TopicNaming): { readonly spec: any; readonly users: EmittedUser[] } {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-emitted-')) });
  const chart = new Chart(app, 'streaming', { namespace: 'streaming' });
  new CostAllocation({ team: 'streaming', service: 'replication', costCenter: 'CC-1042', environment: 'prod' }).applyTo(chart);
  const cluster = (clusterName: string) => k8s.KafkaCluster.fromKafkaClusterAttributes(chart, clusterName, { clusterName });
  new k8s.Replicator(chart, 'Replicator', {
    replicatorName: 'to-ireland',
    source: k8s.ReplicationSource.fromCluster(cluster(SOURCE)),
    target: cluster(TARGET),
    topics: { names: ['orders.placed'], prefixes: ['ledger.'], exclude: ['ledger.scratch'], naming },
    consumerGroups: { names: ['billing'] },
  });
  app.synth();
  const assembly = Assembly.fromDirectories({ manifests: app.outdir });
  const { manifest } = assembly.objects.find(({ manifest: { kind } }) => kind === 'KafkaMirrorMaker2')!;
  return { spec: manifest.spec, users: usersOf(assembly) };
}

const BYTES = 'org.apache.kafka.connect.converters.ByteArrayConverter';

const CONNECTORS = [
  { member: 'sourceConnector', kind: 'MirrorSourceConnector', intervals: ['refresh.topics', 'sync.topic.configs'] },
  {
    member: 'checkpointConnector',
    kind: 'MirrorCheckpointConnector',
    intervals: ['refresh.groups', 'sync.group.offsets', 'emit.checkpoints'],
  },
];

/** What Strimzi makes of a mirror: the settings of each of its connectors. The intervals are cut, so that nobody waits for minutes. */
function mirrorConnectors({ target, mirrors: [mirror] }: any, from: Client, to: Client): Record<string, Record<string, string>> {
  const cluster = (side: string, alias: string, client: Client) =>
    Object.entries({ alias, ...client }).map(([name, value]) => [`${side}.cluster.${name}`, value]);
  const patterns = {
    topicsPattern: 'topics',
    topicsExcludePattern: 'topics.exclude',
    groupsPattern: 'groups',
    groupsExcludePattern: 'groups.exclude',
  };
  return Object.fromEntries(
    CONNECTORS.filter(({ member }) => mirror[member]).map(({ member, kind, intervals }) => [
      kind,
      {
        ...Object.fromEntries([...cluster('source', mirror.source.alias, from), ...cluster('target', target.alias, to)]),
        ...Object.fromEntries(Object.entries(patterns).flatMap(([name, setting]) => (mirror[name] ? [[setting, mirror[name]]] : []))),
        'connector.class': `org.apache.kafka.connect.mirror.${kind}`,
        'tasks.max': String(mirror[member].tasksMax ?? 1),
        ...texts(mirror[member].config),
        ...Object.fromEntries(intervals.map((what) => [`${what}.interval.seconds`, '2'])),
      },
    ]),
  );
}

async function until(reached: () => Promise<boolean>, otherwise: string): Promise<void> {
  for (const deadline = Date.now() + MIRRORED_WITHIN_MS; !(await reached()); await sleep(300)) {
    if (Date.now() > deadline) throw new Error(`${otherwise} within ${MIRRORED_WITHIN_MS / 1000} s`);
  }
}
