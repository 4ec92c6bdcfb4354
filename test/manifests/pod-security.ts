import type { Json } from './manifest';
import { isObject, listOf } from './manifest';
import type { PodTemplate } from './pod-templates';
import { allContainers } from './pod-templates';

const ALLOWED_VOLUMES = 'configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret'.split(' ');

/** What the Pod Security standard `restricted` refuses. */
export function* checkRestricted(template: PodTemplate): Iterable<string> {
  const { spec, path } = template;
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) {
    if (spec[field]) yield `${path}.${field} is set`;
  }
  for (const volume of listOf(spec.volumes)) {
    const type = Object.keys(volume).find((key) => key !== 'name') ?? 'emptyDir';
    if (!ALLOWED_VOLUMES.includes(type)) yield `${path}.volumes "${volume.name}" is a ${type}`;
  }
  if (spec.securityContext?.runAsUser === 0) yield `${path}.securityContext.runAsUser is root`;
  for (const { container, path: containerPath } of allContainers(template)) yield* checkContainer(container, containerPath, spec);
}

function* checkContainer(container: Json, path: string, pod: Json): Iterable<string> {
  const security: Json = isObject(container.securityContext) ? container.securityContext : {};
  if ((security.runAsNonRoot ?? pod.securityContext?.runAsNonRoot) !== true) yield `${path} does not set runAsNonRoot`;
  if (security.runAsUser === 0) yield `${path}.securityContext.runAsUser is root`;
  if (security.privileged) yield `${path} is privileged`;
  if (security.allowPrivilegeEscalation !== false) yield `${path} does not set allowPrivilegeEscalation to false`;
  if (!listOf(security.capabilities?.drop).includes('ALL')) yield `${path} does not drop ALL capabilities`;
  for (const capability of listOf(security.capabilities?.add)) {
    if (capability !== 'NET_BIND_SERVICE') yield `${path} adds the capability ${capability}`;
  }
  const profile = (security.seccompProfile ?? pod.securityContext?.seccompProfile)?.type;
  if (!['RuntimeDefault', 'Localhost'].includes(profile)) yield `${path} has no seccompProfile RuntimeDefault or Localhost`;
  if (security.procMount && security.procMount !== 'Default') yield `${path} sets procMount ${security.procMount}`;
  for (const port of listOf(container.ports)) {
    if (port.hostPort) yield `${path} takes host port ${port.hostPort}`;
  }
}
