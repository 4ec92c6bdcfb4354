import { RemovalPolicy, Size } from 'aws-cdk-lib';
import type { Chart } from 'cdk8s';
import { StatefulUpdateRules } from '../../lib/core/stateful-update-rules';
import { checkUpdate, registeredUpdateRules } from '../../lib/core/update-rule';
import {
  HealthCheck,
  PodManagement,
  type StatefulMembers,
  StatefulService,
  type StatefulServiceProps,
  VerticalMode,
} from '../../lib/workloads/k8s';
import { refusalOf } from '../contract/refusal';
import { IMAGE, OWNER, SIZE, assemblyOf, manifestOf, manifestsOf, newChart } from './synthesis';

const make = (chart: Chart, members: Partial<StatefulMembers> = {}, props: Partial<StatefulServiceProps> = {}) =>
  new StatefulService(chart, 'Store', {
    image: IMAGE,
    size: SIZE,
    members: { storage: Size.gibibytes(20), replicas: 3, ...members },
    ...props,
  });
const of = (kind: string, members: Partial<StatefulMembers> = {}, props: Partial<StatefulServiceProps> = {}) =>
  manifestOf(kind, (chart) => make(chart, members, props));

describe('a stateful service', () => {
  test('is five objects with an owner, its volumes included', () => {
    const manifests = manifestsOf((chart) => make(chart));
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
      'ServiceAccount',
      'StatefulSet',
    ]);
    for (const { metadata } of manifests) expect(metadata.labels).toMatchObject(OWNER);
    const { spec } = of('StatefulSet');
    expect(spec.volumeClaimTemplates[0].metadata).toEqual({ name: 'data', labels: OWNER });
    expect(spec.template.metadata.labels).toMatchObject(OWNER);
  });

  test('gives each member a volume that outlives it', () => {
    const { spec, metadata } = of('StatefulSet', { storageClassName: 'gp3' });
    expect(spec.volumeClaimTemplates[0].spec).toEqual({
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'gp3',
      resources: { requests: { storage: '20Gi' } },
    });
    expect(spec.persistentVolumeClaimRetentionPolicy).toEqual({ whenDeleted: 'Retain', whenScaled: 'Retain' });
    expect(metadata.annotations['helm.sh/resource-policy']).toBe('keep');
    const { containers, securityContext } = spec.template.spec;
    expect(containers[0].volumeMounts).toContainEqual({ name: 'data', mountPath: '/data' });
    expect(securityContext).toMatchObject({ fsGroup: 1000, fsGroupChangePolicy: 'OnRootMismatch', runAsNonRoot: true });
  });

  test('lets its volumes go only with both keys, and those of members that leave never', () => {
    const policyOf = (context: boolean) =>
      manifestOf('StatefulSet', (chart) => {
        if (context) chart.node.setContext('millrace:destroyData', true);
        make(chart, { removalPolicy: RemovalPolicy.DESTROY });
      });
    expect(policyOf(true).spec.persistentVolumeClaimRetentionPolicy).toEqual({ whenDeleted: 'Delete', whenScaled: 'Retain' });
    expect(policyOf(false).spec.persistentVolumeClaimRetentionPolicy.whenDeleted).toBe('Retain');
    expect(policyOf(false).metadata.annotations['millrace.io/warning']).toMatch(/^Millrace.DestroyNeedsTwoKeys/);
  });

  test('has a name for each member, before it is ready too', () => {
    const [set, service] = [of('StatefulSet'), of('Service')];
    expect(set.spec.serviceName).toBe(service.metadata.name);
    expect(service.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true, selector: set.spec.selector.matchLabels });
    expect(service.spec.ports).toEqual([{ name: 'http', port: 8080, targetPort: 'http', protocol: 'TCP' }]);
    expect(set.metadata.name.length).toBeLessThanOrEqual(52);
  });

  test('starts its members in order, or at once when told, as many as the size says or it is given', () => {
    expect(of('StatefulSet').spec).toMatchObject({ replicas: 3, podManagementPolicy: 'OrderedReady' });
    expect(of('StatefulSet', { replicas: undefined, podManagement: PodManagement.PARALLEL }).spec).toMatchObject({
      replicas: 6,
      podManagementPolicy: 'Parallel',
    });
  });

  test('loses one member at a time to maintenance, and spreads all of them over the zones', () => {
    expect(of('PodDisruptionBudget').spec.maxUnavailable).toBe(1);
    const [zone] = of('StatefulSet').spec.template.spec.topologySpreadConstraints;
    expect([zone.whenUnsatisfiable, zone.matchLabelKeys]).toEqual(['DoNotSchedule', undefined]);
  });

  test('lets its members reach each other and nobody else', () => {
    const { ingress, egress } = of('NetworkPolicy').spec;
    const peer = {
      podSelector: { matchLabels: of('StatefulSet').spec.selector.matchLabels },
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'fraud' } },
    };
    const ports = [{ protocol: 'TCP', port: 8080 }];
    expect(ingress).toEqual([{ from: [peer], ports }]);
    expect(egress.slice(1)).toEqual([{ to: [peer], ports }]);
  });

  test('drains before it stops, is probed as it is told and takes recommendations for all its requests', () => {
    const pod = of('StatefulSet', {}, { health: HealthCheck.tcp() }).spec.template.spec;
    expect([pod.terminationGracePeriodSeconds, pod.containers[0].lifecycle.preStop.sleep.seconds]).toEqual([45, 15]);
    expect(pod.containers[0].livenessProbe.tcpSocket).toEqual({ port: 'http' });
    const { spec } = of('VerticalPodAutoscaler', { verticalAutoscaler: VerticalMode.INITIAL });
    expect(spec.targetRef.kind).toBe('StatefulSet');
    expect(spec.resourcePolicy.containerPolicies[0].controlledResources).toEqual(['cpu', 'memory']);
  });
});

describe('refused', () => {
  test.each<[string, Partial<StatefulMembers>, string]>([
    ['no storage', { storage: Size.gibibytes(0) }, 'members.storage'],
    ['half a mebibyte', { storage: Size.kibibytes(512) }, 'members.storage'],
    ['no member', { replicas: 0 }, 'members.replicas'],
    ['the name of no storage class', { storageClassName: 'GP3' }, 'members.storageClassName'],
    ['a volume at /tmp', { mountPath: '/tmp' }, 'members.mountPath'],
    ['a volume at no absolute path', { mountPath: 'data' }, 'members.mountPath'],
  ])('fails for %s', (_what, members, subject) => {
    expect(refusalOf(() => make(newChart(), members))).toEqual([`Millrace.StatefulServiceInvalid ${subject}`]);
  });

  test('fails for a secret where the volume stands', () => {
    const store = make(newChart());
    expect(refusalOf(() => store.mountSecret('key', '/data'))).toEqual(['Millrace.StatefulServiceInvalid mountPath']);
  });
});

describe('an update of a stateful service', () => {
  const build = (members: Partial<StatefulMembers> = {}, destroy = false) => {
    const chart = newChart();
    if (destroy) chart.node.setContext('millrace:destroyData', true);
    make(chart, destroy ? { ...members, removalPolicy: RemovalPolicy.DESTROY } : members);
    return chart;
  };
  const findings = (before: Chart, after: Chart) =>
    checkUpdate(assemblyOf(before), assemblyOf(after), [...StatefulUpdateRules.all(), ...registeredUpdateRules(after)]).map(
      ({ severity, code }) => `${severity} ${code}`,
    );

  test('that changes nothing, or adds members, has no finding', () => {
    expect(findings(build(), build())).toEqual([]);
    expect(findings(build(), build({ replicas: 5 }))).toEqual([]);
  });

  test('fails when members leave', () => {
    expect(findings(build(), build({ replicas: 2 }))).toEqual(['error Millrace.StatefulMembersDecrease']);
  });

  test.each<[string, Partial<StatefulMembers>]>([
    ['shrink', { storage: Size.gibibytes(10) }],
    ['grow', { storage: Size.gibibytes(30) }],
    ['change their class', { storageClassName: 'gp3' }],
    ['are managed in another order', { podManagement: PodManagement.PARALLEL }],
  ])('fails when its volumes or members %s, which the API server refuses', (_what, members) => {
    expect(findings(build(), build(members))).toEqual(['error Millrace.KubernetesImmutableField']);
  });

  test('warns when its volumes are no longer retained', () => {
    expect(findings(build(), build({}, true))).toEqual(['warning Millrace.ClaimRetentionWeakened']);
    expect(findings(build({}, true), build())).toEqual([]);
  });

  test('warns when it leaves, and fails when another takes its place under a new name', () => {
    expect(findings(build(), newChart())).toEqual(['warning Millrace.KubernetesStatefulRemoval']);
    const renamed = newChart();
    new StatefulService(renamed, 'Renamed', { image: IMAGE, size: SIZE, members: { storage: Size.gibibytes(20) } });
    expect(findings(build(), renamed)).toEqual(['error Millrace.KubernetesStatefulRemoval']);
  });
});
