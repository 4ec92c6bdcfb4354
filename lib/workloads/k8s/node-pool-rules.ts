import type { Duration, Size } from 'aws-cdk-lib';
import type { Rule } from '../../core/rule';
import { bytesOf } from '../pod-amounts';
import type { NodePoolProps } from './node-pool';

const CODE = 'Millrace.NodePoolInvalid';
const LABEL_KEY = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
// Domains whose labels Karpenter or the kubelet set (CEL rules of the NodePool resource).
const RESERVED_DOMAINS = /(^|\.)(kubernetes\.io|k8s\.io|karpenter\.sh|karpenter\.k8s\.aws)\//;
const CRON_FIELD = /^[\d*/,A-Za-z-]+$/;
const MIN_VOLUME_GIB = 20;
const MAX_VOLUME_GIB = 16_384;
const MAX_GROWTH = 1000;

const gib = (size: Size) => bytesOf(size) / 1024 ** 3;
const seconds = (duration: Duration) => duration.toMilliseconds({ integral: false }) / 1000;

/** A duration as Karpenter writes it, in the largest unit that is exact. */
export function karpenterDuration(duration: Duration): string {
  const all = duration.toSeconds();
  if (all % 3600 === 0 && all > 0) return `${all / 3600}h`;
  return all % 60 === 0 && all > 0 ? `${all / 60}m` : `${all}s`;
}

/** Rules for a node pool. */
export function nodePoolRules(props: NodePoolProps): Rule<NodePoolProps>[] {
  return [...NODE_CLASS_RULES, ...POOL_RULES, ...windowRules(props), ...labelRules(props)];
}

const NODE_CLASS_RULES: Rule<NodePoolProps>[] = [
  {
    code: CODE,
    subject: 'nodeClass.clusterName',
    value: ({ nodeClass }) => nodeClass.clusterName,
    valid: (name: string) => /^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/.test(name),
    allowed: 'the name of an EKS cluster',
    fix: 'use the name, not the ARN; subnets and security groups are found by their tag karpenter.sh/discovery of this value',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'nodeClass.role',
    value: ({ nodeClass }) => nodeClass.role,
    valid: (role: string) => /^[\w+=,.@-]{1,64}$/.test(role),
    allowed: 'the name of an IAM role, of at most 64 characters',
    fix: 'use the name, not the ARN and not the path',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'nodeClass.image',
    value: ({ nodeClass }) => nodeClass.image.alias,
    valid: (alias: string) => /^(al2023@v20\d{6}|bottlerocket@v\d+\.\d+\.\d+)$/.test(alias),
    allowed: 'a release, as al2023@v20260810 or bottlerocket@v1.49.0: latest would replace all nodes on the day AWS releases an image',
    fix: "name the release that was tested, for example NodeImage.al2023('v20260810')",
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'nodeClass.volumeSize',
    value: ({ nodeClass }) => nodeClass.volumeSize,
    valid: (size: Size) => Number.isInteger(gib(size)) && gib(size) >= MIN_VOLUME_GIB && gib(size) <= MAX_VOLUME_GIB,
    allowed: `${MIN_VOLUME_GIB} to ${MAX_VOLUME_GIB} GiB, whole ones`,
    fix: 'use Size.gibibytes(…)',
    tokens: 'refuse',
  },
];

const durationRule = (subject: 'consolidateAfter' | 'expireAfter' | 'terminationGracePeriod', least: number): Rule<NodePoolProps> => ({
  code: CODE,
  subject: `disruption.${subject}`,
  value: ({ disruption }) => disruption?.[subject],
  valid: (duration: Duration) => Number.isInteger(seconds(duration)) && seconds(duration) >= least,
  allowed: `whole seconds, from ${least}`,
  fix: 'use Duration.minutes(…) or Duration.hours(…)',
  tokens: 'refuse',
});

const POOL_RULES: Rule<NodePoolProps>[] = [
  durationRule('consolidateAfter', 0),
  durationRule('expireAfter', 3600),
  durationRule('terminationGracePeriod', 60),
  {
    code: CODE,
    subject: 'disruption.maxNodesPercent',
    value: ({ disruption }) => disruption?.maxNodesPercent,
    valid: (percent: number) => Number.isInteger(percent) && percent >= 1 && percent <= 100,
    allowed: 'a whole number from 1 to 100',
    fix: 'leave it out for 10; to forbid disruptions for a time, use quietWindows',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'scheduling.weight',
    value: ({ scheduling }) => scheduling?.weight,
    valid: (weight: number) => Number.isInteger(weight) && weight >= 1 && weight <= 100,
    allowed: 'a whole number from 1 to 100',
    fix: 'leave it out where pools do not compete',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'growth',
    value: ({ growth }) => growth,
    valid: (growth: number) => Number.isFinite(growth) && growth >= 0 && growth <= MAX_GROWTH,
    allowed: `percent, from 0 to ${MAX_GROWTH}`,
    fix: 'leave it out for 50',
    tokens: 'refuse',
  },
];

function windowRules({ disruption }: NodePoolProps): Rule<NodePoolProps>[] {
  return (disruption?.quietWindows ?? []).flatMap((window, index): Rule<NodePoolProps>[] => [
    {
      code: CODE,
      subject: `disruption.quietWindows[${index}].schedule`,
      value: () => window.schedule,
      valid: (schedule: string) => schedule.split(' ').length === 5 && schedule.split(' ').every((field) => CRON_FIELD.test(field)),
      allowed: 'five fields of cron, in UTC',
      fix: "write for example '0 8 * * mon-fri'",
      tokens: 'refuse',
    },
    {
      code: CODE,
      subject: `disruption.quietWindows[${index}].duration`,
      value: () => window.duration,
      valid: (duration: Duration) => seconds(duration) > 0 && seconds(duration) % 60 === 0,
      allowed: 'whole minutes above zero',
      fix: 'use Duration.hours(…)',
      tokens: 'refuse',
    },
  ]);
}

function labelRules({ scheduling }: NodePoolProps): Rule<NodePoolProps>[] {
  const rule = (subject: string, given: string, pattern: RegExp, allowed: string): Rule<NodePoolProps> => ({
    code: CODE,
    subject,
    value: () => given,
    valid: (text: string) => pattern.test(text) && !RESERVED_DOMAINS.test(text),
    allowed,
    fix: 'rename it',
    tokens: 'refuse',
  });
  const key = 'a key [prefix/]name of Kubernetes outside of kubernetes.io, k8s.io, karpenter.sh and karpenter.k8s.aws';
  const value = "at most 63 letters, digits, '-', '_' or '.', with a letter or digit at both ends";
  return [
    ...Object.entries(scheduling?.labels ?? {}).flatMap(([name, text]) => [
      rule('scheduling.labels', name, LABEL_KEY, key),
      rule(`scheduling.labels['${name}']`, text, LABEL_VALUE, value),
    ]),
    ...(scheduling?.taints ?? []).flatMap((taint, index) => [
      rule(`scheduling.taints[${index}].key`, taint.key, LABEL_KEY, key),
      rule(`scheduling.taints[${index}].value`, taint.value ?? '', LABEL_VALUE, value),
    ]),
  ];
}
