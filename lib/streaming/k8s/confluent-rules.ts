import type { Rule } from '../../core/rule';

interface ClusterInput {
  readonly namespace?: string;
  readonly principal: string;
}

const PRINCIPAL = /^[a-zA-Z0-9.-]{1,64}$/;

/** The rule for a principal: the common name of a certificate, which holds 64 characters (RFC 5280). */
export function principalRule<P extends { readonly principal: string }>(): Rule<P> {
  return {
    code: 'Millrace.ConfluentPrincipalInvalid',
    subject: 'principal',
    value: (input) => input.principal,
    valid: (principal: unknown) => typeof principal === 'string' && PRINCIPAL.test(principal),
    allowed: "1-64 letters, digits, '.' or '-': a common name that the cluster makes a principal of",
    fix: 'rename it, and issue the certificate with that common name',
    tokens: 'refuse',
  };
}

/** The rule for a secret that a component reads: no reference takes more (CFK, `secretRef`). */
export function secretNameRule(subject: string, name: string): Rule<unknown> {
  return {
    code: 'Millrace.ConfluentSecretInvalid',
    subject,
    value: () => name ?? null,
    valid: (value: unknown) => typeof value === 'string' && /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value),
    tokens: 'refuse',
    allowed: "the name of a secret: 1-63 lower-case letters, digits or '-'",
    fix: 'rename the secret',
  };
}

/** Rules for a cluster beside those of every cluster on Kubernetes. */
export function confluentClusterRules(): Rule<ClusterInput>[] {
  return [
    {
      code: 'Millrace.ConfluentNamespaceMissing',
      subject: 'namespace of the chart',
      value: (input) => input.namespace ?? null,
      valid: (namespace: unknown) => typeof namespace === 'string',
      allowed: 'a namespace: components of a cluster find each other by their full names',
      fix: 'give the chart a namespace',
    },
    principalRule(),
  ];
}
