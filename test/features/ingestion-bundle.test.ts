import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

const ROOT = path.resolve(__dirname, '../..');
const FOLDER = path.join(ROOT, 'lib/features/aws/ingestion-function/bundle');

/** Modules of the AWS SDK that answer as AWS would, and remember what they were asked in a file. */
const SDK: Record<string, string> = {
  'client-sagemaker-featurestore-runtime': `
    exports.PutRecordCommand = class { constructor(input) { this.input = input; } };
    exports.SageMakerFeatureStoreRuntimeClient = class { async send({ input }) { console.error(JSON.stringify(input)); } };`,
  'client-glue': `
    exports.GetSchemaVersionCommand = class { constructor(input) { this.input = input; } };
    exports.GlueClient = class { async send() { throw Object.assign(new Error('none'), { name: 'EntityNotFoundException' }); } };`,
  'client-s3': `
    exports.PutObjectCommand = class { constructor(input) { this.input = input; } };
    exports.S3Client = class { async send({ input }) { console.error(JSON.stringify(input)); } };`,
};

describe('the bundle of the ingestion function', () => {
  test('is what its sources and the locked packages make of it', () => {
    const script =
      "import('./scripts/bundle-functions.mjs').then(async (module) => console.log(JSON.stringify(await module.bundleFiles('featureIngestion'))))";
    const fresh = JSON.parse(execFileSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 }));
    const stale = Object.entries(fresh).filter(([name, text]) => fs.readFileSync(path.join(FOLDER, name), 'utf8') !== text);
    expect(stale.map(([name]) => `${name} is stale: run node scripts/bundle-functions.mjs`)).toEqual([]);
    expect(fs.readdirSync(FOLDER).sort()).toEqual(Object.keys(fresh).sort());
  });

  test('is small, and takes of elsewhere what Node and the runtime of Lambda have', () => {
    const text = fs.readFileSync(path.join(FOLDER, 'index.mjs'), 'utf8');
    expect(text.length).toBeLessThan(100_000);
    const named = [...text.matchAll(/(?:\bfrom|\bimport)\s*"([^"]+)"|\("(@[^"]+)"\)/g)].map(([, imported, loaded]) => imported ?? loaded);
    expect(named.filter((name) => !/^node:|^(zlib)$/.test(name)).sort()).toEqual([
      '@aws-sdk/client-glue',
      '@aws-sdk/client-s3',
      '@aws-sdk/client-sagemaker-featurestore-runtime',
    ]);
  });

  test('works with its mapping beside it and the SDK on NODE_PATH, as in Lambda', () => {
    const task = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-task-'));
    fs.cpSync(FOLDER, task, { recursive: true });
    const mapping = {
      format: 'JSON',
      schema: '{}',
      confluentSchemas: {},
      entityKey: 'card',
      eventTime: { name: 'at', source: 'at', encoding: 'epochMillis' },
      features: [{ name: 'card', type: 'String', source: 'card' }],
    };
    fs.writeFileSync(path.join(task, 'mapping.json'), JSON.stringify(mapping));
    const runtime = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-runtime-'));
    for (const [name, code] of Object.entries(SDK)) {
      fs.mkdirSync(path.join(runtime, '@aws-sdk', name), { recursive: true });
      fs.writeFileSync(path.join(runtime, '@aws-sdk', name, 'index.js'), code);
    }
    const record = (value: string, offset: number) => ({ topic: 't', partition: 0, offset, value: Buffer.from(value).toString('base64') });
    const event = { records: { 't-0': [record('{"card":"c","at":1000}', 1), record('no json', 2)] } };
    const script = `import(${JSON.stringify(path.join(task, 'index.mjs'))})
      .then((module) => module.handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 60000 }))
      .then((answer) => console.error(JSON.stringify(answer)));`;
    const env = { NODE_PATH: runtime, FEATURE_GROUP_NAME: 'g', FAILURE_BUCKET: 'b', PARALLEL_WRITES: '4', REPORTS_ITEMS: 'true' };
    const out = execFileSync(process.execPath, ['-e', `console.error = (line) => console.log(line); ${script}`], {
      cwd: '/',
      encoding: 'utf8',
      env: { ...env, PATH: process.env.PATH },
    });
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toEqual({
      FeatureGroupName: 'g',
      Record: [
        { FeatureName: 'card', ValueAsString: 'c' },
        { FeatureName: 'at', ValueAsString: '1.000' },
      ],
    });
    expect(lines[1]).toMatchObject({ Bucket: 'b', Key: 'rejected/t/0/2-2.jsonl' });
    expect(lines[3]).toMatchObject({ FeatureGroupName: 'g', RecordsWritten: 1, RecordsRejected: 1 });
    expect(lines[4]).toEqual({ batchItemFailures: [] });
  });

  test('carries the licence of each package in it', () => {
    const licences = fs.readFileSync(path.join(FOLDER, 'LICENSES.txt'), 'utf8');
    expect([...licences.matchAll(/^\S+ \d+\.\d+\.\d+ \(.*\)$/gm)].map(([line]) => line)).toEqual(['avsc 5.7.9 (MIT)']);
  });
});
