import { cost } from '../lib';

/** What the two flavours of the reference platform must agree on. */
export const VPC_CIDR = '10.20.0.0/16';
export const EKS_CLUSTER = 'ml';
export const EKS_NODE_SECURITY_GROUP = 'sg-0a1b2c3d4e5f60718';
export const RADAR = { namespace: 'fraud', serviceAccountName: 'radar', groupId: 'fraud-features' } as const;

/** One owner for the templates and the manifests of a service. */
export function allocationOf(team: string, service: string): cost.CostAllocation {
  return new cost.CostAllocation({ team, service, costCenter: 'CC-1042', environment: 'prod' });
}
