import type { Duration } from 'aws-cdk-lib';
import type { Rule } from '../../core/rule';
import type { HealthCheck } from './health-check';
import { LEAST_JVM_MEMORY, setsHeap } from './jvm-environment';
import { DNS_SUBDOMAIN, LABEL_KEY, LABEL_VALUE } from './kubernetes-syntax';
import { schedulingRules } from './scheduling-fields';
import type { WorkloadOptions } from './workload';

/** The properties of a workload with what follows from them. */
export type WorkloadInput = WorkloadOptions & { readonly port?: number; readonly health?: HealthCheck };

const MAX_DRAIN_SECONDS = 7200;

/** Rules for every workload, under the code of its kind. */
export function workloadRules(code: string): Rule<WorkloadInput>[] {
  return [
    {
      code,
      subject: 'image',
      value: (props) => props.image,
      valid: (image: string) => /^[^\s@]+(:[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$/.test(image) && !image.endsWith(':latest'),
      allowed: 'an image with a tag other than latest, or a digest',
      fix: 'name the tag or digest that was tested',
    },
    {
      code,
      subject: 'container.port',
      value: (props) => props.port,
      valid: (port: number) => Number.isInteger(port) && port >= 1024 && port <= 65535,
      allowed: '1024-65535: a restricted pod cannot listen below',
      fix: 'let the container listen on 8080',
      tokens: 'refuse',
    },
    {
      code,
      subject: 'container.drain',
      value: (props) => props.container?.drain,
      valid: (drain: Duration) => isWholeSeconds(drain, 1, MAX_DRAIN_SECONDS),
      allowed: `whole seconds from 1 to ${MAX_DRAIN_SECONDS}`,
      fix: 'use Duration.seconds(…); longer work belongs in a BatchJob, or is to be taken up again by another pod',
      tokens: 'refuse',
    },
    {
      code,
      subject: 'health',
      value: (props) => props.health?.needsPort,
      valid: (needsPort: boolean, props) => !needsPort || props.port !== undefined,
      allowed: 'a check of a port where the container has one',
      fix: 'give container.port, or use HealthCheck.command(…)',
    },
    {
      code,
      subject: 'container.jvmHeap',
      value: (props) => (props.container?.jvmHeap ? props.size.memoryBytes : undefined),
      valid: (bytes: number) => bytes >= LEAST_JVM_MEMORY,
      allowed: 'a memory request from 512 MiB: half of it is for what is not heap',
      fix: 'raise the memory of the size, or leave jvmHeap out and set the heap by hand',
    },
    {
      code,
      subject: 'identity',
      value: (props) => props.identity?.serviceAccountName,
      valid: (name: string) => DNS_SUBDOMAIN.test(name),
      allowed: 'a service account whose name is a lower-case DNS subdomain',
      fix: 'use the name of the service account',
    },
    ...schedulingRules(code),
  ];
}

/** Rules for the environment of a workload (names: Kubernetes, IsEnvVarName). */
export function environmentRules(code: string, environment: Readonly<Record<string, string>>, hasJvmHeap: boolean): Rule<object>[] {
  return Object.entries(environment).flatMap(([name, value]) => [
    {
      code,
      subject: 'environment',
      value: () => name,
      valid: (given: string) => /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(given),
      allowed: "letters, digits, '-', '_' or '.', not beginning with a digit",
      fix: 'rename the variable',
    },
    {
      code,
      subject: `environment.${name}`,
      value: () => value,
      valid: (given: string) => !hasJvmHeap || !setsHeap(name, given),
      allowed: 'no -Xmx, -Xms, RAMPercentage or HeapSize beside container.jvmHeap: the JVM would take one of the two',
      fix: 'set the heap in one place: drop the option, or drop jvmHeap',
    },
  ]);
}

/** Rules for an address range that a workload may call. */
export const CIDR_RULES = [
  {
    code: 'Millrace.CidrInvalid',
    subject: 'cidr',
    value: (input: { cidr: string }) => input.cidr,
    valid: (cidr: string) => {
      const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
      return match !== null && match.slice(1, 5).every((part) => Number(part) <= 255) && Number(match[5]) >= 8 && Number(match[5]) <= 32;
    },
    allowed: 'an IPv4 range from /8 to /32, for example 10.0.0.0/16',
    fix: 'name the range of the VPC or of the subnets',
    tokens: 'refuse' as const,
  },
  {
    code: 'Millrace.CidrInvalid',
    subject: 'port',
    value: (input: { port: number }) => input.port,
    valid: (port: number) => Number.isInteger(port) && port >= 1 && port <= 65535,
    allowed: '1-65535',
    fix: 'name the port',
    tokens: 'refuse' as const,
  },
];

/** Rules for a label of the pods; the labels of the selector are not to be changed by it. */
export function podLabelRules(code: string, selector: Readonly<Record<string, string>>): Rule<{ key: string; value: string }>[] {
  return [
    {
      code,
      subject: 'key',
      value: (label) => label.key,
      valid: (key: string) => LABEL_KEY.test(key) && !(key in selector),
      allowed: `a label key of Kubernetes other than ${Object.keys(selector).join(', ')}`,
      fix: 'rename the label: [prefix/]name with a name of at most 63 characters',
    },
    {
      code,
      subject: 'value',
      value: (label) => label.value,
      valid: (value: string) => LABEL_VALUE.test(value),
      allowed: "at most 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends",
      fix: 'shorten the value',
    },
  ];
}

/** Whether a duration is a whole number of seconds in a range. */
export function isWholeSeconds(duration: Duration, least: number, most: number): boolean {
  const seconds = duration.toSeconds({ integral: false });
  return Number.isSafeInteger(seconds) && seconds >= least && seconds <= most;
}
