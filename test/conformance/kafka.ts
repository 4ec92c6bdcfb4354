import * as path from 'path';
import { KafkaVersion as MskVersion } from '../../lib/streaming/aws/kafka-version';
import { KafkaVersion as StrimziVersion } from '../../lib/streaming/k8s/kafka-version';
import { type Cases, runConformance } from './cases';
import { installKafka } from './install';
import { checkAccess } from './kafka-access';
import { KafkaBrokers } from './kafka-brokers';
import { type EmittedCluster, emittedByAws, emittedByKubernetes, emittedUsers, everySetting } from './kafka-emitted';

const LIMIT_MINUTES = 9;
/** The release of Apache Kafka that stands for a version as MSK spells it. */
const MSK_RELEASES: Record<string, string> = { '3.9.x.kraft': '3.9.2' };
/** Settings that are not the broker's but its authorizer's: seen in what it denies, not in what it describes. */
const OF_THE_AUTHORIZER = ['allow.everyone.if.no.acl.found'];

async function conformance(folder: string, cases: Cases): Promise<void> {
  const [standard, express] = emittedByAws();
  const msk = installKafka(MSK_RELEASES[MskVersion.V3_9.version]);
  await withBrokers(path.join(folder, 'standard'), { jars: msk, brokers: 3, settings: standard.settings }, async (brokers) => {
    await checkSettings(cases, brokers, standard, 'Kafka 3.9');
    await checkTopics(cases, brokers, standard, everySetting());
    await checkTopics(cases, brokers, express);
  });
  // Express brokers are of Amazon's own make; what can be seen here is that Kafka takes their settings.
  await withBrokers(path.join(folder, 'express'), { jars: msk, brokers: 1, settings: express.settings }, (brokers) =>
    checkSettings(cases, brokers, express, 'Kafka 3.9'),
  );
  const [strimzi, platform] = emittedByKubernetes();
  const { version } = StrimziVersion.V4_3_1;
  const jars = installKafka(version);
  const alike = JSON.stringify(strimzi.settings) === JSON.stringify(platform.settings);
  await withBrokers(path.join(folder, 'strimzi'), { jars, brokers: 3, settings: strimzi.settings }, async (brokers) => {
    await checkSettings(cases, brokers, strimzi, `Kafka ${version}`);
    await checkTopics(cases, brokers, strimzi, everySetting());
    await checkTopics(cases, brokers, platform);
    await checkAccess(cases, brokers, emittedUsers());
  });
  if (alike) return;
  await withBrokers(path.join(folder, 'platform'), { jars, brokers: 3, settings: platform.settings }, (brokers) =>
    checkSettings(cases, brokers, platform, `Kafka ${version}`),
  );
}

async function withBrokers(
  folder: string,
  options: Parameters<typeof KafkaBrokers.start>[1],
  use: (brokers: KafkaBrokers) => Promise<void>,
): Promise<void> {
  const started = Date.now();
  const brokers = await KafkaBrokers.start(folder, options);
  console.log(`${options.brokers} brokers in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  try {
    await use(brokers);
  } finally {
    brokers.stop();
  }
}

async function checkSettings(
  cases: Cases,
  { probe, admin }: KafkaBrokers,
  { name, settings }: EmittedCluster,
  kafka: string,
): Promise<void> {
  await cases.run(`${name}: ${kafka} runs with every setting of its brokers`, async () => {
    const described = await probe.ask('describeBroker', admin, { broker: '1' });
    for (const [setting, value] of Object.entries(settings)) {
      if (OF_THE_AUTHORIZER.includes(setting)) continue;
      if (!described[setting]) throw new Error(`the broker knows no ${setting}`);
      // Kafka 4 turns some settings of its first broker into those of the cluster.
      if (described[setting].source === 'DEFAULT_CONFIG') throw new Error(`${setting} is not the one given`);
      cases.equal(`${setting}=${described[setting].value}`, `${setting}=${value}`);
    }
    return `${Object.keys(settings).length} settings`;
  });
}

/** The topics of a cluster; among them, every setting given. */
async function checkTopics(
  cases: Cases,
  { probe, admin }: KafkaBrokers,
  { name, topics }: EmittedCluster,
  settings: string[] = [],
): Promise<void> {
  await cases.run(`${name}: every topic is made and reads back as declared`, async () => {
    let count = 0;
    const seen = new Set(topics.flatMap(({ config }) => Object.keys(config)));
    cases.equal(settings.filter((setting) => !seen.has(setting)).join(' '), '');
    for (const { name: topic, ...made } of topics) await probe.ask('createTopic', admin, { topic, ...made });
    cases.equal(await probe.ask('settled', admin), true);
    for (const { name: topic, partitions, replicas, config } of topics) {
      const made = await probe.ask('describeTopic', admin, { topic });
      cases.equal(`${topic}: ${made.partitions} x ${made.replicas}`, `${topic}: ${partitions} x ${replicas}`);
      for (const [setting, value] of Object.entries(config)) {
        const { value: read, source } = made.config[setting] ?? {};
        cases.equal(`${topic} ${setting}=${read} (${source})`, `${topic} ${setting}=${value} (DYNAMIC_TOPIC_CONFIG)`);
        count++;
      }
    }
    return `${topics.length} topics, ${count} values of ${seen.size} settings`;
  });
}

void runConformance(
  {
    name: 'kafka',
    limitMinutes: LIMIT_MINUTES,
    programs: [
      ['java', '-version'],
      ['mvn', '-version'],
      ['openssl', 'version'],
    ],
  },
  conformance,
);
