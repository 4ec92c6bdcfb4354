import * as fs from 'fs';
import * as path from 'path';
import type { ValidateFunction } from 'ajv';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { closeComponent, closeCustomResource, OBJECT_META, rootObject } from './close-schema';
import { CrdFiles } from './crd-files';
import type { Json } from './manifest';
import { groupOf, subjectOf } from './manifest';
import { parseQuantity } from './quantity';
import { explain } from './schema-errors';

/** Folder of the real schemas: `MILLRACE_SHARED`, or `shared` beside the repository. It may be absent. */
export function sharedDirectory(): string {
  return process.env.MILLRACE_SHARED ?? path.resolve(__dirname, '../../../shared');
}

/** Characters of JSON below which a part is compiled in place rather than shared. */
const SMALLEST_SHARED_PART = 100;

/** Either a compiled validator, or why there is none. */
type Lookup = { validate: ValidateFunction } | { missing: string };

/**
 * Closed schemas of the real API: Kubernetes' OpenAPI and the custom resource definitions of released operators, where a field
 * the schema does not list is an error, as with `kubectl apply --validate=strict`. Kinds are read and compiled when first asked for.
 */
export class ClosedSchemas {
  private static readonly loaded = new Map<string, ClosedSchemas>();

  /** The schemas of the shared folder, or undefined where that folder is absent. */
  static load(): ClosedSchemas | undefined {
    const folder = sharedDirectory();
    if (!fs.existsSync(path.join(folder, 'openapi')) || !fs.existsSync(path.join(folder, 'crds'))) return undefined;
    const schemas = this.loaded.get(folder) ?? new ClosedSchemas(folder);
    this.loaded.set(folder, schemas);
    return schemas;
  }

  private readonly ajv = newAjv();
  private readonly crds: CrdFiles;
  private readonly openApiDocuments = new Map<string, Json>();
  private readonly sharedParts = new Map<string, string>();
  private readonly lookups = new Map<string, Lookup>();

  private constructor(private readonly folder: string) {
    this.crds = new CrdFiles(path.join(folder, 'crds'));
  }

  /** What a manifest does wrong, one message a mistake; empty when its schema accepts it. */
  validate(manifest: Json): string[] {
    if (!isText(manifest?.apiVersion) || !isText(manifest?.kind)) return [`${subjectOf(manifest)}: apiVersion and kind are required`];
    const lookup = this.lookup(manifest);
    if ('missing' in lookup) return [`${subjectOf(manifest)}: ${lookup.missing}`];
    const asWritten = JSON.parse(JSON.stringify(manifest));
    if (lookup.validate(asWritten)) return [];
    return [...new Set(lookup.validate.errors?.map((error) => `${subjectOf(manifest)}: ${explain(error)}`))];
  }

  private lookup(manifest: Json): Lookup {
    const key = `${manifest.apiVersion} ${manifest.kind}`;
    const lookup =
      this.lookups.get(key) ??
      this.builtIn(manifest) ??
      this.customResource(manifest) ??
      this.confluent(manifest) ??
      this.unknown(manifest);
    this.lookups.set(key, lookup);
    return lookup;
  }

  private builtIn(manifest: Json): Lookup | undefined {
    const components = this.openApi(manifest.apiVersion);
    const found = Object.entries<Json>(components).find(([, schema]) => isKind(schema, manifest));
    return found && { validate: this.ajv.compile(rootObject({ $ref: found[0] })) };
  }

  private customResource(manifest: Json): Lookup | undefined {
    const definition = this.crds.find(groupOf(manifest), manifest.kind);
    if (!definition) return undefined;
    const served = definition.versions.filter((version: Json) => version.served);
    const version = served.find(({ name }: Json) => manifest.apiVersion === `${definition.group}/${name}`);
    if (!version) return { missing: `${noSchema(manifest)}: the served versions are ${served.map(({ name }: Json) => name).join(', ')}` };
    this.openApi('v1');
    return { validate: this.ajv.compile(rootObject(closeCustomResource(version.schema.openAPIV3Schema, this.share))) };
  }

  /** Confluent publishes no definitions; what there is are JSON schemas made of them, one a kind. */
  private confluent(manifest: Json): Lookup | undefined {
    const [group, version] = manifest.apiVersion.split('/');
    if (group !== 'platform.confluent.io') return undefined;
    const name = `${manifest.kind.toLowerCase()}_${version}.json`;
    const file = path.join(this.folder, 'crds/confluent-for-kubernetes/jsonschema', name);
    if (!fs.existsSync(file)) return undefined;
    this.openApi('v1');
    const schema = JSON.parse(fs.readFileSync(file, 'utf8'));
    return { validate: this.ajv.compile(rootObject(closeCustomResource(schema, this.share))) };
  }

  /** Compiles equal parts of custom resources once: an InferenceService has a container's schema 38 times. */
  private readonly share = (part: Json): Json => {
    const text = JSON.stringify(part);
    if (text.length < SMALLEST_SHARED_PART) return part;
    const id = this.sharedParts.get(text) ?? `shared-${this.sharedParts.size}`;
    if (!this.sharedParts.has(text)) this.ajv.addSchema(part, id);
    this.sharedParts.set(text, id);
    return { $ref: id };
  };

  private unknown(manifest: Json): Lookup {
    const group = groupOf(manifest);
    const versions = fs
      .readdirSync(path.join(this.folder, 'openapi'))
      .filter((file) => group && file.startsWith(`apis_${group}_`))
      .map((file) => file.slice(`apis_${group}_`.length, -'.json'.length));
    return { missing: noSchema(manifest) + (versions.length ? `: the served versions of ${group} are ${versions.join(', ')}` : '') };
  }

  /** The components of one group and version, made known to ajv; none when there is no such document. */
  private openApi(apiVersion: string): Json {
    const name = apiVersion.includes('/') ? `apis_${apiVersion.replace('/', '_')}.json` : `api_${apiVersion}.json`;
    const known = this.openApiDocuments.get(name);
    if (known) return known;
    const file = path.join(this.folder, 'openapi', name);
    const components = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).components.schemas : {};
    this.openApiDocuments.set(name, components);
    for (const [id, schema] of Object.entries<Json>(components)) {
      if (!this.ajv.schemas[id]) this.ajv.addSchema(closeComponent(id, schema), id);
    }
    return components;
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function noSchema(manifest: Json): string {
  return `no schema for ${manifest.apiVersion} ${manifest.kind}`;
}

/** Whether a component is the object of that group, version and kind; lists and options have no object metadata. */
function isKind(schema: Json, manifest: Json): boolean {
  const isObjectKind = JSON.stringify(schema.properties?.metadata ?? {}).includes(`${OBJECT_META}"`);
  const names: Json[] = schema['x-kubernetes-group-version-kind'] ?? [];
  return isObjectKind && names.some((name) => name.kind === manifest.kind && apiVersionOf(name) === manifest.apiVersion);
}

function apiVersionOf({ group, version }: Json): string {
  return group ? `${group}/${version}` : version;
}

function newAjv(): Ajv {
  const ajv = new Ajv({
    strict: false,
    allErrors: true,
    verbose: true,
    validateSchema: false,
    logger: false,
    code: { regExp: Object.assign(goRegExp, { code: 'goRegExp' }) },
  });
  addFormats(ajv);
  ajv.addFormat('duration', /^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+)$/);
  ajv.addFormat('quantity', { type: 'string', validate: (text: string) => parseQuantity(text) !== undefined });
  return ajv.addKeyword({
    keyword: 'uniqueKeys',
    type: 'array',
    validate: uniqueKeys,
    error: { message: ({ schema }) => `has two entries of the same ${schema.join(' and ')}` },
  });
}

/**
 * Go's `(?i)` becomes JavaScript's flag for the whole pattern: Node 20 has no inline flags, and ajv would throw. So it would for an escaped
 * underscore, which Go takes for one.
 */
function goRegExp(pattern: string, flags: string): RegExp {
  const readable = pattern.replaceAll('\\_', '_');
  return readable.includes('(?i)') ? new RegExp(readable.replaceAll('(?i)', ''), `${flags}i`) : new RegExp(readable, flags);
}

function uniqueKeys(keys: string[], list: Json[]): boolean {
  const seen = new Set(list.map((entry) => JSON.stringify(keys.map((key) => entry?.[key] ?? null))));
  return seen.size === list.length;
}
