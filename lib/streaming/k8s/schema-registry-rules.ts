import type { Rule } from '../../core/rule';
import type { SchemaRegistryAttributes } from './schema-registry';

/** Rules for an imported registry. */
export const SCHEMA_REGISTRY_RULES: readonly Rule<SchemaRegistryAttributes>[] = [
  {
    code: 'Millrace.SchemaRegistryInvalid',
    subject: 'url',
    value: (attributes) => attributes.url ?? null,
    // It stands in a shell script, within single quotes.
    valid: (url: unknown) => typeof url === 'string' && /^https?:\/\/[A-Za-z0-9.-]+(:\d{1,5})?(\/[A-Za-z0-9._~/-]*)?$/.test(url),
    allowed: 'http(s)://<host>[:<port>][/<path>], without user, password and query',
    fix: 'give the address as clients set it; credentials go into credentialsSecretName',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.SchemaRegistryInvalid',
    subject: 'podSelector, cidr',
    value: (attributes) => [attributes.podSelector && 'podSelector', attributes.cidr && 'cidr'].filter(Boolean),
    valid: (given: string[]) => given.length === 1,
    allowed: 'either the labels of its pods or its address range: the network policy of a registering job lets through nothing else',
    fix: 'give podSelector for a registry in this Kubernetes cluster, cidr for one elsewhere',
  },
];

/** Port of an address. */
export function portOf(url: string): number {
  const [, scheme, port] = /^(https?):\/\/[^/:]+(?::(\d+))?/.exec(url)!;
  return port ? Number(port) : scheme === 'https' ? 443 : 80;
}
