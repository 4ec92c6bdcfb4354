import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Size, Token } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { Sizing } from '../../lib/core/sizing';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { HealthCheck, Service, ServiceIdentity, type ServiceProps, ServiceScaling } from '../../lib/workloads/k8s';
import { quantityOf } from '../../lib/workloads/k8s/pod-template';
import { PodSize } from '../../lib/workloads/pod-size';
import { codesIn, refusalOf } from '../contract/refusal';
import { checkBeyondSchema } from '../manifests/beyond-schema';
import { ClosedSchemas, sharedDirectory } from '../manifests/closed-schemas';

const SIZE = PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.mebibytes(768), replicas: 6 });
const IMAGE = 'registry.example.com/fraud/radar:2.3.0';
const OWNER = { team: 'fraud-ml', service: 'radar', 'cost-center': 'CC-1042', environment: 'prod' };

const newApp = () => new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-services-')) });
const own = (app: App) =>
  new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
function synth(app: App): any[] {
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
}

const app = newApp();
own(app);
const fraud = new Chart(app, 'fraud', { namespace: 'fraud' });
const radar = new Service(fraud, 'Radar', {
  image: IMAGE,
  size: SIZE,
  container: { environment: { MODEL: 'radar-7' } },
  identity: ServiceIdentity.podIdentity('radar'),
});
const scorer = new Service(fraud, 'Scorer', {
  image: `${IMAGE}@sha256:${'0'.repeat(64)}`,
  size: SIZE,
  container: { port: 9000 },
  scaling: ServiceScaling.cpu({ minReplicas: 2, maxReplicas: 40 }),
  health: HealthCheck.http({ livenessPath: '/up', readinessPath: '/ready' }),
});
const gateway = new Service(new Chart(app, 'payments', { namespace: 'payments' }), 'Gateway', { image: IMAGE, size: SIZE });
scorer.allowFrom(radar);
radar.allowFrom(gateway);
gateway.allowFromNamespace('ingress-nginx');
radar.allowToCidr('10.20.0.0/16', 9098);
radar.mountSecret('model-key', '/etc/model-key');
radar.addEnvironment('LATE', 'yes');
const manifests = synth(app);

const of = (kind: string, service = radar) => {
  const prefix = `${service.node.path.replace('/', '-').toLowerCase()}-`;
  return manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name.startsWith(prefix));
};
const named = (kind: string, name: string) => manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
const podOf = (service = radar) => of('Deployment', service).spec.template.spec;
const containerOf = (service = radar) => podOf(service).containers[0];

const schemas = ClosedSchemas.load();
const withShared = schemas ? test : test.skip;

withShared(`every manifest is valid for Kubernetes${schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`}`, () => {
  expect(manifests.flatMap((manifest) => schemas!.validate(manifest))).toEqual([]);
});

test('every manifest holds together with the others and with Pod Security "restricted"', () => {
  expect(checkBeyondSchema(manifests)).toEqual([]);
});

test('a service is six objects, in the namespace of its chart, that say who pays', () => {
  const kinds = manifests.filter(({ metadata }) => metadata.namespace === 'payments').map(({ kind }) => kind);
  expect(kinds.sort()).toEqual([
    'Deployment',
    'HorizontalPodAutoscaler',
    'NetworkPolicy',
    'PodDisruptionBudget',
    'Service',
    'ServiceAccount',
  ]);
  for (const { metadata } of manifests) expect(metadata.labels).toMatchObject(OWNER);
  expect(of('Deployment').spec.template.metadata.labels).toMatchObject({ ...OWNER, ...radar.podSelector });
  expect(of('Deployment').spec.selector.matchLabels).toEqual(radar.podSelector);
});

describe('replicas', () => {
  test('belong to the autoscaler: the deployment names none', () => {
    expect('replicas' in of('Deployment').spec).toBe(false);
    expect(of('HorizontalPodAutoscaler')).toMatchObject({
      apiVersion: 'autoscaling/v2',
      spec: {
        minReplicas: 3,
        maxReplicas: 12,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }],
      },
    });
  });

  test('are what they are set to', () => {
    expect(of('HorizontalPodAutoscaler', scorer).spec).toMatchObject({ minReplicas: 2, maxReplicas: 40 });
  });

  test('double within half a minute and shrink by a tenth a minute after five quiet ones', () => {
    expect(of('HorizontalPodAutoscaler').spec.behavior).toEqual({
      scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 100, periodSeconds: 30 }] },
      scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }] },
    });
  });

  test('may be fewer than three only for a size of fewer', () => {
    const one = newApp();
    own(one);
    const size = PodSize.fixed({ cpu: Cpu.millis(100), memory: Size.mebibytes(64), replicas: 1 });
    new Service(new Chart(one, 'one'), 'One', { image: IMAGE, size });
    expect(synth(one).find(({ kind }) => kind === 'HorizontalPodAutoscaler').spec).toMatchObject({ minReplicas: 1, maxReplicas: 2 });
  });

  test('leave by a quarter at a time, and a pod that is not ready does not keep a node from being drained', () => {
    expect(of('PodDisruptionBudget').spec).toEqual({
      maxUnavailable: '25%',
      selector: { matchLabels: radar.podSelector },
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    });
    expect(of('Deployment').spec.strategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } });
  });

  test('spread over zones strictly and over nodes where they can, every rollout by itself', () => {
    const common = {
      maxSkew: 1,
      nodeTaintsPolicy: 'Honor',
      labelSelector: { matchLabels: radar.podSelector },
      matchLabelKeys: ['pod-template-hash'],
    };
    expect(podOf().topologySpreadConstraints).toEqual([
      { ...common, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' },
      { ...common, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
    ]);
  });
});

describe('a pod', () => {
  test('asks for its size, with memory never overcommitted and CPU never throttled, and records why', () => {
    expect(containerOf().resources).toEqual({ requests: { cpu: '500m', memory: '768Mi' }, limits: { memory: '768Mi' } });
    expect(JSON.parse(of('Deployment').metadata.annotations[Sizing.RECORD_KEY])).toMatchObject({ choice: '6 x 500m / 768 MiB' });
    expect(radar.sizing).toBe(SIZE);
  });

  test.each([
    [3 * 1024 ** 3, '3Gi'],
    [1536 * 1024 ** 2, '1536Mi'],
    [1025 * 1024, '1025Ki'],
    [1025, '1025'],
  ])('of %p bytes asks for %s', (bytes, quantity) => expect(quantityOf(bytes)).toBe(quantity));

  test('is restricted: no root, no privileges, nothing writable but /tmp, no token of the API server', () => {
    expect(podOf().securityContext).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(containerOf().securityContext).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    });
    expect([podOf().automountServiceAccountToken, named('ServiceAccount', 'radar').automountServiceAccountToken]).toEqual([false, false]);
    expect(podOf().volumes[0]).toEqual({ name: 'tmp', emptyDir: { sizeLimit: '256Mi' } });
  });

  test('is probed on its port, and only a start may take long', () => {
    const { startupProbe, livenessProbe, readinessProbe } = containerOf();
    expect(startupProbe).toMatchObject({ httpGet: { path: '/livez', port: 'http' }, periodSeconds: 5, failureThreshold: 60 });
    expect(livenessProbe).toMatchObject({ httpGet: { path: '/livez', port: 'http' }, periodSeconds: 10, failureThreshold: 6 });
    expect(readinessProbe).toMatchObject({ httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 5, failureThreshold: 2 });
    expect(containerOf(scorer).livenessProbe.httpGet.path).toBe('/up');
    expect(containerOf(scorer).readinessProbe.httpGet.path).toBe('/ready');
  });

  test('goes on serving while it is taken out of the endpoints, and has time left to finish', () => {
    const { seconds } = containerOf().lifecycle.preStop.sleep;
    expect(seconds).toBe(15);
    expect(podOf().terminationGracePeriodSeconds).toBeGreaterThan(seconds);
    expect(podOf().terminationGracePeriodSeconds).toBe(45);
  });

  test('listens on its port, which the service reaches by name', () => {
    expect(containerOf().ports).toEqual([{ name: 'http', containerPort: 8080, protocol: 'TCP' }]);
    expect(containerOf(scorer).ports[0].containerPort).toBe(9000);
    expect(of('Service', scorer).spec.ports).toEqual([{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }]);
    expect(of('Service').spec.selector).toEqual(radar.podSelector);
    expect(of('Service').metadata.name).toBe(radar.serviceName);
  });

  test('has the environment and secrets that were added until synthesis', () => {
    expect(containerOf().env).toEqual([
      { name: 'MODEL', value: 'radar-7' },
      { name: 'LATE', value: 'yes' },
    ]);
    expect(podOf().volumes[1]).toEqual({ name: 'secret-0', secret: { secretName: 'model-key' } });
    expect(containerOf().volumeMounts[1]).toEqual({ name: 'secret-0', mountPath: '/etc/model-key', readOnly: true });
  });

  test('runs as its own service account, or the one it is given', () => {
    expect([podOf().serviceAccountName, radar.serviceAccountName]).toEqual(['radar', 'radar']);
    expect(podOf(gateway).serviceAccountName).toBe(gateway.serviceAccountName);
    expect(named('ServiceAccount', gateway.serviceAccountName).metadata.namespace).toBe('payments');
  });
});

describe('the network', () => {
  const tcp = (port: number) => [{ protocol: 'TCP', port }];
  const DNS = {
    to: [
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
        podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
      },
      { ipBlock: { cidr: '169.254.20.10/32' } },
    ],
    ports: [
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
    ],
  };
  const peer = (service: Service) => ({
    podSelector: { matchLabels: service.podSelector },
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': service.namespace } },
  });

  test('is closed in both directions but for DNS', () => {
    const alone = newApp();
    own(alone);
    new Service(new Chart(alone, 'alone'), 'Alone', { image: IMAGE, size: SIZE });
    const { spec } = synth(alone).find(({ kind }) => kind === 'NetworkPolicy');
    expect(spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'], egress: [DNS] });
    // An empty list lets nobody in, as no list does.
    expect(spec.ingress ?? []).toEqual([]);
  });

  test('opens on both sides for a client, on the port of the container', () => {
    expect(of('NetworkPolicy', scorer).spec.ingress).toEqual([{ from: [peer(radar)], ports: tcp(9000) }]);
    expect(of('NetworkPolicy', radar).spec.egress).toContainEqual({ to: [peer(scorer)], ports: tcp(9000) });
    expect(of('NetworkPolicy', radar).spec.ingress).toEqual([{ from: [peer(gateway)], ports: tcp(8080) }]);
    expect(of('NetworkPolicy', gateway).spec.egress).toEqual([DNS, { to: [peer(radar)], ports: tcp(8080) }]);
  });

  test('opens for a namespace', () => {
    const from = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } }];
    expect(of('NetworkPolicy', gateway).spec.ingress).toEqual([{ from, ports: tcp(8080) }]);
  });

  test('opens to an address range, and to the Pod Identity Agent for those who have its identity', () => {
    const { egress } = of('NetworkPolicy', radar).spec;
    expect(egress).toContainEqual({ to: [{ ipBlock: { cidr: '10.20.0.0/16' } }], ports: tcp(9098) });
    expect(egress).toContainEqual({ to: [{ ipBlock: { cidr: '169.254.170.23/32' } }], ports: tcp(80) });
    expect(egress).toContainEqual({ to: [{ ipBlock: { cidr: 'fd00:ec2::23/128' } }], ports: tcp(80) });
    expect(JSON.stringify(of('NetworkPolicy', scorer))).not.toMatch(/169\.254\.170|fd00/);
    expect(ServiceIdentity.serviceAccount('x').usesPodIdentity).toBe(false);
  });
});

describe('refused', () => {
  const newService = (props: Partial<ServiceProps> = {}) =>
    new Service(new Chart(newApp(), 'chart'), 'Service', { image: IMAGE, size: SIZE, ...props });
  const refused = (props: Partial<ServiceProps>) => refusalOf(() => newService(props));

  test.each(['', 'radar', 'radar:latest', 'localhost:5000/radar', 'radar:', 'ra dar:1', 'radar@sha256:abc'])(
    "fails for the image '%s'",
    (image) => {
      expect(refused({ image })).toEqual(['Millrace.ServiceInvalid image']);
    },
  );

  test.each(['radar:1', 'localhost:5000/radar:1', `radar@sha256:${'a'.repeat(64)}`, `radar:latest@sha256:${'a'.repeat(64)}`])(
    "passes the image '%s'",
    (image) => {
      expect(refused({ image })).toEqual([]);
    },
  );

  test.each([80, 1023, 65536, 8080.5, NaN])('fails for the port %p', (port) => {
    expect(refused({ container: { port } })).toEqual(['Millrace.ServiceInvalid container.port']);
  });

  test.each([0, -1, 1.5, NaN])('fails for %p replicas at least', (minReplicas) => {
    expect(refused({ scaling: ServiceScaling.cpu({ minReplicas, maxReplicas: 12 }) })).toContain(
      'Millrace.ServiceInvalid scaling.minReplicas',
    );
  });

  test('fails for fewer replicas at most than at least', () => {
    expect(refused({ scaling: ServiceScaling.cpu({ minReplicas: 5, maxReplicas: 4 }) })).toEqual([
      'Millrace.ServiceInvalid scaling.maxReplicas',
    ]);
    expect(refused({ scaling: ServiceScaling.cpu({ minReplicas: 50 }) })).toEqual([]);
  });

  test('fails for numbers known only at deploy time', () => {
    expect(refused({ container: { port: Token.asNumber({ Ref: 'Port' }) } })).toEqual(['Millrace.TokenRefused container.port']);
  });

  test('fails for the name of a service account that Kubernetes refuses', () => {
    expect(refused({ identity: ServiceIdentity.podIdentity('Radar Pods') })).toEqual(['Millrace.ServiceInvalid identity']);
  });

  test.each(['10.0.0.0', '10.0.0.0/33', '0.0.0.0/0', '256.0.0.0/8', '10.0.0.0/16 ', '::/0'])("fails for the address range '%s'", (cidr) => {
    expect(refusalOf(() => newService().allowToCidr(cidr, 443))).toEqual(['Millrace.CidrInvalid cidr']);
  });

  test.each([0, 65536, 1.5])('fails for the port %p of an address range', (port) => {
    expect(refusalOf(() => newService().allowToCidr('10.0.0.0/8', port))).toEqual(['Millrace.CidrInvalid port']);
  });

  test('fails for a secret where something is mounted already, or at no absolute path', () => {
    const service = newService();
    service.mountSecret('a', '/etc/a');
    for (const mountPath of ['/etc/a', '/tmp', 'etc/b']) {
      expect(refusalOf(() => service.mountSecret('b', mountPath))).toEqual(['Millrace.ServiceInvalid mountPath']);
    }
  });

  test('fails at synthesis outside of any cost allocation', () => {
    const service = newService();
    expect(codesIn(() => (service.node.root as App).synth())).toEqual(['Millrace.CostAllocationMissing']);
  });
});
