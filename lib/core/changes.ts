import type { Assembly, SynthesizedObject, SynthesizedResource, SynthesizedStack } from './assembly';

/** A resource in both assemblies under the same logical id and type. */
export interface ResourcePair {
  readonly before: SynthesizedResource;
  readonly after: SynthesizedResource;
  readonly stackBefore: SynthesizedStack;
  readonly stackAfter: SynthesizedStack;
}

/** The resources that exist before and after, with the same logical id and type. */
export function pairedResources(before: Assembly, after: Assembly, type?: string): ResourcePair[] {
  return after.stacks.flatMap((stackAfter) => {
    const stackBefore = before.stacks.find((stack) => stack.id === stackAfter.id);
    if (!stackBefore) return [];
    const old = new Map(stackBefore.resources.map((resource) => [resource.logicalId, resource]));
    return stackAfter.resources.flatMap((resource) => {
      const previous = old.get(resource.logicalId);
      if (!previous || previous.type !== resource.type || (type && resource.type !== type)) return [];
      return [{ before: previous, after: resource, stackBefore, stackAfter }];
    });
  });
}

/** The Kubernetes objects that exist before and after. */
export function pairedObjects(before: Assembly, after: Assembly, kind?: string): { before: SynthesizedObject; after: SynthesizedObject }[] {
  const old = new Map(before.objects.map((object) => [object.id, object]));
  return after.objects.flatMap((object) => {
    const previous = old.get(object.id);
    return previous && (!kind || object.manifest.kind === kind) ? [{ before: previous, after: object }] : [];
  });
}

/** Equality of two JSON values, whatever the order of their keys. */
export function sameJson(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, part) =>
      part !== null && typeof part === 'object' && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? 'undefined'
  );
}

/** Values at a property path; `[]` stands for every element of a list. */
export function valuesAt(value: any, propertyPath: string): unknown {
  const [head, ...rest] = propertyPath.split('.');
  const name = head.replace(/(\[\])+$/, '');
  const next = value?.[name];
  if (rest.length === 0) return next;
  if (head.endsWith('[]')) return Array.isArray(next) ? next.map((item) => valuesAt(item, rest.join('.'))) : undefined;
  return valuesAt(next, rest.join('.'));
}
