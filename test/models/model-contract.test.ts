import { EventTime } from '../../lib/features/event-time';
import { type Feature, FeatureType } from '../../lib/features/feature';
import { FeatureSchema } from '../../lib/features/feature-schema';
import { ModelInput } from '../../lib/models/model-input';
import { type ContainerModelOptions, ModelSource } from '../../lib/models/model-source';
import { codesOf } from '../contract/refusal';

const feature = (name: string, type: FeatureType, source?: string): Feature => ({ name, type, ...(source ? { source } : {}) });
const group = (name: string, ...features: Feature[]) =>
  new FeatureSchema({
    name,
    entityKey: 'card_id',
    eventTime: EventTime.epochMillis('at'),
    features: [feature('card_id', FeatureType.STRING), ...features],
    owner: 'fraud-ml',
  });
const ACTIVITY = group('card-activity', feature('count_1h', FeatureType.INTEGRAL), feature('amount_1h', FeatureType.FRACTIONAL));
const PROFILE = group('card-profile', feature('country', FeatureType.STRING));

describe('the input of a model', () => {
  test('comes from feature groups and from the request', () => {
    const input = new ModelInput({
      fields: [
        feature('count_1h', FeatureType.INTEGRAL),
        feature('home', FeatureType.STRING, 'country'),
        feature('amount', FeatureType.FRACTIONAL),
      ],
      featureGroups: [ACTIVITY, PROFILE],
      request: [feature('amount', FeatureType.FRACTIONAL)],
    });
    expect(input._signature).toEqual(['count_1h:Integral', 'home:String', 'amount:Fractional']);
  });

  test('is refused where a feature group has a field in another type, naming the field and both ends', () => {
    const attempt = () => new ModelInput({ fields: [feature('count_1h', FeatureType.FRACTIONAL)], featureGroups: [ACTIVITY] });
    expect(codesOf(attempt)).toEqual(['Millrace.FeatureFieldTypeMismatch']);
    expect(attempt).toThrow(
      /count_1h of the model's input: received 'count_1h' of feature group card-activity is Integral, .*allowed: Fractional/,
    );
  });

  test('is refused where nothing has a field, naming all that could', () => {
    const attempt = () => new ModelInput({ fields: [feature('velocity', FeatureType.FRACTIONAL)], featureGroups: [ACTIVITY, PROFILE] });
    expect(codesOf(attempt)).toEqual(['Millrace.FeatureFieldMissing']);
    expect(attempt).toThrow(/received feature group card-activity and feature group card-profile without a field 'velocity'/);
  });

  test('is refused where two places have a field', () => {
    const attempt = () => new ModelInput({ fields: [feature('card_id', FeatureType.STRING)], featureGroups: [ACTIVITY, PROFILE] });
    expect(codesOf(attempt)).toEqual(['Millrace.ModelInputAmbiguous']);
    expect(attempt).toThrow(/'card_id' in feature group card-activity and feature group card-profile/);
  });

  test('is refused without fields', () => {
    expect(codesOf(() => new ModelInput({ fields: [] }))).toEqual(['Millrace.ModelInputEmpty']);
  });

  test('names everything that is wrong at once', () => {
    const fields = [feature('a', FeatureType.STRING), feature('country', FeatureType.INTEGRAL)];
    expect(codesOf(() => new ModelInput({ fields, featureGroups: [PROFILE] }))).toEqual([
      'Millrace.FeatureFieldMissing',
      'Millrace.FeatureFieldTypeMismatch',
    ]);
  });
});

describe('what an endpoint serves', () => {
  const container = (options: Partial<ContainerModelOptions>) => () =>
    ModelSource.container({ image: 'registry.example.com/radar:1', ...options });

  test.each([
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com/radar:2.3.0',
    'registry.example.com:5000/fraud/radar:2.3.0',
    `registry.example.com/radar@sha256:${'a'.repeat(64)}`,
    `registry.example.com/radar:1@sha256:${'a'.repeat(64)}`,
  ])('is an image with a version: %s', (image) => {
    expect(codesOf(container({ image }))).toEqual([]);
  });

  test.each(['radar', 'radar:latest', 'registry.example.com:5000/radar', 'rad ar:1', 'radar@sha256:12'])(
    'is not an image without one: %s',
    (image) => {
      expect(codesOf(container({ image }))).toEqual(['Millrace.ModelSourceInvalid']);
    },
  );

  test.each(['bucket/prefix', 's3://', '/opt/model'])('does not lie at %s', (modelUri) => {
    expect(codesOf(container({ modelUri }))).toEqual(['Millrace.ModelSourceInvalid']);
  });

  test('is a version of a model package, not its group', () => {
    const arn = 'arn:aws:sagemaker:eu-west-1:123456789012:model-package/radar/7';
    expect(ModelSource.modelPackage({ modelPackageArn: arn })._modelPackageArn).toBe(arn);
    expect(codesOf(() => ModelSource.modelPackage({ modelPackageArn: arn.replace('package/radar/7', 'package-group/radar') }))).toEqual([
      'Millrace.ModelSourceInvalid',
    ]);
  });

  test('is of a format by its plain name', () => {
    expect(ModelSource.format({ format: 'xgboost', modelUri: 's3://models/radar/7/' })._format).toBe('xgboost');
    expect(codesOf(() => ModelSource.format({ format: 'XGBoost!', modelUri: 's3://models/radar/7/' }))).toEqual([
      'Millrace.ModelSourceInvalid',
    ]);
  });

  test('names its variables as a shell does', () => {
    expect(codesOf(container({ environment: { '1ST': 'x' } }))).toEqual(['Millrace.ModelSourceInvalid']);
  });
});
