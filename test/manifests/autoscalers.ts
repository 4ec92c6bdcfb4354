import type { Json } from './manifest';
import { groupKindOf, isObject, listOf, sameNamespace, subjectOf } from './manifest';

const HPA = 'autoscaling/HorizontalPodAutoscaler';
const SCALED_OBJECT = 'keda.sh/ScaledObject';
const VPA = 'autoscaling.k8s.io/VerticalPodAutoscaler';

/** What autoscalers of a set do to each other, to their target and to what they read. */
export function* checkAutoscalers(manifest: Json, set: Json[]): Iterable<string> {
  const kind = groupKindOf(manifest);
  if (kind === HPA || kind === SCALED_OBJECT) yield* checkOnlyOne(manifest, set);
  if (kind === SCALED_OBJECT) yield* checkScaledObject(manifest, set);
  if (kind === VPA) yield* checkVertical(manifest, set);
}

/** Two owners of one number of replicas set it back and forth; a ScaledObject makes an HPA of its own. */
function* checkOnlyOne(manifest: Json, set: Json[]): Iterable<string> {
  const others = set.filter(
    (other) => other !== manifest && [HPA, SCALED_OBJECT].includes(groupKindOf(other)) && sameTarget(other, manifest),
  );
  for (const other of others) yield `spec.scaleTargetRef is the target of ${subjectOf(other)} too`;
}

function* checkScaledObject(scaled: Json, set: Json[]): Iterable<string> {
  const { fallback, minReplicaCount = 0, maxReplicaCount = 100, triggers } = scaled.spec ?? {};
  if (fallback && (fallback.replicas < minReplicaCount || fallback.replicas > maxReplicaCount)) {
    yield `spec.fallback.replicas ${fallback.replicas} is not between ${minReplicaCount} and ${maxReplicaCount}`;
  }
  for (const [index, trigger] of listOf(triggers).entries()) {
    const path = `spec.triggers[${index}]`;
    const name = trigger.authenticationRef?.name;
    const isThere = set.some(
      (other) => other.kind === 'TriggerAuthentication' && sameNamespace(other, scaled) && other.metadata?.name === name,
    );
    if (name && !isThere) yield `${path}.authenticationRef ${name} is not in the set`;
    if (fallback && (['cpu', 'memory'].includes(trigger.type) || (trigger.metricType ?? 'AverageValue') !== 'AverageValue')) {
      yield `${path} has no fallback: KEDA has one for AverageValue alone, and none for cpu and memory`;
    }
    if (trigger.type === 'prometheus' && trigger.metadata?.ignoreNullValues !== 'false') {
      yield `${path}.metadata.ignoreNullValues is not "false": a lost metric counts as zero`;
    }
    const partitions = trigger.type === 'kafka' ? partitionsOf(trigger.metadata?.topic, set) : undefined;
    if (partitions !== undefined && maxReplicaCount > partitions) {
      yield `spec.maxReplicaCount ${maxReplicaCount} is above the ${partitions} partitions of ${trigger.metadata.topic}`;
    }
  }
}

function partitionsOf(topic: Json, set: Json[]): number | undefined {
  const found = set.find(
    (other) => groupKindOf(other) === 'kafka.strimzi.io/KafkaTopic' && (other.spec?.topicName ?? other.metadata?.name) === topic,
  );
  return found?.spec.partitions;
}

/** A request that a vertical autoscaler sets is what the utilisation of a horizontal one is a share of. */
function* checkVertical(vertical: Json, set: Json[]): Iterable<string> {
  const { kind, name } = vertical.spec?.targetRef ?? {};
  const isThere = set.some((other) => other.kind === kind && other.metadata?.name === name && sameNamespace(other, vertical));
  if (!isThere) yield `spec.targetRef ${kind} ${name} is not in the set`;
  if (vertical.spec?.updatePolicy?.updateMode === 'Off') return;
  const policies = listOf(vertical.spec?.resourcePolicy?.containerPolicies);
  const controlled =
    policies.length > 0 ? policies.flatMap((policy) => policy.controlledResources ?? ['cpu', 'memory']) : ['cpu', 'memory'];
  const horizontal = set.filter((other) => [HPA, SCALED_OBJECT].includes(groupKindOf(other)) && sameTarget(other, vertical));
  for (const other of horizontal) {
    for (const resource of utilisationsOf(other).filter((each) => controlled.includes(each))) {
      yield `controls ${resource}, by whose utilisation ${subjectOf(other)} scales`;
    }
  }
}

function utilisationsOf({ spec }: Json): string[] {
  const metrics = listOf(spec.metrics).flatMap((metric) => metric.resource ?? metric.containerResource ?? []);
  const triggers = listOf(spec.triggers).map(({ type }) => type);
  return [...metrics.map(({ name }: Json) => name), ...triggers.filter((type) => ['cpu', 'memory'].includes(type))];
}

function sameTarget(one: Json, other: Json): boolean {
  const targetOf = ({ spec }: Json) => spec?.scaleTargetRef ?? spec?.targetRef;
  const [a, b] = [targetOf(one), targetOf(other)];
  const isSame = isObject(a) && isObject(b) && (a.kind ?? 'Deployment') === (b.kind ?? 'Deployment') && a.name === b.name;
  return isSame && sameNamespace(one, other);
}
