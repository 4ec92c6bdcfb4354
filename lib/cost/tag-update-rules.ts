import type { Assembly, SynthesizedResource, SynthesizedStack } from '../core/assembly';
import { pairedObjects, pairedResources, sameJson } from '../core/changes';
import { type Finding, FindingSeverity, type IUpdateRule } from '../core/update-rule';
import { replacesOnTagChange, tagLocation, tagsIn } from './tag-spec';

/** Metadata of a resource whose owner accepts that a changed tag replaces it (context `millrace:replaceOnTagChange`). */
export const LET_THROUGH_METADATA = 'millrace.io/replace-on-tag-change';

/** The tags CloudFormation gives a resource: those of its stack, overridden by its own. */
export function effectiveTags(stack: SynthesizedStack, resource: SynthesizedResource): Record<string, string> {
  const location = tagLocation(resource.type);
  return { ...stack.tags, ...(location.kind === 'property' ? tagsIn(resource.properties[location.property]) : {}) };
}

/** Tags of every resource that a changed tag would replace, by `<stack id>/<logical id>`: what a baseline freezes. */
export function frozenTagsOf(assembly: Assembly): Record<string, Record<string, string>> {
  return Object.fromEntries(
    assembly.stacks.flatMap((stack) =>
      stack.resources
        .filter((resource) => replacesOnTagChange(resource.type))
        .map((resource) => [`${stack.id}/${resource.logicalId}`, effectiveTags(stack, resource)]),
    ),
  );
}

function difference(before: Record<string, unknown>, after: Record<string, unknown>): string {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => !sameJson(before[key], after[key]))
    .sort()
    .map((key) => `${key}: ${JSON.stringify(before[key]) ?? 'none'} -> ${JSON.stringify(after[key]) ?? 'none'}`)
    .join(', ');
}

/** A changed tag, of the resource or of its stack, that makes CloudFormation replace the resource. */
class ReplacingTagRule implements IUpdateRule {
  public readonly id = 'Millrace.TagReplacesResource';

  public check(before: Assembly, after: Assembly): Finding[] {
    return pairedResources(before, after)
      .filter((pair) => replacesOnTagChange(pair.after.type))
      .flatMap((pair) => {
        const change = difference(effectiveTags(pair.stackBefore, pair.before), effectiveTags(pair.stackAfter, pair.after));
        if (change === '') return [];
        const accepted = pair.after.metadata[LET_THROUGH_METADATA] === true;
        return [
          {
            code: this.id,
            severity: accepted ? FindingSeverity.WARNING : FindingSeverity.ERROR,
            path: pair.after.path,
            message: `tags of ${pair.after.type} change (${change}), which replaces the resource${accepted ? ', as context millrace:replaceOnTagChange allows' : ''}`,
            fix: accepted
              ? 'move its data first; remove the context key after the deploy'
              : 'a key new to the stack cannot be kept off one resource: put it on the other resources or in a stack of their own; to let the replacement through, list the construct path in context millrace:replaceOnTagChange',
            templateFile: pair.stackAfter.templateFile,
            logicalId: pair.after.logicalId,
          },
        ];
      });
  }
}

/** A changed tag that rolls nodes: nothing is lost, but somebody should choose the hour. */
class RollingTagRule implements IUpdateRule {
  public readonly id = 'Millrace.TagRollsNodes';

  public check(before: Assembly, after: Assembly): Finding[] {
    const finding = (path: string, what: string, place: { templateFile?: string; logicalId?: string } = {}): Finding => ({
      code: this.id,
      severity: FindingSeverity.WARNING,
      path,
      message: `${what} change: nodes launched from it are replaced one by one`,
      fix: 'deploy when pods may move; disruption budgets apply',
      ...place,
    });
    const templates = pairedResources(before, after, 'AWS::EC2::LaunchTemplate')
      .filter((pair) => {
        const specifications = (resource: SynthesizedResource) => resource.properties.LaunchTemplateData?.TagSpecifications;
        return !sameJson(specifications(pair.before), specifications(pair.after));
      })
      .map((pair) =>
        finding(pair.after.path, 'tag specifications of a launch template', {
          templateFile: pair.stackAfter.templateFile,
          logicalId: pair.after.logicalId,
        }),
      );
    const classes = pairedObjects(before, after, 'EC2NodeClass')
      .filter((pair) => !sameJson(pair.before.manifest.spec?.tags, pair.after.manifest.spec?.tags))
      .map((pair) => finding(pair.after.id, 'tags of an EC2NodeClass'));
    const pools = pairedObjects(before, after, 'NodePool')
      .filter((pair) => !sameJson(pair.before.manifest.spec?.template?.metadata, pair.after.manifest.spec?.template?.metadata))
      .map((pair) => finding(pair.after.id, 'node labels of a NodePool'));
    return [...templates, ...classes, ...pools];
  }
}

/** The update rules for tags. */
export class TagUpdateRules {
  /** Tags that replace a resource, and tags that roll nodes. */
  public static all(): IUpdateRule[] {
    return [new ReplacingTagRule(), new RollingTagRule()];
  }

  private constructor() {}
}
