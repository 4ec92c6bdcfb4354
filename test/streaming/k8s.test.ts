import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Bitrate, Duration, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';
import { KafkaCluster, KafkaUser, KafkaVersion, Topic } from '../../lib/streaming/k8s';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import { Service } from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { codeOf } from '../contract/refusal';
import { checkBeyondSchema } from '../manifests/beyond-schema';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

const DEMAND = { peakIngress: Bitrate.mbps(80), peakEgress: Bitrate.mbps(160), partitions: 120, retention: Duration.days(3) };
const OWNER = { team: 'streaming', service: 'kafka', 'cost-center': 'CC-1042', environment: 'prod' };

function newApp(): App {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-strimzi-')) });
  new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return app;
}
const newChart = (namespace?: string, app = newApp(), id = 'kafka') => new Chart(app, id, { namespace });
const serviceOf = (scope: Chart, id: string) =>
  new Service(scope, id, { image: 'example.com/app:1', size: PodSize.fixed({ cpu: Cpu.millis(250), memory: Size.mebibytes(256) }) });

function synth(app: App): any[] {
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
}

const chart = newChart('payments');
const cluster = new KafkaCluster(chart, 'Kafka', { demand: DEMAND, clusterName: 'main', storageClassName: 'gp3' });
const topic = cluster.addTopic('Payments', { topicName: 'payments.authorized', partitions: 24 });
const gateway = serviceOf(chart, 'Gateway');
const user = new KafkaUser(chart, 'GatewayUser', { cluster, workload: gateway });
topic.grants.produce(user);
topic.grants.consume(user, { groupId: 'replay' });
const manifests = synth(chart.node.root as App);
const all = (kind: string, from = manifests) => from.filter((manifest) => manifest.kind === kind);
const kafka = all('Kafka')[0];
const listener = (from: any[]) => all('Kafka', from)[0].spec.kafka.listeners[0];

const schemas = ClosedSchemas.load();
const withShared = schemas ? test : test.skip;

withShared(`every manifest is valid for Strimzi and Kubernetes${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`, () => {
  expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
});

test('every manifest holds together with the others and with Pod Security "restricted"', () => {
  expect(manifests.length).toBeGreaterThan(8);
  expect(checkBeyondSchema(manifests)).toEqual([]);
});

const PEERS = [{ podSelector: { matchLabels: { 'millrace.io/kafka-main': 'client' } } }];

describe('the Kafka resource', () => {
  test('has one TLS listener inside the cluster, with client certificates and ACLs', () => {
    expect(kafka.apiVersion).toBe('kafka.strimzi.io/v1');
    expect(kafka.metadata.name).toBe('main');
    expect(kafka.spec.kafka.listeners).toEqual([
      { name: 'tls', port: 9093, type: 'internal', tls: true, authentication: { type: 'tls' }, networkPolicyPeers: PEERS },
    ]);
    expect(kafka.spec.kafka.authorization).toEqual({ type: 'simple' });
  });

  test('keeps acknowledged records, its own topics included, and lets consumers read in their zone', () => {
    expect(kafka.spec.kafka.config).toEqual({
      'auto.create.topics.enable': false,
      'default.replication.factor': 3,
      'min.insync.replicas': 2,
      'offsets.topic.replication.factor': 3,
      'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
      'transaction.state.log.min.isr': 2,
      'transaction.state.log.replication.factor': 3,
      'unclean.leader.election.enable': false,
    });
    expect(kafka.spec.kafka.rack).toEqual({ topologyKey: 'topology.kubernetes.io/zone' });
  });

  test('has the replication factor that its size counts on', () => {
    const two = newChart();
    const sizing = KafkaSizing.forDemand(DEMAND, { brokerClass: BrokerClass.KUBERNETES, replicationFactor: 2 });
    new KafkaCluster(two, 'Kafka', { sizing }).addTopic('Topic', { topicName: 'a' });
    const made = synth(two.node.root as App);
    expect(all('Kafka', made)[0].spec.kafka.config).toMatchObject({ 'default.replication.factor': 2, 'min.insync.replicas': 1 });
    expect(all('KafkaTopic', made)[0].spec).toMatchObject({ replicas: 2, config: { 'min.insync.replicas': '1' } });
  });

  test('runs the version of the operator, or the one it is given', () => {
    expect(kafka.spec.kafka.version).toBe('4.3.1');
    const other = newChart();
    new KafkaCluster(other, 'Kafka', { demand: DEMAND, kafkaVersion: KafkaVersion.V4_2_1 });
    expect(all('Kafka', synth(other.node.root as App))[0].spec.kafka.version).toBe('4.2.1');
    expect(KafkaVersion.of('4.4.0').version).toBe('4.4.0');
  });

  test('has the operators for topics and users, with resources, and no field that Strimzi 1.x has dropped', () => {
    expect(Object.keys(kafka.spec.entityOperator)).toEqual(['topicOperator', 'userOperator']);
    const resources = { requests: { cpu: '100m', memory: '384Mi' }, limits: { memory: '384Mi' } };
    expect(kafka.spec.entityOperator.topicOperator.resources).toEqual(resources);
    expect([kafka.spec.zookeeper, kafka.spec.kafka.replicas, kafka.spec.kafka.storage]).toEqual([undefined, undefined, undefined]);
  });
});

describe('the node pools', () => {
  const [controllers, brokers] = ['main-controllers', 'main-brokers'].map((name) =>
    all('KafkaNodePool').find(({ metadata }) => metadata.name === name)!,
  );

  test('keep three controllers apart from the decided brokers', () => {
    expect(all('KafkaNodePool')).toHaveLength(2);
    expect([controllers.spec.roles, controllers.spec.replicas]).toEqual([['controller'], 3]);
    expect([brokers.spec.roles, brokers.spec.replicas]).toEqual([['broker'], cluster.sizing.brokers]);
  });

  test('give a broker 85 % of the CPU and 80 % of the memory of its node, a quarter of it heap, memory never overcommitted', () => {
    // 80 Mbit/s kept three days: m7g.large, 2 vCPU and 8 GiB.
    expect(cluster.sizing.brokerType.name).toBe('m7g.large');
    expect(brokers.spec.resources).toEqual({ requests: { cpu: '1700m', memory: '6553Mi' }, limits: { memory: '6553Mi' } });
    expect(brokers.spec.jvmOptions).toEqual({ '-Xms': '1638m', '-Xmx': '1638m' });
  });

  test('never give a broker more than 6 GiB of heap, because the page cache serves the consumers', () => {
    const large = newChart();
    new KafkaCluster(large, 'Kafka', { sizing: KafkaSizing.fixed({ brokerType: BrokerType.of('m7g.4xlarge'), brokers: 3 }) });
    const pool = all('KafkaNodePool', synth(large.node.root as App)).find(({ spec }) => spec.roles[0] === 'broker');
    expect(pool.spec.jvmOptions).toEqual({ '-Xms': '6144m', '-Xmx': '6144m' });
    expect(pool.spec.resources.requests).toEqual({ cpu: '13600m', memory: '52428Mi' });
  });

  test('store on volumes of the decided size that outlive them', () => {
    const volume = { id: 0, type: 'persistent-claim', class: 'gp3', deleteClaim: false, kraftMetadata: 'shared' };
    expect(brokers.spec.storage).toEqual({
      type: 'jbod',
      volumes: [{ ...volume, size: `${cluster.sizing.storagePerBroker!.toGibibytes()}Gi` }],
    });
    expect(controllers.spec.storage.volumes).toEqual([{ ...volume, size: '20Gi' }]);
  });

  test('spread over zones and nodes, each pool by itself, and stop with time to move leaders', () => {
    for (const [pool, name] of [
      [controllers, 'main-controllers'],
      [brokers, 'main-brokers'],
    ]) {
      const { terminationGracePeriodSeconds, topologySpreadConstraints } = pool.spec.template.pod;
      expect(terminationGracePeriodSeconds).toBe(120);
      expect(
        topologySpreadConstraints.map((constraint: any) => [constraint.topologyKey, constraint.whenUnsatisfiable, constraint.maxSkew]),
      ).toEqual([
        ['topology.kubernetes.io/zone', 'DoNotSchedule', 1],
        ['kubernetes.io/hostname', 'DoNotSchedule', 1],
      ]);
      for (const { labelSelector } of topologySpreadConstraints) {
        expect(labelSelector.matchLabels).toEqual({ 'strimzi.io/cluster': 'main', 'strimzi.io/pool-name': name });
      }
    }
  });

  test('prefer nodes of the instance type that the size counts on; controllers take any', () => {
    const [preferred] = brokers.spec.template.pod.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution;
    expect(preferred.preference.matchExpressions).toEqual([
      { key: 'node.kubernetes.io/instance-type', operator: 'In', values: [cluster.sizing.brokerType.name] },
    ]);
    expect(controllers.spec.template.pod.affinity).toBeUndefined();
  });

  test('hand the labels of the allocation to pods and claims, never to selectors', () => {
    for (const pool of [controllers, brokers]) {
      expect(pool.spec.template.pod.metadata.labels).toEqual(OWNER);
      expect(pool.spec.template.persistentVolumeClaim.metadata.labels).toEqual(OWNER);
      expect(pool.metadata.labels).toEqual({ ...OWNER, 'strimzi.io/cluster': 'main' });
    }
  });
});

describe('a user', () => {
  const deployment = all('Deployment')[0];
  const [container] = deployment.spec.template.spec.containers;

  test('has a certificate and literal ACLs for what it was granted', () => {
    const [object] = all('KafkaUser');
    expect(object.metadata).toMatchObject({ name: user.userName, namespace: 'payments', labels: { 'strimzi.io/cluster': 'main' } });
    expect(object.spec).toEqual({
      authentication: { type: 'tls' },
      authorization: {
        type: 'simple',
        acls: [
          { resource: { type: 'group', name: 'replay', patternType: 'literal' }, operations: ['Read'] },
          { resource: { type: 'topic', name: 'payments.authorized', patternType: 'literal' }, operations: ['Describe', 'Read', 'Write'] },
        ],
      },
    });
    expect(user.userName.length).toBeLessThanOrEqual(64);
  });

  test('mounts its certificate and that of the cluster into its workload, read-only', () => {
    const volumes = deployment.spec.template.spec.volumes.filter((volume: any) => volume.secret);
    expect(volumes.map((volume: any) => volume.secret.secretName)).toEqual([user.userName, 'main-cluster-ca-cert']);
    const mounts = container.volumeMounts.filter((mount: any) => mount.readOnly);
    expect(mounts.map((mount: any) => mount.mountPath)).toEqual(['/etc/kafka/client', '/etc/kafka/cluster-ca']);
  });

  test('tells its workload where and how to connect', () => {
    expect(container.env).toEqual([
      { name: 'KAFKA_BOOTSTRAP_SERVERS', value: 'main-kafka-bootstrap.payments.svc:9093' },
      { name: 'KAFKA_SECURITY_PROTOCOL', value: 'SSL' },
      { name: 'KAFKA_SSL_CA_LOCATION', value: '/etc/kafka/cluster-ca/ca.crt' },
      { name: 'KAFKA_SSL_CERTIFICATE_LOCATION', value: '/etc/kafka/client/user.crt' },
      { name: 'KAFKA_SSL_KEY_LOCATION', value: '/etc/kafka/client/user.key' },
    ]);
  });

  test('opens the way from its workload to the brokers alone', () => {
    const [policy] = all('NetworkPolicy');
    expect(policy.spec.egress.at(-1)).toEqual({
      to: [
        {
          podSelector: { matchLabels: { 'strimzi.io/cluster': 'main', 'strimzi.io/broker-role': 'true' } },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'payments' } },
        },
      ],
      ports: [{ protocol: 'TCP', port: 9093 }],
    });
  });

  test('labels the pods of its workload, and no selector, with what the listener lets in', () => {
    expect(listener(manifests).networkPolicyPeers).toEqual(PEERS);
    expect(deployment.spec.template.metadata.labels).toMatchObject({ ...gateway.podSelector, 'millrace.io/kafka-main': 'client' });
    expect(deployment.spec.selector.matchLabels).toEqual(gateway.podSelector);
    expect(JSON.stringify(all('PodDisruptionBudget')[0].spec)).not.toContain('millrace.io/kafka');
  });

  test('of a cluster imported into another chart is let in like one beside it', () => {
    const apps = newChart('payments', newApp(), 'apps');
    const imported = KafkaCluster.fromKafkaClusterAttributes(apps, 'Kafka', { clusterName: 'main' });
    new KafkaUser(apps, 'User', { cluster: imported, workload: serviceOf(apps, 'App') });
    const [elsewhere] = all('Deployment', synth(apps.node.root as App));
    expect(elsewhere.spec.template.metadata.labels).toMatchObject(PEERS[0].podSelector.matchLabels);
  });

  test('without a workload, or no user at all, leaves the listener to labelled pods', () => {
    const scope = newChart();
    new KafkaUser(scope, 'Free', { cluster: new KafkaCluster(scope, 'Kafka', { demand: DEMAND, clusterName: 'main' }) });
    const nobody = newChart();
    new KafkaCluster(nobody, 'Kafka', { demand: DEMAND, clusterName: 'main' });
    expect([scope, nobody].map((made) => listener(synth(made.node.root as App)).networkPolicyPeers)).toEqual([PEERS, PEERS]);
  });

  test('fails in another namespace than the cluster, whose operator makes the secret', () => {
    const app = newApp();
    const kafkaChart = newChart('kafka', app);
    const made = new KafkaCluster(kafkaChart, 'Kafka', { demand: DEMAND });
    const apps = newChart('apps', app, 'apps');
    expect(codeOf(() => new KafkaUser(apps, 'User', { cluster: made }))).toBe('Millrace.KafkaUserNamespace');
    expect(codeOf(() => new KafkaUser(kafkaChart, 'User', { cluster: made, workload: serviceOf(apps, 'App') }))).toBe(
      'Millrace.KafkaUserNamespace',
    );
    const imported = KafkaCluster.fromKafkaClusterAttributes(apps, 'Kafka', { clusterName: 'a', namespace: 'kafka' });
    expect(codeOf(() => new KafkaUser(apps, 'Other', { cluster: imported }))).toBe('Millrace.KafkaUserNamespace');
    expect(codeOf(() => new KafkaUser(newChart(), 'User', { cluster: made }))).toBe('Millrace.KafkaUserNamespace');
  });

  test('fails when its workload has another user already, whose files and variables would be the same', () => {
    const scope = newChart();
    const made = new KafkaCluster(scope, 'Kafka', { demand: DEMAND });
    const workload = serviceOf(scope, 'App');
    new KafkaUser(scope, 'One', { cluster: made, workload });
    expect(codeOf(() => new KafkaUser(scope, 'Two', { cluster: made, workload }))).toBe('Millrace.ServiceInvalid');
  });
});

describe('a grant', () => {
  const scope = newChart('kafka');
  const made = new KafkaCluster(scope, 'Kafka', { demand: DEMAND, clusterName: 'one' });
  const { grants } = made.addTopic('Topic', { topicName: 'a' });
  const userOf = (clusterName: string) =>
    new KafkaUser(scope, `User-${clusterName}`, {
      cluster: KafkaCluster.fromKafkaClusterAttributes(scope, `Kafka-${clusterName}`, { clusterName }),
    });

  test('fails for a user of another cluster, which does not know it', () => {
    const stranger = userOf('two');
    expect(codeOf(() => grants.produce(stranger))).toBe('Millrace.KafkaForeignCluster');
    expect(codeOf(() => grants.consume(stranger, { groupId: 'g' }))).toBe('Millrace.KafkaForeignCluster');
  });

  test('passes for a user of the same cluster, imported elsewhere', () => {
    expect(codeOf(() => grants.produce(userOf('one')))).toBeUndefined();
  });
});

describe('a cluster', () => {
  const make = (props: object) => codeOf(() => new KafkaCluster(newChart(), 'Kafka', { demand: DEMAND, ...props }));

  test('has bootstrap servers in its namespace, or without one beside its clients', () => {
    expect(cluster.bootstrapServers).toBe('main-kafka-bootstrap.payments.svc:9093');
    expect(new KafkaCluster(newChart(), 'Kafka', { demand: DEMAND, clusterName: 'x' }).bootstrapServers).toBe('x-kafka-bootstrap:9093');
    const imported = (namespace?: string) =>
      KafkaCluster.fromKafkaClusterAttributes(newChart('apps'), 'Kafka', { clusterName: 'x', namespace });
    expect(imported().bootstrapServers).toBe('x-kafka-bootstrap.apps.svc:9093');
    expect(imported('kafka').bootstrapServers).toBe('x-kafka-bootstrap.kafka.svc:9093');
  });

  test('puts its topics into its own namespace, whatever chart they are declared in', () => {
    const app = newApp();
    const kafkaChart = newChart('kafka', app);
    const made = new KafkaCluster(kafkaChart, 'Kafka', { demand: DEMAND, clusterName: 'one' });
    new Topic(newChart('apps', app, 'apps'), 'Topic', { cluster: made, topicName: 'a' });
    expect(all('KafkaTopic', synth(app))[0].metadata).toMatchObject({ namespace: 'kafka', labels: { 'strimzi.io/cluster': 'one' } });
  });

  test.each(['Main', '1main', 'main-', 'k'.repeat(25), 'a.b'])("fails for the name '%s', to which the operator appends", (clusterName) => {
    expect(make({ clusterName })).toBe('Millrace.KafkaClusterNameInvalid');
  });

  test('has pods whose names Kubernetes takes as a host name and a label, however deep it stands', () => {
    const deep = new Chart(newApp(), 'payments-platform-of-the-whole-company', { namespace: 'payments' });
    const made = new KafkaCluster(deep, 'KafkaOfTheWholeCompany', { demand: DEMAND });
    const pods = all('KafkaNodePool', synth(deep.node.root as App)).map(
      ({ metadata, spec }) => `${made.clusterName}-${metadata.name}-${spec.replicas}`,
    );
    expect(Math.max(...pods.map((name) => name.length))).toBeLessThanOrEqual(63);
    const sizing = (brokers: number) =>
      KafkaSizing.fixed({ brokerType: BrokerType.of('m7g.large'), brokers, storagePerBroker: Size.gibibytes(100) });
    expect(make({ clusterName: 'k'.repeat(24), demand: undefined, sizing: sizing(6) })).toBeUndefined();
    expect(make({ clusterName: 'k'.repeat(24), demand: undefined, sizing: sizing(9) })).toBe('Millrace.KafkaClusterNameInvalid');
    expect(make({ clusterName: 'k'.repeat(23), demand: undefined, sizing: sizing(9) })).toBeUndefined();
  });

  test('fails for a size of brokers on AWS', () => {
    for (const brokerClass of [BrokerClass.EXPRESS, BrokerClass.STANDARD]) {
      expect(make({ demand: undefined, sizing: KafkaSizing.forDemand(DEMAND, { brokerClass }) })).toBe('Millrace.KafkaBrokersOnAws');
    }
  });
});
