import * as fs from 'fs';
import * as path from 'path';
import { Duration } from 'aws-cdk-lib';
import { checkUpdate } from '../../lib/core/update-rule';
import type { Assembly } from '../../lib/core/assembly';
import { EventTime } from '../../lib/features/event-time';
import { type Feature, FeatureType } from '../../lib/features/feature';
import { FeatureSchema } from '../../lib/features/feature-schema';
import type { ModelEndpointOptions } from '../../lib/inference/model-endpoint';
import { EndpointScaling } from '../../lib/inference/endpoint-scaling';
import { Rollout } from '../../lib/inference/rollout';
import { ModelInput } from '../../lib/models/model-input';
import { ModelSource } from '../../lib/models/model-source';
import { Schema } from '../../lib/streaming/schema';
import { allUpdateRules } from '../../bin/commands/check';
import { AWS, type Flavour, type GroupContract, KUBERNETES } from './prediction-flavours';
import { codeOf, codesIn } from './refusal';

const { FRACTIONAL, INTEGRAL, STRING } = FeatureType;
const CARD: Feature = { name: 'cardId', type: STRING };
const COUNT: Feature = { name: 'payments1h', type: INTEGRAL };
const SHARE: Feature = { name: 'declineShare24h', type: FRACTIONAL };
const RECORDS = Schema.avro(fs.readFileSync(path.join(__dirname, '../../schemas/card-activity.avsc'), 'utf8'));
const TOPIC = { topicName: 'features.card-activity', schema: RECORDS, deadLetter: true };

const cards = (...features: Feature[]) =>
  new FeatureSchema({
    name: 'card-activity',
    entityKey: 'cardId',
    eventTime: EventTime.timestamp('updatedAt'),
    features,
    owner: 'fraud-ml',
    ttl: Duration.days(30),
    freshness: Duration.minutes(2),
  });
const inputOf = (...fields: Feature[]) => new ModelInput({ fields, featureGroups: [cards(CARD, COUNT, SHARE)] });
const modelOf = (input?: ModelInput) => ModelSource.container({ image: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/radar:2.3.0', input });
const DEMAND = { peakRequestsPerSecond: 1200, latency: Duration.millis(20), p99: Duration.millis(60), concurrencyPerReplica: 8 };
const ENDPOINT: ModelEndpointOptions = { model: modelOf(inputOf(COUNT, SHARE)), demand: DEMAND, endpointName: 'radar' };

const classesOf = (room: object) => Object.entries(room).flatMap(([name, member]) => (typeof member === 'function' ? [name] : []));

test('both flavours have the classes of the contracts', () => {
  for (const { features, inference, models } of [AWS, KUBERNETES]) {
    expect(classesOf(features)).toEqual(
      expect.arrayContaining(['FeatureGroup', 'FeatureGroupGrants', 'FeatureStore', 'ImportedFeatureGroup']),
    );
    expect(classesOf(inference)).toEqual(expect.arrayContaining(['ModelEndpoint', 'ImportedModelEndpoint', 'LlmEndpoint']));
    expect(classesOf(models)).toEqual(expect.arrayContaining(['ModelMonitor', 'ModelRegistry', 'TrainingPipeline']));
    for (const type of [features.FeatureGroup, inference.ModelEndpoint]) {
      const name = type.name;
      expect([name, `from${name}Attributes` in type]).toEqual([name, true]);
    }
  }
});

describe.each([
  ['aws', AWS],
  ['k8s', KUBERNETES],
])('from a topic to a prediction on %s', (_name, flavour: Flavour) => {
  const findings = (before: Assembly, after: Assembly) =>
    checkUpdate(before, after, allUpdateRules()).map(({ severity, code }) => `${severity} ${code}`);

  describe('a topic, its features, and the endpoint that takes them', () => {
    const world = flavour.kafka.begin();
    const cluster = world.cluster('Kafka', { sizing: flavour.kafka.size(3, 100) });
    const topic = cluster.addTopic('CardActivity', TOPIC) as any;
    const store = flavour.store(world, 'Features', 'fraud');
    const group = store.addFeatureGroup('Cards', { schema: cards(CARD, COUNT, SHARE) });
    flavour.feed(world, 'Feed', topic, cluster, group);
    const endpoint = flavour.endpoint(world, 'Radar', ENDPOINT);
    const assembly = world.synth();

    test('have the verbs and attributes of the contract', () => {
      expect([store.storeName, group.featureGroupName, endpoint.endpointName]).toEqual(['fraud', 'card-activity', 'radar']);
      for (const verb of ['read', 'write', 'readOffline']) expect(verb in group.grants).toBe(true);
      for (const name of ['grants', 'metrics', 'sizing']) expect(name in endpoint).toBe(true);
      expect('invoke' in endpoint.grants).toBe(true);
    });

    test('carry the same contract of the features', () => {
      expect(flavour.schemas(assembly)).toEqual([
        {
          name: 'card-activity',
          entityKey: 'cardId',
          eventTime: 'updatedAt',
          features: [CARD, COUNT, SHARE],
          owner: 'fraud-ml',
          ttlSeconds: 2592000,
          freshnessSeconds: 120,
        },
      ]);
    });

    test('give the endpoint the same size and the same input', () => {
      expect(endpoint.sizing.replicas).toBe(6);
      const { input, sizing } = flavour.recorded(assembly);
      expect([input, sizing.choice, sizing.bottleneck]).toEqual([
        ['payments1h:Integral', 'declineShare24h:Fractional'],
        '6 x 8 at a time',
        'concurrency',
      ]);
    });

    test('know the topic by its schema', () => {
      expect(topic.schema).toBe(RECORDS);
    });
  });

  describe('features that do not fit their topic', () => {
    const feed = (...features: Feature[]) => {
      const world = flavour.kafka.begin();
      const cluster = world.cluster('Kafka', { sizing: flavour.kafka.size(3, 100) });
      const topic = cluster.addTopic('CardActivity', TOPIC) as any;
      const group = flavour.store(world, 'Features').addFeatureGroup('Cards', { schema: cards(...features) });
      flavour.feed(world, 'Feed', topic, cluster, group);
    };

    test('are refused, naming the field and both ends', () => {
      const missing = () => feed(CARD, { name: 'velocity', type: FRACTIONAL });
      expect(codeOf(missing)).toBe('Millrace.FeatureFieldMissing');
      expect(missing).toThrow(/velocity of feature group card-activity: received topic features\.card-activity without a field 'velocity'/);
      const mismatch = () => feed(CARD, { name: 'payments1h', type: STRING });
      expect(codeOf(mismatch)).toBe('Millrace.FeatureFieldTypeMismatch');
      expect(mismatch).toThrow(/'payments1h' of topic features\.card-activity is long, which is Integral; allowed: String/);
    });
  });

  describe('an endpoint', () => {
    const refused = (options: Partial<ModelEndpointOptions>) =>
      codeOf(() => flavour.endpoint(flavour.kafka.begin(), 'Radar', { ...ENDPOINT, ...options }));

    test('is refused without a demand that is possible', () => {
      expect(refused({ demand: { ...DEMAND, p99: Duration.millis(1) } })).toBe('Millrace.EndpointDemandInvalid');
    });

    test('is refused with a rollout that nothing watches, unless that is said', () => {
      const rolling = (unguarded?: boolean) => ({ rollout: Rollout.rolling({ unguarded }), monitoring: { alarms: false } });
      expect(refused(rolling())).toBe('Millrace.EndpointRolloutUnguarded');
      expect(refused(rolling(true))).toBeUndefined();
    });

    test('is refused a model that only the other flavour serves', () => {
      const arn = 'arn:aws:sagemaker:eu-west-1:111122223333:model-package/radar/7';
      const foreign =
        flavour === AWS
          ? ModelSource.format({ format: 'xgboost', modelUri: 's3://models/radar/7/' })
          : ModelSource.modelPackage({ modelPackageArn: arn });
      expect(refused({ model: foreign })).toBe('Millrace.ModelSourceUnsupported');
    });

    test('keeps at least one replica for a promise of latency', () => {
      expect(refused({ scaling: EndpointScaling.concurrency({ minReplicas: 0 }) })).toBe('Millrace.EndpointMinReplicas');
    });

    test('is refused without an owner', () => {
      const world = flavour.kafka.begin({ owned: false });
      expect(codesIn(() => (flavour.endpoint(world, 'Radar', ENDPOINT), world.write()))).toContain('Millrace.CostAllocationMissing');
    });
  });

  describe('an update', () => {
    const features = (...given: Feature[]) => {
      const world = flavour.kafka.begin();
      const group: GroupContract = flavour.store(world, 'Features', 'fraud').addFeatureGroup('Cards', { schema: cards(...given) });
      expect(group.schema.features).toEqual(given);
      return world.synth();
    };
    const served = (...fields: Feature[]) => {
      const world = flavour.kafka.begin();
      flavour.endpoint(world, 'Radar', { ...ENDPOINT, model: modelOf(inputOf(...fields)) });
      return world.synth();
    };

    test('adds features in place', () => {
      const found = findings(features(CARD, COUNT), features(CARD, COUNT, SHARE));
      // On Kubernetes the job runs again that applies them.
      expect(found).toEqual(flavour === AWS ? [] : ['warning Millrace.JobRunsAgain']);
    });

    test.each<[string, Feature[], string]>([
      ['drops', [CARD, COUNT], 'error Millrace.FeatureDropped'],
      ['retypes', [CARD, COUNT, { ...SHARE, type: INTEGRAL }], 'error Millrace.FeatureRetyped'],
      ['renames', [CARD, COUNT, { ...SHARE, name: 'share' }], 'error Millrace.FeatureRenamed'],
      ['reorders', [CARD, SHARE, COUNT], 'error Millrace.FeatureReordered'],
    ])('that %s a feature is refused', (_what, given, finding) => {
      expect(findings(features(CARD, COUNT, SHARE), features(...given))).toContain(finding);
    });

    test('that changes what a model takes is refused', () => {
      expect(findings(served(COUNT, SHARE), served(SHARE, COUNT))).toContain('error Millrace.ModelInputChanged');
      expect(findings(served(COUNT, SHARE), served(COUNT, SHARE))).toEqual([]);
    });
  });

  test('two syntheses of the same input are the same bytes', () => {
    const bytes = () => {
      const world = flavour.kafka.begin();
      flavour.store(world, 'Features', 'fraud').addFeatureGroup('Cards', { schema: cards(CARD, COUNT) });
      flavour.endpoint(world, 'Radar', ENDPOINT);
      const outdir = world.write();
      return fs
        .readdirSync(outdir)
        .filter((file) => /template\.json$|\.yaml$/.test(file))
        .map((file) => fs.readFileSync(path.join(outdir, file), 'utf8'));
    };
    expect(bytes()).toEqual(bytes());
  });
});
