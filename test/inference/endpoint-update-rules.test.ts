import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import * as fc from 'fast-check';
import { Assembly } from '../../lib/core/assembly';
import { checkUpdate } from '../../lib/core/update-rule';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { type Feature, FeatureType } from '../../lib/features/feature';
import { EndpointScaling } from '../../lib/inference/endpoint-scaling';
import { EndpointUpdateRules } from '../../lib/inference/endpoint-update-rules';
import { EndpointHosting, ModelEndpoint, type ModelEndpointProps, type RealTimeHostingOptions } from '../../lib/inference/aws';
import { ModelInput } from '../../lib/models/model-input';
import { ModelSource } from '../../lib/models/model-source';

const DEMAND = { peakRequestsPerSecond: 300, latency: Duration.millis(20), p99: Duration.millis(80), concurrencyPerReplica: 4 };
const AMOUNT: Feature = { name: 'amount', type: FeatureType.FRACTIONAL };
const COUNTRY: Feature = { name: 'country', type: FeatureType.STRING };
const AGE: Feature = { name: 'age', type: FeatureType.INTEGRAL };

function modelOf(version: string, fields?: Feature[]): ModelSource {
  return ModelSource.container({
    image: `111122223333.dkr.ecr.eu-west-1.amazonaws.com/fraud:${version}`,
    input: fields && new ModelInput({ fields, request: fields }),
  });
}

/** A synthesis with one endpoint. */
function synth(props: Partial<ModelEndpointProps> = {}, hosting: Partial<RealTimeHostingOptions> = {}): Assembly {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-endpoint-update-')) });
  new CostAllocation({ team: 'fraud', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  new ModelEndpoint(new Stack(app, 'Fraud', { env: { region: 'eu-west-1', account: '111122223333' } }), 'Radar', {
    model: modelOf('7'),
    demand: DEMAND,
    hosting: EndpointHosting.realTime({ instanceType: 'ml.c7g.xlarge', ...hosting }),
    ...props,
  });
  return Assembly.fromDirectories({ templates: app.synth().directory });
}
const check = (before: Assembly, after: Assembly) => checkUpdate(before, after, EndpointUpdateRules.all());
const say = (before: Assembly, after: Assembly) => check(before, after).map(({ severity, code }) => `${severity} ${code}`);

/** An object of Kubernetes with a record. */
const served = (record?: string) =>
  new Assembly({
    stacks: [],
    objects: [
      {
        id: 'InferenceService.serving.kserve.io/fraud/radar',
        file: 'radar.yaml',
        manifest: {
          kind: 'InferenceService',
          metadata: { name: 'radar', annotations: record === undefined ? {} : { 'millrace.io/model-input': record } },
        },
      },
    ],
  });

const plain = synth();

test('a new version of the model passes, and its endpoint refers to a new model and configuration', () => {
  const after = synth({ model: modelOf('8') });
  expect(check(plain, after)).toEqual([]);
  const imageOf = ({ stacks }: Assembly) =>
    stacks[0].resources.find(({ type }) => type === 'AWS::SageMaker::Model')!.properties.PrimaryContainer.Image;
  expect([imageOf(plain), imageOf(after)].map((image) => image.split(':').pop())).toEqual(['7', '8']);
});

test('two syntheses are the same', () => {
  const text = ({ stacks }: Assembly) => fs.readFileSync(stacks[0].templateFile, 'utf8');
  expect(text(synth())).toBe(text(plain));
});

test('another name of a variant is refused, with where it stands', () => {
  const [finding, ...rest] = check(plain, synth({}, { variantName: 'champion' }));
  expect(rest).toEqual([]);
  expect(finding).toMatchObject({ code: 'Millrace.EndpointVariantRenamed', severity: 'error', path: 'Fraud/Radar/Resource' });
  expect(finding.logicalId).toMatch(/^Radar/);
  expect(finding.message).toContain('from AllTraffic to champion');
});

test('a further variant changes the names as well, and the order of names does not', () => {
  const b = { variantName: 'b', model: modelOf('8'), weight: 1 };
  const c = { variantName: 'c', model: modelOf('9'), weight: 1 };
  expect(say(plain, synth({}, { variants: [b] }))).toEqual(['error Millrace.EndpointVariantRenamed']);
  expect(say(synth({}, { variants: [b, c] }), synth({}, { variants: [c, b] }))).toEqual([]);
});

test('another name of the endpoint is another endpoint', () => {
  expect(say(synth({ endpointName: 'radar' }), synth({ endpointName: 'radar-2' }))).toEqual(['error Millrace.EndpointRenamed']);
});

describe('another instance type', () => {
  const larger: Partial<RealTimeHostingOptions> = { instanceType: 'ml.c7g.2xlarge' };
  const fixed = { scaling: EndpointScaling.fixed() };

  test('is refused while the variant scales', () => {
    const [finding, ...rest] = check(plain, synth({}, larger));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({ code: 'Millrace.EndpointInstanceTypeScaled', severity: 'error', path: 'Fraud/Radar/Resource' });
    expect(finding.message).toContain('from ml.c7g.xlarge to ml.c7g.2xlarge');
  });

  test('is refused together with the end of the scaling: that comes after the update', () => {
    expect(say(plain, synth(fixed, larger))).toEqual(['error Millrace.EndpointInstanceTypeScaled']);
  });

  test('passes once nothing scales', () => {
    expect(say(plain, synth(fixed))).toEqual([]);
    expect(say(synth(fixed), synth(fixed, larger))).toEqual([]);
    expect(say(synth(fixed, larger), synth({}, larger))).toEqual([]);
  });
});

describe('the input of a model', () => {
  const of = (...fields: Feature[]) => synth({ model: modelOf('7', fields) });
  const before = of(AMOUNT, COUNTRY);

  test.each<[string, Feature[], string]>([
    ['loses a field', [AMOUNT], 'country:String is gone'],
    ['changes a type', [AMOUNT, { ...COUNTRY, type: FeatureType.INTEGRAL }], 'country changes from String to Integral'],
    ['changes the order', [COUNTRY, AMOUNT], 'amount moves from place 1 to 2; country moves from place 2 to 1'],
    ['gets a field in the middle', [AMOUNT, AGE, COUNTRY], 'country moves from place 2 to 3'],
  ])('%s: refused', (_what, fields, message) => {
    const [finding, ...rest] = check(before, of(...fields));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({ code: 'Millrace.ModelInputChanged', severity: 'error', path: 'Fraud/Radar/Resource' });
    expect(finding.message).toContain(message);
  });

  test('gets a field at its end: a warning, because callers have to send it', () => {
    expect(say(before, of(AMOUNT, COUNTRY, AGE))).toEqual(['warning Millrace.ModelInputChanged']);
  });

  test('is not compared with nothing, and the same one passes', () => {
    expect(say(before, of(AMOUNT, COUNTRY))).toEqual([]);
    expect(say(before, plain)).toEqual([]);
    expect(say(plain, before)).toEqual([]);
  });

  test('is compared on Kubernetes too, where it is an annotation', () => {
    const [finding, ...rest] = check(served('["amount:Fractional"]'), served('["amount:String"]'));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      code: 'Millrace.ModelInputChanged',
      severity: 'error',
      path: 'InferenceService.serving.kserve.io/fraud/radar',
    });
    expect(finding.message).toContain('amount changes from Fractional to String');
    expect(say(served('["a:String"]'), served())).toEqual([]);
    expect(say(served('not ours'), served('["a:String"]'))).toEqual([]);
    expect(say(served('{"a":1}'), served('["a:String"]'))).toEqual([]);
  });

  test('passes for any fields that it keeps, and is refused for any that it does not', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(names, fc.nat(), (fields, at) => {
        const record = fields.map((name) => `${name}:String`);
        const without = record.filter((_field, index) => index !== at % record.length);
        expect(say(served(JSON.stringify(record)), served(JSON.stringify(record)))).toEqual([]);
        expect(say(served(JSON.stringify(record)), served(JSON.stringify(without)))).toEqual(['error Millrace.ModelInputChanged']);
        const grown = say(served(JSON.stringify(without)), served(JSON.stringify(record)));
        expect(grown).toEqual([`${at % record.length === record.length - 1 ? 'warning' : 'error'} Millrace.ModelInputChanged`]);
      }),
    );
  });
});
