import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Parser } from '@asyncapi/parser';
import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Construct } from 'constructs';
import { App as ManifestApp } from '../../lib/core/k8s/app';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { Schema } from '../../lib/streaming/schema';
import { StreamCatalog } from '../../lib/streaming/stream-catalog';

const OWNER = new CostAllocation({ team: 'payments', service: 'gateway', costCenter: 'CC-1042', environment: 'prod' });
const TAGS = { team: 'payments', service: 'gateway', 'cost-center': 'CC-1042', environment: 'prod' };
const AVRO = { type: 'record', name: 'Payment', fields: [{ name: 'amount', type: 'long' }] };
const KEY = { type: 'string' };

/** A scope with one of everything that the catalogue knows. */
function declare(scope: Construct, topicToken: string): void {
  const catalog = StreamCatalog.of(scope);
  const [cluster, gateway, fraud, sink] = ['Kafka', 'Gateway', 'Fraud', 'Sink'].map((id) => new Construct(scope, id));
  const clusterName = 'payments';
  catalog.clusters.push({ construct: cluster, clusterName, protocol: 'kafka-secure', host: 'payments-kafka-bootstrap:9093' });
  catalog.topics.push({
    construct: new Construct(cluster, 'Payments'),
    clusterName,
    topicName: 'payments.authorized',
    partitions: 24,
    replicationFactor: 3,
    config: { 'cleanup.policy': 'compact,delete', 'retention.ms': '604800000', 'min.insync.replicas': '2' },
    schema: Schema.avro(JSON.stringify(AVRO)),
    keySchema: Schema.jsonSchema(JSON.stringify(KEY)),
    compatibility: 'BACKWARD',
    deadLetterTopicName: 'payments.authorized.dlq',
  });
  catalog.topics.push({
    construct: new Construct(cluster, 'Refunds'),
    clusterName,
    topicName: 'payments.refunded',
    schema: Schema.protobuf('syntax = "proto3"; message Refund { int64 amount = 1; }'),
  });
  const payments = { clusterName, topicName: 'payments.authorized' };
  catalog.accesses.push(
    { client: gateway, action: 'send', ...payments, transactionalId: 'gateway-1' },
    { client: gateway, action: 'send', ...payments },
    { client: fraud, action: 'receive', ...payments, groupId: 'fraud-features' },
    { client: fraud, action: 'receive', clusterName, topicName: 'ledger.', isPrefix: true, groupId: 'fraud' },
    { client: fraud, action: 'send', clusterName: 'elsewhere', topicName: topicToken },
  );
  catalog.connectors.push({
    construct: sink,
    name: 'lake',
    kind: 'sink',
    connectorClass: 'org.apache.iceberg.connect.IcebergSinkConnector',
    reads: [payments],
    writes: [{ clusterName, topicName: 'lake.dlq' }],
  });
}

const folder = () => fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-catalogue-'));
const read = (out: string) => fs.readFileSync(path.join(out, 'catalog/asyncapi.json'), 'utf8');

function onAws(): string {
  const app = new App({ outdir: folder(), builtinCloudFormationValidation: false });
  const stack = new Stack(app, 'Streaming');
  OWNER.applyTo(stack);
  declare(stack, new CfnParameter(stack, 'Topic').valueAsString);
  return read(app.synth().directory);
}

function onKubernetes(): string {
  const app = new ManifestApp({ outdir: folder() });
  const chart = new Chart(app, 'streaming', { namespace: 'streaming' });
  OWNER.applyTo(chart);
  declare(chart, 'plain');
  app.synth();
  return read(app.outdir);
}

describe.each([
  ['aws', onAws],
  ['k8s', onKubernetes],
])('the catalogue of an app on %s', (_flavour, synth) => {
  const text = synth();
  const document = JSON.parse(text);

  test('is an AsyncAPI document that the published parser accepts without a remark', async () => {
    const { document: parsed, diagnostics } = await new Parser().parse(text);
    expect(diagnostics.map(({ message, path: place }) => `${place.join('/')}: ${message}`)).toEqual([]);
    expect(parsed!.version()).toBe('3.1.0');
    expect(parsed!.operations().all()).toHaveLength(6);
  });

  test('is the same bytes in a second synthesis', () => {
    expect(synth()).toBe(text);
  });

  test('lists a topic with its settings, schema, key, dead letters and owner', () => {
    const channel = document.channels['payments.payments.authorized'];
    expect(channel.address).toBe('payments.authorized');
    expect(channel.servers).toEqual([{ $ref: '#/servers/payments' }]);
    expect(channel.bindings.kafka).toMatchObject({
      partitions: 24,
      replicas: 3,
      topicConfiguration: { 'cleanup.policy': ['compact', 'delete'], 'retention.ms': 604800000 },
    });
    expect(channel.messages.value.payload).toEqual({ schemaFormat: 'application/vnd.apache.avro;version=1.9.0', schema: AVRO });
    expect(channel.messages.value.bindings.kafka.key).toEqual(KEY);
    expect(channel.messages.value['x-compatibility']).toBe('BACKWARD');
    expect(channel['x-dead-letter-topic']).toBe('payments.authorized.dlq');
    expect(channel['x-owner']).toEqual(TAGS);
  });

  test('keeps a Protobuf schema as text', () => {
    expect(document.channels['payments.payments.refunded'].messages.value.payload.schema).toContain('message Refund');
  });

  test('says who writes and who reads in which group, and keeps what one of two grants of the same thing said', () => {
    const operations: [string, any][] = Object.entries(document.operations);
    const found = operations.map(([, { action, channel, bindings, ...rest }]) => [
      action,
      channel.$ref,
      bindings?.kafka.groupId?.enum?.[0],
      rest['x-client'],
      rest['x-transactional-id'],
    ]);
    const scope = _flavour === 'aws' ? 'Streaming' : 'streaming';
    expect(found).toContainEqual(['send', '#/channels/payments.payments.authorized', undefined, `${scope}/Gateway`, 'gateway-1']);
    expect(found).toContainEqual(['receive', '#/channels/payments.payments.authorized', 'fraud-features', `${scope}/Fraud`, undefined]);
    expect(operations.every(([, operation]) => operation['x-owner'].team === 'payments')).toBe(true);
  });

  test('lists what a connector reads and writes', () => {
    const operations: any[] = Object.values(document.operations).filter((operation: any) => operation['x-connector']);
    expect(operations.map(({ action, channel }) => [action, channel.$ref])).toEqual([
      ['receive', '#/channels/payments.payments.authorized'],
      ['send', '#/channels/payments.lake.dlq'],
    ]);
    expect(operations[0]['x-connector']).toEqual({
      name: 'lake',
      kind: 'sink',
      class: 'org.apache.iceberg.connect.IcebergSinkConnector',
    });
  });

  test('gives a prefix an address with a parameter, and a name known only at deploy time none', () => {
    expect(document.channels['payments.ledger.rest']).toMatchObject({ address: 'ledger.{rest}', parameters: { rest: {} } });
    const elsewhere = Object.entries<any>(document.channels).find(([key]) => key.startsWith('elsewhere.'))!;
    expect(elsewhere[1].address).toBe(_flavour === 'aws' ? null : 'plain');
    expect(text).not.toContain('Token');
  });
});

test('an app without streams has no catalogue', () => {
  const out = new App({ outdir: folder() }).synth().directory;
  expect(fs.existsSync(path.join(out, 'catalog'))).toBe(false);
});
