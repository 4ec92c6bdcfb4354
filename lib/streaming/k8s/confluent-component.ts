import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { type Rule, isPositiveInteger } from '../../core/rule';
import type { IConfluentCluster } from './confluent-cluster';
import { principalRule, secretNameRule } from './confluent-rules';

interface ComponentInput {
  readonly principal: string;
  readonly replicas: number;
  readonly cluster: IConfluentCluster;
  readonly scope: Construct;
}

/** Name of a component beside its cluster, and of its certificate. */
export function componentName(cluster: IConfluentCluster, component: string): string {
  return `${cluster.clusterName}-${component}`;
}

/** Rules for Schema Registry and Connect. */
export function componentRules(certificateSecretName: string): Rule<ComponentInput>[] {
  return [
    principalRule(),
    secretNameRule('certificateSecretName', certificateSecretName),
    {
      code: 'Millrace.ConfluentComponentInvalid',
      subject: 'principal',
      value: (input) => input.principal,
      valid: (name: unknown) => /^[a-z]([a-z0-9-]{0,48}[a-z0-9])?$/.test(String(name)),
      allowed: "1-50 lower-case letters, digits or '-', beginning with a letter: it names the service too, and the operator appends to it",
      fix: 'rename it',
    },
    {
      code: 'Millrace.ConfluentComponentInvalid',
      subject: 'replicas',
      value: (input) => input.replicas,
      valid: isPositiveInteger,
      allowed: 'a whole number above zero',
      fix: 'leave it out for two',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.ConfluentComponentInvalid',
      subject: 'scope',
      value: (input) => Chart.of(input.scope).namespace ?? null,
      valid: (namespace: unknown, input) => namespace === input.cluster.namespace,
      allowed: 'a chart in the namespace of the cluster, whose secrets and network it shares',
      fix: 'move it into the chart of the cluster',
    },
  ];
}
