import type { Json } from './manifest';
import { isObject } from './manifest';

/** Name under which ajv knows the OpenAPI schema of `metadata`. */
export const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';

const COPIED_KEYWORDS = [
  ...['type', 'enum', 'required', 'pattern', 'format', 'minLength', 'maxLength', 'minItems', 'maxItems', 'uniqueItems'],
  ...['minimum', 'maximum', 'multipleOf', 'minProperties', 'maxProperties'],
];

/** A component of the built-in API's OpenAPI document, as a closed JSON schema. */
export function closeComponent(name: string, schema: Json): Json {
  if (name === QUANTITY) return { type: ['string', 'number'], format: 'quantity' };
  if (name === INT_OR_STRING) return { type: ['integer', 'string'] };
  const closed = convert(schema, closeComponentNode);
  return schema.properties ? { ...closed, additionalProperties: false } : closed;
}

/**
 * The schema of a custom resource, as a closed JSON schema with the metadata every object has. `share` may replace a part by a
 * reference to an equal one: the same container schema occurs dozens of times in some resources.
 */
export function closeCustomResource(schema: Json, share: (part: Json) => Json): Json {
  const closed = closeStructuralNode(schema, share);
  const ownMetadata = schema.properties?.metadata;
  const metadata = ownMetadata ? { allOf: [{ $ref: OBJECT_META }, openNode(ownMetadata)] } : { $ref: OBJECT_META };
  return { ...closed, type: 'object', properties: { ...closed.properties, ...rootFields(metadata) } };
}

/** What the API server asks of the root of every object. */
export function rootObject(schema: Json): Json {
  return { allOf: [schema], required: ['apiVersion', 'kind', 'metadata'] };
}

function rootFields(metadata: Json): Json {
  return { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata };
}

/** Objects of the built-in API are closed where they list fields; a bare object (RawExtension, FieldsV1) holds anything. */
function closeComponentNode(schema: Json): Json {
  if (schema.$ref) return { $ref: schema.$ref.split('/').pop() };
  const closed = convert(schema, closeComponentNode);
  const isClosed = schema.properties && schema.additionalProperties === undefined;
  return isClosed ? { ...closed, additionalProperties: false } : closed;
}

/**
 * A custom resource is pruned to its structural schema, so an object without `properties` holds nothing
 * (the `metadata: {type: object}` of many pod templates loses its labels) unless it preserves unknown fields.
 */
function closeStructuralNode(schema: Json, share: (part: Json) => Json): Json {
  if (schema['x-kubernetes-int-or-string']) return intOrString(schema);
  const closed = convert(schema, (part) => share(closeStructuralNode(part, share)));
  if (schema['x-kubernetes-embedded-resource']) embedResource(closed);
  const isObjectNode = schema.type === 'object' || schema.properties;
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties !== undefined;
  return isObjectNode && !isOpen ? { ...closed, additionalProperties: false } : closed;
}

/** Schemas under anyOf, oneOf, allOf and not only check values: fields they do not name stay allowed. */
function openNode(schema: Json): Json {
  return schema['x-kubernetes-int-or-string'] ? intOrString(schema) : convert(schema, openNode);
}

function intOrString(schema: Json): Json {
  return nullable({ ...convert({ ...schema, anyOf: undefined }, openNode), type: ['integer', 'string'] }, schema);
}

function embedResource(closed: Json): void {
  closed.properties = { ...closed.properties, ...rootFields({ $ref: OBJECT_META }) };
  closed.required = [...new Set([...(closed.required ?? []), 'apiVersion', 'kind'])];
}

/** Copies the keywords ajv knows; `node` converts the fields, items and values below. */
function convert(schema: Json, node: (schema: Json) => Json): Json {
  const result: Json = {};
  for (const keyword of COPIED_KEYWORDS) {
    if (schema[keyword] !== undefined) result[keyword] = schema[keyword];
  }
  if (schema.properties) {
    result.properties = Object.fromEntries(Object.entries(schema.properties).map(([key, value]) => [key, node(value)]));
  }
  if (schema.items) result.items = node(schema.items);
  if (schema.additionalProperties !== undefined) {
    result.additionalProperties = isObject(schema.additionalProperties) ? node(schema.additionalProperties) : schema.additionalProperties;
  }
  return nullable({ ...result, ...listRules(schema), ...combinations(schema) }, schema);
}

/** In a component `allOf: [{$ref}]` names the type of a field, so its parts keep the `$ref`. */
function combinations(schema: Json): Json {
  const result: Json = {};
  for (const keyword of ['allOf', 'anyOf', 'oneOf']) {
    if (schema[keyword]) result[keyword] = schema[keyword].map((part: Json) => (part.$ref ? closeComponentNode(part) : openNode(part)));
  }
  if (schema.not) result.not = openNode(schema.not);
  return result;
}

/** The API server refuses duplicates in a list of type `set`, and duplicate keys in one of type `map`. */
function listRules(schema: Json): Json {
  if (schema['x-kubernetes-list-type'] === 'set') return { uniqueItems: true };
  if (schema['x-kubernetes-list-type'] === 'map') return { uniqueKeys: schema['x-kubernetes-list-map-keys'] };
  return {};
}

function nullable(converted: Json, schema: Json): Json {
  if (!schema.nullable || !converted.type) return converted;
  const withNull = { ...converted, type: [converted.type, 'null'].flat() };
  return converted.enum ? { ...withNull, enum: [...converted.enum, null] } : withNull;
}
