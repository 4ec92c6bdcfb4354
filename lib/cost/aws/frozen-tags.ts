import { CfnResource, type IAspect, NestedStack, Stack, TagManager } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { Baseline } from '../../core/baseline';
import { mergeTags, replacesOnTagChange, tagLocation, tagsIn } from '../tag-spec';
import { LET_THROUGH_METADATA } from '../tag-update-rules';
import { renderedProperties } from './tag-coverage';

// Above any priority a user is likely to have chosen: a frozen tag is frozen.
const PRIORITY = 10_000;

const baselines = new WeakMap<IConstruct, Baseline | null>();

function baselineOf(construct: IConstruct): Baseline | undefined {
  const { root } = construct.node;
  if (!baselines.has(root)) baselines.set(root, Baseline.read(Baseline.directoryOf(construct)) ?? null);
  return baselines.get(root) ?? undefined;
}

/** The id under which an assembly lists a stack: nested ones below their parent. */
function assemblyId(stack: Stack): string {
  if (!NestedStack.isNestedStack(stack)) return stack.artifactId;
  const resource = stack.nestedStackResource as CfnResource;
  const parent = stack.nestedStackParent as Stack;
  return `${assemblyId(parent)}/${parent.resolve(parent.getLogicalId(resource))}`;
}

function rootStack(stack: Stack): Stack {
  return stack.nestedStackParent ? rootStack(stack.nestedStackParent) : stack;
}

/** Context key: `true`, or the construct paths of resources that may be replaced by a changed tag. */
export const REPLACE_ON_TAG_CHANGE_CONTEXT = 'millrace:replaceOnTagChange';

function mayBeReplaced(resource: CfnResource): boolean {
  const allowed = resource.node.tryGetContext(REPLACE_ON_TAG_CHANGE_CONTEXT);
  if (!Array.isArray(allowed)) return allowed === true || allowed === 'true';
  return resource.node.scopes.some((scope) => allowed.includes(scope.node.path));
}

/**
 * Keeps the tags of resources that CloudFormation would replace for a changed tag.
 *
 * Such a resource carries all its tags itself from the first day, those of the stack included, so that later changes of the stack's tags
 * lose to its own; once a baseline exists, its tags are exactly the accepted ones.
 */
export class FrozenTags implements IAspect {
  public visit(node: IConstruct): void {
    if (!CfnResource.isCfnResource(node) || !replacesOnTagChange(node.cfnResourceType)) return;
    const location = tagLocation(node.cfnResourceType);
    if (location.kind !== 'property') return;
    const stack = Stack.of(node);
    const rendered = renderedProperties(node)[location.property];
    const own = tagsIn(rendered);
    const effective = { ...rootStack(stack).tags.tagValues(), ...own };
    const letThrough = mayBeReplaced(node);
    if (letThrough) node.addMetadata(LET_THROUGH_METADATA, true);
    const accepted = letThrough
      ? undefined
      : baselineOf(node)?.frozenTags[`${assemblyId(stack)}/${stack.resolve(stack.getLogicalId(node))}`];
    const wanted = accepted ?? effective;
    const tags = TagManager.of(node);
    if (tags) {
      for (const key of Object.keys(own)) if (!(key in wanted)) tags.removeTag(key, PRIORITY);
      for (const [key, value] of Object.entries(wanted)) tags.setTag(key, value, PRIORITY);
    } else {
      node.addPropertyOverride(location.property, mergeTags(rendered, wanted, location.shape));
    }
  }
}
