import type { Json } from './manifest';
import { everyField, fieldPath, groupKindOf, groupOf, isObject, listOf } from './manifest';
import { parseQuantity } from './quantity';

/** Quantities of any object, custom resources included, and what the API server asks of requests and limits. */
export function* checkResources(manifest: Json): Iterable<string> {
  for (const { key, value, path } of everyField(manifest)) {
    if (key === 'resources' && isObject(value)) yield* checkRequirements(value, path);
    if (key === 'emptyDir' && value?.sizeLimit !== undefined) yield* checkQuantity(value.sizeLimit, fieldPath(path, 'sizeLimit'));
    if (key === 'storage' && groupOf(manifest) === 'kafka.strimzi.io') yield* checkStrimziStorage(value, path);
  }
  if (groupKindOf(manifest) === '/ResourceQuota') yield* checkQuantities(manifest.spec?.hard, 'spec.hard');
}

function* checkRequirements(resources: Json, path: string): Iterable<string> {
  yield* checkQuantities(resources.requests, fieldPath(path, 'requests'));
  yield* checkQuantities(resources.limits, fieldPath(path, 'limits'));
  for (const [name, request] of Object.entries<Json>(resources.requests ?? {})) {
    const limit = resources.limits?.[name];
    const [least, most] = [parseQuantity(request), parseQuantity(limit)];
    if (least !== undefined && most !== undefined && least > most)
      yield `${path} request of ${name} ${request} is above its limit ${limit}`;
    if (isNotOvercommitted(name) && least !== most) yield `${path} request of ${name} ${request} must equal its limit ${limit ?? '(none)'}`;
  }
}

/** Extended resources (GPUs) and huge pages are handed out whole: the API server refuses a request without the same limit. */
function isNotOvercommitted(name: string): boolean {
  return name.startsWith('hugepages-') || (name.includes('/') && !name.split('/')[0].endsWith('kubernetes.io'));
}

function* checkQuantities(quantities: Json, path: string): Iterable<string> {
  for (const [name, quantity] of Object.entries(quantities ?? {})) {
    yield* checkQuantity(quantity, fieldPath(path, name));
    const value = parseQuantity(quantity);
    if (name === 'memory' && value !== undefined && !Number.isInteger(value)) yield `${path}.memory "${quantity}" is a fraction of a byte`;
  }
}

function* checkQuantity(quantity: unknown, path: string): Iterable<string> {
  const value = parseQuantity(quantity);
  if (value === undefined) yield `${path} "${quantity}" is not a quantity`;
  else if (value < 0) yield `${path} "${quantity}" is negative`;
}

function* checkStrimziStorage(storage: Json, path: string): Iterable<string> {
  if (storage?.size !== undefined) yield* checkQuantity(storage.size, fieldPath(path, 'size'));
  for (const [index, volume] of listOf(storage?.volumes).entries()) {
    yield* checkStrimziStorage(volume, fieldPath(fieldPath(path, 'volumes'), index));
  }
}
