/** JSON of any kind: manifests and schemas are read, not typed. */

export type Json = any;

/** API group of a manifest; empty for the core group. */
export function groupOf(manifest: Json): string {
  const [group, version] = String(manifest?.apiVersion ?? '').split('/');
  return version === undefined ? '' : group;
}

/** Kind with its group, for example `apps/Deployment`, `/Service`. */
export function groupKindOf(manifest: Json): string {
  return `${groupOf(manifest)}/${manifest?.kind}`;
}

export function namespaceOf(manifest: Json): string {
  return manifest?.metadata?.namespace ?? '';
}

export function sameNamespace(one: Json, other: Json): boolean {
  return namespaceOf(one) === namespaceOf(other);
}

/** How messages name an object: `Deployment shop/web`. */
export function subjectOf(manifest: Json): string {
  const name = manifest?.metadata?.name ?? manifest?.metadata?.generateName ?? '(no name)';
  const namespace = namespaceOf(manifest);
  return `${manifest?.kind ?? '(no kind)'} ${namespace ? `${namespace}/` : ''}${name}`;
}

/** Path of a field as messages write it: `spec.ports[0].name`, `data["a.b"]`. */
export function fieldPath(parent: string, key: string | number): string {
  if (typeof key === 'number') return `${parent}[${key}]`;
  if (!/^[A-Za-z_$][\w$-]*$/.test(key)) return `${parent}["${key}"]`;
  return parent ? `${parent}.${key}` : key;
}

/** Calls `visit` for every field of a value, at any depth. */
export function* everyField(value: Json, path = ''): Iterable<{ key: string; value: Json; path: string }> {
  if (Array.isArray(value)) {
    for (const [index, entry] of value.entries()) yield* everyField(entry, fieldPath(path, index));
  } else if (isObject(value)) {
    for (const [key, entry] of Object.entries(value)) {
      const inner = fieldPath(path, key);
      yield { key, value: entry, path: inner };
      yield* everyField(entry, inner);
    }
  }
}

export function isObject(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The entries of a list; none when it is not one, so that what a schema refuses does not stop the other checks. */
export function listOf(value: Json): Json[] {
  return Array.isArray(value) ? value.filter((entry) => entry !== null) : [];
}
