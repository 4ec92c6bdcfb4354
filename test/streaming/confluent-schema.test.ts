import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { RemovalPolicy, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { checkUpdate } from '../../lib/core/update-rule';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { BrokerType } from '../../lib/streaming/broker-type';
import { Compatibility } from '../../lib/streaming/compatibility';
import * as k8s from '../../lib/streaming/k8s';
import { KafkaSizing } from '../../lib/streaming/kafka-sizing';
import { KafkaUpdateRules } from '../../lib/streaming/kafka-update-rules';
import { Schema } from '../../lib/streaming/schema';
import { SchemaHistory } from '../../lib/streaming/schema-history';
import { synthesizedSchemas } from '../../lib/streaming/schema-record';
import type { TopicOptions } from '../../lib/streaming/topic';
import { Service } from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { codeOf, codesIn, refusalOf } from '../contract/refusal';
import { checkBeyondSchema } from '../manifests/beyond-schema';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

const SUBJECT = 'payments-value';
const avro = (...fields: object[]) =>
  Schema.avro(JSON.stringify({ type: 'record', name: 'Payment', fields: [{ name: 'id', type: 'string' }, ...fields] }));
const V1 = avro();
const V2 = avro({ name: 'amount', type: 'long', default: 0 });
const BROKEN = avro({ name: 'amount', type: 'long' });
const sizing = KafkaSizing.fixed({ brokerType: BrokerType.of('m7g.large'), brokers: 3, storagePerBroker: Size.gibibytes(500) });
const temporary = () => fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'millrace-confluent-schema-'));

let history: SchemaHistory;
beforeEach(() => void (history = new SchemaHistory(path.join(temporary(), 'schemas'))));

function newChart(context: Record<string, unknown> = {}): Chart {
  const app = new App({ outdir: temporary() });
  for (const [key, value] of Object.entries({ 'millrace:schemas': history.directory, ...context })) app.node.setContext(key, value);
  new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return new Chart(app, 'kafka', { namespace: 'payments' });
}
function synth(chart: Chart): Assembly {
  const app = chart.node.root as App;
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir });
}
const of = (assembly: Assembly, kind: string) => assembly.objects.map(({ manifest }) => manifest).filter((one) => one.kind === kind);
const clusterIn = (chart: Chart) =>
  new k8s.ConfluentCluster(chart, 'Kafka', {
    sizing,
    clusterName: 'main',
    images: k8s.ConfluentImages.release('8.3.0', '3.3.0'),
    secrets: { certificateSecretName: 'tls-kafka', mdsTokenSecretName: 'mds-token' },
  });
function withRegistry(chart: Chart): k8s.ConfluentCluster {
  const cluster = clusterIn(chart);
  new k8s.ConfluentSchemaRegistry(chart, 'Registry', { cluster, certificateSecretName: 'tls-registry' });
  return cluster;
}
function declared(options: Partial<TopicOptions> = {}, context?: Record<string, unknown>): Assembly {
  const chart = newChart(context);
  withRegistry(chart).addTopic('Payments', { topicName: 'payments', schema: V1, ...options });
  return synth(chart);
}
const contentOf = (assembly: Assembly) => of(assembly, 'ConfigMap').find(({ data }) => data.schema !== undefined)!;

describe('a schema', () => {
  test('is registered under its subject and mode, from a ConfigMap that stands beside it', () => {
    const assembly = declared({ compatibility: Compatibility.BACKWARD_ALL });
    const [schema] = of(assembly, 'Schema');
    const content = contentOf(assembly);
    expect(schema.spec).toEqual({
      name: SUBJECT,
      data: { configRef: content.metadata.name, format: 'avro' },
      compatibilityLevel: 'BACKWARD_TRANSITIVE',
      schemaRegistryRest: {
        endpoint: 'https://main-registry.payments.svc.cluster.local:8081',
        authentication: { type: 'mtls', sslClientAuthentication: true },
        tls: { secretRef: 'tls-registry' },
      },
    });
    expect([schema.metadata.namespace, content.metadata.namespace]).toEqual(['payments', 'payments']);
    expect(content.data).toEqual({ schema: V1.definition });
  });

  test('may be of every format', () => {
    const formats = [Schema.jsonSchema('{"type":"object"}'), Schema.protobuf('syntax = "proto3"; message A { string id = 1; }')].map(
      (schema) => of(declared({ schema }), 'Schema')[0].spec.data.format,
    );
    expect(formats).toEqual(['json', 'protobuf']);
  });

  test('is registered by the registry itself, which owns that one subject and no other', () => {
    const chart = newChart();
    withRegistry(chart).addTopic('Payments', { topicName: 'payments', schema: V1, keySchema: Schema.avro('"string"') });
    const bindings = of(synth(chart), 'ConfluentRolebinding');
    const owner = (name: string) => ({
      principal: { type: 'user', name: 'main-registry' },
      role: 'ResourceOwner',
      clustersScopeByIds: { schemaRegistryClusterId: 'id_main-registry_payments' },
      resourcePatterns: [{ name, patternType: 'LITERAL', resourceType: 'Subject' }],
      kafkaRestClassRef: { name: 'main' },
    });
    expect(bindings.map(({ spec }) => spec)).toEqual([owner('payments-value'), owner('payments-key')]);
  });

  test('of one text for keys and values has two subjects', () => {
    const schema = Schema.avro('"string"');
    expect(of(declared({ schema, keySchema: schema }), 'Schema').map(({ spec }) => spec.name)).toEqual(['payments-value', 'payments-key']);
  });

  test('stands under the same names when its text changes, so that the operator makes it the next version', () => {
    history.append(SUBJECT, { version: 1, schema: V1 });
    const [before, after] = [declared(), declared({ schema: V2 })];
    const names = (assembly: Assembly) => [contentOf(assembly).metadata.name, of(assembly, 'Schema')[0]];
    expect(names(after)).toEqual(names(before));
    expect(contentOf(after).data).toEqual({ schema: V2.definition });
    expect(synthesizedSchemas(after)).toEqual([
      expect.objectContaining({ subject: SUBJECT, version: 2, compatibility: 'BACKWARD', format: 'AVRO', definition: V2.definition }),
    ]);
  });

  test('that was not accepted says so, and an accepted one says nothing', () => {
    const warning = () => contentOf(declared()).metadata.annotations['millrace.io/warning'];
    expect(warning()).toMatch(/^Millrace\.SchemaNotAccepted: payments-value: version 1/);
    history.append(SUBJECT, { version: 1, schema: V1 });
    expect(warning()).toBeUndefined();
  });

  test('that breaks its readers, or a frozen one that changes, fails the synth', () => {
    history.append(SUBJECT, { version: 1, schema: V1 });
    expect(codesIn(() => declared({ schema: BROKEN }))).toEqual(['Millrace.SchemaIncompatible']);
    expect(codesIn(() => declared({ schema: V2, compatibility: Compatibility.DISABLED }))).toEqual(['Millrace.SchemaFrozen']);
    expect(of(declared({ compatibility: Compatibility.DISABLED }), 'Schema')[0].spec.compatibilityLevel).toBe('FULL_TRANSITIVE');
  });

  test('is kept with its text, unless both keys say otherwise', () => {
    const kept = (assembly: Assembly) =>
      [of(assembly, 'Schema')[0], contentOf(assembly)].map(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy']);
    expect(kept(declared())).toEqual(['keep', 'keep']);
    expect(kept(declared({ removalPolicy: RemovalPolicy.DESTROY }))).toEqual(['keep', 'keep']);
    expect(kept(declared({ removalPolicy: RemovalPolicy.DESTROY }, { 'millrace:destroyData': true }))).toEqual([undefined, undefined]);
  });

  test('without a topic is registered by its registry, once a subject', () => {
    const chart = newChart();
    const cluster = clusterIn(chart);
    const registry = new k8s.ConfluentSchemaRegistry(chart, 'Registry', { cluster, certificateSecretName: 'tls-registry' });
    const schema = registry.addSchema('Event', { subject: 'events.Created', schema: V1 });
    expect([schema.subject, schema.registry]).toEqual(['events.Created', registry]);
    expect(codeOf(() => registry.addSchema('Again', { subject: 'events.Created', schema: V1 }))).toBe('Millrace.SchemaSubjectTwice');
    expect(codeOf(() => registry.addSchema('Bad', { subject: 'a/b', schema: V1 }))).toBe('Millrace.SchemaSubjectInvalid');
    cluster.addTopic('Payments', { topicName: 'payments', schema: V1 });
    expect(codeOf(() => registry.addSchema('Value', { subject: SUBJECT, schema: V1 }))).toBe('Millrace.SchemaSubjectTwice');
  });

  test('leaves or loosens with a warning', () => {
    const findings = (after: Partial<TopicOptions>) =>
      checkUpdate(declared(), declared(after), KafkaUpdateRules.all()).map(({ severity, code }) => `${severity} ${code}`);
    expect(findings({})).toEqual([]);
    expect(findings({ compatibility: Compatibility.NONE })).toEqual(['warning Millrace.SchemaCompatibilityLoosened']);
    expect(findings({ schema: undefined })).toEqual(['warning Millrace.KafkaRemoval']);
  });
});

const shared = ClosedSchemas.load();
const withShared = shared ? test : test.skip;

withShared(`everything is valid for Confluent and Kubernetes${shared ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`, () => {
  const chart = newChart();
  const cluster = withRegistry(chart);
  const topic = cluster.addTopic('Payments', { topicName: 'payments', schema: V1, keySchema: V2, deadLetter: true });
  const user = new k8s.ConfluentUser(chart, 'User', { cluster });
  topic.grants.produce(user, { transactionalIdPrefix: 'a-' });
  topic.grants.consume(user, { groupPrefix: 'a-' });
  cluster.topicPrefix('log.').grants.produce(user);
  const manifests = synth(chart).objects.map(({ manifest }) => manifest);
  expect(manifests.flatMap((manifest) => shared!.validate(manifest))).toEqual([]);
  expect(checkBeyondSchema(manifests)).toEqual([]);
  const schema = manifests.find(({ kind }) => kind === 'Schema')!;
  expect(shared!.validate({ ...schema, spec: { ...schema.spec, data: { format: 'avro' }, subject: 'a' } })).toEqual([
    expect.stringContaining('unknown field spec.subject'),
    expect.stringContaining('spec.data.configRef is required'),
  ]);
});

describe('the registry of a cluster', () => {
  test('must be there before a topic with a schema', () => {
    const chart = newChart();
    const cluster = clusterIn(chart);
    const refused = (id: string, options: Partial<TopicOptions>) => refusalOf(() => cluster.addTopic(id, { topicName: id, ...options }));
    expect(refused('a', { schema: V1 })).toEqual(['Millrace.ConfluentSchemaRegistryMissing schema, keySchema']);
    expect(refused('b', { keySchema: V1 })).toEqual(['Millrace.ConfluentSchemaRegistryMissing schema, keySchema']);
    expect(refused('c', {})).toEqual([]);
  });

  test('is the first one that was made', () => {
    const chart = newChart();
    const cluster = withRegistry(chart);
    new k8s.ConfluentSchemaRegistry(chart, 'Second', { cluster, certificateSecretName: 'tls-second', principal: 'second' });
    cluster.addTopic('Payments', { topicName: 'payments', schema: V1 });
    expect(of(synth(chart), 'Schema')[0].spec.schemaRegistryRest.endpoint).toBe('https://main-registry.payments.svc.cluster.local:8081');
  });

  test('may be imported, with its cluster', () => {
    const chart = newChart();
    const cluster = k8s.ConfluentCluster.fromConfluentClusterAttributes(chart, 'Old', { clusterName: 'old', namespace: 'kafka' });
    const registry = k8s.ConfluentSchemaRegistry.fromConfluentSchemaRegistryAttributes(chart, 'Registry', {
      cluster,
      certificateSecretName: 'tls-registry',
      principal: 'schemas',
    });
    new k8s.ConfluentTopic(chart, 'Payments', { cluster, topicName: 'payments', schema: V1 });
    const [schema] = of(synth(chart), 'Schema');
    expect([schema.metadata.namespace, schema.spec.schemaRegistryRest.endpoint]).toEqual(['kafka', registry.url]);
    expect([registry.url, registry.registryName, registry.schemaRegistryId]).toEqual([
      'https://schemas.kafka.svc.cluster.local:8081',
      'https://schemas.kafka.svc.cluster.local:8081',
      'id_schemas_kafka',
    ]);
    const bad = { cluster, certificateSecretName: 'TLS', principal: 'a b' };
    expect(refusalOf(() => k8s.ConfluentSchemaRegistry.fromConfluentSchemaRegistryAttributes(chart, 'Bad', bad))).toEqual([
      'Millrace.ConfluentPrincipalInvalid principal',
      'Millrace.ConfluentSecretInvalid certificateSecretName',
    ]);
  });
});

describe('a client of a topic with a schema', () => {
  const chart = () => {
    const scope = newChart();
    const topic = withRegistry(scope).addTopic('Payments', { topicName: 'payments', schema: V1, deadLetter: true });
    return { scope, topic };
  };
  const clientOf = (scope: Chart, id: string) => {
    const size = PodSize.fixed({ cpu: Cpu.millis(250), memory: Size.mebibytes(256) });
    const workload = new Service(scope, id, { image: 'example.com/app:1', size });
    const cluster = scope.node.findChild('Kafka') as k8s.ConfluentCluster;
    return new k8s.ConfluentUser(scope, `${id}User`, { cluster, principal: id, client: { workload, certificateSecretName: 'tls-app' } });
  };

  test('may read that subject, whether it writes or reads the topic, and finds and reaches the registry', () => {
    const { scope, topic } = chart();
    topic.grants.produce(clientOf(scope, 'writer'));
    topic.grants.consume(clientOf(scope, 'reader'), { groupId: 'g' });
    const assembly = synth(scope);
    for (const name of ['writer', 'reader']) {
      const onSubjects = of(assembly, 'ConfluentRolebinding').filter(({ spec }) => spec.clustersScopeByIds && spec.principal.name === name);
      expect(onSubjects.map(({ spec }) => [spec.role, spec.clustersScopeByIds, spec.resourcePatterns])).toEqual([
        [
          'DeveloperRead',
          { schemaRegistryClusterId: 'id_main-registry_payments' },
          [{ name: SUBJECT, patternType: 'LITERAL', resourceType: 'Subject' }],
        ],
      ]);
    }
    const [deployment] = of(assembly, 'Deployment');
    expect(deployment.spec.template.spec.containers[0].env.at(-1)).toEqual({
      name: 'SCHEMA_REGISTRY_URL',
      value: 'https://main-registry.payments.svc.cluster.local:8081',
    });
    const ways = of(assembly, 'NetworkPolicy').filter(({ spec }) =>
      (spec.egress ?? []).some(
        ({ to, ports }: any) => ports?.[0].port === 8081 && to[0].podSelector.matchLabels['millrace.io/confluent-component'] === 'registry',
      ),
    );
    expect(ways).toHaveLength(2);
  });

  test('cannot be given a quota: its demand fails', () => {
    const { scope, topic } = chart();
    const user = clientOf(scope, 'app');
    const demand = { messagesPerSecond: 1, messageSize: Size.bytes(1) };
    expect(refusalOf(() => topic.grants.produce(user, { demand }))).toEqual(['Millrace.KafkaClientDemandUnsupported demand']);
    expect(refusalOf(() => topic.grants.consume(user, { groupId: 'g', demand }))).toEqual(['Millrace.KafkaClientDemandUnsupported demand']);
    expect(of(synth(scope), 'ConfluentRolebinding').filter(({ spec }) => spec.principal.name === 'app')).toEqual([]);
  });
});
