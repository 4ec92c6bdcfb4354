import type { Chart } from 'cdk8s';
import { JvmHeap, Service, type ServiceProps, ServiceScaling, VerticalMode } from '../../lib/workloads/k8s';
import { refusalOf } from '../contract/refusal';
import { IMAGE, OWNER, SIZE, manifestOf, manifestsOf, newChart } from './synthesis';

const QUERY = { serverAddress: 'http://prometheus.monitoring.svc:9090', query: 'sum(rate(http_requests_total[2m]))' };
const RATE = { ...QUERY, requestsPerSecondPerReplica: 40 };

const make = (chart: Chart, scaling?: ServiceScaling, props: Partial<ServiceProps> = {}) =>
  new Service(chart, 'Radar', { image: IMAGE, size: SIZE, scaling, ...props });
const of = (kind: string, scaling?: ServiceScaling) => manifestOf(kind, (chart) => make(chart, scaling));
const kindsOf = (scaling?: ServiceScaling) => manifestsOf((chart) => make(chart, scaling)).map(({ kind }) => kind);
const refused = (scaling: ServiceScaling) => refusalOf(() => make(newChart(), scaling));

describe('a service', () => {
  test('that scales by CPU does so at the utilisation it is given', () => {
    const [metric] = of('HorizontalPodAutoscaler', ServiceScaling.cpu({ targetUtilisation: 75 })).spec.metrics;
    expect(metric.resource.target).toEqual({ type: 'Utilization', averageUtilization: 75 });
  });

  test('that scales by requests has one autoscaler, that of KEDA, from one pod a zone', () => {
    const scaling = ServiceScaling.requestsPerSecond(RATE);
    expect(kindsOf(scaling)).not.toContain('HorizontalPodAutoscaler');
    expect(of('ScaledObject', scaling).spec).toMatchObject({
      minReplicaCount: 3,
      maxReplicaCount: 12,
      fallback: { failureThreshold: 3, replicas: 6 },
      triggers: [{ type: 'prometheus', metadata: { ...QUERY, threshold: '40', ignoreNullValues: 'false' } }],
    });
  });

  test('of a fixed number has that number and no autoscaler', () => {
    expect(of('Deployment', ServiceScaling.fixed()).spec.replicas).toBe(6);
    expect(kindsOf(ServiceScaling.fixed({ replicas: 4 })).filter((kind) => /Auto|Scale/.test(kind))).toEqual([]);
  });
});

describe('a vertical autoscaler', () => {
  const policyOf = (scaling: ServiceScaling, props: Partial<ServiceProps> = {}) => {
    const { spec } = manifestOf('VerticalPodAutoscaler', (chart) => make(chart, scaling, props));
    return { mode: spec.updatePolicy.updateMode, ...spec.resourcePolicy.containerPolicies[0] };
  };

  test('stands beside a service only on request, with an owner', () => {
    expect(kindsOf()).not.toContain('VerticalPodAutoscaler');
    const { metadata, spec } = of('VerticalPodAutoscaler', ServiceScaling.cpu({ verticalAutoscaler: VerticalMode.OFF }));
    expect(metadata.labels).toMatchObject(OWNER);
    expect(spec.targetRef).toMatchObject({ apiVersion: 'apps/v1', kind: 'Deployment' });
  });

  test('leaves CPU to the autoscaler that acts on its utilisation, unless it only recommends', () => {
    const INITIAL = { verticalAutoscaler: VerticalMode.INITIAL };
    expect(policyOf(ServiceScaling.cpu(INITIAL))).toMatchObject({ mode: 'Initial', controlledResources: ['memory'] });
    expect(policyOf(ServiceScaling.cpu({ verticalAutoscaler: VerticalMode.OFF }))).toMatchObject({
      mode: 'Off',
      controlledResources: ['cpu', 'memory'],
    });
    expect(policyOf(ServiceScaling.requestsPerSecond({ ...RATE, ...INITIAL })).controlledResources).toEqual(['cpu', 'memory']);
    expect(policyOf(ServiceScaling.fixed(INITIAL)).controlledResources).toEqual(['cpu', 'memory']);
  });

  test('stays between a quarter and twice of the size, and keeps the memory limit at the request', () => {
    expect(policyOf(ServiceScaling.cpu({ verticalAutoscaler: VerticalMode.OFF }))).toMatchObject({
      containerName: 'main',
      controlledValues: 'RequestsAndLimits',
      minAllowed: { cpu: '125m', memory: '192Mi' },
      maxAllowed: { cpu: '1000m', memory: '1536Mi' },
    });
  });

  test('takes no memory from a JVM, which needs most of it whatever the load', () => {
    const scaling = ServiceScaling.fixed({ verticalAutoscaler: VerticalMode.INITIAL });
    expect(policyOf(scaling, { container: { jvmHeap: JvmHeap.fromMemory() } }).minAllowed.memory).toBe('768Mi');
  });
});

describe('refused', () => {
  test.each<[string, ServiceScaling, string]>([
    ['a service without replicas', ServiceScaling.requestsPerSecond({ ...RATE, minReplicas: 0 }), 'minReplicas'],
    ['a utilisation of 100 %', ServiceScaling.cpu({ targetUtilisation: 100 }), 'targetUtilisation'],
    ['no request a second', ServiceScaling.requestsPerSecond({ ...RATE, requestsPerSecondPerReplica: 0 }), 'threshold'],
    ['no fixed replica', ServiceScaling.fixed({ replicas: 0 }), 'replicas'],
  ])('fails for %s', (_what, scaling, subject) => {
    expect(refused(scaling)).toEqual([`Millrace.ServiceInvalid scaling.${subject}`]);
  });
});
