import { type Rule, isPositiveInteger } from '../../core/rule';
import type { ServiceProps } from './service';

/** The properties of a service with what follows from them. */
export type ServiceInput = ServiceProps & { readonly minReplicas: number; readonly maxReplicas: number; readonly port: number };

/** Rules for a service. */
export const SERVICE_RULES = [
  {
    code: 'Millrace.ServiceInvalid',
    subject: 'image',
    value: (props: ServiceInput) => props.image,
    valid: (image: string) => /^[^\s@]+(:[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})$/.test(image) && !image.endsWith(':latest'),
    allowed: 'an image with a tag other than latest, or a digest',
    fix: 'name the tag or digest that was tested',
  },
  {
    code: 'Millrace.ServiceInvalid',
    subject: 'port',
    value: (props: ServiceInput) => props.port,
    valid: (port: number) => Number.isInteger(port) && port >= 1024 && port <= 65535,
    allowed: '1024-65535: a restricted pod cannot listen below',
    fix: 'let the container listen on 8080',
    tokens: 'refuse' as const,
  },
  {
    code: 'Millrace.ServiceInvalid',
    subject: 'scaling.minReplicas',
    value: (props: ServiceInput) => props.minReplicas,
    valid: isPositiveInteger,
    allowed: 'a whole number above zero',
    fix: 'leave it out for one a zone',
    tokens: 'refuse' as const,
  },
  {
    code: 'Millrace.ServiceInvalid',
    subject: 'scaling.maxReplicas',
    value: (props: ServiceInput) => props.maxReplicas,
    valid: (maximum: number, props: ServiceInput) => isPositiveInteger(maximum) && maximum >= props.minReplicas,
    allowed: (props: ServiceInput) => `a whole number from minReplicas (${props.minReplicas})`,
    fix: 'raise it, or leave it out for twice the size at peak',
    tokens: 'refuse' as const,
  },
  {
    code: 'Millrace.ServiceInvalid',
    subject: 'identity',
    value: (props: ServiceInput) => props.identity?.serviceAccountName,
    valid: (name: string) => /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name),
    allowed: 'a service account whose name is a lower-case DNS subdomain',
    fix: 'use the name of the service account',
  },
];

/** Rules for an address range that a service may call. */
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

/** Rules for the names of environment variables (Kubernetes: IsEnvVarName). */
export function environmentRules(names: readonly string[]): Rule<object>[] {
  return names.map((name) => ({
    code: 'Millrace.ServiceInvalid',
    subject: 'environment',
    value: () => name,
    valid: (given: string) => /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(given),
    allowed: "letters, digits, '-', '_' or '.', not beginning with a digit",
    fix: 'rename the variable',
  }));
}

/** Rules for a label of the pods; the labels of the selector are not to be changed by it. */
export function podLabelRules(selector: Readonly<Record<string, string>>): Rule<{ key: string; value: string }>[] {
  return [
    {
      code: 'Millrace.ServiceInvalid',
      subject: 'key',
      value: (label) => label.key,
      valid: (key: string) =>
        /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(key) && !(key in selector),
      allowed: `a label key of Kubernetes other than ${Object.keys(selector).join(', ')}`,
      fix: 'rename the label: [prefix/]name with a name of at most 63 characters',
    },
    {
      code: 'Millrace.ServiceInvalid',
      subject: 'value',
      value: (label) => label.value,
      valid: (value: string) => /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/.test(value),
      allowed: "at most 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends",
      fix: 'shorten the value',
    },
  ];
}
