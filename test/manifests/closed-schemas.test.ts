import * as fs from 'fs';
import * as path from 'path';
import { parseAllDocuments } from 'yaml';
import { checkBeyondSchema } from './beyond-schema';
import { closeCustomResource } from './close-schema';
import { ClosedSchemas, sharedDirectory } from './closed-schemas';
import type { Json } from './manifest';
import { everyField, isObject, subjectOf } from './manifest';

/** A good manifest changed in one place, and what must be said of it. */
type Wrong = [object: string, change: (manifest: Json) => unknown, messages: string[]];

const schemas = ClosedSchemas.load() as ClosedSchemas;
const describeWithShared = schemas ? describe : describe.skip;
const whySkipped = schemas ? '' : ` (skipped: ${sharedDirectory()} is absent)`;

function goodManifests(): Json[] {
  const text = fs.readFileSync(path.join(__dirname, 'good-manifests.yaml'), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS());
}

/** The good set after a change to one object, and that object. */
function changed(object: string, change: (manifest: Json) => unknown): { set: Json[]; manifest: Json } {
  const set = goodManifests();
  const manifest = set.find((candidate) => subjectOf(candidate) === object);
  change(manifest);
  return { set, manifest };
}

function expectSchemaMessages(table: Wrong[]): void {
  const found = table.map(([object, change]) => schemas.validate(changed(object, change).manifest));
  expect(found).toEqual(table.map(([, , messages]) => messages));
}

function expectMessagesBeyondSchema(table: Wrong[]): void {
  const found = table.map(([object, change]) => checkBeyondSchema(changed(object, change).set));
  expect(found).toEqual(table.map(([, , messages]) => messages));
}

const podOf = (manifest: Json): Json => manifest.spec.template.spec;
const appOf = (manifest: Json): Json => podOf(manifest).containers[0];

describeWithShared(`closed schemas of the real API${whySkipped}`, () => {
  test('accept every good manifest', () => {
    const manifests = goodManifests();
    expect(manifests.flatMap((manifest) => schemas.validate(manifest))).toEqual([]);
    expect(new Set(manifests.map(({ kind }) => kind)).size).toBe(26);
  });

  test('refuse an unknown field in every object but the maps whose keys the user chooses', () => {
    const open = goodManifests().flatMap((manifest) => {
      const objects = [...everyField(manifest)].filter(({ value }) => isObject(value));
      return objects.filter(({ value }) => accepts(manifest, value)).map(({ path }) => path.split('.').slice(-2).join('.'));
    });
    expect([...new Set(open)].sort()).toEqual([
      'containerPolicies[0].maxAllowed',
      'data',
      'kafka.config',
      'labelSelector.matchLabels',
      'metadata.annotations',
      'metadata.labels',
      'podSelector.matchLabels',
      'resources.limits',
      'resources.requests',
      'rules[0].labels',
      'securityGroupSelectorTerms[0].tags',
      'selector.matchLabels',
      'spec.config',
      'spec.hard',
      'spec.limits',
      'spec.selector',
      'spec.tags',
      'subnetSelectorTerms[0].tags',
      'triggers[0].metadata',
    ]);
  });

  function accepts(manifest: Json, object: Json): boolean {
    object.unknownField = '1';
    const messages = schemas.validate(manifest);
    delete object.unknownField;
    return messages.length === 0;
  }

  test('name an unknown field by its path', () => {
    expectSchemaMessages([
      ['Deployment shop/web', (web) => (web.spec.replica = 3), ['Deployment shop/web: unknown field spec.replica']],
      ['Deployment shop/web', (web) => (web.metadata.label = {}), ['Deployment shop/web: unknown field metadata.label']],
      ['Deployment shop/web', (web) => (web.data = {}), ['Deployment shop/web: unknown field data']],
      [
        'Deployment shop/web',
        (web) => (appOf(web).readinessProbe.httpGet.prot = 1),
        ['Deployment shop/web: unknown field spec.template.spec.containers[0].readinessProbe.httpGet.prot'],
      ],
      ['Kafka shop/events', (kafka) => (kafka.spec.zookeeper = { replicas: 3 }), ['Kafka shop/events: unknown field spec.zookeeper']],
      ['Kafka shop/events', (kafka) => (kafka.metadata.label = {}), ['Kafka shop/events: unknown field metadata.label']],
      [
        'KafkaUser shop/web',
        (user) => (user.spec.authorization.acls[0].operation = 'Write'),
        ['KafkaUser shop/web: unknown field spec.authorization.acls[0].operation'],
      ],
      ['NodePool general', (pool) => (pool.spec.ttlSecondsAfterEmpty = 30), ['NodePool general: unknown field spec.ttlSecondsAfterEmpty']],
      ['EC2NodeClass general', (nodes) => (nodes.spec.subnetSelector = {}), ['EC2NodeClass general: unknown field spec.subnetSelector']],
      ['ScaledObject shop/store', (scaled) => (scaled.spec.minReplicas = 1), ['ScaledObject shop/store: unknown field spec.minReplicas']],
    ]);
  });

  test('refuse a missing field, a value of the wrong type and one outside its enum, pattern, format or bounds', () => {
    expectSchemaMessages([
      ['Deployment shop/web', (web) => delete web.spec.selector, ['Deployment shop/web: spec.selector is required']],
      ['Deployment shop/web', (web) => delete web.metadata, ['Deployment (no name): metadata is required']],
      ['Kafka shop/events', (kafka) => delete kafka.spec.kafka, ['Kafka shop/events: spec.kafka is required']],
      [
        'KafkaUser shop/web',
        (user) => delete user.spec.authorization.acls[0].resource,
        ['KafkaUser shop/web: spec.authorization.acls[0].resource is required'],
      ],
      ['Deployment shop/web', (web) => (web.spec.replicas = '3'), ['Deployment shop/web: spec.replicas must be integer, not "3"']],
      [
        'Deployment shop/web',
        (web) => (web.spec.replicas = 2 ** 31),
        ['Deployment shop/web: spec.replicas must match format "int32", not 2147483648'],
      ],
      [
        'Deployment shop/web',
        (web) => (appOf(web).imagePullPolicy = 'Sometimes'),
        [
          'Deployment shop/web: spec.template.spec.containers[0].imagePullPolicy must be one of "Always", "IfNotPresent", "Never", ' +
            'not "Sometimes"',
        ],
      ],
      [
        'Deployment shop/web',
        (web) => (appOf(web).env = [{ name: 'LIMIT', value: 5 }]),
        ['Deployment shop/web: spec.template.spec.containers[0].env[0].value must be string, not 5'],
      ],
      [
        'ResourceQuota shop/shop',
        (quota) => (quota.spec.hard['requests.memory'] = '64GB'),
        ['ResourceQuota shop/shop: spec.hard["requests.memory"] must match format "quantity", not "64GB"'],
      ],
      [
        'Service shop/web',
        (service) => (service.spec.ports[0].targetPort = true),
        ['Service shop/web: spec.ports[0].targetPort must be integer or string, not true'],
      ],
      [
        'Secret shop/web',
        (secret) => (secret.data.token = 'not base64!'),
        ['Secret shop/web: data.token must match format "byte", not "not base64!"'],
      ],
      [
        'Deployment shop/web',
        (web) => (web.metadata.creationTimestamp = 'yesterday'),
        ['Deployment shop/web: metadata.creationTimestamp must match format "date-time", not "yesterday"'],
      ],
      ['KafkaTopic shop/orders', (topic) => (topic.spec.partitions = 0), ['KafkaTopic shop/orders: spec.partitions must be >= 1, not 0']],
      [
        'KafkaNodePool shop/brokers',
        (pool) => (pool.spec.roles = ['zookeeper']),
        ['KafkaNodePool shop/brokers: spec.roles[0] must be one of "controller", "broker", not "zookeeper"'],
      ],
      [
        'NodePool general',
        (pool) => (pool.spec.disruption.consolidateAfter = 'soon'),
        ['NodePool general: spec.disruption.consolidateAfter must match pattern "^(([0-9]+(s|m|h))+|Never)$", not "soon"'],
      ],
      [
        'PrometheusRule shop/web',
        (rule) => (rule.spec.groups[0].partial_response_strategy = 'ignore'),
        ['PrometheusRule shop/web: spec.groups[0].partial_response_strategy must match pattern "^(?i)(abort|warn)?$", not "ignore"'],
      ],
      [
        'PrometheusRule shop/web',
        (rule) => rule.spec.groups.push(rule.spec.groups[0]),
        ['PrometheusRule shop/web: spec.groups has two entries of the same name'],
      ],
    ]);
  });

  test('refuse a kind or version the cluster does not serve', () => {
    expectSchemaMessages([
      [
        'HorizontalPodAutoscaler shop/web',
        (scaler) => (scaler.apiVersion = 'autoscaling/v2beta2'),
        [
          'HorizontalPodAutoscaler shop/web: no schema for autoscaling/v2beta2 HorizontalPodAutoscaler: ' +
            'the served versions of autoscaling are v2',
        ],
      ],
      [
        'Kafka shop/events',
        (kafka) => (kafka.apiVersion = 'kafka.strimzi.io/v1beta2'),
        ['Kafka shop/events: no schema for kafka.strimzi.io/v1beta2 Kafka: the served versions are v1'],
      ],
      [
        'Secret shop/web',
        (secret) => Object.assign(secret, { apiVersion: 'external-secrets.io/v1beta1', kind: 'ExternalSecret' }),
        ['ExternalSecret shop/web: no schema for external-secrets.io/v1beta1 ExternalSecret: the served versions are v1'],
      ],
      ['ConfigMap shop/web', (map) => (map.kind = 'ConfigMaps'), ['ConfigMaps shop/web: no schema for v1 ConfigMaps']],
      ['ConfigMap shop/web', (map) => delete map.apiVersion, ['ConfigMap shop/web: apiVersion and kind are required']],
    ]);
  });
});

test('a custom resource is closed where the API server prunes it', () => {
  const schema = {
    type: 'object',
    properties: {
      listed: { type: 'object', properties: { name: { type: 'string', description: 'dropped' } } },
      bare: { type: 'object' },
      map: { type: 'object', additionalProperties: { type: 'integer', format: 'int32', nullable: true } },
      free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { name: { type: 'string' } } },
      pod: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      size: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }], pattern: '^[0-9]+%?$' },
      mode: { type: 'string', enum: ['a', 'b'], nullable: true },
      hosts: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    },
    oneOf: [{ required: ['bare'] }, { properties: { map: { minProperties: 1 } } }],
  };
  const metadata = { $ref: 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' };
  const root = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata };
  expect(closeCustomResource(schema, (part) => part)).toEqual({
    type: 'object',
    additionalProperties: false,
    properties: {
      ...root,
      listed: { type: 'object', properties: { name: { type: 'string' } }, additionalProperties: false },
      bare: { type: 'object', additionalProperties: false },
      map: { type: 'object', additionalProperties: { type: ['integer', 'null'], format: 'int32' } },
      free: { type: 'object', properties: { name: { type: 'string' } } },
      pod: { type: 'object', properties: root, required: ['apiVersion', 'kind'] },
      size: { type: ['integer', 'string'], pattern: '^[0-9]+%?$' },
      mode: { type: ['string', 'null'], enum: ['a', 'b', null] },
      hosts: { type: 'array', items: { type: 'string' }, uniqueItems: true },
    },
    oneOf: [{ required: ['bare'] }, { properties: { map: { minProperties: 1 } } }],
  });
});

describe('what schemas cannot see', () => {
  test('is right in the good manifests', () => {
    expect(checkBeyondSchema(goodManifests())).toEqual([]);
  });

  test('names, labels and annotations follow their syntax', () => {
    expectMessagesBeyondSchema([
      ['ConfigMap shop/web', (map) => delete map.metadata.name, ['ConfigMap shop/(no name): metadata.name is missing']],
      [
        'ConfigMap shop/web',
        (map) => (map.metadata.name = 'Web_1'),
        ['ConfigMap shop/Web_1: metadata.name "Web_1" is not a DNS subdomain'],
      ],
      [
        'Service shop/store',
        (service) => (service.metadata.name = 'store.v1'),
        [
          'StatefulSet shop/store: spec.serviceName "store" is no headless Service of the set',
          'Service shop/store.v1: metadata.name "store.v1" is not a DNS label',
        ],
      ],
      ['Role shop/shop:read', (role) => (role.metadata.name = 'a/b'), ['Role shop/a/b: metadata.name "a/b" is not a path segment']],
      [
        'CronJob shop/report',
        (job) => (job.metadata.name = 'r'.repeat(53)),
        [`CronJob shop/${'r'.repeat(53)}: metadata.name "${'r'.repeat(53)}" is longer than the 52 characters a CronJob may have`],
      ],
      [
        'ConfigMap shop/web',
        (map) => (map.metadata.labels = { 'cost/team/x': 'a', team: 'b c' }),
        [
          'ConfigMap shop/web: metadata.labels key "cost/team/x" is not a qualified name',
          'ConfigMap shop/web: metadata.labels value "b c" of "team" is not a label value',
        ],
      ],
      [
        'NodePool general',
        (pool) => (pool.spec.template.metadata.labels.team = '-a'),
        ['NodePool general: spec.template.metadata.labels value "-a" of "team" is not a label value'],
      ],
      [
        'Deployment shop/web',
        (web) => (podOf(web).nodeSelector = { 'node type': 'gpu' }),
        ['Deployment shop/web: spec.template.spec.nodeSelector key "node type" is not a qualified name'],
      ],
      [
        'ConfigMap shop/web',
        (map) => (map.metadata.annotations = { 'a b': 'c', 'Example.com/Why': 'any text, even long' }),
        ['ConfigMap shop/web: metadata.annotations key "a b" is not a qualified name'],
      ],
      [
        'ConfigMap shop/web',
        (map) => (map.metadata.annotations = { big: 'x'.repeat(262144) }),
        ['ConfigMap shop/web: metadata.annotations take 262147 bytes, above the limit of 262144'],
      ],
    ]);
  });

  test('quantities are written right and requests stay within limits, in custom resources too', () => {
    const resources = 'spec.template.spec.containers[0].resources';
    expectMessagesBeyondSchema([
      [
        'Deployment shop/web',
        (web) => (appOf(web).resources.requests.cpu = '0.5 cores'),
        [`Deployment shop/web: ${resources}.requests.cpu "0.5 cores" is not a quantity`],
      ],
      [
        'Deployment shop/web',
        (web) => (appOf(web).resources.requests.memory = '512m'),
        [`Deployment shop/web: ${resources}.requests.memory "512m" is a fraction of a byte`],
      ],
      [
        'Deployment shop/web',
        (web) => (appOf(web).resources.requests.memory = '3Gi'),
        [`Deployment shop/web: ${resources} request of memory 3Gi is above its limit 2Gi`],
      ],
      [
        'Deployment shop/web',
        (web) => delete appOf(web).resources.limits['nvidia.com/gpu'],
        [`Deployment shop/web: ${resources} request of nvidia.com/gpu 1 must equal its limit (none)`],
      ],
      [
        'KafkaNodePool shop/brokers',
        (pool) => (pool.spec.resources.requests.memory = '9Gi'),
        ['KafkaNodePool shop/brokers: spec.resources request of memory 9Gi is above its limit 8Gi'],
      ],
      [
        'KafkaNodePool shop/brokers',
        (pool) => (pool.spec.storage.volumes[0].size = '100GB'),
        ['KafkaNodePool shop/brokers: spec.storage.volumes[0].size "100GB" is not a quantity'],
      ],
      ['ResourceQuota shop/shop', (quota) => (quota.spec.hard.pods = -1), ['ResourceQuota shop/shop: spec.hard.pods "-1" is negative']],
      [
        'Deployment shop/web',
        (web) => (podOf(web).volumes[0].emptyDir.sizeLimit = '1 Gi'),
        ['Deployment shop/web: spec.template.spec.volumes[0].emptyDir.sizeLimit "1 Gi" is not a quantity'],
      ],
    ]);
  });

  test('a pod template matches its selector, restarts as its kind needs, names its containers, mounts volumes it has and outlives its preStop hook', () => {
    expectMessagesBeyondSchema([
      [
        'StatefulSet shop/store',
        (store) => (store.spec.selector.matchLabels.tier = 'data'),
        ['StatefulSet shop/store: spec.selector does not match the labels of its pod template {"app.kubernetes.io/name":"store"}'],
      ],
      ['StatefulSet shop/store', (store) => (store.spec.selector = {}), ['StatefulSet shop/store: spec.selector is empty']],
      [
        'Job shop/migrate',
        (job) => delete podOf(job).restartPolicy,
        ['Job shop/migrate: spec.template.spec.restartPolicy must be Never or OnFailure for a Job'],
      ],
      [
        'StatefulSet shop/store',
        (store) => (podOf(store).restartPolicy = 'Never'),
        ['StatefulSet shop/store: spec.template.spec.restartPolicy must be Always for a StatefulSet'],
      ],
      [
        'Deployment shop/web',
        (web) => (podOf(web).initContainers[0].name = 'app'),
        ['Deployment shop/web: spec.template.spec has two containers "app"'],
      ],
      [
        'Job shop/migrate',
        (job) => (appOf(job).name = 'Job_1'),
        ['Job shop/migrate: spec.template.spec.containers[0].name "Job_1" is not a DNS label'],
      ],
      ['Job shop/migrate', (job) => (podOf(job).containers = []), ['Job shop/migrate: spec.template.spec.containers is empty']],
      [
        'StatefulSet shop/store',
        (store) => (store.spec.volumeClaimTemplates = []),
        ['StatefulSet shop/store: spec.template.spec.containers[0] mounts "data", which is not a volume of the pod'],
      ],
      [
        'Deployment shop/web',
        (web) => (appOf(web).volumeMounts[1].mountPath = '/scratch'),
        ['Deployment shop/web: spec.template.spec.containers[0] mounts "/scratch" twice'],
      ],
      [
        'Deployment shop/web',
        (web) => podOf(web).volumes.push({ name: 'scratch', emptyDir: {} }),
        ['Deployment shop/web: spec.template.spec.volumes has "scratch" twice'],
      ],
      [
        'Deployment shop/web',
        (web) => (podOf(web).topologySpreadConstraints[0].labelSelector.matchLabels = { app: 'web' }),
        ["Deployment shop/web: spec.template.spec.topologySpreadConstraints[0].labelSelector does not match the pod's own labels"],
      ],
      [
        'Deployment shop/web',
        (web) => (podOf(web).terminationGracePeriodSeconds = 20),
        [
          'Deployment shop/web: spec.template.spec.containers[0].lifecycle.preStop sleeps 20 s, ' +
            'which terminationGracePeriodSeconds 20 does not outlast',
        ],
      ],
      [
        'StatefulSet shop/store',
        (store) => (appOf(store).lifecycle = { preStop: { sleep: { seconds: 60 } } }),
        [
          'StatefulSet shop/store: spec.template.spec.containers[0].lifecycle.preStop sleeps 60 s, ' +
            'which terminationGracePeriodSeconds 30 does not outlast',
        ],
      ],
    ]);
  });

  test('ports are unique, in range and well named, and probes call ports their container has', () => {
    const app = 'spec.template.spec.containers[0]';
    expectMessagesBeyondSchema([
      [
        'Service shop/web',
        (service) => (service.spec.ports[2].port = 80),
        [
          'Service shop/web: spec.ports has port 80/TCP twice',
          'Service shop/web: spec.ports[2].targetPort 80 is not exposed by Deployment shop/web',
        ],
      ],
      [
        'Service shop/web',
        (service) => (service.spec.ports[0].name = 'proxy'),
        ['Service shop/web: spec.ports has port name "proxy" twice'],
      ],
      [
        'Service shop/web',
        (service) => delete service.spec.ports[0].name,
        ['Service shop/web: spec.ports[0].name is missing: a Service of several ports names each'],
      ],
      [
        'Service shop/web',
        (service) => (service.spec.ports[0].port = 70000),
        ['Service shop/web: spec.ports[0].port 70000 is not between 1 and 65535'],
      ],
      [
        'StatefulSet shop/store',
        (store) => appOf(store).ports.push({ containerPort: 0, name: 'Much--too-long-a-name' }),
        [
          `StatefulSet shop/store: ${app}.ports[1].containerPort 0 is not between 1 and 65535`,
          `StatefulSet shop/store: ${app}.ports[1].name "Much--too-long-a-name" is not a port name: ` +
            'at most 15 lower-case letters, digits and single hyphens, one a letter',
        ],
      ],
      [
        'Deployment shop/web',
        (web) => (podOf(web).initContainers[0].ports[0].containerPort = 8080),
        [
          'Deployment shop/web: spec.template.spec has port 8080/TCP twice',
          'Service shop/web: spec.ports[2].targetPort 9000 is not exposed by Deployment shop/web',
        ],
      ],
      [
        'Deployment shop/web',
        (web) => (appOf(web).readinessProbe.httpGet.port = 'health'),
        [`Deployment shop/web: ${app}.readinessProbe.httpGet.port "health" is not a named port of its container`],
      ],
      [
        'NetworkPolicy shop/web',
        (policy) => (policy.spec.egress[0].ports[0].endPort = 9000),
        ['NetworkPolicy shop/web: spec.egress[0].ports[0].endPort 9000 is below its port 9092'],
      ],
    ]);
  });

  test('autoscalers, disruption budgets, Services and service accounts refer to what the set has', () => {
    expectMessagesBeyondSchema([
      [
        'HorizontalPodAutoscaler shop/web',
        (scaler) => (scaler.spec.minReplicas = 20),
        ['HorizontalPodAutoscaler shop/web: spec.minReplicas 20 is above maxReplicas 12'],
      ],
      [
        'HorizontalPodAutoscaler shop/web',
        (scaler) => (scaler.spec.scaleTargetRef.name = 'shop'),
        ['HorizontalPodAutoscaler shop/web: spec.scaleTargetRef apps/v1 Deployment shop is not in the set'],
      ],
      [
        'ScaledObject shop/store',
        (scaled) => Object.assign(scaled.spec, { minReplicaCount: 10, scaleTargetRef: { name: 'store' } }),
        [
          'ScaledObject shop/store: spec.minReplicaCount 10 is above maxReplicaCount 9',
          'ScaledObject shop/store: spec.scaleTargetRef apps/v1 Deployment store is not in the set',
          'ScaledObject shop/store: spec.fallback.replicas 6 is not between 10 and 9',
        ],
      ],
      [
        'PodDisruptionBudget shop/web',
        (budget) => (budget.spec.minAvailable = 1),
        ['PodDisruptionBudget shop/web: spec has both minAvailable and maxUnavailable, not exactly one'],
      ],
      [
        'PodDisruptionBudget shop/web',
        (budget) => delete budget.spec.maxUnavailable,
        ['PodDisruptionBudget shop/web: spec has neither minAvailable nor maxUnavailable, not exactly one'],
      ],
      [
        'PodDisruptionBudget shop/web',
        (budget) => (budget.spec.selector.matchExpressions[0].values = ['shop']),
        ['PodDisruptionBudget shop/web: spec.selector matches no pod template of the set'],
      ],
      [
        'Service shop/web',
        (service) => (service.spec.selector = { app: 'web' }),
        ['Service shop/web: spec.selector matches no pod template of the set'],
      ],
      [
        'Service shop/events-outside',
        (service) => (service.spec.selector = { 'strimzi.io/cluster': 'event' }),
        ['Service shop/events-outside: spec.selector matches no pod template of the set'],
      ],
      [
        'Service shop/web',
        (service) => (service.spec.ports[0].targetPort = 'web'),
        ['Service shop/web: spec.ports[0].targetPort web is not exposed by Deployment shop/web'],
      ],
      [
        'Deployment shop/web',
        (web) => (podOf(web).serviceAccountName = 'shop'),
        ['Deployment shop/web: serviceAccountName "shop" is none of ServiceAccount shop/web'],
      ],
      ['ConfigMap shop/web', (map) => Object.assign(map, { kind: 'Secret' }), ['Secret shop/web: is in the set twice']],
    ]);
  });

  test('autoscalers do not fight each other, can fall back, and have targets, topics and credentials of the set', () => {
    expectMessagesBeyondSchema([
      [
        'VerticalPodAutoscaler shop/web',
        (vertical) => (vertical.spec.resourcePolicy.containerPolicies[0].controlledResources = ['cpu', 'memory']),
        ['VerticalPodAutoscaler shop/web: controls cpu, by whose utilisation HorizontalPodAutoscaler shop/web scales'],
      ],
      [
        'VerticalPodAutoscaler shop/web',
        (vertical) => delete vertical.spec.resourcePolicy,
        ['VerticalPodAutoscaler shop/web: controls cpu, by whose utilisation HorizontalPodAutoscaler shop/web scales'],
      ],
      [
        'VerticalPodAutoscaler shop/web',
        (vertical) => (vertical.spec.targetRef.name = 'shop'),
        ['VerticalPodAutoscaler shop/web: spec.targetRef Deployment shop is not in the set'],
      ],
      [
        'HorizontalPodAutoscaler shop/web',
        (scaler) => (scaler.spec.scaleTargetRef = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'store' }),
        [
          'HorizontalPodAutoscaler shop/web: spec.scaleTargetRef is the target of ScaledObject shop/store too',
          'ScaledObject shop/store: spec.scaleTargetRef is the target of HorizontalPodAutoscaler shop/web too',
        ],
      ],
      [
        'ScaledObject shop/store',
        (scaled) => (scaled.spec.fallback.replicas = 10),
        ['ScaledObject shop/store: spec.fallback.replicas 10 is not between 3 and 9'],
      ],
      [
        'ScaledObject shop/store',
        (scaled) => (scaled.spec.triggers[0].metricType = 'Value'),
        ['ScaledObject shop/store: spec.triggers[0] has no fallback: KEDA has one for AverageValue alone, and none for cpu and memory'],
      ],
      [
        'ScaledObject shop/store',
        (scaled) => (scaled.spec.triggers[0].authenticationRef.name = 'web'),
        ['ScaledObject shop/store: spec.triggers[0].authenticationRef web is not in the set'],
      ],
      [
        'ScaledObject shop/store',
        (scaled) => (scaled.spec.maxReplicaCount = 13),
        ['ScaledObject shop/store: spec.maxReplicaCount 13 is above the 12 partitions of orders'],
      ],
      [
        'ScaledObject shop/store',
        (scaled) => scaled.spec.triggers.push({ type: 'prometheus', metadata: { query: 'up' } }),
        ['ScaledObject shop/store: spec.triggers[1].metadata.ignoreNullValues is not "false": a lost metric counts as zero'],
      ],
      [
        'Service shop/store',
        (service) => delete service.spec.clusterIP,
        ['StatefulSet shop/store: spec.serviceName "store" is no headless Service of the set'],
      ],
    ]);
  });

  test('Strimzi resources name a cluster of the set', () => {
    expectMessagesBeyondSchema([
      [
        'KafkaNodePool shop/brokers',
        (pool) => (pool.metadata.labels['strimzi.io/cluster'] = 'event'),
        ['KafkaNodePool shop/brokers: label strimzi.io/cluster "event" names no Kafka that watches its namespace'],
      ],
      [
        'KafkaTopic shop/orders',
        (topic) => delete topic.metadata.labels,
        ['KafkaTopic shop/orders: metadata.labels has no strimzi.io/cluster'],
      ],
      [
        'Kafka shop/events',
        (kafka) => (kafka.spec.entityOperator.userOperator.watchedNamespace = 'users'),
        ['KafkaUser shop/web: label strimzi.io/cluster "events" names no Kafka that watches its namespace'],
      ],
    ]);
  });

  test('pods meet the restricted Pod Security standard', () => {
    const store = 'restricted: StatefulSet shop/store: spec.template.spec';
    expectMessagesBeyondSchema([
      [
        'StatefulSet shop/store',
        ({ spec }) => delete spec.template.spec.securityContext,
        [`${store}.containers[0] does not set runAsNonRoot`, `${store}.containers[0] has no seccompProfile RuntimeDefault or Localhost`],
      ],
      [
        'StatefulSet shop/store',
        (manifest) => delete appOf(manifest).securityContext,
        [`${store}.containers[0] does not set allowPrivilegeEscalation to false`, `${store}.containers[0] does not drop ALL capabilities`],
      ],
      [
        'StatefulSet shop/store',
        (manifest) => Object.assign(podOf(manifest), { hostNetwork: true, hostPID: true }),
        [`${store}.hostNetwork is set`, `${store}.hostPID is set`],
      ],
      [
        'StatefulSet shop/store',
        (manifest) => (podOf(manifest).volumes = [{ name: 'logs', hostPath: { path: '/var/log' } }]),
        [`${store}.volumes "logs" is a hostPath`],
      ],
      [
        'StatefulSet shop/store',
        (manifest) => Object.assign(appOf(manifest).securityContext, { privileged: true, runAsUser: 0 }),
        [`${store}.containers[0].securityContext.runAsUser is root`, `${store}.containers[0] is privileged`],
      ],
      [
        'StatefulSet shop/store',
        (manifest) => appOf(manifest).securityContext.capabilities.add.push('SYS_ADMIN'),
        [`${store}.containers[0] adds the capability SYS_ADMIN`],
      ],
      ['StatefulSet shop/store', (manifest) => (appOf(manifest).ports[0].hostPort = 6379), [`${store}.containers[0] takes host port 6379`]],
      [
        'StatefulSet shop/store',
        (manifest) => (podOf(manifest).securityContext.seccompProfile.type = 'Unconfined'),
        [`${store}.containers[0] has no seccompProfile RuntimeDefault or Localhost`],
      ],
    ]);
  });
});
