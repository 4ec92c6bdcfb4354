import type { Json } from './manifest';
import { groupKindOf, listOf } from './manifest';
import { isDnsLabel } from './names-and-labels';
import type { PodTemplate } from './pod-templates';
import { allContainers, runningContainers } from './pod-templates';

/** Ports of Services and NetworkPolicies by themselves. */
export function* checkPorts(manifest: Json): Iterable<string> {
  if (groupKindOf(manifest) === '/Service') yield* checkServicePorts(listOf(manifest.spec?.ports));
  if (groupKindOf(manifest) === 'networking.k8s.io/NetworkPolicy') yield* checkNetworkPolicyPorts(manifest.spec ?? {});
}

/** Ports of a pod: of its containers, and those its probes and hooks call. */
export function* checkPodPorts(template: PodTemplate): Iterable<string> {
  yield* repeated(
    runningContainers(template.spec).flatMap((container) => listOf(container.ports)),
    (port) => `port ${port.containerPort}/${port.protocol ?? 'TCP'}`,
    template.path,
  );
  for (const { container, path } of allContainers(template)) {
    const ports = listOf(container.ports);
    yield* repeated(ports, (port) => port.name && `port name "${port.name}"`, path);
    for (const [index, port] of ports.entries()) yield* checkContainerPort(port, `${path}.ports[${index}]`);
    for (const { port, path: called } of calledPorts(container, path)) yield* checkCalledPort(port, called, ports);
  }
}

function* checkServicePorts(ports: Json[]): Iterable<string> {
  yield* repeated(ports, (port) => `port ${port.port}/${port.protocol ?? 'TCP'}`, 'spec.ports');
  yield* repeated(ports, (port) => port.name && `port name "${port.name}"`, 'spec.ports');
  for (const [index, port] of ports.entries()) {
    const path = `spec.ports[${index}]`;
    if (ports.length > 1 && !port.name) yield `${path}.name is missing: a Service of several ports names each`;
    if (typeof port.name === 'string' && !isDnsLabel(port.name)) yield `${path}.name "${port.name}" is not a DNS label`;
    yield* checkRange(port.port, `${path}.port`);
    yield* checkRange(port.nodePort, `${path}.nodePort`);
    if (typeof port.targetPort === 'number') yield* checkRange(port.targetPort, `${path}.targetPort`);
    else yield* checkPortName(port.targetPort, `${path}.targetPort`);
  }
}

function* checkNetworkPolicyPorts(spec: Json): Iterable<string> {
  for (const direction of ['ingress', 'egress']) {
    for (const [rule, { ports }] of listOf(spec[direction]).entries()) {
      for (const [index, { port, endPort }] of listOf(ports).entries()) {
        const path = `spec.${direction}[${rule}].ports[${index}]`;
        if (typeof port === 'number') yield* checkRange(port, `${path}.port`);
        yield* checkRange(endPort, `${path}.endPort`);
        if (endPort !== undefined && !(endPort >= port)) yield `${path}.endPort ${endPort} is below its port ${port}`;
      }
    }
  }
}

function* checkContainerPort(port: Json, path: string): Iterable<string> {
  yield* checkRange(port.containerPort, `${path}.containerPort`);
  yield* checkRange(port.hostPort, `${path}.hostPort`);
  yield* checkPortName(port.name, `${path}.name`);
}

function* checkCalledPort(port: Json, path: string, ports: Json[]): Iterable<string> {
  if (typeof port === 'number') yield* checkRange(port, path);
  else if (!ports.some(({ name }) => name === port)) yield `${path} "${port}" is not a named port of its container`;
}

function calledPorts(container: Json, path: string): { port: Json; path: string }[] {
  const callers = {
    ...{ livenessProbe: container.livenessProbe, readinessProbe: container.readinessProbe, startupProbe: container.startupProbe },
    ...{ 'lifecycle.preStop': container.lifecycle?.preStop, 'lifecycle.postStart': container.lifecycle?.postStart },
  };
  return Object.entries<Json>(callers).flatMap(([caller, handler]) =>
    ['httpGet', 'tcpSocket', 'grpc']
      .filter((action) => handler?.[action]?.port !== undefined)
      .map((action) => ({ port: handler[action].port, path: `${path}.${caller}.${action}.port` })),
  );
}

function* checkRange(port: Json, path: string): Iterable<string> {
  if (typeof port === 'number' && (port < 1 || port > 65535)) yield `${path} ${port} is not between 1 and 65535`;
}

/** An IANA service name, which is what the name of a container's port must be. */
function* checkPortName(name: Json, path: string): Iterable<string> {
  if (typeof name !== 'string') return;
  const isGood = name.length <= 15 && isDnsLabel(name) && /[a-z]/.test(name) && !name.includes('--');
  if (!isGood) yield `${path} "${name}" is not a port name: at most 15 lower-case letters, digits and single hyphens, one a letter`;
}

function* repeated<T>(entries: T[], keyOf: (entry: T) => string | undefined, path: string): Iterable<string> {
  const seen = new Set<string>();
  for (const key of entries.map(keyOf)) {
    if (key && seen.has(key)) yield `${path} has ${key} twice`;
    if (key) seen.add(key);
  }
}
