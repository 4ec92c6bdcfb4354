import * as fc from 'fast-check';
import { Assembly, type SynthesizedObject, type SynthesizedResource } from '../../lib/core/assembly';
import { StatefulUpdateRules } from '../../lib/core/stateful-update-rules';
import { checkUpdate } from '../../lib/core/update-rule';
import type { FeatureSchemaRecord } from '../../lib/features/feature-schema-record';
import { FeatureUpdateRules } from '../../lib/features/feature-update-rules';

const KEY = 'millrace.io/feature-schema';
const feature = (spec: string) => ({ name: spec.split(':')[0], type: spec.split(':')[1] ?? 'Fractional' });
const record = (features: string, more: Partial<FeatureSchemaRecord> = {}): FeatureSchemaRecord => ({
  name: 'card-activity',
  entityKey: 'card_id',
  eventTime: 'event_time',
  features: features.split(' ').map(feature),
  owner: 'fraud-ml',
  ...more,
});

const template = (...resources: SynthesizedResource[]) =>
  new Assembly({ stacks: [{ id: 'Features', templateFile: 'Features.template.json', tags: {}, resources }], objects: [] });
const group = (schema: FeatureSchemaRecord, properties: object = {}, logicalId = 'It'): SynthesizedResource => ({
  logicalId,
  type: 'AWS::SageMaker::FeatureGroup',
  properties: { FeatureGroupName: schema.name, ...properties },
  metadata: { [KEY]: schema },
  path: `Features/${logicalId}`,
});
const view = (schema: object, { name = 'x', file = 'x.yaml', namespace = 'ml' } = {}): SynthesizedObject => ({
  id: `ConfigMap/${namespace}/${name}`,
  file,
  manifest: { kind: 'ConfigMap', metadata: { name, namespace, annotations: { [KEY]: JSON.stringify(schema) } } },
});
const manifests = (...objects: SynthesizedObject[]) => new Assembly({ stacks: [], objects });

const check = (before: Assembly, after: Assembly) => checkUpdate(before, after, FeatureUpdateRules.all());
const say = (before: Assembly, after: Assembly) => check(before, after).map(({ severity, code }) => `${severity} ${code}`);

const FLAVOURS: [flavour: string, of: (schema: FeatureSchemaRecord) => Assembly][] = [
  ['SageMaker', (schema) => template(group(schema))],
  ['Kubernetes', (schema) => manifests(view(schema))],
];

describe.each(FLAVOURS)('a feature group on %s', (_flavour, of) => {
  const step = (from: string, to: string) => say(of(record(from)), of(record(to)));

  test.each([
    ['dropped at the end', 'a b c', 'a b', ['error Millrace.FeatureDropped']],
    ['dropped in the middle', 'a b c', 'a c', ['error Millrace.FeatureDropped']],
    ['dropped while another is added', 'a b c', 'a c d', ['error Millrace.FeatureDropped']],
    ['renamed', 'a b c', 'a x c', ['error Millrace.FeatureRenamed']],
    ['renamed at the end', 'a b', 'a x', ['error Millrace.FeatureRenamed']],
    ['renamed in its case', 'a b', 'a B', ['error Millrace.FeatureRenamed']],
    ['retyped', 'a b:Integral', 'a b:String', ['error Millrace.FeatureRetyped']],
    ['retyped and moved', 'a b:Integral', 'b:String a', ['error Millrace.FeatureRetyped']],
    ['moved', 'a b', 'b a', ['error Millrace.FeatureReordered']],
    ['pushed back by a new one', 'a b', 'a x b', ['error Millrace.FeatureReordered']],
    ['both dropped and retyped', 'a b c', 'a:String b', ['error Millrace.FeatureDropped', 'error Millrace.FeatureRetyped']],
  ])('is refused when a feature is %s: %s to %s', (_what, from, to, found) => expect(step(from, to)).toEqual(found));

  test('takes new features at its end, whichever and however many', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(names, fc.nat(), (all, cut) => {
        const from = all.slice(0, 1 + (cut % all.length));
        expect(step(from.join(' '), all.join(' '))).toEqual([]);
      }),
    );
  });

  test('is refused for every order but the old one', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(
        names.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([all, shuffled]) => {
          const moved = all.join() !== shuffled.join();
          expect(step(all.join(' '), shuffled.join(' '))).toEqual(moved ? ['error Millrace.FeatureReordered'] : []);
        },
      ),
    );
  });

  test('is refused another entity key and another event time', () => {
    expect(say(of(record('a')), of(record('a', { entityKey: 'a' })))).toEqual(['error Millrace.FeatureEntityKeyChanged']);
    expect(say(of(record('a')), of(record('a', { eventTime: 't' })))).toEqual(['error Millrace.FeatureEventTimeChanged']);
  });

  test('may change hands and promise something else', () => {
    expect(say(of(record('a')), of(record('a', { owner: 'payments', freshnessSeconds: 60 })))).toEqual([]);
  });

  test('that is refused is told to make the next version beside it', () => {
    const fixOf = (name: string) => check(of(record('a b', { name })), of(record('a', { name })))[0].fix;
    expect(fixOf('card-activity')).toBe(
      'keep card-activity as it is, make card-activity-v2 beside it, backfill it, move the readers, then retire card-activity',
    );
    expect(fixOf('card-activity-v9')).toContain('make card-activity-v10 beside it');
  });
});

test('a finding names the resource, and what was lost', () => {
  expect(check(template(group(record('a b'))), template(group(record('a'))))).toEqual([
    {
      code: 'Millrace.FeatureDropped',
      severity: 'error',
      path: 'Features/It',
      logicalId: 'It',
      templateFile: 'Features.template.json',
      message: "feature group card-activity: feature 'b' is gone; stores only add features, and models that read it would fail",
      fix: expect.any(String),
    },
  ]);
});

test('a group of another name is another group, whose features are its own', () => {
  const [before, after] = [record('a b'), record('x', { name: 'card-activity-v2' })];
  expect(say(template(group(before)), template(group(after)))).toEqual([]);
  expect(say(manifests(view(before)), manifests(view(after)))).toEqual(['warning Millrace.FeatureViewRemoved']);
});

test('another ttl is refused on SageMaker, where CloudFormation replaces the group, and passes on Kubernetes', () => {
  const [before, after] = [record('a', { ttlSeconds: 86_400 }), record('a', { ttlSeconds: 3600 })];
  const [finding] = check(template(group(before)), template(group(after)));
  expect(finding).toMatchObject({ code: 'Millrace.FeatureTtlReplaces', severity: 'error', logicalId: 'It' });
  expect(finding.message).toContain('from 86400 s to 3600 s; the API of SageMaker changes it in place');
  expect(finding.fix).toContain('aws sagemaker update-feature-group');
  expect(say(template(group(record('a'))), template(group(after)))).toEqual(['error Millrace.FeatureTtlReplaces']);
  expect(say(manifests(view(before)), manifests(view(after)))).toEqual([]);
});

describe('a feature group that is not ours', () => {
  const plain = (...definitions: string[]): SynthesizedResource => ({
    ...group(record('a')),
    metadata: {},
    properties: {
      FeatureGroupName: 'card-activity',
      RecordIdentifierFeatureName: 'card_id',
      EventTimeFeatureName: 'event_time',
      FeatureDefinitions: definitions.map((name) => ({ FeatureName: name, FeatureType: 'String' })),
    },
  });

  test('is compared by its properties', () => {
    expect(say(template(plain('a', 'b')), template(plain('a')))).toEqual(['error Millrace.FeatureDropped']);
    expect(say(template(plain('a')), template(plain('a', 'b')))).toEqual([]);
  });

  test('may become ours when its event time is the first of its features and its ttl stays', () => {
    const online = (Unit: string, Value: number) => ({ OnlineStoreConfig: { EnableOnlineStore: true, TtlDuration: { Unit, Value } } });
    const old = (...definitions: string[]) => {
      const resource = plain(...definitions);
      return template({ ...resource, properties: { ...resource.properties, ...online('Days', 14) } });
    };
    const ours = (ttl: object) =>
      template({ ...group(record('a', { ttlSeconds: 1_209_600 })), properties: { ...plain('event_time', 'a').properties, ...ttl } });
    expect(say(old('event_time', 'a'), ours(online('Weeks', 2)))).toEqual([]);
    expect(say(old('event_time', 'a'), ours(online('Hours', 1)))).toEqual(['error Millrace.FeatureTtlReplaces']);
    expect(say(old('a', 'event_time'), ours(online('Weeks', 2)))).toEqual(['error Millrace.FeatureReordered']);
  });

  test('is not compared where they are known at deploy time only', () => {
    const unknown = { ...plain('a'), properties: { FeatureGroupName: 'x', FeatureDefinitions: { 'Fn::FindInMap': [] } } };
    expect([say(template(unknown), template(plain('b'))), say(template(plain('b')), template(unknown))]).toEqual([[], []]);
  });
});

test.each([
  'FeatureGroupName',
  'RecordIdentifierFeatureName',
  'EventTimeFeatureName',
  'OnlineStoreConfig',
  'OfflineStoreConfig',
  'RoleArn',
  'Description',
])('a changed %s is found to replace the group', (property) => {
  const of = (value: string) => template(group(record('a'), { [property]: value }));
  const found = checkUpdate(of('old'), of('new'), StatefulUpdateRules.all());
  expect(found.map(({ severity, code }) => `${severity} ${code}`)).toEqual(['error Millrace.StatefulReplacement']);
});

test.each(['FeatureDefinitions', 'ThroughputConfig'])('a changed %s is known to leave the group in place', (property) => {
  const of = (value: string) => template(group(record('a'), { [property]: value }));
  expect(checkUpdate(of('old'), of('new'), StatefulUpdateRules.all())).toEqual([]);
});

describe('on Kubernetes', () => {
  test('a schema is known by its name where the object is named after its content', () => {
    const before = manifests(view(record('a b'), { name: 'card-activity-1f' }));
    expect(say(before, manifests(view(record('a'), { name: 'card-activity-9c' })))).toEqual(['error Millrace.FeatureDropped']);
    expect(say(before, manifests(view(record('a b c'), { name: 'card-activity-9c' })))).toEqual([]);
  });

  test('two namespaces and two environments are compared with themselves', () => {
    const [old, now] = [view(record('a b'), { namespace: 'one' }), view(record('a'), { namespace: 'two' })];
    expect(say(manifests(old, now), manifests(now, old))).toEqual([]);
    const [prod, dev] = [view(record('a b'), { file: 'prod.yaml' }), view(record('a'), { file: 'dev.yaml' })];
    expect(say(manifests(prod, dev), manifests(dev, prod))).toEqual([]);
  });

  test('one object may hold the schemas of a project', () => {
    const both = (features: string) => view([record('a b'), record(features, { name: 'merchant' })]);
    expect(check(manifests(both('x y')), manifests(both('x')))[0].message).toContain('feature group merchant');
  });

  test('a schema that leaves is a warning, and one that moves to another object is none', () => {
    expect(say(manifests(view(record('a'))), manifests())).toEqual(['warning Millrace.FeatureViewRemoved']);
    const kept = view(record('a'));
    expect(say(manifests(kept), manifests(view([record('a'), record('b', { name: 'other' })], { name: 'y' })))).toEqual([]);
  });
});

test('an app knows one rule an id', () => {
  const ids = FeatureUpdateRules.all().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
