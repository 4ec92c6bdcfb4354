import { execFile } from 'child_process';
import * as fs from 'fs';
import * as http from 'http';
import * as os from 'os';
import * as path from 'path';
import { promisify } from 'util';
import { App, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Chart } from 'cdk8s';
import { Assembly } from '../../lib/core/assembly';
import { App as ManifestApp } from '../../lib/core/k8s/app';
import { checkUpdate } from '../../lib/core/update-rule';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import * as aws from '../../lib/streaming/aws';
import { Compatibility } from '../../lib/streaming/compatibility';
import * as k8s from '../../lib/streaming/k8s';
import { Schema } from '../../lib/streaming/schema';
import { SchemaHistory } from '../../lib/streaming/schema-history';
import { synthesizedSchemas } from '../../lib/streaming/schema-record';
import { keySubjectOf, valueSubjectOf } from '../../lib/streaming/schema-registry';
import { schemaUpdateRules } from '../../lib/streaming/schema-update-rules';
import { codeOf, codesIn } from '../contract/refusal';

const OWNER = new CostAllocation({ team: 'streaming', service: 'kafka', costCenter: 'CC-1042', environment: 'prod' });
const avro = (...fields: object[]) =>
  Schema.avro(JSON.stringify({ type: 'record', name: 'Payment', fields: [{ name: 'id', type: 'string' }, ...fields] }));
const V1 = avro();
const V2 = avro({ name: 'amount', type: 'long', default: 0 });
const BROKEN = avro({ name: 'amount', type: 'long', default: 0 }, { name: 'currency', type: 'string' });
const SUBJECT = 'payments-value';

let history: SchemaHistory;
const temporary = () => fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'millrace-registry-'));
beforeEach(() => void (history = new SchemaHistory(path.join(temporary(), 'schemas'))));
const accept = (...schemas: Schema[]) => schemas.forEach((schema, index) => history.append(SUBJECT, { version: index + 1, schema }));

interface Options {
  readonly schema?: Schema;
  readonly compatibility?: Compatibility;
  readonly owned?: boolean;
}

function glue(work: (stack: Stack) => unknown, owned = true): Assembly {
  const app = new App({ outdir: temporary(), context: { 'millrace:schemas': history.directory }, builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'Streaming', { env: { region: 'eu-west-1', account: '111122223333' } });
  if (owned) OWNER.applyTo(stack);
  work(stack);
  const silent = jest.spyOn(console, 'error').mockImplementation();
  try {
    return Assembly.fromDirectories({ templates: app.synth().directory });
  } finally {
    silent.mockRestore();
  }
}
const registered = ({ schema = V1, compatibility, owned }: Options = {}) =>
  glue((stack) => new aws.SchemaRegistry(stack, 'Registry').addSchema('Payments', { subject: SUBJECT, schema, compatibility }), owned);
const resources = (assembly: Assembly, type: string) => assembly.stacks[0].resources.filter((resource) => resource.type === type);

function charts(work: (chart: Chart) => unknown, owned = true): Assembly {
  const app = new ManifestApp({ outdir: temporary() });
  app.node.setContext('millrace:schemas', history.directory);
  const chart = new Chart(app, 'streaming', { namespace: 'streaming' });
  if (owned) OWNER.applyTo(chart);
  work(chart);
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir });
}
const imported = (chart: Chart, attributes: Partial<k8s.SchemaRegistryAttributes> = {}) =>
  k8s.SchemaRegistry.fromSchemaRegistryAttributes(chart, 'Registry', {
    url: 'http://schema-registry.confluent.svc:8081',
    podSelector: { app: 'schema-registry' },
    namespace: 'confluent',
    ...attributes,
  });
const declared = ({ schema = V1, compatibility, owned }: Options = {}) =>
  charts((chart) => imported(chart).addSchema('Payments', { subject: SUBJECT, schema, compatibility }), owned);
const objects = (assembly: Assembly, kind: string) =>
  assembly.objects.map(({ manifest }) => manifest).filter((manifest) => manifest.kind === kind);

describe('a schema in Glue', () => {
  test('keeps version 1 in the schema for ever, and has each later version by its content, in their order, all retained', () => {
    accept(V1, V2);
    const third = avro({ name: 'amount', type: 'long', default: 0 }, { name: 'note', type: 'string', default: '' });
    const assembly = registered({ schema: third });
    const [schema] = resources(assembly, 'AWS::Glue::Schema');
    expect(schema.properties).toMatchObject({
      Name: SUBJECT,
      DataFormat: 'AVRO',
      Compatibility: 'BACKWARD',
      CheckpointVersion: { IsLatest: true },
      SchemaDefinition: V1.definition,
      Registry: { Arn: { 'Fn::GetAtt': [expect.stringMatching(/^Registry/), 'Arn'] } },
    });
    const versions = resources(assembly, 'AWS::Glue::SchemaVersion');
    expect(versions.map(({ properties }) => properties.SchemaDefinition)).toEqual([V2.definition, third.definition]);
    expect(versions.map(({ logicalId }) => logicalId)).toEqual([
      expect.stringContaining(`Version${V2.fingerprint.slice(0, 12)}`),
      expect.stringContaining(`Version${third.fingerprint.slice(0, 12)}`),
    ]);
    const template = JSON.parse(fs.readFileSync(assembly.stacks[0].templateFile, 'utf8')).Resources;
    expect(template[versions[1].logicalId].DependsOn).toEqual([versions[0].logicalId]);
    expect([schema, ...versions, ...resources(assembly, 'AWS::Glue::Registry')].map(({ deletionPolicy }) => deletionPolicy)).toEqual([
      'Retain',
      'Retain',
      'Retain',
      'Retain',
    ]);
  });

  test('is the same template before and after it is accepted, whatever the layout of its file', () => {
    accept(V1);
    const template = (assembly: Assembly) => fs.readFileSync(assembly.stacks[0].templateFile, 'utf8');
    const before = template(registered({ schema: V2 }));
    history.append(SUBJECT, { version: 2, schema: V2 });
    expect(template(registered({ schema: Schema.avro(JSON.stringify(JSON.parse(V2.definition), undefined, 4)) }))).toBe(before);
  });

  test('names the version that the app uses, also where a later one was accepted', () => {
    accept(V1, V2);
    const versions: string[] = [];
    const id = (schema: Schema) =>
      glue((stack) =>
        versions.push(
          stack.resolve(new aws.SchemaRegistry(stack, 'Registry').addSchema('Payments', { subject: SUBJECT, schema }).schemaVersionId)[
            'Fn::GetAtt'
          ][1],
        ),
      );
    id(V1);
    id(V2);
    expect(versions).toEqual(['InitialSchemaVersionId', 'VersionId']);
  });

  test('fails the synth for an incompatible change, with everything else that is wrong', () => {
    accept(V1, V2);
    expect(codesIn(() => registered({ schema: BROKEN, owned: false })).sort()).toEqual([
      'Millrace.CostAllocationMissing',
      'Millrace.SchemaIncompatible',
    ]);
    expect(codesIn(() => registered({ schema: BROKEN, compatibility: Compatibility.NONE }))).toEqual([]);
    expect(codesIn(() => registered({ schema: V1, compatibility: Compatibility.DISABLED }))).toEqual([]);
    expect(codesIn(() => registered({ schema: BROKEN, compatibility: Compatibility.DISABLED }))).toEqual(['Millrace.SchemaFrozen']);
  });

  test('is refused for a subject that is none, or there already, and a draft that Glue does not take', () => {
    const add = (options: { subject: string; schema?: Schema }) => () =>
      glue((stack) => {
        const registry = new aws.SchemaRegistry(stack, 'Registry');
        registry.addSchema('Other', { subject: 'other-value', schema: V1 });
        registry.addSchema('Payments', { schema: V1, ...options });
      });
    expect(codeOf(add({ subject: '../x' }))).toBe('Millrace.SchemaSubjectInvalid');
    expect(codeOf(add({ subject: '..' }))).toBe('Millrace.SchemaSubjectInvalid');
    expect(codeOf(add({ subject: 'other-value' }))).toBe('Millrace.SchemaSubjectTwice');
    const newer = Schema.jsonSchema('{"$schema":"https://json-schema.org/draft/2020-12/schema"}');
    expect(codeOf(add({ subject: 'a', schema: newer }))).toBe('Millrace.SchemaDraftUnsupported');
    expect(codeOf(() => glue((stack) => new aws.SchemaRegistry(stack, 'R', { registryName: 'a b' })))).toBe(
      'Millrace.SchemaRegistryInvalid',
    );
  });

  test('is readable by whom it is granted: one registry, and the lookup by id that no ARN names', () => {
    const assembly = glue((stack) => {
      const registry = aws.SchemaRegistry.fromSchemaRegistryAttributes(stack, 'Registry', { registryName: 'shared' });
      registry.addSchema('Payments', { subject: SUBJECT, schema: V1 });
      registry.grants.read(new iam.Role(stack, 'Reader', { assumedBy: new iam.ServicePrincipal('pods.eks.amazonaws.com') }));
      registry.grants.register(new iam.Role(stack, 'Writer', { assumedBy: new iam.ServicePrincipal('pods.eks.amazonaws.com') }));
    });
    const [reader, writer] = resources(assembly, 'AWS::IAM::Policy').map(({ properties }) => properties.PolicyDocument.Statement);
    const arn = (kind: string) => ({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:glue:eu-west-1:111122223333:${kind}`]] });
    const scope = [arn('registry/shared'), arn('schema/shared/*')];
    const read = [
      { Effect: 'Allow', Action: ['glue:GetSchema', 'glue:GetSchemaByDefinition', 'glue:ListSchemaVersions'], Resource: scope },
      { Effect: 'Allow', Action: 'glue:GetSchemaVersion', Resource: '*' },
    ];
    expect(reader).toEqual(read);
    expect(writer).toEqual([
      ...read,
      { Effect: 'Allow', Action: ['glue:CreateSchema', 'glue:RegisterSchemaVersion', 'glue:PutSchemaVersionMetadata'], Resource: scope },
    ]);
    expect(resources(assembly, 'AWS::Glue::Schema')[0].properties.Registry.Arn).toEqual(arn('registry/shared'));
  });

  test('has one registry for a cluster, made by the first who asks, also for an imported one', () => {
    glue((stack) => {
      const cluster = aws.KafkaCluster.fromKafkaClusterAttributes(stack, 'Old', {
        clusterArn: 'arn:aws:kafka:eu-west-1:111122223333:cluster/old/uuid-9',
      });
      const registry = aws.SchemaRegistry.forCluster(cluster);
      expect(aws.SchemaRegistry.forCluster(cluster)).toBe(registry);
      expect(registry.node.path).toBe('Streaming/Old/SchemaRegistry');
    });
  });

  test('is found again by the command line, with the definition that the app uses', () => {
    accept(V1);
    expect(synthesizedSchemas(registered({ schema: V2 })).map(({ path: _path, ...schema }) => schema)).toEqual([
      { subject: SUBJECT, format: 'AVRO', compatibility: 'BACKWARD', version: 2, definition: V2.definition },
    ]);
  });
});

describe('a schema in a registry with the API of Confluent', () => {
  test('is a job of restricted pods that reach the registry and nothing else, new with each change of content', () => {
    accept(V1);
    const name = (assembly: Assembly, kind: string) => objects(assembly, kind)[0].metadata.name;
    const [first, same, changed, mode] = [
      declared(),
      declared(),
      declared({ schema: V2 }),
      declared({ compatibility: Compatibility.FULL }),
    ];
    for (const kind of ['Job', 'ConfigMap']) {
      expect(name(same, kind)).toBe(name(first, kind));
      expect(new Set([first, changed, mode].map((assembly) => name(assembly, kind))).size).toBe(3);
    }
    const [{ spec }] = objects(first, 'Job');
    expect(spec.template.spec.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(spec.template.spec.containers[0]).toMatchObject({
      image: 'docker.io/curlimages/curl:8.14.1',
      command: ['/bin/sh', '/etc/millrace/schema/register.sh'],
      securityContext: { readOnlyRootFilesystem: true },
    });
    expect(spec.template.spec.volumes).toContainEqual({ name: 'config-0', configMap: { name: name(first, 'ConfigMap') } });
    const [, toRegistry] = objects(first, 'NetworkPolicy')[0].spec.egress;
    expect(toRegistry).toEqual({
      to: [
        {
          podSelector: { matchLabels: { app: 'schema-registry' } },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'confluent' } },
        },
      ],
      ports: [{ protocol: 'TCP', port: 8081 }],
    });
    expect(objects(first, 'ConfigMap')[0].immutable).toBe(true);
  });

  test('fails the synth for an incompatible change, and warns of one that is not accepted', () => {
    accept(V1, V2);
    expect(codesIn(() => declared({ schema: BROKEN, owned: false })).sort()).toEqual([
      'Millrace.CostAllocationMissing',
      'Millrace.SchemaIncompatible',
    ]);
    const warning = (assembly: Assembly) => objects(assembly, 'ConfigMap')[0].metadata.annotations['millrace.io/warning']?.split(':')[0];
    expect(
      [V1, V2, avro({ name: 'x', type: 'int', default: 0 })].map((schema) =>
        warning(declared({ schema, compatibility: Compatibility.NONE })),
      ),
    ).toEqual(['Millrace.SchemaOlderThanAccepted', undefined, 'Millrace.SchemaNotAccepted']);
  });

  test('is found again by the command line', () => {
    accept(V1);
    expect(synthesizedSchemas(declared({ schema: V2 })).map(({ path: _path, ...schema }) => schema)).toEqual([
      { subject: SUBJECT, format: 'AVRO', compatibility: 'BACKWARD', version: 2, definition: V2.definition },
    ]);
  });

  test.each<[string, Partial<k8s.SchemaRegistryAttributes>]>([
    ['an address that is none', { url: "http://a'b" }],
    ['credentials in the address', { url: 'http://a:b@c:8081' }],
    ['pods and a range', { cidr: '10.0.0.0/16' }],
    ['neither pods nor a range', { podSelector: undefined }],
  ])('is refused for a registry with %s', (_what, attributes) => {
    expect(codeOf(() => charts((chart) => imported(chart, attributes)))).toBe('Millrace.SchemaRegistryInvalid');
  });

  test('is refused where its versions fill more than a ConfigMap', () => {
    const large = (index: number) =>
      Schema.avro(JSON.stringify({ type: 'enum', name: 'A', symbols: ['B'], doc: `${index}${'x'.repeat(160_000)}` }));
    accept(...[1, 2, 3, 4, 5, 6].map(large));
    expect(codeOf(() => declared({ schema: large(7) }))).toBe('Millrace.SchemaTooLarge');
  });
});

describe('an Apicurio registry', () => {
  const made = (props: Partial<k8s.SchemaRegistryProps> = {}) =>
    charts((chart) => {
      const cluster = k8s.KafkaCluster.fromKafkaClusterAttributes(chart, 'Old', { clusterName: 'old' });
      new k8s.SchemaRegistry(chart, 'Registry', { storage: k8s.SchemaRegistryStorage.kafka(cluster), ...props });
    });

  test('keeps schemas in topics that forget nothing, with rights on them alone', () => {
    const assembly = made();
    const [{ metadata, spec }] = objects(assembly, 'ApicurioRegistry3');
    expect(metadata.annotations).toHaveProperty(['helm.sh/resource-policy'], 'keep');
    expect(spec.app).toMatchObject({
      replicas: 2,
      storage: { type: 'kafkasql', kafkasql: { bootstrapServers: 'old-kafka-bootstrap.streaming.svc:9093' } },
    });
    expect(spec.app.podTemplateSpec.metadata.labels).toMatchObject({ 'millrace.io/kafka-old': 'client', 'cost-center': 'CC-1042' });
    expect(
      objects(assembly, 'KafkaTopic').map((topic) => [
        topic.spec.topicName,
        topic.spec.config['retention.ms'],
        topic.spec.config['retention.bytes'],
        topic.spec.config['cleanup.policy'],
      ]),
    ).toEqual(['kafkasql-journal', 'kafkasql-snapshots', 'registry-events'].map((topic) => [topic, '-1', '-1', 'delete']));
    const [user] = objects(assembly, 'KafkaUser');
    expect(user.spec.authorization.acls.map(({ resource }: any) => `${resource.type} ${resource.patternType} ${resource.name}`)).toEqual([
      'group prefix apicurio-',
      'topic literal kafkasql-journal',
      'topic literal kafkasql-snapshots',
      'topic literal registry-events',
    ]);
    expect(spec.app.storage.kafkasql.tls.keystoreSecretRef).toEqual({ name: user.metadata.name, key: 'user.p12' });
  });

  test('keeps schemas in PostgreSQL where it is asked to', () => {
    const storage = k8s.SchemaRegistryStorage.postgreSql({
      jdbcUrl: 'jdbc:postgresql://db:5432/apicurio',
      userName: 'apicurio',
      passwordSecretName: 'db',
    });
    const [{ spec }] = objects(made({ storage }), 'ApicurioRegistry3');
    expect(spec.app.storage).toEqual({
      type: 'postgresql',
      sql: { dataSource: { url: 'jdbc:postgresql://db:5432/apicurio', username: 'apicurio', password: { name: 'db', key: 'password' } } },
    });
    expect(codeOf(() => k8s.SchemaRegistryStorage.postgreSql({ jdbcUrl: 'postgres://db', userName: 'a', passwordSecretName: 'b' }))).toBe(
      'Millrace.SchemaRegistryInvalid',
    );
  });

  test.each<[string, Partial<k8s.SchemaRegistryProps>]>([
    ['one replica', { replicas: 1 }],
    ['a name that no service bears', { registryName: 'A_b' }],
  ])('is refused with %s', (_what, props) => {
    expect(codeOf(() => made(props))).toBe('Millrace.SchemaRegistryInvalid');
  });

  test('is refused apart from its cluster', () => {
    const elsewhere = () =>
      charts((chart) => {
        const cluster = k8s.KafkaCluster.fromKafkaClusterAttributes(chart, 'Old', { clusterName: 'old', namespace: 'kafka' });
        k8s.SchemaRegistry.forCluster(cluster);
      });
    expect(codeOf(elsewhere)).toBe('Millrace.SchemaRegistryInvalid');
  });

  test('is one for a cluster, made by the first who asks; a job reaches it by its label', () => {
    const assembly = charts((chart) => {
      const cluster = k8s.KafkaCluster.fromKafkaClusterAttributes(chart, 'Old', { clusterName: 'old' });
      const registry = k8s.SchemaRegistry.forCluster(cluster);
      expect(k8s.SchemaRegistry.forCluster(cluster)).toBe(registry);
      expect(registry.url).toBe(`http://${registry.registryName}-app-service.streaming.svc:8080/apis/ccompat/v7`);
      registry.addSchema('Payments', { subject: valueSubjectOf('payments'), schema: V1 });
      registry.addSchema('PaymentKeys', { subject: keySubjectOf('payments'), schema: V1 });
    });
    const [{ metadata, spec }] = objects(assembly, 'ApicurioRegistry3');
    expect(spec.app.podTemplateSpec.metadata.labels['millrace.io/schema-registry']).toBe(metadata.name);
    expect(objects(assembly, 'NetworkPolicy')[0].spec.egress[1]).toEqual({
      to: [
        {
          podSelector: { matchLabels: { 'millrace.io/schema-registry': metadata.name } },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'streaming' } },
        },
      ],
      ports: [{ protocol: 'TCP', port: 8080 }],
    });
  });
});

describe('the script of the job', () => {
  /** Runs it with sh and curl against a server of this process, which notes what it is asked. */
  async function run(answer: (request: string) => number, credentials?: [user: string, password: string]) {
    accept(V1);
    const asked: { request: string; body: any; authorization?: string }[] = [];
    const server = http.createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const line = `${request.method} ${request.url}`;
        asked.push({ request: line, body: JSON.parse(Buffer.concat(parts).toString()), authorization: request.headers.authorization });
        response.writeHead(answer(line), { 'content-type': 'application/json' }).end('{"id":1}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const assembly = charts((chart) =>
      imported(chart, { url: `http://127.0.0.1:${port}`, credentialsSecretName: credentials && 'registry' }).addSchema('Payments', {
        subject: SUBJECT,
        schema: V2,
      }),
    );
    const folder = temporary();
    const files: Record<string, string> = objects(assembly, 'ConfigMap')[0].data;
    for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, file), text);
    if (credentials) ['username', 'password'].forEach((file, index) => fs.writeFileSync(path.join(folder, file), credentials[index]));
    const script = files['register.sh']
      .replaceAll('/etc/millrace/schema', folder)
      .replaceAll('/etc/millrace/credentials', folder)
      .replaceAll('/tmp/credentials', `${folder}/netrc`);
    const { code } = await promisify(execFile)('/bin/sh', ['-c', script]).then(
      () => ({ code: 0 }),
      (error: { code: number }) => error,
    );
    server.close();
    return { code, asked };
  }

  test('registers the versions in their order, with the mode once the subject exists', async () => {
    const { code, asked } = await run(() => 200);
    expect(code).toBe(0);
    expect(asked.map(({ request, body }) => [request, body])).toEqual([
      ['POST /subjects/payments-value/versions', { schemaType: 'AVRO', schema: V1.definition }],
      ['PUT /config/payments-value', { compatibility: 'BACKWARD' }],
      ['POST /subjects/payments-value/versions', { schemaType: 'AVRO', schema: V2.definition }],
    ]);
  });

  test('fails when the registry refuses, and goes no further', async () => {
    const { code, asked } = await run((request) => (request.startsWith('PUT') ? 422 : 200));
    expect([code > 0, asked.length]).toEqual([true, 2]);
  });

  test('signs in with the secret, whatever its characters', async () => {
    const { code, asked } = await run(() => 200, ['app', 'a"b\\c$d']);
    expect(code).toBe(0);
    expect(asked.map(({ authorization }) => Buffer.from(authorization!.split(' ')[1], 'base64').toString())).toEqual(
      Array(3).fill('app:a"b\\c$d'),
    );
  });
});

describe('the update guard', () => {
  const findings = (before: Assembly, after: Assembly) =>
    checkUpdate(before, after, schemaUpdateRules()).map(({ severity, code }) => `${severity} ${code}`);

  test('lets a further version and an unchanged one through, on both sides', () => {
    accept(V1);
    for (const synthesize of [registered, declared]) expect(findings(synthesize(), synthesize({ schema: V2 }))).toEqual([]);
  });

  test('refuses a version that leaves the template', () => {
    accept(V1, V2);
    const before = registered({ schema: V2 });
    fs.rmSync(path.join(history.directory, SUBJECT, '2.avsc'));
    expect(findings(before, registered({ schema: V1 }))).toEqual(['error Millrace.SchemaVersionDropped']);
  });

  test('refuses another text for version 1', () => {
    const before = registered();
    expect(findings(before, registered({ schema: V2 }))).toEqual(['error Millrace.SchemaDefinitionEdited']);
  });

  test('warns where nothing is checked any more, on both sides', () => {
    accept(V1);
    for (const synthesize of [registered, declared]) {
      expect(findings(synthesize(), synthesize({ compatibility: Compatibility.NONE }))).toEqual([
        'warning Millrace.SchemaCompatibilityLoosened',
      ]);
      expect(findings(synthesize(), synthesize({ compatibility: Compatibility.FULL }))).toEqual([]);
    }
  });
});
