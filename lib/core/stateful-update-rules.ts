import type { Assembly, SynthesizedResource, SynthesizedStack } from './assembly';
import { type ResourcePair, pairedResources, sameJson, valuesAt } from './changes';
import { KubernetesImmutableFieldRule, KubernetesRemovalRule } from './kubernetes-update-rules';
import { type Finding, FindingSeverity, type IUpdateRule } from './update-rule';

interface ReplacementFacts {
  readonly stateful: string[];
  readonly replaces: Record<string, string[]>;
  readonly mayReplace: Record<string, string[]>;
}

/** Generated from the CloudFormation spec by `npm run generate:spec`; loaded when a rule runs. */
function replacementFacts(): ReplacementFacts {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- data, loaded when first needed
  return require('./replacement.generated.json') as ReplacementFacts;
}

function changedPaths(pair: ResourcePair, paths: readonly string[] = []): string[] {
  return paths.filter((path) => !sameJson(valuesAt(pair.before.properties, path), valuesAt(pair.after.properties, path)));
}

/** Logical ids that a value refers to. */
function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, part]) => {
    if (key === 'Ref' && typeof part === 'string') return [part];
    if (key === 'Fn::GetAtt') return [Array.isArray(part) ? String(part[0]) : String(part).split('.')[0]];
    if (key === 'Fn::Sub') {
      const template = Array.isArray(part) ? String(part[0]) : String(part);
      return [
        ...[...template.matchAll(/\$\{([A-Za-z0-9]+)/g)].map((match) => match[1]),
        ...(Array.isArray(part) ? referencesIn(part[1]) : []),
      ];
    }
    return referencesIn(part);
  });
}

/** Why a resource is replaced: by its own change, or because it refers to one that is. */
interface Replacement {
  readonly pair: ResourcePair;
  readonly reason: string;
}

/**
 * Everything in a stack that an update replaces, following references: a replaced security group replaces the cluster that names it.
 * Parameters come from the parent of a nested stack, under their names, which a template shares with its logical ids.
 */
function replacementsIn(
  pairs: readonly ResourcePair[],
  replaces: ReplacementFacts['replaces'],
  parameters: ReadonlyMap<string, Replacement> = new Map(),
): Map<string, Replacement> {
  const replaced = new Map<string, Replacement>(parameters);
  for (const pair of pairs) {
    const [path] = changedPaths(pair, replaces[pair.after.type]);
    if (path) replaced.set(pair.after.logicalId, { pair, reason: changeOf(pair, path) });
  }
  for (let found = true; found;) {
    found = false;
    for (const pair of pairs.filter(({ after }) => !replaced.has(after.logicalId))) {
      for (const path of replaces[pair.after.type] ?? []) {
        const cause = referencesIn(valuesAt(pair.after.properties, path))
          .map((id) => replaced.get(id))
          .find((replacement) => replacement);
        if (!cause || replaced.has(pair.after.logicalId)) continue;
        replaced.set(pair.after.logicalId, {
          pair,
          reason: `${pair.after.type} ${path} refers to ${cause.pair.after.path}, where ${cause.reason}`,
        });
        found = true;
      }
    }
  }
  return replaced;
}

/** What an update replaces in every stack, by stack id. A nested stack comes after its parent, whose replaced resources are its parameters. */
function allReplacements(pairs: readonly ResourcePair[], stacks: readonly SynthesizedStack[]): Map<string, Map<string, Replacement>> {
  const { replaces } = replacementFacts();
  const passed = new Map<string, Map<string, Replacement>>();
  const found = new Map<string, Map<string, Replacement>>();
  for (const stack of stacks) {
    const ofStack = pairs.filter((pair) => pair.stackAfter === stack);
    const replaced = replacementsIn(ofStack, replaces, passed.get(stack.id));
    found.set(stack.id, replaced);
    for (const { logicalId, type, properties } of stack.resources) {
      if (type === 'AWS::CloudFormation::Stack') passed.set(`${stack.id}/${logicalId}`, passedOn(properties.Parameters, replaced));
    }
  }
  return found;
}

function passedOn(parameters: Record<string, unknown> = {}, replaced: ReadonlyMap<string, Replacement>): Map<string, Replacement> {
  return new Map(
    Object.entries(parameters).flatMap(([name, value]) => {
      const cause = referencesIn(value).find((id) => replaced.has(id));
      return cause ? [[name, replaced.get(cause)!] as const] : [];
    }),
  );
}

function changeOf(pair: ResourcePair, path: string): string {
  const at = (properties: unknown) => JSON.stringify(valuesAt(properties, path));
  return `${pair.after.type} ${path} changes from ${at(pair.before.properties)} to ${at(pair.after.properties)}`;
}

/** A change that makes CloudFormation replace a resource that holds data, directly or through what it refers to. */
class StatefulReplacementRule implements IUpdateRule {
  public readonly id = 'Millrace.StatefulReplacement';

  public check(before: Assembly, after: Assembly): Finding[] {
    const { stateful, mayReplace } = replacementFacts();
    const pairs = pairedResources(before, after);
    const replacements = allReplacements(pairs, after.stacks);
    return after.stacks.flatMap((stack) => {
      const ofStack = pairs.filter((pair) => pair.stackAfter === stack);
      // A parameter stands for a resource of the parent, which has a finding of its own.
      const replaced = [...(replacements.get(stack.id)?.values() ?? [])].filter(
        ({ pair }) => pair.stackAfter === stack && stateful.includes(pair.after.type),
      );
      const direct = replaced.map(({ pair, reason }) =>
        this.finding(pair, FindingSeverity.ERROR, `${reason}, which replaces the resource and starts empty`),
      );
      const possible = ofStack.flatMap((pair) =>
        changedPaths(pair, mayReplace[pair.after.type]).map((path) =>
          this.finding(pair, FindingSeverity.WARNING, `${changeOf(pair, path)}, which may replace the resource and start empty`),
        ),
      );
      return [...direct, ...possible];
    });
  }

  private finding({ after, stackAfter }: ResourcePair, severity: FindingSeverity, message: string): Finding {
    return {
      code: this.id,
      severity,
      path: after.path,
      message,
      fix: 'keep the property as it was, or create a second resource under a new construct id, move the data and then retire this one',
      templateFile: stackAfter.templateFile,
      logicalId: after.logicalId,
    };
  }
}

/** A resource with data that leaves the template: deleted, or kept by AWS but no longer managed. */
class StatefulRemovalRule implements IUpdateRule {
  public readonly id = 'Millrace.StatefulRemoval';

  public check(before: Assembly, after: Assembly): Finding[] {
    const { stateful } = replacementFacts();
    const present = new Set(after.stacks.map((stack) => stack.id));
    const added = leaving(after, before);
    return leaving(before, after)
      .filter(({ resource }) => stateful.includes(resource.type))
      .map(({ stack, resource }) =>
        this.finding(resource, present.has(stack.id), added.find((other) => other.resource.type === resource.type)?.resource),
      );
  }

  private finding(resource: SynthesizedResource, stackStays: boolean, successor?: SynthesizedResource): Finding {
    const kept = isKept(resource.deletionPolicy);
    const leaves = `${resource.type} ${resource.logicalId} leaves the template${stackStays ? '' : ' together with its stack'}`;
    if (kept && successor) {
      return {
        code: this.id,
        severity: FindingSeverity.ERROR,
        path: resource.path,
        message: `${leaves} while ${successor.path} of the same type is new: after a rename that is a new, empty one beside the one that AWS keeps, unmanaged and billed`,
        fix: 'keep the logical id (node.defaultChild.overrideLogicalId after a renamed construct) and the id and name of the stack, or move it with a CloudFormation stack refactor',
      };
    }
    return {
      code: this.id,
      severity: kept ? FindingSeverity.WARNING : FindingSeverity.ERROR,
      path: resource.path,
      message: `${leaves}: ${
        kept ? 'AWS keeps it, unmanaged and billed, and the same name cannot be created again' : 'CloudFormation deletes it with its data'
      }`,
      fix: kept
        ? 'keep its logical id (a renamed construct: node.overrideLogicalId or a CloudFormation stack refactor), or delete the kept resource by hand once its data is not needed'
        : 'keep the resource, or set removalPolicy RETAIN and deploy that first',
    };
  }
}

/** The resources of one assembly that the other does not have in that stack under that logical id and type. */
function leaving(from: Assembly, to: Assembly): { stack: SynthesizedStack; resource: SynthesizedResource }[] {
  const there = new Map(
    to.stacks.map((stack) => [stack.id, new Map(stack.resources.map((resource) => [resource.logicalId, resource.type]))]),
  );
  return from.stacks.flatMap((stack) =>
    stack.resources
      .filter((resource) => there.get(stack.id)?.get(resource.logicalId) !== resource.type)
      .map((resource) => ({ stack, resource })),
  );
}

/** `Retain` and `RetainExceptOnCreate`. */
function isKept(policy?: string): boolean {
  return policy?.startsWith('Retain') ?? false;
}

const RETENTION_POLICIES = { DeletionPolicy: 'deletionPolicy', UpdateReplacePolicy: 'updateReplacePolicy' } as const;

/** A resource with data that was kept when it leaves or is replaced, and no longer is: nothing is lost yet, the next change may. */
class RetentionRule implements IUpdateRule {
  public readonly id = 'Millrace.RetentionWeakened';

  public check(before: Assembly, after: Assembly): Finding[] {
    const { stateful } = replacementFacts();
    return pairedResources(before, after)
      .filter((pair) => stateful.includes(pair.after.type))
      .flatMap((pair) => {
        const weakened = Object.entries(RETENTION_POLICIES)
          .filter(([, key]) => isKept(pair.before[key]) && (pair.after[key] ?? 'Delete') === 'Delete')
          .map(([name, key]) => `${name} goes from ${pair.before[key]} to ${pair.after[key] ?? 'nothing'}`);
        return weakened.length > 0 ? [this.finding(pair, weakened)] : [];
      });
  }

  private finding({ after, stackAfter }: ResourcePair, weakened: readonly string[]): Finding {
    return {
      code: this.id,
      severity: FindingSeverity.WARNING,
      path: after.path,
      message: `${after.type} ${after.logicalId}: ${weakened.join(' and ')}; a later removal or replacement deletes its data`,
      fix: 'keep removalPolicy RETAIN, unless this data may be lost',
      templateFile: stackAfter.templateFile,
      logicalId: after.logicalId,
    };
  }
}

/** The update rules for everything that holds data, whoever made it. */
export class StatefulUpdateRules {
  /** Replacement, removal and weakened retention of stateful CloudFormation resources, immutable fields and removal of stateful Kubernetes objects. */
  public static all(): IUpdateRule[] {
    return [
      new StatefulReplacementRule(),
      new StatefulRemovalRule(),
      new RetentionRule(),
      new KubernetesImmutableFieldRule(),
      new KubernetesRemovalRule('Millrace.KubernetesStatefulRemoval', ['PersistentVolumeClaim', 'StatefulSet']),
    ];
  }

  private constructor() {}
}
