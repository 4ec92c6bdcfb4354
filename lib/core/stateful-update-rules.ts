import type { Assembly, SynthesizedResource } from './assembly';
import { pairedResources, sameJson, valuesAt } from './changes';
import { KubernetesImmutableFieldRule, KubernetesRemovalRule } from './kubernetes-update-rules';
import { type Finding, FindingSeverity, type IUpdateRule } from './update-rule';

interface StatefulTypes {
  readonly types: Record<string, { readonly replaces: string[]; readonly mayReplace: string[] }>;
}

/** Generated from the CloudFormation spec by `npm run generate:spec`; loaded when a rule runs. */
function statefulTypes(): StatefulTypes['types'] {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- data, loaded when first needed
  return (require('./stateful-types.generated.json') as StatefulTypes).types;
}

/** A changed property that makes CloudFormation replace a resource that holds data. */
class StatefulReplacementRule implements IUpdateRule {
  public readonly id = 'Millrace.StatefulReplacement';

  public check(before: Assembly, after: Assembly): Finding[] {
    const types = statefulTypes();
    return pairedResources(before, after).flatMap((pair) => {
      const facts = types[pair.after.type];
      if (!facts) return [];
      const changed = (paths: string[]) =>
        paths.filter((path) => !sameJson(valuesAt(pair.before.properties, path), valuesAt(pair.after.properties, path)));
      const finding = (path: string, severity: FindingSeverity, verb: string): Finding => ({
        code: this.id,
        severity,
        path: pair.after.path,
        message: `${pair.after.type} ${path} changes from ${JSON.stringify(valuesAt(pair.before.properties, path))} to ${JSON.stringify(valuesAt(pair.after.properties, path))}, which ${verb} the resource and starts empty`,
        fix: `keep ${path} as it was, or create a second resource under a new construct id, move the data and then retire this one`,
        templateFile: pair.stackAfter.templateFile,
        logicalId: pair.after.logicalId,
      });
      return [
        ...changed(facts.replaces).map((path) => finding(path, FindingSeverity.ERROR, 'replaces')),
        ...changed(facts.mayReplace).map((path) => finding(path, FindingSeverity.WARNING, 'may replace')),
      ];
    });
  }
}

/** A resource with data that leaves the template: deleted, or kept by AWS but no longer managed. */
class StatefulRemovalRule implements IUpdateRule {
  public readonly id = 'Millrace.StatefulRemoval';

  public check(before: Assembly, after: Assembly): Finding[] {
    const types = statefulTypes();
    const present = new Map(after.stacks.map((stack) => [stack.id, new Map(stack.resources.map((r) => [r.logicalId, r]))]));
    return before.stacks.flatMap((stack) =>
      stack.resources
        .filter((resource) => types[resource.type] && present.get(stack.id)?.get(resource.logicalId)?.type !== resource.type)
        .map((resource) => this.finding(resource, present.has(stack.id))),
    );
  }

  private finding(resource: SynthesizedResource, stackStays: boolean): Finding {
    const kept = resource.deletionPolicy === 'Retain' || resource.deletionPolicy === 'RetainExceptOnCreate';
    return {
      code: this.id,
      severity: kept ? FindingSeverity.WARNING : FindingSeverity.ERROR,
      path: resource.path,
      message:
        `${resource.type} ${resource.logicalId} leaves the template${stackStays ? '' : ' together with its stack'}: ` +
        (kept
          ? 'AWS keeps it, unmanaged and billed, and the same name cannot be created again'
          : 'CloudFormation deletes it with its data'),
      fix: kept
        ? 'keep its logical id (a renamed construct: node.overrideLogicalId or a CloudFormation stack refactor), or delete the kept resource by hand once its data is not needed'
        : 'keep the resource, or set removalPolicy RETAIN and deploy that first',
    };
  }
}

/** The update rules for everything that holds data, whoever made it. */
export class StatefulUpdateRules {
  /** Replacement and removal of stateful CloudFormation resources, immutable fields and removal of stateful Kubernetes objects. */
  public static all(): IUpdateRule[] {
    return [
      new StatefulReplacementRule(),
      new StatefulRemovalRule(),
      new KubernetesImmutableFieldRule(),
      new KubernetesRemovalRule('Millrace.KubernetesStatefulRemoval', ['PersistentVolumeClaim', 'StatefulSet']),
    ];
  }

  private constructor() {}
}
