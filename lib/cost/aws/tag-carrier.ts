import { Aspects, NestedStack, Stack, Tags } from 'aws-cdk-lib';
import { registerUpdateRules } from '../../core/update-rule';
import type { AppliedAllocation } from '../applied-allocation';
import { TagCarrier } from '../cost-allocation';
import { FrozenTags } from './frozen-tags';
import { TagUpdateRules } from '../tag-update-rules';
import { TagCoverage } from './tag-coverage';

const STACK_ONLY = ['aws:cdk:stack'];
// Above the CDK's default of 100 for a tag, below its 200 for a removal: the stack's own value stays when resources are cleared.
const STACK_PRIORITY = 150;
// Above 200, so that a resource inside a stack keeps the tag that the stack's removal would take.
const RESOURCE_PRIORITY = 250;
// Coverage reads what the tag aspects (200 or 500, by feature flag) have left; frozen tags have the last word.
const COVERAGE_ASPECT_PRIORITY = 800;
const FROZEN_ASPECT_PRIORITY = 900;

/** Whether an allocation is carried by the tags of whole stacks rather than by each resource. */
export function carriedByStack(applied: AppliedAllocation): boolean {
  return !standsInsideStack(applied) && applied.carrier === TagCarrier.STACK;
}

/** A nested stack takes its stack tags from its parent, so an allocation of its own is one inside a stack. */
function standsInsideStack({ scope }: AppliedAllocation): boolean {
  const inside = scope.node.scopes.some((parent) => Stack.isStack(parent));
  return inside && !(Stack.isStack(scope) && !NestedStack.isNestedStack(scope));
}

/** Writes the tags of an allocation onto its scope so that the nearest allocation wins (decision 0004). */
export function carryTags(applied: AppliedAllocation): void {
  const { allocation, scope } = applied;
  const tags = Tags.of(scope);
  const insideStack = standsInsideStack(applied);
  for (const [key, value] of Object.entries(allocation.tags())) {
    if (!insideStack) {
      tags.remove(key, { excludeResourceTypes: STACK_ONLY });
      tags.add(key, value, { includeResourceTypes: STACK_ONLY, priority: STACK_PRIORITY });
    }
    if (!carriedByStack(applied)) tags.add(key, value, { excludeResourceTypes: STACK_ONLY, priority: RESOURCE_PRIORITY });
  }
  registerUpdateRules(scope, TagUpdateRules.all());
  Aspects.of(scope).add(new TagCoverage(), { priority: COVERAGE_ASPECT_PRIORITY });
  Aspects.of(scope).add(new FrozenTags(), { priority: FROZEN_ASPECT_PRIORITY });
}
