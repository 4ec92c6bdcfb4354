import * as fc from 'fast-check';
import { Size } from 'aws-cdk-lib';
import type { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { StatefulUpdateRules } from '../../lib/core/stateful-update-rules';
import { checkUpdate, registeredUpdateRules } from '../../lib/core/update-rule';
import { ModelRegistry, type ModelRegistryProps } from '../../lib/models/k8s';
import { mlflowConnectionPlan } from '../../lib/models/mlflow-connections';
import { ServiceIdentity, Worker, WorkerScaling } from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { codeOf, refusalOf } from '../contract/refusal';
import { ClosedSchemas } from '../manifests/closed-schemas';
import { OWNER, assemblyOf, newChart } from '../workloads/synthesis';

const PROPS: ModelRegistryProps = {
  image: 'ghcr.io/mlflow/mlflow:v3.18.0-full',
  database: { secretName: 'mlflow-database', networks: ['10.20.0.0/20'] },
  artifactUri: 's3://models-fraud/mlflow',
  identity: ServiceIdentity.podIdentity('mlflow'),
  hosts: ['mlflow.example.com'],
};
const make = (chart: Chart, props: Partial<ModelRegistryProps> = {}) => new ModelRegistry(chart, 'Registry', { ...PROPS, ...props });
const refusal = (props: Partial<ModelRegistryProps>) => refusalOf(() => make(newChart(), props));

let objects: any[];
let registry: ModelRegistry;
const of = (kind: string, part = '') => {
  const found = objects.filter(({ kind: each, metadata }) => each === kind && metadata.name.includes(part));
  expect(found.map(({ metadata }) => metadata.name)).toHaveLength(1);
  return found[0];
};
const podOf = (kind: string) => of(kind, kind === 'Deployment' ? 'server' : 'migration').spec.template.spec;
const environmentOf = (pod: any): any => Object.fromEntries(pod.containers[0].env.map(({ name, value }: any) => [name, value]));

beforeAll(() => {
  const chart = newChart();
  registry = make(chart);
  const client = new Worker(chart, 'Trainer', {
    image: 'registry.example.com/fraud/train:1.0.0',
    size: PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.gibibytes(1), replicas: 1 }),
    scaling: WorkerScaling.fixed(),
  });
  registry.grants.use(client);
  registry.allowFromNamespace('ingress');
  registry.allowToCidr('10.30.0.0/20', 443);
  objects = assemblyOf(chart).objects.map(({ manifest }) => manifest);
});

describe('a registry on Kubernetes', () => {
  test('is a server of two replicas and a job, with an owner, by the schemas of Kubernetes', () => {
    expect(of('Deployment', 'server').spec.replicas).toBe(2);
    expect(of('Job', 'migration').spec.completions).toBe(1);
    expect(of('PodDisruptionBudget', 'server').spec.maxUnavailable).toBe('25%');
    for (const { metadata } of objects) expect(metadata.labels).toMatchObject(OWNER);
    const schemas = ClosedSchemas.load();
    if (schemas) expect(objects.flatMap((manifest) => schemas.validate(manifest))).toEqual([]);
  });

  test('reads the database from a secret that is mounted, and names it nowhere else', () => {
    for (const kind of ['Deployment', 'Job']) {
      const pod = podOf(kind);
      expect(pod.volumes).toContainEqual({ name: 'secret-0', secret: { secretName: 'mlflow-database' } });
      expect(pod.containers[0].volumeMounts).toContainEqual({ name: 'secret-0', mountPath: '/etc/mlflow-database', readOnly: true });
      expect(pod.containers[0].command.slice(3)).toEqual(['mlflow', '/etc/mlflow-database/uri']);
      expect(environmentOf(pod)).not.toHaveProperty('MLFLOW_BACKEND_STORE_URI');
    }
    expect(podOf('Deployment').containers[0].command[2]).toBe(
      'MLFLOW_BACKEND_STORE_URI="$(cat "$1")"; export MLFLOW_BACKEND_STORE_URI; exec mlflow server',
    );
    expect(podOf('Job').containers[0].command[2]).toBe('exec mlflow db upgrade "$(cat "$1")"');
  });

  test('runs as a user that is not root, where the image names none, with a root that is read-only and room for files', () => {
    for (const kind of ['Deployment', 'Job']) {
      expect(podOf(kind).securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
      expect(podOf(kind).containers[0].securityContext).toMatchObject({ readOnlyRootFilesystem: true });
    }
    expect(podOf('Deployment').volumes[0]).toEqual({ name: 'tmp', emptyDir: { sizeLimit: '8Gi' } });
    expect(podOf('Job').volumes[0]).toEqual({ name: 'tmp', emptyDir: { sizeLimit: '256Mi' } });
  });

  test('serves files itself, sends nothing home and runs no jobs', () => {
    expect(environmentOf(podOf('Deployment'))).toMatchObject({
      MLFLOW_SERVE_ARTIFACTS: 'true',
      MLFLOW_ARTIFACTS_DESTINATION: 's3://models-fraud/mlflow',
      MLFLOW_DISABLE_TELEMETRY: 'true',
      MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
      MLFLOW_WORKERS: '2',
      HOME: '/tmp',
    });
    expect(podOf('Deployment').containers[0].readinessProbe.httpGet.path).toBe('/health');
  });

  test('answers to its own names and those of its ingress, and takes writes from its own pages', () => {
    const name = registry.registryName;
    const { MLFLOW_SERVER_ALLOWED_HOSTS, MLFLOW_SERVER_CORS_ALLOWED_ORIGINS } = environmentOf(podOf('Deployment'));
    expect(MLFLOW_SERVER_ALLOWED_HOSTS.split(',')).toEqual([
      name,
      `${name}.fraud`,
      `${name}.fraud.svc`,
      `${name}.fraud.svc.cluster.local`,
      'mlflow.example.com',
    ]);
    expect(MLFLOW_SERVER_CORS_ALLOWED_ORIGINS).toBe('https://mlflow.example.com');
    const chart = newChart();
    make(chart, { hosts: undefined });
    const [server] = assemblyOf(chart).objects.filter(({ manifest }) => manifest.kind === 'Deployment');
    expect(environmentOf(server.manifest.spec.template.spec)).not.toHaveProperty('MLFLOW_SERVER_CORS_ALLOWED_ORIGINS');
  });

  test('lets in who is granted, and goes out to database and files alone', () => {
    const { ingress, egress } = of('NetworkPolicy', 'server').spec;
    const to = (rules: any[]) =>
      rules.flatMap((rule) => rule.to.filter((peer: any) => peer.ipBlock).map((peer: any) => [peer.ipBlock.cidr, rule.ports[0].port]));
    expect(to(egress)).toEqual(
      expect.arrayContaining([
        ['10.20.0.0/20', 5432],
        ['10.30.0.0/20', 443],
        ['169.254.170.23/32', 80],
      ]),
    );
    expect(ingress).toHaveLength(2);
    expect(ingress[0].ports).toEqual([{ protocol: 'TCP', port: 5000 }]);
    expect(ingress[1].from).toEqual([{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress' } } }]);
    const migration = of('NetworkPolicy', 'migration').spec;
    expect(to(migration.egress)).toContainEqual(['10.20.0.0/20', 5432]);
    expect(to(migration.egress)).not.toContainEqual(['10.30.0.0/20', 443]);
    expect(migration.ingress).toEqual([]);
  });

  test('tells a client where it is, and opens its network', () => {
    const trainer = of('Deployment', 'trainer').spec.template.spec;
    expect(environmentOf(trainer)).toEqual({ MLFLOW_TRACKING_URI: `http://${registry.registryName}.fraud` });
    expect(registry.trackingUri).toBe(`http://${registry.registryName}.fraud`);
    expect(of('Service', 'server').metadata.name).toBe(registry.registryName);
    expect(of('NetworkPolicy', 'trainer').spec.egress.flatMap(({ ports }: any) => ports)).toContainEqual({ protocol: 'TCP', port: 5000 });
  });

  test('reaches a database in the cluster, with the server and the job', () => {
    const chart = newChart();
    make(chart, { database: { secretName: 'x' } }).allowToPods({ app: 'postgres' }, 5432, 'data');
    const policies = assemblyOf(chart).objects.filter(({ manifest }) => manifest.kind === 'NetworkPolicy');
    expect(policies).toHaveLength(2);
    for (const { manifest } of policies) {
      expect(manifest.spec.egress).toContainEqual({
        to: [expect.objectContaining({ podSelector: { matchLabels: { app: 'postgres' } } })],
        ports: [{ protocol: 'TCP', port: 5432 }],
      });
    }
  });

  test('migrates again for another image, and the update guard lets it', () => {
    const assembly = (image: string) => {
      const chart = newChart();
      make(chart, { image });
      const rules = [...StatefulUpdateRules.all(), ...registeredUpdateRules(chart)];
      return { assembly: assemblyOf(chart), rules };
    };
    const [before, after] = ['ghcr.io/mlflow/mlflow:v3.17.0-full', PROPS.image].map(assembly);
    const jobs = [before, after].map(
      (each) => each.assembly.objects.find(({ manifest }) => manifest.kind === 'Job')!.manifest.metadata.name,
    );
    expect(jobs[0]).not.toBe(jobs[1]);
    expect(checkUpdate(before.assembly, after.assembly, after.rules).filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});

describe('what it refuses', () => {
  const server = (code: string) => [`Millrace.ModelRegistryServerInvalid ${code}`];

  test.each(['ghcr.io/mlflow/mlflow:v3.18.0', 'ghcr.io/mlflow/mlflow:v3.16.2-full'])('the image %s', (image) =>
    expect(refusal({ image })).toEqual(server('image')),
  );
  test.each([`ghcr.io/mlflow/mlflow:v3.17.0-full@sha256:${'a'.repeat(64)}`, 'registry.example.com/mlflow:1'])('not the image %s', (image) =>
    expect(refusal({ image })).toEqual([]),
  );
  test('an image without a version, as every service does', () =>
    expect(codeOf(() => make(newChart(), { image: 'registry.example.com/mlflow:latest' }))).toBe('Millrace.ServiceInvalid'));
  test.each(['gs://bucket/x', 's3://Bucket', 's3://bucket/a b', '/tmp/x'])('the place %s', (artifactUri) =>
    expect(refusal({ artifactUri })).toEqual(server('artifactUri')),
  );
  test.each(['https://mlflow.example.com', 'mlflow.example.com:443', '*.example.com', '*'])('the host %s', (host) =>
    expect(refusal({ hosts: [host] })).toEqual(server('hosts')),
  );
  test('a secret, a key or a limit that is none', () => {
    expect(refusal({ database: { secretName: 'No', secretKey: 'a/b', maxConnections: 0 } })).toEqual([
      ...server('database.secretName'),
      ...server('database.secretKey'),
      ...server('database.maxConnections'),
    ]);
  });
  test('one replica, too many workers, and no room', () => {
    const size = PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.gibibytes(1), replicas: 1 });
    expect(refusal({ server: { size, workers: 17, temporaryStorage: Size.mebibytes(255) } })).toEqual([
      ...server('server.size'),
      ...server('server.temporaryStorage'),
      ...server('server.workers'),
    ]);
  });
  test('fewer connections than its pools open at the least', () => {
    expect(refusal({ database: { secretName: 'x', maxConnections: 40 } })).toEqual([
      'Millrace.ModelRegistryConnectionsDoNotFit database.maxConnections',
    ]);
    expect(refusal({ database: { secretName: 'x', maxConnections: 41 } })).toEqual([]);
  });
});

describe('the connections of MLflow', () => {
  const plan = (replicas: number, workers: number, maxConnections: number) =>
    mlflowConnectionPlan('Registry', { replicas, workers, maxConnections });

  test('are two pools for each worker and one connection of each pool for their starter, in twice the replicas, and one of the job', () => {
    // 2 x 2 pods x (2 + 2 workers x 2 pools x (4 + 1)) + 1 = 89; a pool of five would need 105.
    expect(plan(2, 2, 90)).toEqual({ poolSize: 4, maxOverflow: 1, total: 89 });
    expect(plan(2, 2, 105)).toEqual({ poolSize: 5, maxOverflow: 1, total: 105 });
    expect(registry.databaseConnections).toBe(89);
    expect(environmentOf(podOf('Deployment'))).toMatchObject({
      MLFLOW_SQLALCHEMYSTORE_POOL_SIZE: '4',
      MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW: '1',
    });
  });

  test('never exceed what the database grants, and are the most that fit up to ten', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 20 }),
        fc.integer({ min: 1, max: 16 }),
        fc.integer({ min: 1, max: 20_000 }),
        (replicas, workers, max) => {
          const total = (pool: number) => 2 * replicas * (2 + workers * 2 * (pool + 1)) + 1;
          if (total(1) > max) return codeOf(() => plan(replicas, workers, max)) === 'Millrace.ModelRegistryConnectionsDoNotFit';
          const found = plan(replicas, workers, max);
          return found.total === total(found.poolSize) && found.total <= max && (found.poolSize === 10 || total(found.poolSize + 1) > max);
        },
      ),
    );
  });
});
