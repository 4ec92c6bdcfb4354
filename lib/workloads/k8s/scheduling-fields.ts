import type { Rule } from '../../core/rule';
import { DNS_SUBDOMAIN, LABEL_KEY, LABEL_VALUE } from './kubernetes-syntax';
import { type PodScheduling, TaintEffect } from './pod-scheduling';

/** Annotation that says what keeps pods on one GPU apart. */
export const GPU_ISOLATION_ANNOTATION = 'millrace.io/gpu-isolation';

/** The fields of a pod for its scheduling, without the spread. */
export function schedulingFields(scheduling: PodScheduling): Record<string, unknown> {
  const { gpu, priorityClassName } = scheduling;
  const nodeSelector = { ...scheduling.nodeSelector, ...(gpu?.model ? { [gpu.model.label]: gpu.model.value } : {}) };
  const tolerations = [
    ...(scheduling.tolerations ?? []).map(({ key, value, effect }) => ({
      key,
      operator: value === undefined ? 'Exists' : 'Equal',
      ...(value === undefined ? {} : { value }),
      ...(effect ? { effect } : {}),
    })),
    // Nodes with GPUs carry this taint, so that nothing else fills them.
    ...(gpu ? [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: TaintEffect.NO_SCHEDULE }] : []),
  ];
  return {
    ...(Object.keys(nodeSelector).length > 0 ? { nodeSelector } : {}),
    ...(tolerations.length > 0 ? { tolerations } : {}),
    ...(priorityClassName ? { priorityClassName } : {}),
  };
}

/** Rules for the scheduling of a workload. */
export function schedulingRules(code: string): Rule<{ readonly scheduling?: PodScheduling }>[] {
  return [
    {
      code,
      subject: 'scheduling.nodeSelector',
      value: (props) => props.scheduling?.nodeSelector,
      valid: (labels: Record<string, string>) =>
        Object.entries(labels).every(([key, value]) => LABEL_KEY.test(key) && LABEL_VALUE.test(value)),
      allowed: 'labels of Kubernetes: keys [prefix/]name, values of at most 63 characters',
      fix: 'read them from a node: kubectl get nodes --show-labels',
    },
    {
      code,
      subject: 'scheduling.tolerations',
      value: (props) => props.scheduling?.tolerations?.map(({ key, value = '' }) => [key, value]),
      valid: (taints: string[][]) => taints.every(([key, value]) => LABEL_KEY.test(key) && LABEL_VALUE.test(value)),
      allowed: 'taints of Kubernetes: a key, and a value of at most 63 characters or none',
      fix: 'read them from a node: kubectl get nodes -o jsonpath={..taints}',
    },
    {
      code,
      subject: 'scheduling.priorityClassName',
      value: (props) => props.scheduling?.priorityClassName,
      valid: (name: string) => DNS_SUBDOMAIN.test(name),
      allowed: 'the name of a priority class, a lower-case DNS subdomain',
      fix: 'use a name that kubectl get priorityclasses lists',
    },
  ];
}
