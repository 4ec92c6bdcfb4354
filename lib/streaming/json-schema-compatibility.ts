import { type Incompatibility, fieldChange as change } from './compatibility-checks';
import { brokenBounds } from './json-schema-bounds';
import {
  type Check,
  type Conjunction,
  type SchemaNode,
  at,
  finiteValues,
  flatten,
  resolveReference,
  rootNode,
  sameKeyword,
  sameSchema,
  typesOf,
} from './json-schema-node';
import { brokenItems, brokenProperties, propertyAt, requiredOf } from './json-schema-contents';
import { jsonSchemaDraft, validatorOf } from './schema-parser';

/**
 * Everything in which records that are valid for a writer might not be valid for a reader: containment of one JSON Schema in another. What
 * cannot be shown to hold counts as broken, so that nothing passes that fails later; open and closed content models come out as in
 * Confluent's registry.
 */
export function jsonSchemaIncompatibilities(reader: string, writer: string): Incompatibility[] {
  const [to, from] = [jsonSchemaDraft(reader), jsonSchemaDraft(writer)];
  if (to !== from) {
    return [
      {
        path: '',
        backward: `the draft of JSON Schema changed from ${from} to ${to}, in which keywords mean other things`,
        forward: `the draft of JSON Schema changed from ${to} to ${from}, in which keywords mean other things`,
        fix: 'keep $schema',
      },
    ];
  }
  return new Containment(to).check([rootNode(writer)], rootNode(reader), '');
}

/** Keywords that are taken to hold only where the writer has them too, word for word, in groups that belong together. */
const WORD_FOR_WORD = [
  ['contains', 'minContains', 'maxContains'],
  ['if', 'then', 'else'],
  ['dependencies'],
  ['dependentRequired'],
  ['dependentSchemas'],
  ['$dynamicRef'],
  ['$recursiveRef'],
];
const DEPENDS_ON_SIBLINGS = ['unevaluatedProperties', 'unevaluatedItems'];

class Containment {
  private readonly ids = new Map<unknown, number>();
  /** Pairs that hold unless something reports otherwise: a schema may hold itself. */
  private open = new Set<string>();
  /** What broke, by what was asked: alternatives within alternatives ask the same again and again. */
  private readonly broken = new Map<string, Incompatibility[]>();

  constructor(private readonly draft: string) {}

  public readonly check: Check = (written, reader, path) => {
    const key = `${written.map(({ schema }) => this.idOf(schema)).join(' ')}|${this.idOf(reader.schema)}`;
    if (this.open.has(key)) return [];
    const question = `${key}|${path}`;
    const known = this.broken.get(question);
    if (known) return known;
    const found = this.attempt(() => {
      this.open.add(key);
      return this.contained(written, reader, path);
    });
    if (found.length > 0) this.broken.set(question, found);
    return found;
  };

  private contained(written: Conjunction, reader: SchemaNode, path: string): Incompatibility[] {
    const direct = this.attempt(() => this.byKeyword(written, reader, path));
    if (direct.length === 0) return direct;
    // Which alternative was written decides: each of them has to be readable.
    const known = flatten(written);
    const decided = new Set([...written, ...known].map(({ schema }) => schema));
    const isOpen = (alternatives: unknown) => Array.isArray(alternatives) && !alternatives.some((each) => decided.has(each));
    const fork = known.find(({ schema }) => isOpen(schema.anyOf ?? schema.oneOf));
    if (!fork) return direct;
    const branches: unknown[] = fork.schema.anyOf ?? fork.schema.oneOf;
    return distinct(branches.flatMap((branch) => this.check([...written, at(fork, branch)], reader, path)));
  }

  private byKeyword(written: Conjunction, reader: SchemaNode, path: string): Incompatibility[] {
    if (reader.schema === true) return [];
    const known = flatten(written);
    if (known.some(({ schema }) => schema === false)) return [];
    if (reader.schema === false) return [change(path, 'is not allowed any more', 'is new, and older readers do not allow it', 'keep it')];
    if ([...written, ...known].some((node) => sameSchema(node, reader))) return [];
    const values = finiteValues(known);
    const refused = values && this.refusedValues(values, reader);
    if (refused) {
      const list = refused.map((value) => JSON.stringify(value)).join(', ');
      return list
        ? [change(path, `does not take ${list} any more`, `takes ${list} now, which older readers refuse`, 'keep the values')]
        : [];
    }
    const target = reader.schema.$ref === undefined ? undefined : resolveReference(reader);
    if (reader.schema.$ref !== undefined && !target) {
      return [
        change(path, `refers to ${reader.schema.$ref}`, `refers to ${reader.schema.$ref}`, 'refer to a JSON pointer such as #/$defs/Name'),
      ];
    }
    return [
      ...(target ? this.check(written, target, path) : []),
      ...brokenType(known, reader, path),
      ...brokenValues(known, reader, path),
      ...brokenBounds(known, reader, path),
      ...brokenProperties(known, reader, path, this.check),
      ...brokenItems(known, reader, path, this.check),
      ...this.brokenLogic(written, known, reader, path),
      ...brokenWordForWord(known, reader, path),
    ];
  }

  private brokenLogic(written: Conjunction, known: Conjunction, reader: SchemaNode, path: string): Incompatibility[] {
    const { allOf = [], anyOf, oneOf, not } = reader.schema;
    const found: Incompatibility[] = allOf.flatMap((part: unknown) => this.check(written, at(reader, part), path));
    if (anyOf && !anyOf.some((part: unknown) => this.holds(written, at(reader, part), path))) {
      found.push(
        this.noAlternative(
          written,
          anyOf.map((part: unknown) => at(reader, part)),
          path,
        ),
      );
    }
    if (oneOf) {
      const parts: SchemaNode[] = oneOf.map((part: unknown) => at(reader, part));
      const index = parts.findIndex((part) => this.holds(written, part, path));
      if (index < 0) found.push(this.noAlternative(written, parts, path));
      else if (
        !known.some((node) => sameKeyword('oneOf', node, reader)) &&
        parts.some((part, other) => other !== index && !disjoint(known, part))
      ) {
        const text = 'may match two alternatives of oneOf, which refuses it';
        found.push(change(path, text, text, 'use anyOf, or tell the alternatives apart by a required property with const'));
      }
    }
    // Whatever is not A is not B, where B is part of A.
    if (
      not !== undefined &&
      !known.some((node) => node.schema.not !== undefined && this.holds([at(reader, not)], at(node, node.schema.not), path))
    ) {
      found.push(
        change(path, 'got a `not`, which older records may match', 'lost a `not`, which older readers keep', 'leave the `not` as it was'),
      );
    }
    return found;
  }

  private noAlternative(written: Conjunction, parts: readonly SchemaNode[], path: string): Incompatibility {
    // With one alternative of the same type, what broke within it says more.
    const types = typesOf(flatten(written));
    const alike = parts.filter((part) => [...typesOf(flatten([part]))].some((type) => types.has(type)));
    const [first] = alike.length === 1 ? this.attempt(() => this.check(written, alike[0], path)) : [];
    return (
      first ??
      change(
        path,
        'lost an alternative that older records use',
        'got an alternative that older readers do not know',
        'keep the alternative',
      )
    );
  }

  private holds(written: Conjunction, reader: SchemaNode, path: string): boolean {
    return this.attempt(() => this.check(written, reader, path)).length === 0;
  }

  /** What was taken to hold during an attempt is forgotten when it fails: it may have rested on what failed. */
  private attempt(work: () => Incompatibility[]): Incompatibility[] {
    const before = new Set(this.open);
    const found = work();
    if (found.length > 0) this.open = before;
    return found;
  }

  /** The values that a reader refuses; `undefined` where its references lead out of reach. */
  private refusedValues(values: readonly unknown[], { schema, root, resource }: SchemaNode): unknown[] | undefined {
    const definitions = { $defs: root.$defs, definitions: root.definitions };
    // `#` is the whole document, which does not stand here.
    if (resource || (schema !== root && /"\$ref":"#"/.test(JSON.stringify([schema, definitions])))) return undefined;
    try {
      const validate = validatorOf(this.draft).compile({ ...definitions, allOf: [schema] });
      return values.filter((value) => !validate(value));
    } catch {
      return undefined;
    }
  }

  private idOf(schema: unknown): number {
    const known = this.ids.get(schema) ?? this.ids.size;
    this.ids.set(schema, known);
    return known;
  }
}

function brokenType(known: Conjunction, reader: SchemaNode, path: string): Incompatibility[] {
  if (reader.schema.type === undefined) return [];
  const allowed: string[] = [reader.schema.type].flat();
  const lost = [...typesOf(known)].filter((type) => !allowed.includes(type) && !(type === 'integer' && allowed.includes('number')));
  if (lost.length === 0) return [];
  const types = lost.join(', ');
  return [change(path, `does not take ${types} any more`, `takes ${types} now, which older readers refuse`, `keep ${types} in its type`)];
}

/** A reader that lists its values, and a writer that does not. */
function brokenValues(known: Conjunction, reader: SchemaNode, path: string): Incompatibility[] {
  return ['const', 'enum']
    .filter((keyword) => reader.schema[keyword] !== undefined && !known.some((node) => sameKeyword(keyword, node, reader)))
    .map((keyword) =>
      change(
        path,
        `takes the values of ${keyword} alone now`,
        `is not limited to the values of ${keyword} any more`,
        `leave ${keyword} out`,
      ),
    );
}

function brokenWordForWord(known: Conjunction, reader: SchemaNode, path: string): Incompatibility[] {
  const groups = WORD_FOR_WORD.filter(([head]) => reader.schema[head] !== undefined);
  const broken = groups.filter((keywords) => !known.some((node) => keywords.every((keyword) => sameKeyword(keyword, node, reader))));
  const sensitive = DEPENDS_ON_SIBLINGS.filter((keyword) => reader.schema[keyword] !== undefined).map((keyword) => [keyword]);
  return [...broken, ...sensitive].map(([keyword]) =>
    change(
      path,
      `changed with ${keyword}, so older records may be refused`,
      `changed with ${keyword}, so older readers may refuse it`,
      `leave what ${keyword} depends on as it was`,
    ),
  );
}

/** Whether no value can satisfy both; false where that cannot be shown. */
function disjoint(known: Conjunction, part: SchemaNode, depth = 0): boolean {
  const other = flatten([part]);
  const types = typesOf(other);
  const shared = [...typesOf(known)].filter((type) => types.has(type));
  if (shared.length === 0) return true;
  const [values, others] = [finiteValues(known), finiteValues(other)];
  if (values && others && !values.some((value) => others.some((each) => JSON.stringify(each) === JSON.stringify(value)))) return true;
  if (shared.some((type) => type !== 'object') || depth > 8) return false;
  return [...requiredOf(known), ...requiredOf(other)].some((name) =>
    propertyAt(other, name).some((there) => disjoint(flatten(propertyAt(known, name)), there, depth + 1)),
  );
}

function distinct(found: Incompatibility[]): Incompatibility[] {
  return [...new Map(found.map((each) => [`${each.path} ${each.backward}`, each])).values()];
}
