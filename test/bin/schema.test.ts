import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App, Stack } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { type SchemaOptions, runSchema, schemaCommand } from '../../bin/commands/schema';
import { core, cost, streaming } from '../../lib';
import { SchemaHistory } from '../../lib/streaming/schema-history';
import { codeOf } from '../contract/refusal';

const ROOT = path.resolve(__dirname, '../..');
const OWNER = { team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' };
const here = process.cwd();
let workspace: string;

beforeAll(() => void (workspace = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'millrace-schema-'))));
beforeEach(() => process.chdir(fs.mkdtempSync(path.join(workspace, 'project-'))));
afterAll(() => {
  process.chdir(here);
  fs.rmSync(workspace, { recursive: true, force: true });
});

const avro = (...fields: object[]) =>
  streaming.Schema.avro(JSON.stringify({ type: 'record', name: 'Payment', fields: [{ name: 'id', type: 'string' }, ...fields] }));
const V1 = avro();
const V2 = avro({ name: 'amount', type: 'long', default: 0 });
const BROKEN = avro({ name: 'amount', type: 'long' });
const STATES = streaming.Schema.protobuf('syntax = "proto3";\n// of a payment\nmessage State { string name = 1; }\n');

/** One subject in Glue and one on Kubernetes; what the synth itself refuses is not checked here. */
function synthesize(payment: streaming.Schema, state = STATES, history = 'schemas'): void {
  const app = new App({ outdir: 'cdk.out', context: { 'millrace:schemas': history }, builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'Streaming', { env: { region: 'eu-west-1' } });
  new cost.CostAllocation(OWNER).applyTo(stack);
  new streaming.aws.SchemaRegistry(stack, 'Registry').addSchema('Payments', { subject: 'payments-value', schema: payment });
  app.synth();
  const charts = new core.k8s.App({ outdir: 'cdk8s.out' });
  charts.node.setContext('millrace:schemas', history);
  const chart = new Chart(charts, 'streaming', { namespace: 'streaming' });
  new cost.CostAllocation(OWNER).applyTo(chart);
  const registry = streaming.k8s.SchemaRegistry.fromSchemaRegistryAttributes(chart, 'Registry', {
    url: 'http://registry:8081',
    podSelector: { app: 'registry' },
  });
  registry.addSchema('States', { subject: 'states-value', schema: state });
  charts.synth();
}

function run(options: Partial<SchemaOptions> = {}): { code: number; text: string } {
  const lines: string[] = [];
  const code = runSchema({ templates: 'cdk.out', manifests: 'cdk8s.out', accept: false, json: false, ...options }, (text) =>
    lines.push(text),
  );
  return { code, text: lines.join('\n') };
}

const files = () =>
  fs.existsSync('schemas') ? (fs.readdirSync('schemas', { recursive: true }) as string[]).filter((file) => path.extname(file)).sort() : [];

test('shows what is new, accepts it, and finds nothing new then', () => {
  synthesize(V1);
  expect(run()).toEqual({
    code: 0,
    text: [
      'compared with schemas',
      '  new     payments-value version 1 (AVRO, BACKWARD)',
      '  new     states-value version 1 (PROTOBUF, BACKWARD)',
      '0 refused, 2 new of 2 subjects',
      'accept what is new with millrace schema accept',
    ].join('\n'),
  });
  expect(files()).toEqual([]);
  expect(run({ accept: true }).text).toContain('\naccepted: schemas/payments-value/1.avsc, schemas/states-value/1.proto; commit them');
  expect(fs.readFileSync('schemas/states-value/1.proto', 'utf8')).toBe(
    'syntax = "proto3";\n// of a payment\nmessage State { string name = 1; }\n',
  );
  expect(run().text).toContain('  same    payments-value version 1 (AVRO, BACKWARD)\n');
  synthesize(V2);
  expect(run({ accept: true }).code).toBe(0);
  expect(files()).toEqual(['payments-value/1.avsc', 'payments-value/2.avsc', 'states-value/1.proto']);
  expect(run({ accept: true }).text).toContain('0 refused, 0 new of 2 subjects');
  synthesize(V1);
  expect(run().text).toContain('  older   payments-value version 1');
});

test('writes nothing at all when anything is refused, and lists everything', () => {
  // The synthesis was made before the versions it is compared with were accepted, as on a branch that is behind.
  synthesize(BROKEN, streaming.Schema.protobuf('syntax = "proto3"; message State { int64 name = 1; }'));
  const history = new SchemaHistory('schemas');
  history.append('payments-value', { version: 1, schema: V1 });
  history.append('states-value', { version: 1, schema: STATES });
  const { code, text } = run({ accept: true });
  expect([code, files()]).toEqual([1, ['payments-value/1.avsc', 'states-value/1.proto']]);
  expect(text).toContain(
    "  error   Millrace.SchemaIncompatible payments-value amount\n          BACKWARD: field 'amount' was added without a default, so older records leave it unknown (compared with version 1)\n          fix: give amount a default\n",
  );
  expect(text).toContain('  error   Millrace.SchemaIncompatible states-value State.name\n');
  expect(text).toContain('2 refused, 2 new of 2 subjects\nnothing was written');
  const json = run({ json: true });
  expect([json.code, JSON.parse(json.text).violations.length, JSON.parse(json.text).schemas[0].isNew]).toEqual([1, 2, true]);
});

test('refuses two new versions of a subject at once', () => {
  const app = new App({ outdir: 'cdk.out', builtinCloudFormationValidation: false });
  for (const [id, schema] of Object.entries({ Dev: V1, Prod: V2 })) {
    const stack = new Stack(app, id);
    new cost.CostAllocation(OWNER).applyTo(stack);
    new streaming.aws.SchemaRegistry(stack, 'Registry').addSchema('Payments', { subject: 'payments-value', schema });
  }
  app.synth();
  const { code, text } = run({ accept: true });
  expect([code, files()]).toEqual([1, []]);
  expect(text).toContain('Millrace.SchemaSubjectTwice payments-value');
});

test('reads the folder from cdk.json, or as it is told', () => {
  fs.writeFileSync('cdk.json', JSON.stringify({ context: { 'millrace:schemas': 'contracts' } }));
  synthesize(V1, STATES, 'contracts');
  expect(run({ accept: true }).text).toContain('accepted: contracts/payments-value/1.avsc');
  expect(run({ schemas: 'elsewhere' }).text).toContain('compared with elsewhere\n  new     payments-value');
  fs.writeFileSync('cdk.json', JSON.stringify({ context: { 'millrace:schemas': 1 } }));
  expect(codeOf(() => run())).toBe('Millrace.ProjectFileInvalid');
});

test('keeps to the folder of the history, whatever a synthesis names', () => {
  synthesize(V1);
  fs.mkdirSync('history');
  const template = JSON.parse(fs.readFileSync('cdk.out/Streaming.template.json', 'utf8'));
  for (const resource of Object.values<any>(template.Resources)) {
    if (resource.Metadata?.['millrace.io/schema']) resource.Metadata['millrace.io/schema'].subject = '../outside';
  }
  fs.writeFileSync('cdk.out/Streaming.template.json', JSON.stringify(template));
  expect(codeOf(() => run({ accept: true, schemas: 'history/schemas' }))).toBe('Millrace.SchemaSubjectInvalid');
  expect(fs.readdirSync('history')).toEqual([]);
});

test('names what stands in the place of a folder or a file of the history', () => {
  const history = new SchemaHistory('schemas');
  fs.mkdirSync('schemas/states-value/1.proto', { recursive: true });
  fs.writeFileSync('schemas/payments-value', '');
  expect(codeOf(() => history.versions('payments-value'))).toBe('Millrace.SchemaHistoryDamaged');
  expect(codeOf(() => history.versions('states-value'))).toBe('Millrace.SchemaHistoryDamaged');
});

test('asks for a synthesis, and for a command that it has', () => {
  expect(codeOf(() => run())).toBe('Millrace.NothingSynthesized');
  const printed: string[] = [];
  expect(schemaCommand(['--help'], (text) => printed.push(text))).toBe(0);
  expect(schemaCommand([], (text) => printed.push(text))).toBe(64);
  expect(printed[0]).toContain('millrace schema <command>');
  expect(() => schemaCommand(['drop'], () => undefined)).toThrow("unknown command 'schema drop'");
  expect(() => schemaCommand(['check', 'x'], () => undefined)).toThrow("unexpected argument 'x'");
});

test('is a command of millrace', () => {
  synthesize(V1);
  const millrace = (...args: string[]) =>
    spawnSync(path.join(ROOT, 'node_modules/.bin/tsx'), [path.join(ROOT, 'bin/millrace.ts'), ...args], { encoding: 'utf8' });
  expect(millrace('schema', 'accept')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('accepted: schemas/payments-value/1.avsc'),
  });
  expect(millrace('schema', 'drop')).toMatchObject({ status: 64, stderr: expect.stringContaining('millrace schema <command>') });
});
