import type { Json } from './manifest';
import { groupKindOf, listOf, sameNamespace, subjectOf } from './manifest';
import type { PodTemplate } from './pod-templates';
import { podTemplateOf, podTemplatesOf, runningContainers, selects } from './pod-templates';
import { checkStrimziCluster } from './strimzi-references';

/** Kinds whose operators make pods no manifest of the set describes. */
const POD_MAKING_KINDS = new Set([
  ...['Kafka', 'KafkaConnect', 'KafkaBridge', 'KafkaMirrorMaker2'].map((kind) => `kafka.strimzi.io/${kind}`),
  ...['FlinkDeployment', 'FlinkBlueGreenDeployment'].map((kind) => `flink.apache.org/${kind}`),
  ...['RayCluster', 'RayService', 'RayJob'].map((kind) => `ray.io/${kind}`),
  ...['SparkApplication', 'ScheduledSparkApplication', 'SparkConnect'].map((kind) => `sparkoperator.k8s.io/${kind}`),
  ...['InferenceService', 'InferenceGraph', 'LLMInferenceService'].map((kind) => `serving.kserve.io/${kind}`),
  ...['leaderworkerset.x-k8s.io/LeaderWorkerSet', 'feast.dev/FeatureStore', 'registry.apicur.io/ApicurioRegistry3'],
  ...['Kafka', 'KRaftController', 'SchemaRegistry', 'Connect'].map((kind) => `platform.confluent.io/${kind}`),
  ...['monitoring.coreos.com/Prometheus', 'grafana.integreatly.org/Grafana'],
]);

/** What one object says of the others in the set. */
export function* checkReferences(manifest: Json, set: Json[]): Iterable<string> {
  switch (groupKindOf(manifest)) {
    case 'autoscaling/HorizontalPodAutoscaler':
      return yield* checkAutoscaler(manifest, set, ['minReplicas', 'maxReplicas']);
    case 'keda.sh/ScaledObject':
      return yield* checkAutoscaler(manifest, set, ['minReplicaCount', 'maxReplicaCount']);
    case 'policy/PodDisruptionBudget':
      return yield* checkDisruptionBudget(manifest, set);
    case '/Service':
      return yield* checkService(manifest, set);
    default:
      yield* checkGoverningService(manifest, set);
      yield* checkServiceAccount(manifest, set);
      yield* checkStrimziCluster(manifest, set);
  }
}

function* checkAutoscaler(autoscaler: Json, set: Json[], [min, max]: string[]): Iterable<string> {
  const spec = autoscaler.spec ?? {};
  if (spec[min] > spec[max]) yield `spec.${min} ${spec[min]} is above ${max} ${spec[max]}`;
  const { apiVersion = 'apps/v1', kind = 'Deployment', name } = spec.scaleTargetRef ?? {};
  const isTarget = (other: Json) => other.apiVersion === apiVersion && other.kind === kind && other.metadata?.name === name;
  const isThere = set.some((other) => isTarget(other) && sameNamespace(other, autoscaler));
  if (!isThere) yield `spec.scaleTargetRef ${apiVersion} ${kind} ${name} is not in the set`;
}

function* checkDisruptionBudget(budget: Json, set: Json[]): Iterable<string> {
  const { minAvailable, maxUnavailable, selector } = budget.spec ?? {};
  const [hasMin, hasMax] = [minAvailable !== undefined, maxUnavailable !== undefined];
  if (hasMin && hasMax) yield 'spec has both minAvailable and maxUnavailable, not exactly one';
  if (!hasMin && !hasMax) yield 'spec has neither minAvailable nor maxUnavailable, not exactly one';
  if (selectedPods(budget, selector, set).length === 0 && !isOperatorsPods(budget, selector?.matchLabels, set)) {
    yield `spec.selector matches no pod template of the set`;
  }
}

function* checkService(service: Json, set: Json[]): Iterable<string> {
  const { selector, type, ports } = service.spec ?? {};
  if (!selector || type === 'ExternalName' || isOperatorsPods(service, selector, set)) return;
  const pods = selectedPods(service, { matchLabels: selector }, set);
  if (pods.length === 0) return yield `spec.selector matches no pod template of the set`;
  for (const [index, port] of listOf(ports).entries()) {
    const target = port.targetPort ?? port.port;
    if (pods.some((pod) => exposes(pod, target, port.protocol ?? 'TCP'))) continue;
    yield `spec.ports[${index}].targetPort ${target} is not exposed by ${pods.map((pod) => subjectOf(pod.owner)).join(', ')}`;
  }
}

function exposes(pod: PodTemplate, target: number | string, protocol: string): boolean {
  const ports = runningContainers(pod.spec).flatMap((container) => listOf(container.ports));
  return ports.some((port) => (port.protocol ?? 'TCP') === protocol && (port.containerPort === target || port.name === target));
}

function selectedPods(from: Json, selector: Json, set: Json[]): PodTemplate[] {
  return podTemplatesOf(set).filter((pod) => sameNamespace(pod.owner, from) && selects(selector, pod.labels));
}

/** Operators label their pods with the name of the resource they serve, so a selector holding that name is left to them. */
function isOperatorsPods(from: Json, labels: Json, set: Json[]): boolean {
  const makers = set.filter((other) => POD_MAKING_KINDS.has(groupKindOf(other)) && sameNamespace(other, from));
  return makers.some((maker) => Object.values(labels ?? {}).includes(maker.metadata?.name));
}

/** Without its headless Service the members of a StatefulSet have no names. */
function* checkGoverningService(manifest: Json, set: Json[]): Iterable<string> {
  if (groupKindOf(manifest) !== 'apps/StatefulSet') return;
  const name = manifest.spec?.serviceName;
  const service = set.find((other) => groupKindOf(other) === '/Service' && sameNamespace(other, manifest) && other.metadata?.name === name);
  if (service?.spec.clusterIP !== 'None') yield `spec.serviceName "${name}" is no headless Service of the set`;
}

function* checkServiceAccount(manifest: Json, set: Json[]): Iterable<string> {
  const name = podTemplateOf(manifest)?.spec.serviceAccountName;
  const accounts = set.filter((other) => groupKindOf(other) === '/ServiceAccount' && sameNamespace(other, manifest));
  const isNamed = accounts.some((account) => account.metadata?.name === name);
  if (name && name !== 'default' && accounts.length > 0 && !isNamed) {
    yield `serviceAccountName "${name}" is none of ${accounts.map(subjectOf).join(', ')}`;
  }
}
