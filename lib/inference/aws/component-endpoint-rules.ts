import { type Rule, isPositiveInteger } from '../../core/rule';
import type { ComponentEndpointProps } from './component-endpoint';
import { INSTANCE_RULES, NAME, NAME_ALLOWED } from './hosting-rules';
import { capacityOf, isBurstable } from './instance-facts';

/** What instances keep to that components share. */
export const COMPONENT_ENDPOINT_RULES: readonly Rule<ComponentEndpointProps>[] = [
  {
    code: 'Millrace.EndpointNameInvalid',
    subject: 'endpointName',
    value: ({ endpointName }) => endpointName,
    valid: (name: string) => NAME.test(name),
    allowed: NAME_ALLOWED,
    fix: 'leave it out for a name from the construct path',
    tokens: 'refuse',
  },
  ...INSTANCE_RULES.map((rule): Rule<ComponentEndpointProps> => rule),
  {
    code: 'Millrace.EndpointScalingUnsupported',
    subject: 'instanceType',
    value: ({ instanceType }) => instanceType,
    valid: (type: string) => !isBurstable(type),
    allowed: 'an instance type that is not burstable: its instances come and go with the copies',
    fix: 'use ml.g6 or ml.m7g',
  },
  {
    code: 'Millrace.InstanceTypeUnknown',
    subject: 'instanceType',
    value: ({ instanceType }) => (isBurstable(instanceType) ? undefined : instanceType),
    valid: (type: string) => capacityOf(type) !== undefined,
    allowed: 'a type whose room is known here: c, m and r families, g4dn, g5, g6, g6e, p3, p4d, p4de, p5, p5e, p5en, inf2, trn1',
    fix: 'use one of those, because nothing can be packed onto an instance of unknown room',
  },
  {
    code: 'Millrace.EndpointHostingInvalid',
    subject: 'maxInstances',
    value: ({ maxInstances }) => maxInstances ?? null,
    valid: (most: unknown) => isPositiveInteger(most as number),
    allowed: 'a whole number above zero',
    fix: 'count what all components need at peak',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.EndpointHostingInvalid',
    subject: 'minInstances',
    value: ({ minInstances }) => minInstances,
    valid: (least: number, { maxInstances }) => Number.isSafeInteger(least) && least >= 0 && least <= maxInstances,
    allowed: 'a whole number from 0 to maxInstances',
    fix: 'leave it out',
    tokens: 'refuse',
  },
];
