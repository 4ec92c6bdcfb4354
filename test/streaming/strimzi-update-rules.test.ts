import { Assembly, type SynthesizedObject } from '../../lib/core/assembly';
import { checkUpdate } from '../../lib/core/update-rule';
import { KafkaUpdateRules } from '../../lib/streaming/kafka-update-rules';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

const V1 = 'kafka.strimzi.io/v1';
const object = (kind: string, spec: object, apiVersion = V1): SynthesizedObject => ({
  id: `${kind}.kafka.strimzi.io/n/x`,
  file: 'x.yaml',
  manifest: { apiVersion, kind, metadata: { name: 'x', labels: { 'strimzi.io/cluster': 'x' } }, spec },
});
const assembly = (...objects: SynthesizedObject[]) => new Assembly({ stacks: [], objects });
const check = (before: Assembly, after: Assembly) => checkUpdate(before, after, KafkaUpdateRules.all());
const say = (before: Assembly, after: Assembly) => check(before, after).map(({ severity, code }) => `${severity} ${code}`);
const kafka = (spec: object) => assembly(object('Kafka', { kafka: spec }));

describe('a version of Kafka', () => {
  const at = (version: string, metadataVersion?: string) => kafka({ version, metadataVersion });
  const STEPS: [what: string, before: Assembly, after: Assembly, findings: string[]][] = [
    ['stays', at('4.3.1'), at('4.3.1'), []],
    ['is patched', at('4.3.0'), at('4.3.1'), []],
    ['is raised with its metadata', at('4.2.1'), at('4.3.1'), ['warning Millrace.KafkaMetadataUpgrade']],
    ['is raised with its metadata, both named', at('4.2.1', '4.2-IV1'), at('4.3.1', '4.3-IV0'), ['warning Millrace.KafkaMetadataUpgrade']],
    ['is raised alone', at('4.2.1'), at('4.3.1', '4.2'), []],
    ['gets its metadata afterwards', at('4.3.1', '4.2'), at('4.3.1'), []],
    ['goes back to a patch before', at('4.3.1'), at('4.3.0'), []],
    ['goes back while the metadata is held back', at('4.3.1', '4.2-IV1'), at('4.2.1', '4.2-IV1'), []],
    ['goes back below its metadata', at('4.3.1'), at('4.2.1'), ['error Millrace.KafkaVersionDowngrade']],
    ['goes back below its metadata, held back too late', at('4.3.1'), at('4.2.1', '4.2'), ['error Millrace.KafkaVersionDowngrade']],
    ['keeps its metadata back too late', at('4.3.1'), at('4.3.1', '4.2'), ['warning Millrace.KafkaMetadataDowngrade']],
    ['is not known', at('next'), at('4.2.1'), []],
  ];
  test.each(STEPS)('%s', (_what, before, after, findings) => expect(say(before, after)).toEqual(findings));

  test('that is raised too fast is told the step between', () => {
    expect(check(at('4.2.1'), at('4.3.1'))[0].fix).toContain(".withMetadata('4.2')");
  });
});

describe('an unclean election', () => {
  const config = { 'unclean.leader.election.enable': true };
  test.each([
    ['Kafka', { kafka: { config } }, { kafka: {} }],
    ['KafkaTopic', { config: { 'unclean.leader.election.enable': 'True' } }, {}],
  ])('fails on a %s, new or changed, until it is accepted', (kind, unclean, clean) => {
    const [bad, good] = [assembly(object(kind, unclean)), assembly(object(kind, clean))];
    expect(say(good, bad)).toEqual(['error Millrace.KafkaUncleanElection']);
    expect(say(assembly(), bad)).toEqual(['error Millrace.KafkaUncleanElection']);
    expect([say(bad, bad), say(bad, good), say(good, good)]).toEqual([[], [], []]);
  });
});

describe('a listener', () => {
  const tls = { name: 'tls', port: 9093, type: 'internal', tls: true, authentication: { type: 'tls' } };
  const scram = { ...tls, name: 'scram', port: 9095, authentication: { type: 'scram-sha-512' } };
  const listening = (...listeners: object[]) => kafka({ listeners });

  test('may come, and may let in others', () => {
    expect(say(listening(tls), listening(tls, scram))).toEqual([]);
    expect(say(listening(tls), listening({ ...tls, networkPolicyPeers: [] }))).toEqual([]);
  });

  test('that leaves or asks for something else cuts off its clients', () => {
    expect(check(listening(tls, scram), listening(tls)).map(({ code, severity, message }) => [code, severity, message])).toEqual([
      ['Millrace.KafkaListenerChange', 'warning', 'listener scram leaves, which cuts off the clients that use it'],
    ]);
    const [finding] = check(listening(tls), listening({ ...tls, port: 9094, authentication: { type: 'scram-sha-512' } }));
    expect(finding.message).toContain('listener tls changes its port and authentication');
  });
});

test('objects of the same kind of another operator are none of its business', () => {
  const confluent = (version: string) => assembly(object('Kafka', { kafka: { version } }, 'platform.confluent.io/v1beta1'));
  expect(say(confluent('4.3.1'), confluent('4.2.1'))).toEqual([]);
});

describe('the API of Strimzi before 1.0', () => {
  const LISTENERS = [{ name: 'tls', port: 9093, type: 'internal', tls: true }];
  const auth = { type: 'oauth' };
  const storage = { configStorageTopic: 'a', offsetStorageTopic: 'b', statusStorageTopic: 'c' };
  const target = { alias: 'to', bootstrapServers: 'to:9093', groupId: 'mm2', ...storage };
  const mirror = { source: { alias: 'from', bootstrapServers: 'from:9093' } };
  const KAFKA = { kafka: { listeners: LISTENERS } };
  const MM2 = { replicas: 1, target, mirrors: [mirror] };
  const CONNECT = { replicas: 1, bootstrapServers: 'x:9093', groupId: 'g', ...storage };
  const BRIDGE = { replicas: 1, bootstrapServers: 'x:9093' };
  const acl = { resource: { type: 'topic', name: 'a', patternType: 'literal' } };

  const FIELDS: [place: string, kind: string, spec: any][] = [
    ['spec.zookeeper', 'Kafka', { ...KAFKA, zookeeper: { replicas: 3 } }],
    ['spec.jmxTrans', 'Kafka', { ...KAFKA, jmxTrans: {} }],
    ['spec.kafka.replicas', 'Kafka', { kafka: { ...KAFKA.kafka, replicas: 3 } }],
    ['spec.kafka.storage', 'Kafka', { kafka: { ...KAFKA.kafka, storage: { type: 'ephemeral' } } }],
    ['spec.kafka.resources', 'Kafka', { kafka: { ...KAFKA.kafka, resources: {} } }],
    ['spec.kafka.listeners[0].authentication.type', 'Kafka', { kafka: { listeners: [{ ...LISTENERS[0], authentication: auth }] } }],
    ['spec.kafka.authorization.type', 'Kafka', { kafka: { ...KAFKA.kafka, authorization: { type: 'opa' } } }],
    ['spec.kafka.authorization.type', 'Kafka', { kafka: { ...KAFKA.kafka, authorization: { type: 'keycloak' } } }],
    ['spec.entityOperator.tlsSidecar', 'Kafka', { ...KAFKA, entityOperator: { tlsSidecar: {} } }],
    [
      'spec.entityOperator.topicOperator.reconciliationIntervalSeconds',
      'Kafka',
      { ...KAFKA, entityOperator: { topicOperator: { reconciliationIntervalSeconds: 60 } } },
    ],
    [
      'spec.entityOperator.userOperator.reconciliationIntervalSeconds',
      'Kafka',
      { ...KAFKA, entityOperator: { userOperator: { reconciliationIntervalSeconds: 60 } } },
    ],
    ['spec.cruiseControl.tlsSidecar', 'Kafka', { ...KAFKA, cruiseControl: { tlsSidecar: {} } }],
    ['spec.authorization.acls[0].operation', 'KafkaUser', { authorization: { type: 'simple', acls: [{ ...acl, operation: 'Read' }] } }],
    ['spec.pause', 'KafkaConnector', { class: 'x', pause: true }],
    ['spec.clusters', 'KafkaMirrorMaker2', { ...MM2, clusters: [] }],
    ['spec.connectCluster', 'KafkaMirrorMaker2', { ...MM2, connectCluster: 'to' }],
    ['spec.mirrors[0].sourceCluster', 'KafkaMirrorMaker2', { ...MM2, mirrors: [{ ...mirror, sourceCluster: 'from' }] }],
    ['spec.mirrors[0].targetCluster', 'KafkaMirrorMaker2', { ...MM2, mirrors: [{ ...mirror, targetCluster: 'to' }] }],
    ['spec.mirrors[0].sourceConnector.pause', 'KafkaMirrorMaker2', { ...MM2, mirrors: [{ ...mirror, sourceConnector: { pause: true } }] }],
    [
      'spec.mirrors[1].checkpointConnector.pause',
      'KafkaMirrorMaker2',
      { ...MM2, mirrors: [mirror, { ...mirror, checkpointConnector: { pause: true } }] },
    ],
    ['spec.target.authentication.type', 'KafkaMirrorMaker2', { ...MM2, target: { ...target, authentication: auth } }],
    [
      'spec.mirrors[0].source.authentication.type',
      'KafkaMirrorMaker2',
      { ...MM2, mirrors: [{ source: { ...mirror.source, authentication: auth } }] },
    ],
    ['spec.authentication.type', 'KafkaConnect', { ...CONNECT, authentication: auth }],
    ['spec.authentication.type', 'KafkaBridge', { ...BRIDGE, authentication: auth }],
  ];
  const GOOD: [kind: string, spec: any][] = [
    ['Kafka', { kafka: { ...KAFKA.kafka, authorization: { type: 'simple' } } }],
    ['KafkaUser', { authorization: { type: 'simple', acls: [{ ...acl, operations: ['Read'] }] } }],
    ['KafkaConnector', { class: 'x', state: 'paused' }],
    ['KafkaMirrorMaker2', MM2],
    ['KafkaConnect', { ...CONNECT, authentication: { type: 'tls' } }],
    ['KafkaBridge', BRIDGE],
  ];

  test.each(FIELDS)('fails for %s of a %s', (place, kind, spec) => {
    const findings = check(assembly(), assembly(object(kind, spec)));
    expect(findings.map(({ code, severity }) => `${severity} ${code}`)).toEqual(['error Millrace.StrimziApiOutdated']);
    expect(findings[0].message.split(' ')[0]).toBe(place);
    expect(findings[0].fix).not.toBe('');
  });

  test('fails for a version that is not served and a kind that is gone, also where nothing else changed', () => {
    const old = object('KafkaTopic', {}, 'kafka.strimzi.io/v1beta2');
    expect(say(assembly(object('KafkaTopic', {})), assembly(old))).toEqual(['error Millrace.StrimziApiOutdated']);
    expect(say(assembly(), assembly(object('KafkaMirrorMaker', {})))).toEqual(['error Millrace.StrimziApiOutdated']);
  });

  test('is not said twice: what stands in the baseline has been accepted', () => {
    const old = assembly(object('KafkaConnector', { pause: true }));
    expect(say(old, old)).toEqual([]);
  });

  test('leaves what v1 has, and other operators, alone', () => {
    expect(GOOD.flatMap(([kind, spec]) => check(assembly(), assembly(object(kind, spec))))).toEqual([]);
    const confluent = object('KafkaTopic', {}, 'platform.confluent.io/v1beta1');
    expect(check(assembly(), assembly(confluent))).toEqual([]);
  });

  const schemas = ClosedSchemas.load();
  const withShared = schemas ? test : test.skip;
  withShared(`is what the CRDs of Strimzi 1.2 refuse${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`, () => {
    const messages = (kind: string, spec: any) => schemas!.validate(object(kind, spec).manifest);
    expect(GOOD.flatMap(([kind, spec]) => messages(kind, spec))).toEqual([]);
    expect(FIELDS.filter(([, kind, spec]) => messages(kind, spec).length === 0)).toEqual([]);
    for (const [place, kind, spec] of FIELDS) expect(messages(kind, spec).join()).toContain(place);
  });
});
