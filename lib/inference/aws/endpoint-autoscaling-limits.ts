import type { EndpointScaling } from '../endpoint-scaling';
import type { EndpointSizing } from '../endpoint-sizing';
import type { EndpointHosting } from './endpoint-hosting';

/** Within which bounds one variant scales. */
export interface ScalingLimits {
  readonly least: number;
  readonly most: number;
}

/** The bounds of a variant: those given, else one in each zone and twice what it begins with. */
export function capacityLimits(
  scaling: EndpointScaling,
  hosting: EndpointHosting,
  sizing: EndpointSizing,
  replicas: number,
): ScalingLimits {
  const { minReplicas, maxReplicas } = scaling.limits;
  const { _serverless: serverless } = hosting;
  if (serverless) return { least: minReplicas ?? serverless.provisionedConcurrency ?? 1, most: maxReplicas ?? replicas };
  return { least: minReplicas ?? Math.min(sizing.zones, replicas), most: maxReplicas ?? 2 * replicas };
}
