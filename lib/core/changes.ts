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

/** A Kubernetes object in both assemblies. */
export interface ObjectPair {
  readonly before: SynthesizedObject;
  readonly after: SynthesizedObject;
}

/** The Kubernetes objects that exist before and after, and those that leave or are new. */
export interface ObjectChanges {
  readonly pairs: ObjectPair[];
  readonly removed: SynthesizedObject[];
  readonly added: SynthesizedObject[];
}

/**
 * What became of the Kubernetes objects. One chart per environment makes the same object once a file, so objects are paired within their
 * file first; an object that moved to another file is known by its id, where that is the only one on both sides.
 */
export function objectChanges(before: Assembly, after: Assembly): ObjectChanges {
  const inFile = pairBy(before.objects, after.objects, (object) => `${fileOf(object)}\0${object.id}`);
  const unique = intersection(onceOnly(before.objects), onceOnly(after.objects));
  const moved = pairBy(
    inFile.removed.filter(({ id }) => unique.has(id)),
    inFile.added.filter(({ id }) => unique.has(id)),
    ({ id }) => id,
  );
  const former = new Map([...inFile.pairs, ...moved.pairs].map((pair) => [pair.after, pair.before]));
  const latter = new Set(former.values());
  return {
    pairs: after.objects.flatMap((object) => (former.has(object) ? [{ before: former.get(object)!, after: object }] : [])),
    removed: before.objects.filter((object) => !latter.has(object)),
    added: after.objects.filter((object) => !former.has(object)),
  };
}

/** The Kubernetes objects that exist before and after. */
export function pairedObjects(before: Assembly, after: Assembly, kind?: string): ObjectPair[] {
  return objectChanges(before, after).pairs.filter((pair) => !kind || pair.after.manifest.kind === kind);
}

/** cdk8s numbers files and folders by their order, which is no part of what they are. */
function fileOf({ file }: SynthesizedObject): string {
  return file.replace(/\\/g, '/').replace(/(^|\/)\d{4}-/g, '$1');
}

/** Pairs objects with the same key in their order. */
function pairBy(
  before: readonly SynthesizedObject[],
  after: readonly SynthesizedObject[],
  keyOf: (object: SynthesizedObject) => string,
): ObjectChanges {
  const waiting = new Map<string, SynthesizedObject[]>();
  for (const object of before) waiting.set(keyOf(object), [...(waiting.get(keyOf(object)) ?? []), object]);
  const pairs: ObjectPair[] = [];
  const added: SynthesizedObject[] = [];
  for (const object of after) {
    const previous = waiting.get(keyOf(object))?.shift();
    if (previous) pairs.push({ before: previous, after: object });
    else added.push(object);
  }
  return { pairs, removed: [...waiting.values()].flat(), added };
}

function onceOnly(objects: readonly SynthesizedObject[]): Set<string> {
  const ids = new Map<string, number>();
  for (const { id } of objects) ids.set(id, (ids.get(id) ?? 0) + 1);
  return new Set([...ids].filter(([, count]) => count === 1).map(([id]) => id));
}

function intersection(a: ReadonlySet<string>, b: ReadonlySet<string>): Set<string> {
  return new Set([...a].filter((id) => b.has(id)));
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
