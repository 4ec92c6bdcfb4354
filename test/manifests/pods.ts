import type { Json } from './manifest';
import { groupKindOf, listOf } from './manifest';
import { isDnsLabel } from './names-and-labels';
import type { PodTemplate } from './pod-templates';
import { allContainers, selects } from './pod-templates';

const DEFAULT_GRACE_PERIOD_SECONDS = 30;

/** What a pod template says about itself. */
export function* checkPod(template: PodTemplate): Iterable<string> {
  yield* checkOwnSelector(template);
  yield* checkRestartPolicy(template);
  yield* checkContainerNames(template);
  yield* checkVolumes(template);
  yield* checkTopologySpread(template);
  yield* checkPreStop(template);
}

/** A Job makes its own selector, so only one that is written is compared. */
function* checkOwnSelector({ owner, labels }: PodTemplate): Iterable<string> {
  const selector = owner.spec.selector ?? undefined;
  const isLabelSelector = ['apps', 'batch', 'argoproj.io'].some((group) => groupKindOf(owner).startsWith(`${group}/`));
  if (!isLabelSelector || selector === undefined) return;
  if (isEmpty(selector.matchLabels) && isEmpty(selector.matchExpressions)) yield 'spec.selector is empty';
  else if (!selects(selector, labels)) yield `spec.selector does not match the labels of its pod template ${JSON.stringify(labels)}`;
}

function isEmpty(part: Json): boolean {
  return Object.keys(part ?? {}).length === 0;
}

function* checkRestartPolicy({ owner, path, spec }: PodTemplate): Iterable<string> {
  const policy = spec.restartPolicy ?? 'Always';
  const isJob = ['batch/Job', 'batch/CronJob', 'keda.sh/ScaledJob'].includes(groupKindOf(owner));
  if (isJob && policy === 'Always') yield `${path}.restartPolicy must be Never or OnFailure for a ${owner.kind}`;
  if (!isJob && owner.kind !== 'Pod' && policy !== 'Always') yield `${path}.restartPolicy must be Always for a ${owner.kind}`;
}

function* checkContainerNames(template: PodTemplate): Iterable<string> {
  const containers = allContainers(template);
  if (listOf(template.spec.containers).length === 0) yield `${template.path}.containers is empty`;
  for (const { container, path } of containers) {
    if (!isDnsLabel(String(container.name))) yield `${path}.name "${container.name}" is not a DNS label`;
  }
  for (const name of repeats(containers.map(({ container }) => container.name))) yield `${template.path} has two containers "${name}"`;
}

function* checkVolumes(template: PodTemplate): Iterable<string> {
  const claims = listOf(template.owner.spec.volumeClaimTemplates).map((claim) => claim.metadata?.name);
  const volumes = listOf(template.spec.volumes).map((volume) => volume.name);
  for (const name of repeats(volumes)) yield `${template.path}.volumes has "${name}" twice`;
  for (const { container, path } of allContainers(template)) {
    const mounts = [...listOf(container.volumeMounts), ...listOf(container.volumeDevices)];
    for (const { name } of mounts) {
      if (![...volumes, ...claims].includes(name)) yield `${path} mounts "${name}", which is not a volume of the pod`;
    }
    for (const mountPath of repeats(listOf(container.volumeMounts).map((mount) => mount.mountPath))) {
      yield `${path} mounts "${mountPath}" twice`;
    }
  }
}

/** A constraint that does not count the pod's own kind spreads nothing. */
function* checkTopologySpread({ spec, path, labels }: PodTemplate): Iterable<string> {
  for (const [index, constraint] of listOf(spec.topologySpreadConstraints).entries()) {
    if (selects(constraint.labelSelector, labels)) continue;
    yield `${path}.topologySpreadConstraints[${index}].labelSelector does not match the pod's own labels`;
  }
}

function* checkPreStop(template: PodTemplate): Iterable<string> {
  const grace = template.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_PERIOD_SECONDS;
  for (const { container, path } of allContainers(template)) {
    const sleep = sleepSeconds(container.lifecycle?.preStop);
    if (sleep >= grace) yield `${path}.lifecycle.preStop sleeps ${sleep} s, which terminationGracePeriodSeconds ${grace} does not outlast`;
  }
}

function sleepSeconds(preStop: Json): number {
  if (preStop?.sleep) return preStop.sleep.seconds;
  const command = listOf(preStop?.exec?.command).join(' ');
  return Number(/\bsleep\s+(\d+)/.exec(command)?.[1] ?? 0);
}

function repeats(names: string[]): Set<string> {
  return new Set(names.filter((name, index) => names.indexOf(name) !== index));
}
