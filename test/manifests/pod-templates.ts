import type { Json } from './manifest';
import { groupKindOf, isObject, listOf } from './manifest';

/** Where the kinds that make pods keep their pod template; a Pod is its own. */
const TEMPLATE_FIELDS: Record<string, string[]> = {
  '/Pod': [],
  '/ReplicationController': ['spec', 'template'],
  'apps/Deployment': ['spec', 'template'],
  'apps/ReplicaSet': ['spec', 'template'],
  'apps/StatefulSet': ['spec', 'template'],
  'apps/DaemonSet': ['spec', 'template'],
  'batch/Job': ['spec', 'template'],
  'batch/CronJob': ['spec', 'jobTemplate', 'spec', 'template'],
  'argoproj.io/Rollout': ['spec', 'template'],
  'keda.sh/ScaledJob': ['spec', 'jobTargetRef', 'template'],
};

/** A pod template with the manifest it stands in. */
export interface PodTemplate {
  readonly owner: Json;
  /** Path of the pod's spec in the owner, for messages. */
  readonly path: string;
  readonly labels: Record<string, string>;
  readonly spec: Json;
}

export function podTemplateOf(manifest: Json): PodTemplate | undefined {
  const fields = TEMPLATE_FIELDS[groupKindOf(manifest)];
  const template = fields?.reduce((value, field) => value?.[field], manifest);
  if (!isObject(template?.spec)) return undefined;
  return { owner: manifest, path: [...fields, 'spec'].join('.'), labels: template.metadata?.labels ?? {}, spec: template.spec };
}

export function podTemplatesOf(manifests: Json[]): PodTemplate[] {
  return manifests.map(podTemplateOf).filter((template) => template !== undefined);
}

/** Containers that run for the pod's life: the containers, and init containers restarted always (sidecars). */
export function runningContainers(spec: Json): Json[] {
  return [...listOf(spec.containers), ...listOf(spec.initContainers).filter((container) => container.restartPolicy === 'Always')];
}

/** Every container of the pod with its path. */
export function allContainers(template: PodTemplate): { container: Json; path: string }[] {
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((field) =>
    listOf(template.spec[field]).map((container, index) => ({ container, path: `${template.path}.${field}[${index}]` })),
  );
}

/** Whether a label selector (`matchLabels`, `matchExpressions`) picks these labels; an empty one picks all, an absent one none. */
export function selects(selector: Json, labels: Record<string, string>): boolean {
  if (!isObject(selector)) return false;
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    listOf(selector.matchExpressions).every((expression) => satisfies(expression, labels[expression.key]))
  );
}

function satisfies(expression: Json, value: string | undefined): boolean {
  switch (expression.operator) {
    case 'In':
      return value !== undefined && listOf(expression.values).includes(value);
    case 'NotIn':
      return value === undefined || !listOf(expression.values).includes(value);
    case 'Exists':
      return value !== undefined;
    default:
      return value === undefined;
  }
}
