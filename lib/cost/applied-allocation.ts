import type { IConstruct } from 'constructs';
import { violationMessage } from '../core/error';
import type { CostAllocation, TagCarrier } from './cost-allocation';

const ALLOCATION = Symbol.for('millrace.costAllocation');

/** An allocation as it was applied to one scope. */
export interface AppliedAllocation {
  readonly allocation: CostAllocation;
  readonly carrier: TagCarrier;
  readonly scope: IConstruct;
}
type Allocated = IConstruct & { [ALLOCATION]?: AppliedAllocation };

/** The nearest applied allocation at or above a construct. */
export function appliedAllocation(construct: IConstruct): AppliedAllocation | undefined {
  for (let scope: Allocated | undefined = construct; scope; scope = scope.node.scope as Allocated | undefined) {
    if (scope[ALLOCATION]) return scope[ALLOCATION];
  }
  return undefined;
}

/** The allocation applied to exactly this scope. */
export function allocationAt(scope: IConstruct): AppliedAllocation | undefined {
  return (scope as Allocated)[ALLOCATION];
}

/** Remembers an allocation on its scope. */
export function applyAllocation(applied: AppliedAllocation): void {
  Object.defineProperty(applied.scope, ALLOCATION, { value: applied });
}

/** Makes synthesis fail for a construct of ours that stands outside any allocation. */
export function requireAllocation(construct: IConstruct): void {
  construct.node.addValidation({
    validate: () =>
      appliedAllocation(construct)
        ? []
        : [
            violationMessage({
              code: 'Millrace.CostAllocationMissing',
              subject: construct.node.path,
              received: 'no cost allocation at or above it',
              allowed: 'every resource of this library has an owner',
              fix: 'new cost.CostAllocation({ team, service, costCenter, environment }).applyTo(stack or chart)',
            }),
          ],
  });
}
