import { type ChildProcess, execFileSync, spawn } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import * as readline from 'readline';
import { setTimeout as sleep } from 'timers/promises';
import { type Cases, runConformance } from './cases';
import { installKafka } from './install';
import { KafkaBrokers } from './kafka-brokers';

const BUNDLE = path.resolve(__dirname, '../../lib/streaming/aws/admin-function/bundle/index.mjs');
/** What Lambda runs it with, and the oldest that its client library takes. */
const NODES = ['24', '22'];
const KAFKA = '3.9.2';
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', sessionToken: 'a/b+c==' };
const FUNCTION = 'arn:aws:sts::111122223333:assumed-role/admin/admin-function';

/** A broker with the listener of MSK IAM: TLS, OAUTHBEARER, and a validator that checks the signature of the token. */
function iamListener(folder: string): Record<string, string> {
  const login = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required';
  // The broker logs in to its own listener as well, though nobody asks for that token.
  const options = Object.entries({ ...KEYS, principal: FUNCTION, unsecuredLoginStringClaim_sub: 'broker' }).map(
    ([name, value]) => `${name}="${value}"`,
  );
  const listener = 'listener.name.scram';
  return {
    'listener.security.protocol.map': 'INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,SCRAM:SASL_SSL',
    'sasl.enabled.mechanisms': 'OAUTHBEARER',
    'super.users': `User:ANONYMOUS;User:${FUNCTION}`,
    [`${listener}.sasl.enabled.mechanisms`]: 'OAUTHBEARER',
    [`${listener}.ssl.client.auth`]: 'none',
    [`${listener}.ssl.keystore.type`]: 'PEM',
    [`${listener}.ssl.keystore.location`]: path.join(folder, 'broker.pem'),
    [`${listener}.oauthbearer.sasl.jaas.config`]: `${login} ${options.join(' ')};`,
    [`${listener}.oauthbearer.sasl.server.callback.handler.class`]: 'MskIamTokenValidator',
  };
}

/** The jars of a Kafka, and the validator of the test among them. */
function jarsWithValidator(folder: string): string {
  const jars = installKafka(KAFKA);
  const together = path.join(folder, 'jars');
  fs.mkdirSync(together);
  for (const jar of fs.readdirSync(jars)) fs.symlinkSync(path.join(jars, jar), path.join(together, jar));
  const classes = path.join(folder, 'classes');
  execFileSync('javac', ['-cp', `${jars}/*`, '-d', classes, path.join(__dirname, 'java/MskIamTokenValidator.java')], { timeout: 60_000 });
  execFileSync('jar', ['--create', '--file', path.join(together, 'validator.jar'), '-C', classes, '.'], { timeout: 60_000 });
  return together;
}

/** The bundle in a process of its own, as Lambda runs it: environment in, a request and an answer a line. */
class AdminFunction {
  private readonly child: ChildProcess;
  private readonly answers: ((answer: any) => void)[] = [];
  public readonly log: string[] = [];

  constructor(node: string, environment: Record<string, string>) {
    const program = `
      import readline from 'node:readline';
      import { handler } from ${JSON.stringify(BUNDLE)};
      const answer = (answer) => console.log('ANSWER ' + JSON.stringify(answer));
      for await (const line of readline.createInterface({ input: process.stdin }))
        await handler(JSON.parse(line)).then((result) => answer({ result }), (error) => answer({ error: error.message }));`;
    const env = { PATH: process.env.PATH!, ...environment };
    this.child = spawn(node, ['--input-type=module', '-e', program], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    readline.createInterface({ input: this.child.stdout! }).on('line', (line) => {
      if (line.startsWith('ANSWER ')) this.answers.shift()?.(JSON.parse(line.slice(7)));
      else this.log.push(line);
    });
    this.child.once('exit', () => this.answers.forEach((answer) => answer({ error: 'the function ended' })));
  }

  /** The physical id, or the error that CloudFormation would show. */
  public async invoke(type: string, request: string, properties: object, old?: object, id?: string): Promise<string> {
    const event = {
      RequestType: request,
      ResourceType: `Custom::Millrace${type}`,
      LogicalResourceId: 'Thing',
      RequestId: 'r-1',
      PhysicalResourceId: id,
      ResourceProperties: properties,
      OldResourceProperties: old,
    };
    const { result, error } = await new Promise<any>((resolve) => {
      this.answers.push(resolve);
      this.child.stdin!.write(`${JSON.stringify(event)}\n`);
    });
    return error ?? result.PhysicalResourceId;
  }

  public stop(): void {
    this.child.kill('SIGKILL');
  }
}

const TOPIC = {
  TopicName: 'payments',
  PartitionCount: '6',
  ReplicationFactor: '1',
  Configs: { 'cleanup.policy': 'delete', 'retention.ms': '3600000' },
  OnDelete: 'RETAIN',
};
const LINE = {
  Principal: 'User:gateway',
  Host: '*',
  ResourceType: 'TOPIC',
  ResourceName: 'payments',
  PatternType: 'LITERAL',
  Permission: 'ALLOW',
};
const line = (Operation: string, more = {}) => ({ ...LINE, Operation, ...more });

async function checkTopics(cases: Cases, { probe, admin }: KafkaBrokers, admin1: AdminFunction): Promise<void> {
  const described = async (...settings: string[]) => {
    await probe.ask('settled', admin);
    const topic = await probe.ask('describeTopic', admin, { topic: 'payments' });
    const own = settings.map((name) => `${name}=${topic.config[name].value} ${topic.config[name].source}`);
    return [`${topic.partitions} x ${topic.replicas}`, ...own].join(', ');
  };
  await cases.run('a topic is made with its settings, and taken over when asked for again', async () => {
    cases.equal(await admin1.invoke('KafkaTopic', 'Create', TOPIC), 'payments');
    cases.equal(await admin1.invoke('KafkaTopic', 'Create', TOPIC), 'payments');
    const topic = await described('retention.ms', 'cleanup.policy');
    cases.equal(topic, '6 x 1, retention.ms=3600000 DYNAMIC_TOPIC_CONFIG, cleanup.policy=delete DYNAMIC_TOPIC_CONFIG');
    return topic;
  });
  await cases.run('a topic changes its settings and grows', async () => {
    const grown = { ...TOPIC, PartitionCount: '12', Configs: { 'cleanup.policy': 'delete', 'max.message.bytes': '2000000' } };
    cases.equal(await admin1.invoke('KafkaTopic', 'Update', grown, TOPIC, 'payments'), 'payments');
    const topic = await described('retention.ms', 'max.message.bytes');
    cases.equal(topic, '12 x 1, retention.ms=604800000 DEFAULT_CONFIG, max.message.bytes=2000000 DYNAMIC_TOPIC_CONFIG');
    const back = await admin1.invoke('KafkaTopic', 'Update', TOPIC, grown, 'payments');
    if (!/has 12 partitions and is declared with 6; Kafka can only add/.test(back)) throw new Error(back);
    return topic;
  });
  await cases.run('a setting that Kafka does not know is refused with its own words', async () => {
    const answer = await admin1.invoke('KafkaTopic', 'Create', { ...TOPIC, TopicName: 'bad', Configs: { 'retention.mss': '1' } });
    if (!/^Create of Thing: INVALID_CONFIG: .*retention\.mss/.test(answer)) throw new Error(answer);
    return answer;
  });
  await cases.run('a topic stays unless its deletion was declared', async () => {
    await admin1.invoke('KafkaTopic', 'Delete', TOPIC, undefined, 'payments');
    cases.equal((await probe.ask('listTopics', admin)).includes('payments'), true);
    for (let times = 0; times < 2; times++) {
      cases.equal(await admin1.invoke('KafkaTopic', 'Delete', { ...TOPIC, OnDelete: 'DELETE' }, undefined, 'payments'), 'payments');
    }
    await probe.ask('settled', admin);
    cases.equal((await probe.ask('listTopics', admin)).includes('payments'), false);
  });
}

async function checkAclsAndQuotas(cases: Cases, { probe, admin }: KafkaBrokers, admin1: AdminFunction): Promise<void> {
  const acls = async () => {
    await probe.ask('settled', admin);
    return probe.ask('describeAcls', admin);
  };
  await cases.run('lines of an access control list come, change and go by their exact difference', async () => {
    const group = { ResourceType: 'GROUP', ResourceName: 'edge-', PatternType: 'PREFIXED' };
    const foreign = [
      { resourceType: 'TOPIC', name: 'payments', patternType: 'LITERAL', host: '*', operation: 'READ', permission: 'ALLOW' },
    ];
    await probe.ask('createAcls', admin, { principal: 'User:other', acls: foreign });
    const first = { Bindings: [line('READ'), line('DESCRIBE'), line('READ', group)] };
    const second = { Bindings: [line('DESCRIBE'), line('WRITE', { Principal: 'User:CN=fraud,O=ml' })] };
    const id = await admin1.invoke('KafkaAcls', 'Create', first);
    cases.equal(id, 'Thing-r-1');
    await admin1.invoke('KafkaAcls', 'Create', first);
    cases.equal(await acls(), 4);
    cases.equal(await admin1.invoke('KafkaAcls', 'Update', second, first, id), id);
    cases.equal(await acls(), 3);
    cases.equal(await admin1.invoke('KafkaAcls', 'Delete', second, undefined, id), id);
    cases.equal(await acls(), 1);
    return '4, 3 and 1 lines, one of them of others';
  });
  const quota = async (user: string) => {
    await probe.ask('settled', admin);
    const limits = Object.entries<number>(await probe.ask('describeQuota', admin, { user }));
    return limits
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join(' ');
  };
  await cases.run('limits of a user come, change, move and go', async () => {
    // As MSK knows the session of a role.
    const User = 'arn:aws:sts::111122223333:assumed-role/gateway/edge';
    const first = { User, Limits: { producer_byte_rate: '1048576', request_percentage: '50' } };
    const second = { User, Limits: { producer_byte_rate: '2097152' } };
    const moved = { User: 'gateway', Limits: { producer_byte_rate: '2097152' } };
    const id = await admin1.invoke('KafkaQuota', 'Create', first);
    cases.equal(await quota(User), 'producer_byte_rate=1048576 request_percentage=50');
    cases.equal(await admin1.invoke('KafkaQuota', 'Update', second, first, id), id);
    cases.equal(await quota(User), 'producer_byte_rate=2097152');
    await admin1.invoke('KafkaQuota', 'Update', moved, second, id);
    cases.equal(`'${await quota(User)}' '${await quota('gateway')}'`, "'' 'producer_byte_rate=2097152'");
    cases.equal(await admin1.invoke('KafkaQuota', 'Delete', moved, undefined, id), id);
    cases.equal(await quota('gateway'), '');
    const both = { User: 'gateway', ClientId: 'edge', Limits: { consumer_byte_rate: '1' } };
    cases.equal(await admin1.invoke('KafkaQuota', 'Create', both), 'Thing-r-1');
    cases.equal(await admin1.invoke('KafkaQuota', 'Delete', both, undefined, 'Thing-r-1'), 'Thing-r-1');
  });
}

async function conformance(folder: string, cases: Cases): Promise<void> {
  const home = path.join(folder, 'cluster');
  const brokers = await KafkaBrokers.start(home, { jars: jarsWithValidator(folder), brokers: 1, settings: iamListener(home) });
  const environment = {
    BOOTSTRAP_SERVERS: brokers.scramClient('', '')['bootstrap.servers'],
    NODE_EXTRA_CA_CERTS: path.join(home, 'ca.pem'),
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_SESSION_TOKEN: KEYS.sessionToken,
  };
  for (const version of NODES) {
    const words = ['-y', '-p', `node@${version}`, 'node', '-p', 'process.execPath'];
    const node = execFileSync('npx', words, { encoding: 'utf8', timeout: 240_000, stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    console.log(`Node.js ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()} and Kafka ${KAFKA}`);
    const admin = new AdminFunction(node, environment);
    await checkTopics(cases, brokers, admin);
    await checkAclsAndQuotas(cases, brokers, admin);
    await cases.run('nothing of the credentials stands in the log', async () => {
      if (Object.values(KEYS).some((key) => admin.log.join('\n').includes(key))) throw new Error(admin.log.join('\n'));
      return `${admin.log.length} lines`;
    });
    admin.stop();
    await cases.run('a token that another key signed is not let in, and tried again', async () => {
      const stranger = new AdminFunction(node, { ...environment, AWS_SECRET_ACCESS_KEY: 'another' });
      void stranger.invoke('KafkaTopic', 'Create', TOPIC);
      for (let waited = 0; stranger.log.length < 2 && waited < 20_000; waited += 100) await sleep(100);
      stranger.stop();
      const [first, second] = stranger.log.map((entry) => JSON.parse(entry));
      if (!second) throw new Error(JSON.stringify(first));
      cases.equal(`${first.attempt} ${second.attempt}`, '1 2');
      if (!/AUTHENTICATION/.test(second.outcome)) throw new Error(second.outcome);
      return second.outcome;
    });
    await brokers.probe.ask('settled', brokers.admin);
  }
  brokers.stop();
}

void runConformance(
  {
    name: 'kafka-admin',
    limitMinutes: 9,
    programs: [
      ['javac', '-version'],
      ['mvn', '-version'],
      ['openssl', 'version'],
      ['npx', '--version'],
    ],
  },
  conformance,
);
