import type { Json } from './manifest';
import { everyField, fieldPath, groupKindOf, groupOf, isObject, namespaceOf } from './manifest';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const ANNOTATIONS_LIMIT = 256 * 1024;

export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && LABEL.test(text);
}

function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && SUBDOMAIN.test(text);
}

/** Names, labels and annotations of an object and of the templates in it. */
export function* checkNamesAndLabels(manifest: Json): Iterable<string> {
  yield* checkName(manifest);
  if (namespaceOf(manifest) && !isDnsLabel(namespaceOf(manifest))) yield `metadata.namespace "${namespaceOf(manifest)}" is not a DNS label`;
  for (const { key, value, path } of everyField(manifest)) {
    if (!isObject(value)) continue;
    if (key === 'metadata') yield* checkMetadata(value, path);
    if (key === 'matchLabels' || key === 'nodeSelector') yield* checkLabels(value, path);
  }
  if (groupKindOf(manifest) === '/Service' && isObject(manifest.spec?.selector))
    yield* checkLabels(manifest.spec.selector, 'spec.selector');
}

function* checkName(manifest: Json): Iterable<string> {
  const name = manifest.metadata?.name;
  if (typeof name !== 'string') {
    if (!manifest.metadata?.generateName) yield 'metadata.name is missing';
  } else if (groupOf(manifest) === 'rbac.authorization.k8s.io') {
    if (/[/%]/.test(name) || ['', '.', '..'].includes(name)) yield `metadata.name "${name}" is not a path segment`;
  } else if (['/Service', '/Namespace'].includes(groupKindOf(manifest))) {
    if (!isDnsLabel(name)) yield `metadata.name "${name}" is not a DNS label`;
  } else if (!isDnsSubdomain(name)) {
    yield `metadata.name "${name}" is not a DNS subdomain`;
  } else if (manifest.kind === 'CronJob' && name.length > 52) {
    yield `metadata.name "${name}" is longer than the 52 characters a CronJob may have`;
  }
}

function* checkMetadata(metadata: Json, path: string): Iterable<string> {
  if (isObject(metadata.labels)) yield* checkLabels(metadata.labels, fieldPath(path, 'labels'));
  if (isObject(metadata.annotations)) yield* checkAnnotations(metadata.annotations, fieldPath(path, 'annotations'));
}

function* checkLabels(labels: Json, path: string): Iterable<string> {
  for (const [key, value] of Object.entries<Json>(labels)) {
    yield* checkKey(key, `${path} key`);
    if (typeof value === 'string' && !isLabelValue(value)) yield `${path} value "${value}" of "${key}" is not a label value`;
  }
}

function* checkAnnotations(annotations: Json, path: string): Iterable<string> {
  for (const key of Object.keys(annotations)) yield* checkKey(key.toLowerCase(), `${path} key`);
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + Buffer.byteLength(key + value), 0);
  if (size > ANNOTATIONS_LIMIT) yield `${path} take ${size} bytes, above the limit of ${ANNOTATIONS_LIMIT}`;
}

function isLabelValue(value: string): boolean {
  return value === '' || (value.length <= 63 && QUALIFIED_NAME.test(value));
}

function* checkKey(key: string, what: string): Iterable<string> {
  const parts = key.split('/');
  const name = parts.pop() as string;
  const isNameGood = name.length <= 63 && QUALIFIED_NAME.test(name);
  const isPrefixGood = parts.length === 0 || (parts.length === 1 && isDnsSubdomain(parts[0]));
  if (!isNameGood || !isPrefixGood) yield `${what} "${key}" is not a qualified name`;
}
