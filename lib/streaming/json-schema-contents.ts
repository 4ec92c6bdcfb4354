import { type Incompatibility, fieldChange as change } from './compatibility-checks';
import { type Check, type Conjunction, type SchemaNode, at, typesOf } from './json-schema-node';

/** What is known of a property: everything that applies to its name. */
export function propertyAt(known: Conjunction, name: string): Conjunction {
  return known.flatMap((node) => {
    const { properties = {}, patternProperties = {}, additionalProperties } = node.schema;
    const applies = [
      ...(Object.hasOwn(properties, name) ? [properties[name]] : []),
      ...Object.keys(patternProperties)
        .filter((pattern) => matches(pattern, name))
        .map((pattern) => patternProperties[pattern]),
    ];
    if (applies.length === 0 && additionalProperties !== undefined) applies.push(additionalProperties);
    return applies.map((schema) => at(node, schema));
  });
}

/** The names of the properties that must be there. */
export function requiredOf(known: Conjunction): ReadonlySet<string> {
  return new Set(known.flatMap(({ schema }) => schema.required ?? []));
}

/** In what the objects of a reader are narrower than those that were written. */
export function brokenProperties(known: Conjunction, reader: SchemaNode, path: string, check: Check): Incompatibility[] {
  if (!typesOf(known).has('object')) return [];
  const { properties = {}, patternProperties = {}, additionalProperties, required = [], propertyNames } = reader.schema;
  const written = declaredNames(known);
  const found: Incompatibility[] = [];
  for (const name of Object.keys(properties)) {
    const broken = check(propertyAt(known, name), at(reader, properties[name]), below(path, name));
    // What stands under a name that the writer does not declare is whatever its content model lets in.
    found.push(...(written.has(name) || broken.length === 0 ? broken : [addedToOpen(below(path, name))]));
  }
  for (const pattern of Object.keys(patternProperties)) {
    const names = [...written].filter((name) => matches(pattern, name));
    for (const name of names) found.push(...check(propertyAt(known, name), at(reader, patternProperties[pattern]), below(path, name)));
    found.push(...others(known, at(reader, patternProperties[pattern]), below(path, `/${pattern}/`), check, pattern));
  }
  if (additionalProperties !== undefined && additionalProperties !== true) {
    const covered = (name: string) =>
      Object.hasOwn(properties, name) || Object.keys(patternProperties).some((pattern) => matches(pattern, name));
    for (const name of written) {
      if (covered(name)) continue;
      const broken = check(propertyAt(known, name), at(reader, additionalProperties), below(path, name));
      if (broken.length > 0) found.push(additionalProperties === false ? removedFromClosed(below(path, name)) : broken[0]);
    }
    const patterns = new Set(Object.keys(patternProperties));
    const rest = others(known, at(reader, additionalProperties), path, check, undefined, patterns);
    if (rest.length > 0) found.push(closed(path));
  }
  const present = requiredOf(known);
  found.push(...required.filter((name: string) => !present.has(name)).map((name: string) => becameRequired(below(path, name))));
  if (propertyNames !== undefined) found.push(...check(namesOf(known), at(reader, propertyNames), below(path, '(names)')));
  return found;
}

/** In what the arrays of a reader are narrower than those that were written. */
export function brokenItems(known: Conjunction, reader: SchemaNode, path: string, check: Check): Incompatibility[] {
  if (!typesOf(known).has('array')) return [];
  const to = itemsOf(reader);
  const from = known.map((node) => ({ node, ...itemsOf(node) }));
  const maximum = Math.min(...known.map(({ schema }) => schema.maxItems ?? Infinity));
  const itemAt = (index: number): Conjunction =>
    from.flatMap(({ node, first, rest }) => {
      const schema = index < first.length ? first[index] : rest;
      return schema === undefined ? [] : [at(node, schema)];
    });
  const listed = Math.max(to.first.length, ...from.map(({ first }) => first.length));
  const found: Incompatibility[] = [];
  for (let index = 0; index <= listed && index < maximum; index++) {
    const schema = index < to.first.length ? to.first[index] : to.rest;
    if (schema !== undefined) found.push(...check(itemAt(index), at(reader, schema), `${path}[${index === listed ? '' : index}]`));
  }
  return found;
}

/** The items of an array: those at a place of their own and those after. A list under `items` is that of the drafts before 2020-12. */
function itemsOf({ schema }: SchemaNode): { first: unknown[]; rest: unknown } {
  if (Array.isArray(schema.items)) return { first: schema.items, rest: schema.additionalItems };
  return { first: schema.prefixItems ?? [], rest: schema.items };
}

function declaredNames(known: Conjunction): ReadonlySet<string> {
  return new Set(known.flatMap(({ schema }) => Object.keys(schema.properties ?? {})));
}

/**
 * Checks the properties that no writer's node declares: each is under a pattern or is an additional one of every node, so one node whose every
 * such schema is readable is enough.
 */
function others(
  known: Conjunction,
  reader: SchemaNode,
  path: string,
  check: Check,
  pattern: string | undefined,
  covered: ReadonlySet<string> = new Set(),
): Incompatibility[] {
  const attempts = known.map((node) => {
    const { patternProperties = {}, additionalProperties = true } = node.schema;
    // Names under the pattern itself have its schema at least.
    if (pattern !== undefined && Object.hasOwn(patternProperties, pattern))
      return check([at(node, patternProperties[pattern])], reader, path);
    const patterns = Object.keys(patternProperties).filter((each) => !covered.has(each));
    return [...patterns.map((each) => patternProperties[each]), additionalProperties].flatMap((schema) =>
      check([at(node, schema)], reader, path),
    );
  });
  if (attempts.length === 0) return check([], reader, path);
  return attempts.find((found) => found.length === 0) ?? attempts[0];
}

/** What is known of the names of properties. */
function namesOf(known: Conjunction): Conjunction {
  const root = known[0]?.root;
  const closedNodes = known.filter(({ schema }) => schema.additionalProperties === false && schema.patternProperties === undefined);
  return [
    { schema: { type: 'string' }, root },
    ...known.filter(({ schema }) => schema.propertyNames !== undefined).map((node) => at(node, node.schema.propertyNames)),
    ...closedNodes.map((node) => at(node, { enum: Object.keys(node.schema.properties ?? {}) })),
  ];
}

function matches(pattern: string, name: string): boolean {
  return new RegExp(pattern, 'u').test(name);
}

function below(path: string, name: string): string {
  return path ? `${path}.${name}` : name;
}

function addedToOpen(path: string): Incompatibility {
  return change(
    path,
    'was added to an open content model: older records may hold anything under that name',
    'was removed from an open content model: newer records may hold anything under that name',
    "close the model first ('additionalProperties': false), or leave the property unrestricted",
  );
}

function removedFromClosed(path: string): Incompatibility {
  return change(
    path,
    'was removed from a closed content model, which refuses older records that hold it',
    'was added, and the closed content model of older readers refuses it',
    "keep the property, or open the model ('additionalProperties': true) in all versions that are read",
  );
}

function closed(path: string): Incompatibility {
  return change(
    path,
    'got a narrower content model: older records may hold properties that additionalProperties refuses now',
    'got a wider content model: older readers refuse properties that additionalProperties lets in now',
    'keep additionalProperties as it was',
  );
}

function becameRequired(path: string): Incompatibility {
  return change(
    path,
    'became required, and older records may lack it',
    'is not required any more, and older readers need it',
    `leave ${path} as required as it was`,
  );
}
