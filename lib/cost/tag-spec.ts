interface TagSpecFile {
  readonly source: string;
  readonly taggable: Record<string, string[]>;
  readonly elsewhere: Record<string, string>;
  readonly replaces: string[];
  readonly untaggable: string[];
}

/** Shape of a tag property: a list of Key/Value, a map, or a list with PropagateAtLaunch. */
export type TagShape = 'standard' | 'map' | 'asg';

/** Where a CloudFormation type keeps its tags. */
export type TagLocation =
  | { readonly kind: 'property'; readonly property: string; readonly shape: TagShape }
  | { readonly kind: 'elsewhere'; readonly path: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown' };

interface TagIndex {
  readonly locations: Map<string, TagLocation>;
  readonly replaces: Set<string>;
}

let index: TagIndex | undefined;

/** Generated from the CloudFormation spec by `npm run generate:spec`; 70 kB, so loaded when first asked. */
function tagIndex(): TagIndex {
  if (index) return index;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- data, loaded when first needed
  const file = require('./tag-spec.generated.json') as TagSpecFile;
  const locations = new Map<string, TagLocation>();
  for (const [key, types] of Object.entries(file.taggable)) {
    const [shape, property] = key.split(':');
    for (const type of types) locations.set(type, { kind: 'property', property, shape: shape as TagShape });
  }
  for (const [type, path] of Object.entries(file.elsewhere)) locations.set(type, { kind: 'elsewhere', path });
  for (const type of file.untaggable) locations.set(type, { kind: 'none' });
  index = { locations, replaces: new Set(file.replaces) };
  return index;
}

/** Where a type keeps its tags; `unknown` for custom and third-party types. */
export function tagLocation(type: string): TagLocation {
  return tagIndex().locations.get(type) ?? { kind: 'unknown' };
}

/** Whether a changed tag makes CloudFormation replace a resource of this type. */
export function replacesOnTagChange(type: string): boolean {
  return tagIndex().replaces.has(type);
}

/** The literal tags in a rendered tag property, whatever its shape; tokens in keys are left out. */
export function tagsIn(value: unknown): Record<string, string> {
  if (Array.isArray(value)) {
    return Object.fromEntries(value.filter((tag) => typeof tag?.Key === 'string').map((tag) => [tag.Key, tag.Value]));
  }
  return value !== null && typeof value === 'object' ? { ...(value as Record<string, string>) } : {};
}

function isIntrinsic(value: object): boolean {
  const keys = Object.keys(value);
  return keys.length === 1 && (keys[0] === 'Ref' || keys[0].startsWith('Fn::'));
}

/**
 * A rendered tag property with further tags in it. What is there stays, tags with an intrinsic as key included; a property that is an
 * intrinsic as a whole cannot be added to and is left alone.
 */
export function mergeTags(existing: unknown, tags: Record<string, string>, shape: TagShape): unknown {
  if (existing !== null && typeof existing === 'object' && !Array.isArray(existing) && isIntrinsic(existing)) return existing;
  if (shape === 'map') return renderTags({ ...tagsIn(existing), ...tags }, shape);
  const kept = Array.isArray(existing) ? existing.filter((tag) => typeof tag?.Key !== 'string' || !(tag.Key in tags)) : [];
  return [...kept, ...(renderTags(tags, shape) as unknown[])];
}

/** Renders tags in the shape a type expects, keys sorted as the CDK sorts them. */
export function renderTags(tags: Record<string, string>, shape: TagShape): unknown {
  const entries = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
  if (shape === 'map') return Object.fromEntries(entries);
  return entries.map(([Key, Value]) => (shape === 'asg' ? { Key, PropagateAtLaunch: true, Value } : { Key, Value }));
}
