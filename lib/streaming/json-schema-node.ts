import { sameJson } from '../core/changes';
import type { Incompatibility } from './compatibility-checks';
import { parseJson } from './schema-parser';

/** A part of a JSON Schema, in the document that its references point into. */
export interface SchemaNode {
  readonly schema: any;
  readonly root: any;
  /** The part with an `$id` of its own that it stands in, from which its pointers count. @default - the document */
  readonly resource?: any;
}

/** What is known of a value: all of these hold. Nothing known is an empty list, and anything is allowed. */
export type Conjunction = readonly SchemaNode[];

/** Checks what is known to be written against a part of what is read. */
export type Check = (written: Conjunction, reader: SchemaNode, path: string) => Incompatibility[];

/** The whole of a definition that is known to be a JSON Schema. */
export function rootNode(definition: string): SchemaNode {
  const root = parseJson(definition);
  return { schema: root, root };
}

/** A sub-schema of a node. */
export function at({ root, resource }: SchemaNode, schema: any): SchemaNode {
  // `#name` names a place and begins no resource.
  const begins = typeof schema?.$id === 'string' && !schema.$id.startsWith('#') && schema !== root;
  return { schema, root, resource: begins ? schema : resource };
}

/** What `$ref` names, where it is a pointer into the same document; `undefined` for other references. */
export function resolveReference(node: SchemaNode): SchemaNode | undefined {
  const reference = node.schema.$ref;
  let target = at(node, node.resource ?? node.root);
  if (reference === '#') return target;
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return undefined;
  for (const step of decodeURIComponent(reference.slice(2)).split('/')) {
    target = at(target, target.schema?.[step.replace(/~1/g, '/').replace(/~0/g, '~')]);
  }
  return target.schema === undefined ? undefined : target;
}

/**
 * What is known of a value, with what references and `allOf` add. What stands beside `$ref` counts from draft 2019-09 on alone: before, some
 * validators ignore it.
 */
export function flatten(nodes: Conjunction): Conjunction {
  const flat: SchemaNode[] = [];
  const seen = new Set<unknown>();
  const visit = (node: SchemaNode): void => {
    if (typeof node.schema === 'boolean') {
      if (!node.schema) flat.push(node);
      return;
    }
    if (seen.has(node.schema)) return;
    seen.add(node.schema);
    const target = node.schema.$ref === undefined ? undefined : resolveReference(node);
    if (target) visit(target);
    if (node.schema.$ref !== undefined && !/2019-09|2020-12/.test(String(node.root?.$schema))) return;
    flat.push(node);
    for (const part of node.schema.allOf ?? []) visit(at(node, part));
  };
  nodes.forEach(visit);
  return flat;
}

/** Keywords that constrain nothing. */
const DESCRIPTIVE: ReadonlySet<string> = new Set([
  '$id',
  '$schema',
  '$comment',
  '$defs',
  'definitions',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
]);
const MAPS_OF_SCHEMAS: ReadonlySet<string> = new Set(['properties', 'patternProperties', 'dependentSchemas']);
const LISTS_OF_SCHEMAS: ReadonlySet<string> = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const SCHEMAS: ReadonlySet<string> = new Set([
  'items',
  'additionalItems',
  'additionalProperties',
  'not',
  'if',
  'then',
  'else',
  'contains',
  'propertyNames',
  'unevaluatedProperties',
  'unevaluatedItems',
]);

type Pairs = readonly (readonly [unknown, unknown])[];

/** Whether two nodes say the same, references followed; what only describes does not count. */
export function sameSchema(a: SchemaNode, b: SchemaNode, open: Pairs = []): boolean {
  if (!isObject(a.schema) || !isObject(b.schema)) return a.schema === b.schema;
  // A schema that holds itself is the same until something else differs.
  if (open.some(([first, second]) => first === a.schema && second === b.schema)) return true;
  const pairs: Pairs = [...open, [a.schema, b.schema]];
  const [targetA, targetB] = [a, b].map((node) => (onlyReference(node.schema) ? resolveReference(node) : undefined));
  if (targetA || targetB) return sameSchema(targetA ?? a, targetB ?? b, pairs);
  const [keysA, keysB] = [a, b].map(({ schema }) => Object.keys(schema).filter((key) => !DESCRIPTIVE.has(key)));
  return keysA.length === keysB.length && keysA.every((key) => sameKeyword(key, a, b, pairs));
}

/** Whether one keyword says the same in both. */
export function sameKeyword(key: string, a: SchemaNode, b: SchemaNode, open: Pairs = []): boolean {
  const [one, other] = [a.schema[key], b.schema[key]];
  if (one === undefined || other === undefined) return one === other;
  const same = (first: any, second: any) => sameSchema(at(a, first), at(b, second), open);
  if (key === '$ref') {
    const [target, otherTarget] = [a, b].map(resolveReference);
    if (target && otherTarget) return sameSchema(target, otherTarget, open);
  }
  if (LISTS_OF_SCHEMAS.has(key) || (key === 'items' && Array.isArray(one))) {
    return Array.isArray(other) && one.length === other.length && one.every((each: any, index: number) => same(each, other[index]));
  }
  if (MAPS_OF_SCHEMAS.has(key)) {
    const names = Object.keys(one);
    return names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && same(one[name], other[name]));
  }
  if (SCHEMAS.has(key)) return same(one, other);
  // The same name of another place says the same only where all the places are the same.
  return sameJson(one, other) && (!refers(key, one) || sameJson(a.root, b.root));
}

function refers(key: string, value: unknown): boolean {
  return /^\$(ref|dynamicRef|recursiveRef)$/.test(key) || (isObject(value) && JSON.stringify(value).includes('"$ref"'));
}

function isObject(value: unknown): boolean {
  return value !== null && typeof value === 'object';
}

function onlyReference(schema: any): boolean {
  return schema.$ref !== undefined && Object.keys(schema).every((key) => key === '$ref' || DESCRIPTIVE.has(key));
}

const TYPES = ['null', 'boolean', 'number', 'integer', 'string', 'array', 'object'];

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

/** The values a conjunction allows, where `const` or `enum` list them. */
export function finiteValues(nodes: Conjunction): readonly unknown[] | undefined {
  for (const { schema } of nodes) {
    if (schema === false) return [];
    if (Object.hasOwn(schema, 'const')) return [schema.const];
    if (Array.isArray(schema.enum)) return schema.enum;
  }
  return undefined;
}

/** The types a conjunction allows; `number` stands for integers too. */
export function typesOf(nodes: Conjunction): ReadonlySet<string> {
  let types = new Set(TYPES);
  const narrow = (allowed: readonly string[]) => {
    types = new Set([...types].filter((type) => allowed.includes(type) || (type === 'integer' && allowed.includes('number'))));
  };
  for (const { schema } of nodes) {
    if (schema === false) return new Set();
    if (schema.type !== undefined) narrow([schema.type].flat());
  }
  const values = finiteValues(nodes);
  if (values) narrow(values.map(typeOf));
  return types;
}
