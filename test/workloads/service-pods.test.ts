import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { Service, ServiceIdentity, type ServiceProps } from '../../lib/workloads/k8s';
import { PodSize } from '../../lib/workloads/pod-size';
import { refusalOf } from '../contract/refusal';

const PROPS: ServiceProps = {
  image: 'registry.example.com/fraud/radar:2.3.0',
  size: PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.mebibytes(768) }),
};

function newApp(): App {
  const app = new App({ outdir: fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-pods-')) });
  new CostAllocation({ team: 'fraud-ml', service: 'radar', costCenter: 'CC-1042', environment: 'prod' }).applyTo(app);
  return app;
}
function synth(app: App, kind: string): any[] {
  app.synth();
  return Assembly.fromDirectories({ manifests: app.outdir })
    .objects.map(({ manifest }) => manifest)
    .filter((manifest) => manifest.kind === kind);
}

describe('an identity', () => {
  test('that services of a chart share is one service account, and each other has its own', () => {
    const app = newApp();
    const identity = ServiceIdentity.podIdentity('radar');
    const chart = new Chart(app, 'fraud', { namespace: 'fraud' });
    const services = ['Online', 'Batch'].map((id) => new Service(chart, id, { ...PROPS, identity }));
    new Service(chart, 'Other', PROPS);
    new Service(new Chart(app, 'elsewhere', { namespace: 'elsewhere' }), 'Radar', { ...PROPS, identity });
    const names = synth(app, 'ServiceAccount').map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    expect(names.filter((name) => name.endsWith('/radar')).sort()).toEqual(['elsewhere/radar', 'fraud/radar']);
    expect(names).toHaveLength(3);
    expect(services.map(({ serviceAccountName }) => serviceAccountName)).toEqual(['radar', 'radar']);
  });
});

describe('a label of the pods', () => {
  test('is on the pods and in no selector', () => {
    const app = newApp();
    const service = new Service(new Chart(app, 'fraud'), 'Radar', PROPS);
    service.addPodLabel('millrace.io/kafka-main', 'client');
    const [deployment] = synth(app, 'Deployment');
    expect(deployment.spec.template.metadata.labels).toMatchObject({ ...service.podSelector, 'millrace.io/kafka-main': 'client' });
    expect(deployment.spec.selector.matchLabels).toEqual(service.podSelector);
    expect(JSON.stringify(deployment.spec.template.spec)).not.toContain('millrace.io/kafka-main');
    expect(deployment.metadata.labels['millrace.io/kafka-main']).toBeUndefined();
  });

  test.each([
    ['app.kubernetes.io/instance', 'other', 'key'],
    ['', 'x', 'key'],
    ['a b', 'x', 'key'],
    [`x/${'n'.repeat(64)}`, 'x', 'key'],
    ['tier', 'a b', 'value'],
    ['tier', 'v'.repeat(64), 'value'],
  ])("fails for the key '%s' with the value '%s'", (key, value, subject) => {
    const service = new Service(new Chart(newApp(), 'fraud'), 'Radar', PROPS);
    expect(refusalOf(() => service.addPodLabel(key, value))).toEqual([`Millrace.ServiceInvalid ${subject}`]);
  });
});

describe('the environment', () => {
  const make = (environment?: { [name: string]: string }) =>
    new Service(new Chart(newApp(), 'fraud'), 'Radar', { ...PROPS, container: { environment } });

  test.each(['', '1ST', 'A B', 'A=B', 'Ä', 'A\n'])("fails for the name '%s', which Kubernetes refuses", (name) => {
    expect(refusalOf(() => make({ [name]: 'x' }))).toEqual(['Millrace.ServiceInvalid environment']);
    expect(refusalOf(() => make().addEnvironment(name, 'x'))).toEqual(['Millrace.ServiceInvalid environment']);
  });

  test.each(['A', '_a1', '-x', '.x', 'spring.kafka-servers'])("passes the name '%s'", (name) => {
    expect(refusalOf(() => make({ [name]: 'x' }).addEnvironment(name, 'y'))).toEqual([]);
  });
});
