import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App as CdkApp, Bitrate, Duration, Size, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Template } from 'aws-cdk-lib/assertions';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import fc from 'fast-check';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import * as aws from '../../lib/streaming/aws';
import { BrokerType } from '../../lib/streaming/broker-type';
import { ClientDemand } from '../../lib/streaming/client-demand';
import { ClientCredentials, KafkaCluster, KafkaUser, KafkaUserAuthentication, Listener } from '../../lib/streaming/k8s';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import type { MessageRate } from '../../lib/streaming/topic-demand';
import { Service } from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { threeZones } from '../contract/kafka-flavours';
import { codeOf, codesIn } from '../contract/refusal';
import { ClosedSchemas } from '../manifests/closed-schemas';

const OWNER = { team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' };
const LABELS = { team: 'fraud-ml', service: 'radar', 'cost-center': 'CC-1042', environment: 'prod' };
/** 1,000 bytes a thousand times a second. */
const MEGABYTE: MessageRate = { messagesPerSecond: 1000, messageSize: Size.bytes(1000) };
const folder = () => fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-clients-'));

function newApp(): App {
  const app = new App({ outdir: folder() });
  new CostAllocation(OWNER).applyTo(app);
  return app;
}
function objectsOf(app: App): any[] {
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
}
const serviceIn = (chart: Chart) =>
  new Service(chart, 'App', { image: 'example.com/app:1', size: PodSize.fixed({ cpu: Cpu.millis(250), memory: Size.mebibytes(256) }) });
const sizing = (brokers: number) =>
  KafkaSizing.fixed({ brokerType: BrokerType.of('m7g.large'), brokers, storagePerBroker: Size.gibibytes(500) });

describe('the quota of a client', () => {
  const client = new Chart(new App({ outdir: folder() }), 'clients');
  const rates = (...loads: Parameters<ClientDemand['add']>[0][]) => {
    const demand = new ClientDemand(client, 'demand');
    for (const load of loads) demand.add(load);
    return demand.byteRates;
  };

  test('is one and a half times its demand where brokers or partitions are not known: all may reach one broker', () => {
    expect(rates({ action: 'produce', key: 'a', demand: MEGABYTE })).toEqual({ producerByteRate: 1_500_000 });
    expect(rates({ action: 'consume', key: 'a', demand: MEGABYTE, brokers: 6 })).toEqual({ consumerByteRate: 1_500_000 });
  });

  test("counts for a producer the leaders on a broker when a zone is lost, and for a consumer those of its zone's brokers", () => {
    const spread = { key: 'a', demand: MEGABYTE, partitions: 24 };
    // 6 brokers: 4 are left of three zones, 6 of 24 leaders each; 2 in one zone, 12 of 24 each.
    expect(rates({ action: 'produce', ...spread, brokers: 6 })).toEqual({ producerByteRate: 375_000 });
    expect(rates({ action: 'consume', ...spread, brokers: 6 })).toEqual({ consumerByteRate: 750_000 });
    // 3 brokers: 2 are left; one a zone.
    expect(rates({ action: 'produce', ...spread, brokers: 3 })).toEqual({ producerByteRate: 750_000 });
    expect(rates({ action: 'consume', ...spread, brokers: 3 })).toEqual({ consumerByteRate: 1_500_000 });
  });

  test('adds up over topics, and counts a grant that is repeated once, by the larger demand', () => {
    const load = (key: string, messagesPerSecond: number) => ({
      action: 'produce' as const,
      key,
      demand: { ...MEGABYTE, messagesPerSecond },
    });
    expect(rates(load('a', 1000), load('b', 500), load('a', 1000))).toEqual({ producerByteRate: 2_250_000 });
    expect(rates(load('a', 1000), load('a', 10))).toEqual(rates(load('a', 10), load('a', 1000)));
  });

  test('is none for a direction that nobody declared, dead letters among it', () => {
    expect(rates({ action: 'produce', key: 'a' }, { action: 'consume', key: 'a', demand: MEGABYTE })).toEqual({
      consumerByteRate: 1_500_000,
    });
    expect(rates({ action: 'produce', key: 'a.dlq', demand: MEGABYTE, implied: true })).toEqual({});
  });

  test('lets through at least what was declared, wherever the leaders stand', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.constantFrom(3, 6, 9, 30),
        fc.constantFrom('produce' as const, 'consume' as const),
        (partitions, brokers, action) => {
          const { producerByteRate, consumerByteRate } = rates({ action, key: 'a', demand: MEGABYTE, partitions, brokers });
          const serving = action === 'produce' ? (brokers * 2) / 3 : brokers / 3;
          expect((producerByteRate ?? consumerByteRate)! * Math.min(serving, partitions)).toBeGreaterThanOrEqual(1_500_000);
        },
      ),
    );
  });
});

describe('a client on Kubernetes', () => {
  const world = () => {
    const app = newApp();
    const chart = new Chart(app, 'kafka', { namespace: 'kafka' });
    const cluster = new KafkaCluster(chart, 'Kafka', { sizing: sizing(6), clusterName: 'main', listeners: [Listener.scram()] });
    const topic = cluster.addTopic('Topic', { topicName: 'a', partitions: 24, deadLetter: true });
    const elsewhere = new Chart(app, 'fraud', { namespace: 'fraud' });
    return { app, chart, cluster, topic, elsewhere };
  };
  const find = (objects: any[], kind: string, name?: string) =>
    objects.find((object) => object.kind === kind && (name === undefined || object.metadata.name === name));

  test('has the quota of its grants, and the labels of its owner', () => {
    const { app, chart, cluster, topic } = world();
    const user = new KafkaUser(chart, 'User', { cluster });
    const silent = new KafkaUser(chart, 'Silent', { cluster });
    topic.grants.produce(user, { demand: MEGABYTE });
    topic.grants.consume(user, { groupId: 'g', demand: MEGABYTE });
    topic.grants.produce(silent);
    const objects = objectsOf(app);
    // Dead letters: at worst all that is read, to three partitions of which one broker may lead all: 375,000 + 1,500,000.
    expect(find(objects, 'KafkaUser', user.userName).spec.quotas).toEqual({ producerByteRate: 1_875_000, consumerByteRate: 750_000 });
    expect(find(objects, 'KafkaUser', user.userName).metadata.labels).toEqual({ ...LABELS, 'strimzi.io/cluster': 'main' });
    expect(find(objects, 'KafkaUser', silent.userName).spec.quotas).toBeUndefined();
  });

  test('fails with a demand for one of two grants in a direction: the quota would starve the other', () => {
    const { app, chart, cluster, topic } = world();
    const user = new KafkaUser(chart, 'User', { cluster });
    topic.grants.produce(user, { demand: MEGABYTE });
    topic.deadLetterTopic!.grants.produce(user);
    expect(codesIn(() => app.synth())).toEqual(['Millrace.KafkaClientDemandPartial']);
  });

  test('in another namespace gets its secrets by the External Secrets operator, which may read these two alone', () => {
    const { app, cluster, topic, elsewhere } = world();
    const user = new KafkaUser(elsewhere, 'User', {
      cluster,
      workload: serviceIn(elsewhere),
      credentials: ClientCredentials.externalSecret(),
    });
    topic.grants.produce(user);
    const objects = objectsOf(app);
    expect(find(objects, 'KafkaUser').metadata).toMatchObject({ name: user.userName, namespace: 'kafka' });
    const [store, secret, role] = ['SecretStore', 'ExternalSecret', 'Role'].map((kind) => find(objects, kind));
    expect(secret.metadata).toMatchObject({ name: user.userName, namespace: 'fraud' });
    expect(secret.spec).toEqual({
      refreshInterval: '3600s',
      secretStoreRef: { kind: 'SecretStore', name: store.metadata.name },
      target: { name: user.userName, creationPolicy: 'Owner', deletionPolicy: 'Retain' },
      data: [
        { secretKey: 'ca.crt', remoteRef: { key: 'main-cluster-ca-cert', property: 'ca.crt' } },
        { secretKey: 'user.crt', remoteRef: { key: user.userName, property: 'user.crt' } },
        { secretKey: 'user.key', remoteRef: { key: user.userName, property: 'user.key' } },
      ],
    });
    const account = find(objects, 'RoleBinding').subjects[0];
    expect(store.spec.provider.kubernetes).toEqual({
      remoteNamespace: 'kafka',
      server: { caProvider: { type: 'ConfigMap', name: 'kube-root-ca.crt', key: 'ca.crt' } },
      auth: { serviceAccount: { name: account.name } },
    });
    expect([role.metadata.namespace, find(objects, 'RoleBinding').metadata.namespace, account.namespace]).toEqual([
      'kafka',
      'kafka',
      'fraud',
    ]);
    expect(find(objects, 'ServiceAccount', account.name).metadata.namespace).toBe('fraud');
    expect(role.rules).toEqual([
      { apiGroups: [''], resources: ['secrets'], resourceNames: [user.userName, 'main-cluster-ca-cert'], verbs: ['get'] },
    ]);
    const pod = find(objects, 'Deployment').spec.template;
    expect(pod.spec.volumes.filter((volume: any) => volume.secret).map((volume: any) => volume.secret.secretName)).toEqual([user.userName]);
    expect(pod.spec.containers[0].env).toContainEqual({ name: 'KAFKA_SSL_CA_LOCATION', value: '/etc/kafka/client/ca.crt' });
    const peers = find(objects, 'Kafka').spec.kafka.listeners[0].networkPolicyPeers;
    expect(peers).toContainEqual({
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'fraud' } },
      podSelector: { matchLabels: { 'millrace.io/kafka-main': 'client' } },
    });
    const schemas = ClosedSchemas.load();
    if (schemas) expect(objects.flatMap((manifest) => schemas.validate(manifest))).toEqual([]);
  });

  test('may use a store that somebody else made', () => {
    const { app, cluster, elsewhere } = world();
    const credentials = ClientCredentials.externalSecret({
      storeName: 'kafka',
      isClusterStore: true,
      refreshInterval: Duration.minutes(10),
    });
    new KafkaUser(elsewhere, 'User', { cluster, credentials });
    const objects = objectsOf(app);
    expect(find(objects, 'ExternalSecret').spec).toMatchObject({
      refreshInterval: '600s',
      secretStoreRef: { kind: 'ClusterSecretStore', name: 'kafka' },
    });
    expect(['SecretStore', 'Role', 'RoleBinding'].map((kind) => find(objects, kind))).toEqual([undefined, undefined, undefined]);
  });

  test("in another namespace gets its secret by Strimzi's Access operator", () => {
    const { app, cluster, elsewhere } = world();
    const user = new KafkaUser(elsewhere, 'User', {
      cluster,
      workload: serviceIn(elsewhere),
      credentials: ClientCredentials.kafkaAccess(),
    });
    const objects = objectsOf(app);
    expect(find(objects, 'KafkaAccess')).toMatchObject({
      apiVersion: 'access.strimzi.io/v1alpha1',
      metadata: { name: user.userName, namespace: 'fraud', labels: LABELS },
      spec: {
        kafka: { name: 'main', namespace: 'kafka', listener: 'tls' },
        user: { kind: 'KafkaUser', apiGroup: 'kafka.strimzi.io', name: user.userName, namespace: 'kafka' },
      },
    });
    const { env } = find(objects, 'Deployment').spec.template.spec.containers[0];
    expect(env.slice(2)).toEqual([
      { name: 'KAFKA_SSL_CA_LOCATION', value: '/etc/kafka/client/ssl.truststore.crt' },
      { name: 'KAFKA_SSL_CERTIFICATE_LOCATION', value: '/etc/kafka/client/ssl.keystore.crt' },
      { name: 'KAFKA_SSL_KEY_LOCATION', value: '/etc/kafka/client/ssl.keystore.key' },
    ]);
  });

  test('with a password has the listener for it, and the password in a file', () => {
    const { app, chart, cluster } = world();
    const user = new KafkaUser(chart, 'User', {
      cluster,
      workload: serviceIn(chart),
      authentication: KafkaUserAuthentication.SCRAM_SHA_512,
    });
    const objects = objectsOf(app);
    expect(find(objects, 'KafkaUser').spec.authentication).toEqual({ type: 'scram-sha-512' });
    expect(find(objects, 'Deployment').spec.template.spec.containers[0].env).toEqual([
      { name: 'KAFKA_BOOTSTRAP_SERVERS', value: 'main-kafka-bootstrap.kafka.svc:9095' },
      { name: 'KAFKA_SECURITY_PROTOCOL', value: 'SASL_SSL' },
      { name: 'KAFKA_SSL_CA_LOCATION', value: '/etc/kafka/cluster-ca/ca.crt' },
      { name: 'KAFKA_SASL_MECHANISM', value: 'SCRAM-SHA-512' },
      { name: 'KAFKA_SASL_USERNAME', value: user.userName },
      { name: 'KAFKA_SASL_PASSWORD_LOCATION', value: '/etc/kafka/client/password' },
    ]);
    expect(find(objects, 'NetworkPolicy').spec.egress.at(-1).ports).toEqual([{ protocol: 'TCP', port: 9095 }]);
  });

  test('with a password in another namespace gets its name beside it, which KEDA reads', () => {
    const { app, cluster, elsewhere } = world();
    const authentication = KafkaUserAuthentication.SCRAM_SHA_512;
    const user = new KafkaUser(elsewhere, 'User', { cluster, authentication, credentials: ClientCredentials.externalSecret() });
    const { data, target } = find(objectsOf(app), 'ExternalSecret').spec;
    expect(data.map(({ secretKey }: any) => secretKey)).toEqual(['ca.crt', 'password']);
    expect(target.template).toEqual({ engineVersion: 'v2', mergePolicy: 'Merge', data: { username: user.userName } });
  });

  test('fails with a password on a cluster without a listener for one', () => {
    const chart = new Chart(newApp(), 'kafka', { namespace: 'kafka' });
    const cluster = new KafkaCluster(chart, 'Kafka', { sizing: sizing(3) });
    const authentication = KafkaUserAuthentication.SCRAM_SHA_512;
    expect(codeOf(() => new KafkaUser(chart, 'User', { cluster, authentication }))).toBe('Millrace.KafkaListenerInvalid');
  });

  test('fails when its credentials are to be brought to where they are, or nowhere by name', () => {
    const { app, chart, cluster } = world();
    for (const credentials of [ClientCredentials.externalSecret(), ClientCredentials.kafkaAccess()]) {
      expect(codeOf(() => new KafkaUser(chart, `Same${chart.node.children.length}`, { cluster, credentials }))).toBe(
        'Millrace.KafkaUserNamespace',
      );
      const nameless = new Chart(app, `nameless${app.node.children.length}`);
      expect(codeOf(() => new KafkaUser(nameless, 'User', { cluster, credentials }))).toBe('Millrace.KafkaUserNamespace');
    }
  });

  test.each([
    ['a cluster store without a name', { isClusterStore: true }],
    ['a name that is none', { storeName: 'My Store' }],
    ['an interval of seconds', { refreshInterval: Duration.seconds(59) }],
    ['an interval of a fraction', { refreshInterval: Duration.millis(60_500) }],
  ])('fails with %s', (_what, options) => {
    expect(codeOf(() => ClientCredentials.externalSecret(options))).toBe('Millrace.KafkaCredentialsInvalid');
  });
});

describe('a client on AWS', () => {
  const world = () => {
    const app = new CdkApp({ outdir: folder(), builtinCloudFormationValidation: false });
    const stack = new Stack(app, 'Kafka', { env: { region: 'eu-west-1', account: '111122223333' } });
    const clients = new Stack(app, 'Clients', { env: { region: 'eu-west-1', account: '111122223333' } });
    new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1', environment: 'prod' }).applyTo(stack);
    new CostAllocation(OWNER).applyTo(clients);
    const cluster = new aws.KafkaCluster(stack, 'Kafka', {
      vpc: threeZones(stack),
      sizing: KafkaSizing.fixed({ brokerType: BrokerType.of('express.m7g.large'), brokers: 6 }),
    });
    const topic = cluster.addTopic('Topic', { topicName: 'a', partitions: 24 });
    return { app, stack, clients, cluster, topic };
  };
  const roleIn = (stack: Stack) =>
    new iam.Role(stack, 'Role', { roleName: 'gateway', assumedBy: new iam.ServicePrincipal('pods.eks.amazonaws.com') });
  const quotasIn = (stack: Stack) => Object.values(Template.fromStack(stack).findResources('Custom::MillraceKafkaQuota'));

  test('with IAM has one quota for the session by which Kafka knows it, in its own stack, with its owner', () => {
    const { app, stack, clients, topic } = world();
    const session = aws.RoleSession.of(roleIn(clients), 'gateway-1');
    topic.grants.produce(session, { demand: MEGABYTE });
    topic.grants.consume(session, { groupId: 'g', demand: MEGABYTE });
    topic.grants.produce(session, { demand: MEGABYTE });
    app.synth();
    expect(quotasIn(stack)).toEqual([]);
    const [quota, ...others] = quotasIn(clients);
    expect(others).toEqual([]);
    expect(quota.Properties.Limits).toEqual({ producer_byte_rate: 375_000, consumer_byte_rate: 750_000 });
    expect(JSON.stringify(quota.Properties.User)).toContain(':assumed-role/');
    expect(JSON.stringify(quota.Properties.User)).toContain('/gateway-1');
    expect(quota.Metadata['millrace:allocation']).toEqual(LABELS);
  });

  test('with a password has one for its user name, ACLs instead of statements, and none of another cluster', () => {
    const { stack, topic } = world();
    const secured = new aws.KafkaCluster(stack, 'Secured', {
      vpc: stack.node.findChild('Vpc') as never,
      sizing: KafkaSizing.fixed({ brokerType: BrokerType.of('express.m7g.large'), brokers: 3 }),
      clientAuthentication: aws.ClientAuthentication.iam().withScram(),
    });
    const user = new aws.KafkaUser(stack, 'Reports', { cluster: secured, userName: 'reports' });
    const reports = secured.addTopic('Topic', { topicName: 'reports', partitions: 12, deadLetter: true });
    reports.grants.consume(user, { groupId: 'g', demand: MEGABYTE });
    expect(codeOf(() => topic.grants.produce(user))).toBe('Millrace.KafkaForeignCluster');
    const [quota] = quotasIn(stack);
    expect([quota.Properties.User, quota.Properties.Limits]).toEqual(['reports', { consumer_byte_rate: 1_500_000 }]);
    expect(
      Object.values(Template.fromStack(stack).findResources('AWS::IAM::Policy'))
        .map((policy) => JSON.stringify(policy))
        .join(),
    ).not.toContain('ReadData');
  });

  test('fails with a demand where Kafka does not know its name', () => {
    const { clients, topic } = world();
    const role = roleIn(clients);
    expect(codeOf(() => topic.grants.produce(role, { demand: MEGABYTE }))).toBe('Millrace.KafkaQuotaPrincipalUnknown');
    expect(codeOf(() => topic.grants.consume(role, { groupId: 'g', demand: MEGABYTE }))).toBe('Millrace.KafkaQuotaPrincipalUnknown');
    expect(codeOf(() => topic.grants.produce(role))).toBeUndefined();
  });

  test('is a session of a role, under a name that AWS takes', () => {
    const { clients } = world();
    const role = roleIn(clients);
    const make = (client: iam.IGrantable, name: string) => codeOf(() => aws.RoleSession.of(client, name));
    expect([make(role, 'a'), make(role, 'a b'), make(role, 'x'.repeat(65))]).toEqual(Array(3).fill('Millrace.KafkaRoleSessionInvalid'));
    expect(make(new iam.ServicePrincipal('lambda.amazonaws.com'), 'ab')).toBe('Millrace.KafkaRoleSessionInvalid');
    const handler = new lambda.Function(clients, 'Function', {
      runtime: lambda.Runtime.NODEJS_22_X,
      handler: 'index.handler',
      code: lambda.Code.fromInline('exports.handler = () => {}'),
    });
    expect(make(handler, handler.functionName)).toBeUndefined();
    expect(aws.RoleSession.of(handler, 'ab').grantPrincipal).toBe(handler.grantPrincipal);
  });

  test('of Serverless: topics come from the admin function, with the settings that Serverless takes', () => {
    const { stack } = world();
    const cluster = new aws.ServerlessCluster(stack, 'Serverless', {
      vpc: stack.node.findChild('Vpc') as never,
      demand: { peakIngress: Bitrate.mbps(8), partitions: 12 },
    });
    const topic = cluster.addTopic('Topic', { topicName: 'b', retention: Duration.days(1), deadLetter: true });
    expect(topic.deadLetterTopic?.topicName).toBe('b.dlq');
    const topics = Object.values(Template.fromStack(stack).findResources('Custom::MillraceKafkaTopic')).map(({ Properties }) => Properties);
    expect(
      topics.map(({ TopicName, PartitionCount, ReplicationFactor, Configs, OnDelete }) => [
        TopicName,
        PartitionCount,
        ReplicationFactor,
        Configs,
        OnDelete,
      ]),
    ).toEqual([
      ['b', 6, 3, { 'cleanup.policy': 'delete', 'retention.ms': '86400000' }, 'RETAIN'],
      ['b.dlq', 3, 3, { 'cleanup.policy': 'delete', 'retention.ms': '1209600000' }, 'RETAIN'],
    ]);
    expect(codeOf(() => cluster.addTopic('Large', { topicName: 'c', config: { preallocate: true } }))).toBe(
      'Millrace.KafkaTopicConfigOnServerless',
    );
    expect(cluster.topicPrefix('b').prefix).toBe('b');
  });
});

test('a topic whose demand is more than its cluster carries is refused with the sum', () => {
  const app = newApp();
  const chart = new Chart(app, 'kafka', { namespace: 'kafka' });
  const cluster = new KafkaCluster(chart, 'Kafka', {
    sizing: KafkaSizing.forDemand(
      { peakIngress: Bitrate.mbps(40), partitions: 60 },
      { brokerClass: BrokerType.of('m7g.large').brokerClass },
    ),
  });
  cluster.addTopic('Fits', { topicName: 'fits', demand: MEGABYTE });
  expect(codesIn(() => app.synth())).toEqual([]);
  cluster.addTopic('Large', { topicName: 'large', demand: { messagesPerSecond: 500_000, messageSize: Size.kibibytes(1) } });
  expect(codesIn(() => app.synth())).toContain('Millrace.KafkaTopicDemandDoesNotFit');
  expect(() => app.synth()).toThrow(/488\.3 \(large\) \+ 1\.0 \(fits\) = 489\.2 MiB\/s in/);
});
