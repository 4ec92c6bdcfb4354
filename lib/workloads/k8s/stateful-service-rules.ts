import type { Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import { type Rule, isPositiveInteger } from '../../core/rule';
import { DNS_SUBDOMAIN } from './kubernetes-syntax';
import type { StatefulServiceProps } from './stateful-service';
import { STATEFUL_SERVICE_KIND } from './workload-kind';

const { code } = STATEFUL_SERVICE_KIND;
const MIB = 1024 * 1024;
const MAX_MEMBERS = 100;

/** Rules for the members of a stateful service. */
export function statefulServiceRules(): Rule<StatefulServiceProps & { readonly replicas: number }>[] {
  return [
    {
      code,
      subject: 'members.storage',
      value: (props) => props.members.storage,
      valid: (storage: Size) => isPositiveInteger(storage.toBytes({ rounding: 2 as SizeRoundingBehavior }) / MIB),
      allowed: 'whole mebibytes above zero',
      fix: 'use Size.gibibytes(…), with room to grow: the size of a running volume claim template cannot change',
      tokens: 'refuse',
    },
    {
      code,
      subject: 'members.storageClassName',
      value: (props) => props.members.storageClassName,
      valid: (name: string) => DNS_SUBDOMAIN.test(name),
      allowed: 'the name of a storage class, a lower-case DNS subdomain',
      fix: 'use a name that kubectl get storageclasses lists',
    },
    {
      code,
      subject: 'members.replicas',
      value: (props) => props.replicas,
      valid: (replicas: number) => isPositiveInteger(replicas) && replicas <= MAX_MEMBERS,
      allowed: `a whole number from 1 to ${MAX_MEMBERS}`,
      fix: 'leave it out for the replicas of the size',
      tokens: 'refuse',
    },
    {
      code,
      subject: 'members.mountPath',
      value: (props) => props.members.mountPath,
      valid: (path: string) => /^\/[^\s:]+$/.test(path) && path !== '/tmp',
      allowed: 'an absolute path other than / and /tmp',
      fix: 'leave it out for /data',
    },
  ];
}
