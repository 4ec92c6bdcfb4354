import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Bitrate } from 'aws-cdk-lib';
import { KafkaCluster, SchemaRegistry, SchemaRegistryStorage } from '../../lib/streaming/k8s';
import { Schema } from '../../lib/streaming/schema';
import { manifestsOf } from '../workloads/synthesis';
import { checkBeyondSchema } from './beyond-schema';
import { ClosedSchemas, sharedDirectory } from './closed-schemas';

const schema = Schema.avro('{ "type": "enum", "name": "State", "symbols": ["A"] }');

/** A registry of either storage, an imported one with every attribute, and schemas in each. */
const manifests = manifestsOf((chart) => {
  chart.node.setContext('millrace:schemas', fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-schemas-')));
  const cluster = new KafkaCluster(chart, 'Kafka', { demand: { peakIngress: Bitrate.mbps(80), partitions: 60 }, clusterName: 'main' });
  const postgreSql = { jdbcUrl: 'jdbc:postgresql://db:5432/apicurio', userName: 'apicurio', passwordSecretName: 'db' };
  const registries = [
    SchemaRegistry.forCluster(cluster),
    new SchemaRegistry(chart, 'OnPostgreSql', {
      storage: SchemaRegistryStorage.postgreSql(postgreSql),
      replicas: 3,
      registryName: 'second',
    }),
    SchemaRegistry.fromSchemaRegistryAttributes(chart, 'Cloud', {
      url: 'https://registry.example.com',
      cidr: '10.0.0.0/16',
      credentialsSecretName: 'registry',
      caSecretName: 'registry-ca',
    }),
  ];
  for (const registry of registries) registry.addSchema('States', { subject: 'states-value', schema });
});

const schemas = ClosedSchemas.load();
const withShared = schemas ? test : test.skip;

withShared(
  `registries and their jobs are valid for Kubernetes and the operators${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`,
  () => {
    expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
  },
);

test('they hold together with the others and with Pod Security "restricted"', () => {
  expect(checkBeyondSchema(manifests)).toEqual([]);
});

test('every kind is here', () => {
  const kinds = new Set(manifests.map(({ kind }) => kind));
  for (const kind of ['ApicurioRegistry3', 'ConfigMap', 'Job', 'KafkaTopic', 'KafkaUser', 'NetworkPolicy']) expect(kinds).toContain(kind);
});
