import type { Cases } from './cases';
import type { Client, KafkaBrokers } from './kafka-brokers';
import { setTimeout as sleep } from 'timers/promises';
import type { EmittedTopic } from '../contract/kafka-flavours';

/** What the owner of a user meant to let it do, in names: one that ends in `*` stands for all that begin so. */
export interface Intent {
  readonly userName: string;
  readonly produce?: readonly string[];
  readonly consume?: readonly (readonly [topic: string, group: string])[];
  readonly transact?: readonly string[];
}

/** A KafkaUser object, as far as brokers care. */
export interface EmittedUser {
  readonly name: string;
  /** The Kafka that knows it. */
  readonly cluster: string;
  readonly authentication: string;
  readonly acls: readonly any[];
  readonly quotas?: Record<string, number>;
}

/** One thing to try as a user, and how it must end. */
interface Attempt {
  readonly what: string;
  readonly op: string;
  readonly settings?: Client;
  readonly details: Record<string, unknown>;
  /** Exceptions of which one must come; none where it must succeed. */
  readonly refusals: readonly string[];
}

const APPLIED_WITHIN_MS = 5000;
const TOPIC = 'TopicAuthorizationException';
const GROUP = 'GroupAuthorizationException';
const TRANSACTION = 'TransactionalIdAuthorizationException';
const CLUSTER = 'ClusterAuthorizationException';
/** Names that nobody was granted and that look like those somebody was. */
const OTHER_GROUPS = ['fraud', 'fraud-features-2', 'other'];
const OTHER_TRANSACTIONS = ['ledger', 'ledger-10', 'ledger-app'];

const covers = (granted: readonly string[] | undefined, name: string) =>
  (granted ?? []).some((grant) => (grant.endsWith('*') ? name.startsWith(grant.slice(0, -1)) : grant === name));

/**
 * Gives a real cluster, which denies what no ACL allows, the emitted users with their ACLs and quotas, and tries as each of them everything
 * that any of them was granted, and more: what its owner meant must work, and nothing else may.
 */
export async function checkAccess(
  cases: Cases,
  brokers: KafkaBrokers,
  emitted: { readonly intents: readonly Intent[]; readonly users: readonly EmittedUser[]; readonly topics: readonly EmittedTopic[] },
): Promise<void> {
  const { probe, admin } = brokers;
  const names = emitted.topics.map(({ name }) => name);
  await cases.run('the emitted users, ACLs and quotas are loaded', async () => {
    for (const { name: topic, partitions, replicas, config } of emitted.topics) {
      await probe.ask('createTopic', admin, { topic, partitions, replicas, config });
    }
    cases.equal(await probe.ask('settled', admin), true);
    for (const topic of names) await probe.ask('produce', admin, { topic, values: ['a record'] });
    for (const user of emitted.users) await loadUser(brokers, user);
    if (!(await probe.ask('settled', admin))) throw new Error('the brokers did not take over the ACLs');
    const acls = await probe.ask('describeAcls', admin);
    const sent = emitted.users.flatMap((user) => aclsOf(user)).length;
    cases.equal(acls, sent);
    const passwords = emitted.users.filter(({ authentication }) => authentication === 'scram-sha-512').length;
    const quotas = emitted.users.filter((user) => user.quotas).length;
    return `${emitted.users.length} users, ${passwords} with passwords, ${quotas} with quotas, ${acls} ACLs`;
  });
  for (const intent of emitted.intents) {
    const user = emitted.users.find(({ name }) => name === intent.userName);
    if (!user) throw new Error(`no KafkaUser ${intent.userName} was emitted`);
    const client = clientOf(brokers, user);
    const attempts = attemptsOf(intent, emitted.intents, names);
    const allowed = attempts.filter(({ refusals }) => refusals.length === 0);
    const denied = attempts.filter(({ refusals }) => refusals.length > 0);
    if (allowed.length) {
      await cases.run(`${user.name} can do what it was granted`, async () => {
        // One after another: two readers of one group would share its partitions.
        for (const attempt of allowed) await eventually(() => check(brokers, client, attempt));
        return `${allowed.length} attempts`;
      });
    }
    await cases.run(`${user.name} can do nothing else`, async () => {
      // One producer at a time has a transactional id; what was refused others is told apart from that.
      const own = denied.filter(({ settings }) => covers(intent.transact, settings?.['transactional.id'] ?? ''));
      await Promise.all(denied.filter((attempt) => !own.includes(attempt)).map((attempt) => check(brokers, client, attempt)));
      for (const attempt of own) await check(brokers, client, attempt);
      const visible: string[] = await probe.ask('listTopics', client);
      const consumed = (intent.consume ?? []).map(([topic]) => topic);
      const expected = names.filter((name) => covers(intent.produce, name) || covers(consumed, name));
      cases.equal(visible.sort().join(' '), expected.sort().join(' '));
      return `${denied.length} attempts denied, ${visible.length} of ${names.length} topics visible`;
    });
  }
}

/** A broker applies an ACL a moment after it has it. */
async function eventually(attempt: () => Promise<void>): Promise<void> {
  for (const deadline = Date.now() + APPLIED_WITHIN_MS; ; await sleep(200)) {
    const error: unknown = await attempt().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!error) return;
    if (Date.now() > deadline) throw error;
  }
}

async function check({ probe }: KafkaBrokers, client: Client, attempt: Attempt): Promise<void> {
  const outcome = await probe.outcome(attempt.op, { ...client, ...attempt.settings }, attempt.details);
  const good = attempt.refusals.length ? attempt.refusals.includes(outcome) : outcome === 'ok';
  if (!good) throw new Error(`${attempt.what}: ${outcome} instead of ${attempt.refusals.join(' or ') || 'ok'}`);
}

function attemptsOf(intent: Intent, all: readonly Intent[], topics: readonly string[]): Attempt[] {
  const groups = [...new Set([...all.flatMap(({ consume }) => (consume ?? []).map(([, group]) => example(group))), ...OTHER_GROUPS])];
  const transactions = [...new Set([...all.flatMap(({ transact }) => (transact ?? []).map(example)), ...OTHER_TRANSACTIONS])];
  const attempts: Attempt[] = [];
  // Who may write nowhere at all is refused already when its producer asks for an id.
  const refused = intent.produce ? [TOPIC] : [TOPIC, CLUSTER];
  for (const topic of topics) {
    const writes = covers(intent.produce, topic);
    attempts.push({
      what: `produce to ${topic}`,
      op: 'produce',
      details: { topic, values: ['another record'] },
      refusals: writes ? [] : refused,
    });
    for (const group of groups) {
      const reads = (intent.consume ?? []).some(([granted]) => covers([granted], topic));
      const joins = (intent.consume ?? []).some(([, granted]) => covers([granted], group));
      // Both protocols of groups where something was granted.
      for (const protocol of reads || joins ? ['classic', 'consumer'] : ['classic']) {
        attempts.push({
          what: `consume ${topic} in group ${group}, protocol ${protocol}`,
          op: 'consume',
          settings: { 'group.id': group, 'group.protocol': protocol },
          details: { topic },
          refusals: [...(reads ? [] : [TOPIC]), ...(joins ? [] : [GROUP])],
        });
      }
    }
    for (const id of transactions) {
      const mine = covers(intent.transact, id);
      attempts.push({
        what: `produce to ${topic} in transaction ${id}`,
        op: 'transact',
        settings: { 'transactional.id': id },
        details: { topic },
        refusals: mine ? (writes ? [] : refused) : [TRANSACTION],
      });
    }
  }
  return [...attempts, ...administration(intent, topics)];
}

/** What only administrators do, on a topic the user was granted where there is one. */
function administration(intent: Intent, topics: readonly string[]): Attempt[] {
  const topic = topics.find((name) => covers(intent.produce, name)) ?? topics[0];
  const acl = { resourceType: 'TOPIC', name: topic, patternType: 'LITERAL', operation: 'ALL', permission: 'ALLOW', host: '*' };
  const attempt = (op: string, details: Record<string, unknown>, refusals: string[]): Attempt => ({ what: op, op, details, refusals });
  return [
    attempt('createTopic', { topic: `${topic}.new`, partitions: 1, replicas: 1 }, [TOPIC, CLUSTER]),
    attempt('deleteTopic', { topic }, [TOPIC]),
    attempt('alterTopicConfig', { topic, config: { 'retention.ms': '1' } }, [TOPIC]),
    attempt('describeBroker', { broker: '1' }, [CLUSTER]),
    attempt('createAcls', { principal: `User:CN=${intent.userName}`, acls: [acl] }, [CLUSTER]),
    attempt('describeAcls', {}, [CLUSTER]),
    attempt('createScramUser', { user: 'intruder', password: 'intruder' }, [CLUSTER]),
    attempt('alterQuota', { user: intent.userName, quota: { producer_byte_rate: 1e12 } }, [CLUSTER]),
  ];
}

const example = (name: string) => name.replace(/\*$/, '1');

const PROPAGATION_MS = 30_000;
const POLL_MS = 200;

/** Gives a cluster a user as Strimzi's user operator does: its password, ACLs and quotas. */
export async function loadUser({ probe, admin }: KafkaBrokers, user: EmittedUser): Promise<void> {
  if (user.authentication === 'scram-sha-512') await probe.ask('createScramUser', admin, { user: user.name, password: passwordOf(user) });
  const acls = aclsOf(user);
  if (acls.length) await probe.ask('createAcls', admin, { principal: `User:${principalOf(user)}`, acls });
  if (!user.quotas) return;
  const quota = Object.fromEntries(Object.entries(user.quotas).map(([name, value]) => [snake(name), value]));
  await probe.ask('alterQuota', admin, { user: principalOf(user), quota });
  const sorted = (object: Record<string, number>) => JSON.stringify(Object.entries(object).sort());
  // Any broker answers, also one that has not heard of the change from the controller yet.
  for (const end = Date.now() + PROPAGATION_MS; ; await sleep(POLL_MS)) {
    const described = sorted(await probe.ask('describeQuota', admin, { user: principalOf(user) }));
    if (described === sorted(quota)) return;
    if (Date.now() > end) throw new Error(`${user.name} has the quota ${described} instead of ${sorted(quota)}`);
  }
}

/** The name of a user in ACLs, as Strimzi's user operator makes it. */
function principalOf(user: EmittedUser): string {
  return user.authentication === 'tls' ? `CN=${user.name}` : user.name;
}

/** The settings of a client that is this user. */
export function clientOf(brokers: KafkaBrokers, user: EmittedUser): Client {
  return user.authentication === 'tls' ? brokers.tlsClient(user.name) : brokers.scramClient(user.name, passwordOf(user));
}

const passwordOf = (user: EmittedUser) => `password of ${user.name}`;
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** ACLs as Strimzi's user operator makes them of a KafkaUser: one for each operation. */
function aclsOf(user: EmittedUser): Record<string, string>[] {
  return user.acls.flatMap(({ type = 'allow', host = '*', resource, operations }) =>
    operations.map((operation: string) => ({
      resourceType: snake(resource.type).toUpperCase(),
      name: resource.type === 'cluster' ? 'kafka-cluster' : resource.name,
      patternType: resource.patternType === 'prefix' ? 'PREFIXED' : 'LITERAL',
      operation: snake(operation).replace(/^_/, '').toUpperCase(),
      permission: type.toUpperCase(),
      host,
    })),
  );
}
