import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { RemovalPolicy, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { WARNING_ANNOTATION } from '../../lib/core/retention';
import { Sizing } from '../../lib/core/sizing';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { BrokerClass, BrokerType } from '../../lib/streaming/broker-type';
import {
  ConfluentCluster,
  type ConfluentClusterProps,
  ConfluentConnect,
  ConfluentImages,
  ConfluentLicense,
  ConfluentSchemaRegistry,
  ConfluentTopic,
  ConfluentUser,
} from '../../lib/streaming/k8s';
import { KafkaMetricNames } from '../../lib/streaming/kafka-metric-names';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import { StreamCatalog } from '../../lib/streaming/stream-catalog';
import { Service } from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { codeOf, codesIn, refusalOf } from '../contract/refusal';
import { checkBeyondSchema } from '../manifests/beyond-schema';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

const OWNER = { team: 'streaming', service: 'kafka', 'cost-center': 'CC-1042', environment: 'prod' };
const images = ConfluentImages.release('8.3.0', '3.3.0');
const secrets = { certificateSecretName: 'tls-kafka', mdsTokenSecretName: 'mds-token' };
const sizing = KafkaSizing.fixed({ brokerType: BrokerType.of('m7g.large'), brokers: 3, storagePerBroker: Size.gibibytes(500) });

function newApp(): App {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-confluent-')) });
  new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return app;
}
const newChart = (namespace: string | undefined = 'payments', app = newApp(), id = 'kafka') => new Chart(app, id, { namespace });
function synth(chart: Chart): any[] {
  const app = chart.node.root as App;
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
}
const of = (manifests: any[], kind: string) => manifests.filter((manifest) => manifest.kind === kind);
const make = (props: Partial<ConfluentClusterProps> = {}, chart = newChart()) =>
  new ConfluentCluster(chart, 'Kafka', { sizing, images, secrets, clusterName: 'main', ...props });
const serviceOf = (scope: Chart, id: string) =>
  new Service(scope, id, { image: 'example.com/app:1', size: PodSize.fixed({ cpu: Cpu.millis(250), memory: Size.mebibytes(256) }) });

const chart = newChart();
const cluster = make({ storageClassName: 'gp3-retain', license: ConfluentLicense.ofOperator() }, chart);
const topic = cluster.addTopic('Payments', { topicName: 'payments.authorized', partitions: 24 });
const registry = new ConfluentSchemaRegistry(chart, 'Registry', { cluster, certificateSecretName: 'tls-registry' });
new ConfluentConnect(chart, 'Connect', {
  cluster,
  size: PodSize.fixed({ cpu: Cpu.millis(1000), memory: Size.gibibytes(2), replicas: 3 }),
  certificateSecretName: 'tls-connect',
  principal: 'workers',
  schemaRegistry: registry,
});
const gateway = serviceOf(chart, 'Gateway');
const user = new ConfluentUser(chart, 'GatewayUser', {
  cluster,
  principal: 'gateway',
  client: { workload: gateway, certificateSecretName: 'tls-gateway' },
});
topic.grants.produce(user);
topic.grants.consume(user, { groupId: 'replay' });
cluster.addTopic('Audit', { topicName: 'audit' }).grants.consume(user, { groupId: 'replay' });
cluster.allowMetricsFromNamespace('monitoring');
const manifests = synth(chart);
const [kafka] = of(manifests, 'Kafka');
const [controllers] = of(manifests, 'KRaftController');

const schemas = ClosedSchemas.load();
const withShared = schemas ? test : test.skip;

withShared(`everything is valid for Confluent and Kubernetes${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`, () => {
  expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
  expect(checkBeyondSchema(manifests)).toEqual([]);
  const other = newChart();
  make({ license: ConfluentLicense.fromSecret('license') }, other);
  expect(synth(other).flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
});

withShared('the schemas of Confluent are closed: an unknown or missing field is found', () => {
  const spec = { ...kafka.spec, dataVolumeCapacity: undefined, zone: 'a' };
  expect(schemas!.validate({ ...kafka, spec })).toEqual([
    'Kafka payments/main: spec.dataVolumeCapacity is required',
    'Kafka payments/main: unknown field spec.zone',
  ]);
});

const RULES = ['RULE:^CN=([a-zA-Z0-9.-]+)(,.*)?$/$1/', 'DEFAULT'];
const MTLS = { authentication: { type: 'mtls', principalMappingRules: RULES }, tls: { enabled: true } };
const OWN = { authentication: { type: 'mtls', sslClientAuthentication: true }, tls: { enabled: true } };
const BOOTSTRAP = 'main.payments.svc.cluster.local:9071';
const MDS = 'https://main.payments.svc.cluster.local:8090';

describe('the cluster', () => {
  test('has as many brokers, one to a node, and as much storage as its size says, with three controllers apart', () => {
    expect([kafka.spec.replicas, kafka.spec.dataVolumeCapacity, kafka.spec.storageClass]).toEqual([3, '500Gi', { name: 'gp3-retain' }]);
    expect([controllers.metadata.name, controllers.spec.replicas, controllers.spec.dataVolumeCapacity]).toEqual([
      'main-controllers',
      3,
      '20Gi',
    ]);
    for (const { spec } of [kafka, controllers]) {
      expect(spec.oneReplicaPerNode).toBe(true);
      expect(spec.pdb).toEqual({ enabled: true, maxUnavailable: 1 });
      expect(spec.image).toEqual({ application: 'confluentinc/cp-server:8.3.0', init: 'confluentinc/confluent-init-container:3.3.0' });
    }
    expect(JSON.parse(kafka.metadata.annotations[Sizing.RECORD_KEY]).choice).toBe(sizing.choice);
  });

  test('encrypts every listener and asks every client for a certificate', () => {
    expect(kafka.spec.listeners).toEqual({ internal: MTLS, external: MTLS });
    expect(controllers.spec.listeners).toEqual({ controller: MTLS });
    expect([kafka.spec.tls, controllers.spec.tls]).toEqual([{ secretRef: 'tls-kafka' }, { secretRef: 'tls-kafka' }]);
  });

  test('knows access by role bindings, and nobody but itself as a super user', () => {
    for (const { spec } of [kafka, controllers]) expect(spec.authorization).toEqual({ type: 'rbac', superUsers: ['User:main'] });
    expect(kafka.spec.services.mds).toEqual({
      tls: { enabled: true },
      tokenKeyPair: { secretRef: 'mds-token' },
      provider: { mtls: { sslClientAuthentication: 'required', principalMappingRules: RULES } },
      impersonation: { admins: ['User:main', 'User:main-registry', 'User:workers'] },
    });
    expect(controllers.spec.dependencies).toEqual({ mdsKafkaCluster: { bootstrapEndpoint: BOOTSTRAP, ...OWN } });
    expect(kafka.spec.dependencies).toEqual({
      kafkaRest: { authentication: OWN.authentication, tls: { enabled: true, secretRef: 'tls-kafka' } },
      kRaftController: {
        clusterRef: { name: 'main-controllers' },
        controllerListener: { authentication: { type: 'mtls' }, tls: { enabled: true } },
      },
    });
    const named = newChart();
    make({ secrets: { ...secrets, principal: 'brokers.example.com' } }, named);
    expect(of(synth(named), 'Kafka')[0].spec.authorization.superUsers).toEqual(['User:brokers.example.com']);
  });

  test('keeps acknowledged records over zones, and lets consumers read in theirs', () => {
    expect(kafka.spec.configOverrides.server).toEqual([
      'auto.create.topics.enable=false',
      'default.replication.factor=3',
      'min.insync.replicas=2',
      'offsets.topic.replication.factor=3',
      'replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector',
      'transaction.state.log.min.isr=2',
      'transaction.state.log.replication.factor=3',
      'unclean.leader.election.enable=false',
    ]);
    expect(kafka.spec.rackAssignment).toEqual({ nodeLabels: ['topology.kubernetes.io/zone'], availabilityZoneCount: 3 });
    expect(kafka.spec.podTemplate.serviceAccountName).toBe('main-kafka');
  });

  test('lets its brokers read pods of their namespace and nodes, and nothing else', () => {
    const read = (resource: string) => [{ apiGroups: [''], resources: [resource], verbs: ['get', 'list'] }];
    const [[role], [clusterRole]] = [of(manifests, 'Role'), of(manifests, 'ClusterRole')];
    expect([role.rules, clusterRole.rules]).toEqual([read('pods'), read('nodes')]);
    expect([clusterRole.metadata.name, clusterRole.metadata.namespace]).toEqual(['payments-main-kafka-zones', undefined]);
    for (const kind of ['RoleBinding', 'ClusterRoleBinding']) {
      const [binding] = of(manifests, kind);
      expect(binding.subjects).toEqual([{ kind: 'ServiceAccount', name: 'main-kafka', namespace: 'payments' }]);
      expect(binding.roleRef.kind).toBe(kind.replace('Binding', ''));
    }
  });

  test('gives a broker 85 % of the CPU and 80 % of the memory of its node, a quarter of it heap', () => {
    expect(kafka.spec.podTemplate.resources).toEqual({ requests: { cpu: '1700m', memory: '6553Mi' }, limits: { memory: '6553Mi' } });
    expect(kafka.spec.configOverrides.jvm).toEqual(['-Xms1638m', '-Xmx1638m']);
    expect(controllers.spec.configOverrides.jvm).toEqual(['-Xms1024m', '-Xmx1024m']);
    const [preferred] = kafka.spec.podTemplate.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution;
    expect(preferred.preference.matchExpressions[0].values).toEqual(['m7g.large']);
  });

  test('runs pods as Pod Security "restricted" asks, spread over zones, each kind by itself', () => {
    const components = [kafka, controllers, of(manifests, 'SchemaRegistry')[0], of(manifests, 'Connect')[0]];
    const spreads = components.map(({ spec: { podTemplate } }) => {
      expect(podTemplate.podSecurityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(podTemplate.securityContext).toEqual({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
      const [{ topologyKey, whenUnsatisfiable, labelSelector }] = podTemplate.topologySpreadConstraints;
      expect([topologyKey, whenUnsatisfiable]).toEqual(['topology.kubernetes.io/zone', 'DoNotSchedule']);
      expect(podTemplate.labels).toEqual({ ...OWNER, ...labelSelector.matchLabels });
      return labelSelector.matchLabels['millrace.io/confluent-component'];
    });
    expect(spreads).toEqual(['brokers', 'controllers', 'registry', 'connect']);
  });

  test('is kept, with its topics, when it leaves the manifests; a lone DESTROY is kept and says so', () => {
    const kept = manifests.filter(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'] === 'keep').map(({ kind }) => kind);
    expect(kept.sort()).toEqual(['KRaftController', 'Kafka', 'KafkaTopic', 'KafkaTopic']);
    const destroyed = newChart();
    make({ removalPolicy: RemovalPolicy.DESTROY }, destroyed);
    expect(of(synth(destroyed), 'Kafka')[0].metadata.annotations[WARNING_ANNOTATION]).toContain('Millrace.DestroyNeedsTwoKeys');
  });

  test('has the licence of the operator, of a secret, or the trial', () => {
    for (const { spec } of [kafka, controllers]) expect(spec.license).toEqual({ globalLicense: true });
    const licensed = newChart();
    make({ license: ConfluentLicense.fromSecret('license') }, licensed);
    expect(of(synth(licensed), 'Kafka')[0].spec.license).toEqual({ secretRef: 'license' });
    const trial = newChart();
    make({}, trial);
    expect(of(synth(trial), 'Kafka')[0].spec.license).toBeUndefined();
  });

  test('has an address, metric names of its own, and a place in the catalogue', () => {
    expect(cluster.bootstrapServers).toBe(BOOTSTRAP);
    expect(cluster.metricNames).toBe(KafkaMetricNames.CONFLUENT_JMX_EXPORTER);
    expect(StreamCatalog.of(chart).clusters).toEqual([
      { construct: cluster, clusterName: 'main', protocol: 'kafka-secure', host: BOOTSTRAP },
    ]);
    const imported = ConfluentCluster.fromConfluentClusterAttributes(newChart(), 'Old', { clusterName: 'old', namespace: 'kafka' });
    expect([imported.bootstrapServers, imported.restClassName]).toEqual(['old.kafka.svc.cluster.local:9071', 'old']);
  });

  test('fails for what it cannot be made of', () => {
    const refused = (props: Partial<ConfluentClusterProps>, scope?: Chart) => refusalOf(() => make(props, scope));
    expect(refused({ sizing: undefined })).toEqual(['Millrace.KafkaClusterSizeMissing demand, sizing']);
    expect(refused({ clusterName: 'Main' })).toEqual(['Millrace.KafkaClusterNameInvalid clusterName']);
    const express = KafkaSizing.fixed({ brokerType: BrokerType.all(BrokerClass.EXPRESS)[0], brokers: 3 });
    expect(refused({ sizing: express })).toEqual(['Millrace.KafkaBrokersOnAws sizing']);
    expect(refused({}, new Chart(newApp(), 'kafka'))).toEqual(['Millrace.ConfluentNamespaceMissing namespace of the chart']);
    for (const principal of ['a,CN=b', 'a b', '', 'ü']) {
      expect(refused({ secrets: { ...secrets, principal } })).toEqual(['Millrace.ConfluentPrincipalInvalid principal']);
    }
    expect(refused({ secrets: { certificateSecretName: 'TLS', mdsTokenSecretName: '' } })).toEqual([
      'Millrace.ConfluentSecretInvalid secrets.certificateSecretName',
      'Millrace.ConfluentSecretInvalid secrets.mdsTokenSecretName',
    ]);
  });
});

describe('the network policy', () => {
  const [policy] = of(manifests, 'NetworkPolicy').filter(({ spec }) => spec.podSelector.matchLabels['millrace.io/confluent-cluster']);
  const inNamespace = (name: string) => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } });

  test('lets the cluster, its operator, its clients and Prometheus in, each no further than it must', () => {
    const own = { podSelector: { matchLabels: { 'millrace.io/confluent-cluster': 'main' } } };
    const clients = { podSelector: { matchLabels: { 'millrace.io/kafka-main': 'client' } } };
    const tcp = (...ports: number[]) => ports.map((port) => ({ protocol: 'TCP', port }));
    expect(policy.spec).toEqual({
      ...own,
      policyTypes: ['Ingress'],
      ingress: [
        { from: [own, inNamespace('payments')] },
        { from: [clients], ports: tcp(9071, 8081) },
        { from: [inNamespace('monitoring')], ports: tcp(7778) },
      ],
    });
  });

  test('lets in an operator and clients of other namespaces', () => {
    const app = newApp();
    const scope = newChart('kafka', app);
    const made = make({ operatorNamespace: 'confluent' }, scope);
    const apps = newChart('apps', app, 'apps');
    new ConfluentUser(apps, 'User', { cluster: made, client: { workload: serviceOf(apps, 'App'), certificateSecretName: 'tls' } });
    made.allowFromNamespace('keda', { podLabels: { app: 'keda-operator' } });
    const rules = of(synth(scope), 'NetworkPolicy').find(({ spec }) => spec.policyTypes.length === 1).spec.ingress;
    expect(rules[0].from[1]).toEqual(inNamespace('confluent'));
    expect(rules[1].from.slice(1)).toEqual([
      { ...inNamespace('apps'), podSelector: { matchLabels: { 'millrace.io/kafka-main': 'client' } } },
      { ...inNamespace('keda'), podSelector: { matchLabels: { app: 'keda-operator' } } },
    ]);
  });
});

describe('a topic', () => {
  test('is made through the REST class of its cluster, by the certificate of the brokers', () => {
    expect(of(manifests, 'KafkaTopic').find(({ spec }) => spec.name === 'payments.authorized').spec).toEqual({
      name: 'payments.authorized',
      partitionCount: 24,
      replicas: 3,
      configs: { 'cleanup.policy': 'delete', 'min.insync.replicas': '2', 'retention.ms': '604800000' },
      kafkaRestClassRef: { name: 'main' },
    });
    const [restClass] = of(manifests, 'KafkaRestClass');
    expect(restClass.metadata.name).toBe('main');
    expect(restClass.spec).toEqual({
      kafkaClusterRef: { name: 'main' },
      kafkaRest: { endpoint: MDS, authentication: OWN.authentication, tls: { secretRef: 'tls-kafka' } },
    });
  });

  test('is refused as on every other cluster, and all together must fit it', () => {
    const scope = newChart();
    const made = make({}, scope);
    let tried = 0;
    const refused = (options: object) => codeOf(() => made.addTopic(`Bad${tried++}`, { topicName: 'a', ...options }));
    expect(refused({ topicName: 'a b' })).toBe('Millrace.KafkaTopicNameInvalid');
    expect(refused({ replicationFactor: 4 })).toBe('Millrace.KafkaTopicReplicationInvalid');
    made.addTopic('One', { topicName: 'a.b', partitions: 1001 });
    made.addTopic('Two', { topicName: 'a_b' });
    expect(codesIn(() => synth(scope))).toEqual(['Millrace.KafkaTopicNameCollision', 'Millrace.KafkaTopicsDoNotFit']);
  });

  test('of an imported cluster stands in the namespace of that cluster', () => {
    const scope = newChart('apps');
    const imported = ConfluentCluster.fromConfluentClusterAttributes(scope, 'Kafka', {
      clusterName: 'old',
      namespace: 'kafka',
      restClassName: 'default',
    });
    new ConfluentTopic(scope, 'Topic', { cluster: imported, topicName: 'a' });
    const [made] = of(synth(scope), 'KafkaTopic');
    expect([made.metadata.namespace, made.spec.kafkaRestClassRef]).toEqual(['kafka', { name: 'default' }]);
  });

  test('and who reads and writes it are in the catalogue', () => {
    const { topics, accesses } = StreamCatalog.of(chart);
    expect(topics.map(({ clusterName, topicName, partitions }) => [clusterName, topicName, partitions])).toEqual([
      ['main', 'payments.authorized', 24],
      ['main', 'audit', 6],
    ]);
    expect(accesses.map(({ client, action, topicName, groupId }) => [client === user, action, topicName, groupId])).toEqual([
      [true, 'send', 'payments.authorized', undefined],
      [true, 'receive', 'payments.authorized', 'replay'],
      [true, 'receive', 'audit', 'replay'],
    ]);
  });
});

describe('a user', () => {
  const deployment = of(manifests, 'Deployment')[0];
  const [container] = deployment.spec.template.spec.containers;

  test('has one binding a role, for the topics and groups it was granted by their exact names', () => {
    const bindings = of(manifests, 'ConfluentRolebinding').map(({ metadata, spec }) => [metadata.namespace, spec]);
    const literal = (resourceType: string, name: string) => ({ name, patternType: 'LITERAL', resourceType });
    const common = { principal: { type: 'user', name: 'gateway' }, kafkaRestClassRef: { name: 'main' } };
    expect(bindings).toEqual([
      ['payments', { ...common, role: 'DeveloperWrite', resourcePatterns: [literal('Topic', 'payments.authorized')] }],
      [
        'payments',
        {
          ...common,
          role: 'DeveloperRead',
          resourcePatterns: [literal('Group', 'replay'), literal('Topic', 'audit'), literal('Topic', 'payments.authorized')],
        },
      ],
    ]);
  });

  test('without a grant has none', () => {
    const scope = newChart();
    const { principal } = new ConfluentUser(scope, 'Nobody', { cluster: make({}, scope) });
    expect(principal).toMatch(/^kafka-nobody-[0-9a-z]+$/);
    expect(of(synth(scope), 'ConfluentRolebinding')).toEqual([]);
  });

  test('gives its workload the certificate, the address and the way to the brokers', () => {
    const [volume] = deployment.spec.template.spec.volumes.filter((one: any) => one.secret);
    expect(volume.secret.secretName).toBe('tls-gateway');
    expect(container.env).toEqual([
      { name: 'KAFKA_BOOTSTRAP_SERVERS', value: BOOTSTRAP },
      { name: 'KAFKA_SECURITY_PROTOCOL', value: 'SSL' },
      { name: 'KAFKA_SSL_CA_LOCATION', value: '/etc/kafka/client/ca.crt' },
      { name: 'KAFKA_SSL_CERTIFICATE_LOCATION', value: '/etc/kafka/client/tls.crt' },
      { name: 'KAFKA_SSL_KEY_LOCATION', value: '/etc/kafka/client/tls.key' },
    ]);
    expect(deployment.spec.template.metadata.labels).toMatchObject({ 'millrace.io/kafka-main': 'client' });
    const policy = of(manifests, 'NetworkPolicy').find(({ spec }) => spec.egress);
    expect(policy.spec.egress.at(-1)).toEqual({
      to: [
        {
          podSelector: { matchLabels: { 'millrace.io/confluent-cluster': 'main' } },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'payments' } },
        },
      ],
      ports: [{ protocol: 'TCP', port: 9071 }],
    });
  });

  test('of another cluster, a group with a wildcard, and names that no certificate should have fail', () => {
    const scope = newChart();
    const other = ConfluentCluster.fromConfluentClusterAttributes(scope, 'Other', { clusterName: 'other', namespace: 'payments' });
    const stranger = new ConfluentUser(scope, 'Stranger', { cluster: other });
    const { grants } = make({}, scope).addTopic('Topic', { topicName: 'a' });
    expect(codeOf(() => grants.produce(stranger))).toBe('Millrace.KafkaForeignCluster');
    expect(codeOf(() => grants.consume(stranger, { groupId: 'g' }))).toBe('Millrace.KafkaForeignCluster');
    expect(codeOf(() => grants.consume(user, { groupId: '*' }))).toBe('Millrace.KafkaGroupInvalid');
    expect(codeOf(() => new ConfluentUser(scope, 'Bad', { cluster: other, principal: 'a,OU=b' }))).toBe(
      'Millrace.ConfluentPrincipalInvalid',
    );
    const client = { workload: serviceOf(scope, 'App'), certificateSecretName: 'A' };
    expect(codeOf(() => new ConfluentUser(scope, 'Worse', { cluster: other, client }))).toBe('Millrace.ConfluentSecretInvalid');
  });
});

describe('Schema Registry and Connect', () => {
  const [connect] = of(manifests, 'Connect');
  const [schemaRegistry] = of(manifests, 'SchemaRegistry');
  const DEPENDENCIES = {
    kafka: { bootstrapEndpoint: BOOTSTRAP, ...OWN },
    mds: { endpoint: MDS, tokenKeyPair: { secretRef: 'mds-token' }, ...OWN },
  };

  test('show their certificate to the cluster and ask their clients for one', () => {
    for (const { spec } of [connect, schemaRegistry]) {
      expect(spec.authorization).toEqual({ type: 'rbac', kafkaRestClassRef: { name: 'main' } });
      expect(spec.authentication).toEqual({ type: 'mtls', mtls: { sslClientAuthentication: 'required', principalMappingRules: RULES } });
      expect(spec.license).toEqual({ globalLicense: true });
    }
    expect(schemaRegistry.spec.dependencies).toEqual(DEPENDENCIES);
    expect(connect.spec.dependencies).toEqual({
      ...DEPENDENCIES,
      schemaRegistry: { url: 'https://main-registry.payments.svc.cluster.local:8081', ...OWN },
    });
    expect([schemaRegistry.spec.tls, connect.spec.tls]).toEqual([{ secretRef: 'tls-registry' }, { secretRef: 'tls-connect' }]);
  });

  test('have names, images, sizes and three copies of what they store', () => {
    expect([schemaRegistry.metadata.name, schemaRegistry.spec.replicas]).toEqual(['main-registry', 2]);
    expect(schemaRegistry.spec.image.application).toBe('confluentinc/cp-schema-registry:8.3.0');
    expect(schemaRegistry.spec.internalTopicReplicatorFactor).toBe(3);
    expect([connect.metadata.name, connect.spec.replicas]).toEqual(['workers', 3]);
    expect(connect.spec.image.application).toBe('confluentinc/cp-server-connect:8.3.0');
    expect(connect.spec.internalTopicReplicationFactor).toBe(3);
    expect(connect.spec.podTemplate.resources).toEqual({ requests: { cpu: '1000m', memory: '2048Mi' }, limits: { memory: '2048Mi' } });
  });

  test('fail in another namespace, with a name that names no service, without pods or a secret', () => {
    const app = newApp();
    const made = make({}, newChart('payments', app));
    const refused = (props: object, scope = newChart('payments', app, `x${Math.random()}`.replace('.', ''))) =>
      refusalOf(() => new ConfluentSchemaRegistry(scope, 'R', { cluster: made, certificateSecretName: 'tls', ...props }));
    expect(refused({}, newChart('apps', app, 'apps'))).toEqual(['Millrace.ConfluentComponentInvalid scope']);
    expect(refused({ principal: 'a.b' })).toEqual(['Millrace.ConfluentComponentInvalid principal']);
    expect(refused({ replicas: 0 })).toEqual(['Millrace.ConfluentComponentInvalid replicas']);
    expect(refused({ certificateSecretName: undefined })).toEqual(['Millrace.ConfluentSecretInvalid certificateSecretName']);
  });
});

describe('images', () => {
  test('are those of a release or one’s own, with tag or digest', () => {
    const digest = `registry.example.com/connect@sha256:${'a'.repeat(64)}`;
    const names = { server: 'r.example.com:5000/s:1', schemaRegistry: 'r/s:1', connect: digest, init: 'r/i:1' };
    expect(ConfluentImages.custom(names)._of('connect')).toEqual({ application: digest, init: 'r/i:1' });
    expect(refusalOf(() => ConfluentImages.custom({ ...names, server: 'r.example.com:5000/s', init: 'i' }))).toEqual([
      'Millrace.ConfluentImagesInvalid server',
      'Millrace.ConfluentImagesInvalid init',
    ]);
  });

  test.each([
    ['7.7.0', '3.3.0', 'platformVersion'],
    ['6.9.0', '3.3.0', 'platformVersion'],
    ['latest', '3.3.0', 'platformVersion'],
    ['8.3.0', 'latest', 'operatorVersion'],
  ])('fail for release %s with operator %s', (platform, operator, subject) => {
    expect(refusalOf(() => ConfluentImages.release(platform, operator))).toEqual([`Millrace.ConfluentImagesInvalid ${subject}`]);
  });

  test.each(['7.8.0', '7.10.1', '8.0.0', '10.0.0'])('pass for release %s', (platform) => {
    expect(refusalOf(() => ConfluentImages.release(platform, '3.3.0'))).toEqual([]);
  });
});
