import type { ErrorObject } from 'ajv';
import type { Json } from './manifest';
import { fieldPath } from './manifest';

/** An ajv error in the words the API server would use. */
export function explain(error: ErrorObject): string {
  const path = pathOf(error);
  const field = path || 'the object';
  switch (error.keyword) {
    case 'additionalProperties':
      return `unknown field ${fieldPath(path, error.params.additionalProperty)}`;
    case 'required':
      return `${fieldPath(path, error.params.missingProperty)} is required`;
    case 'enum':
      return `${field} must be one of ${error.params.allowedValues.map(shown).join(', ')}, not ${shown(error.data)}`;
    case 'type':
      return `${field} must be ${[error.params.type].flat().join(' or ')}, not ${shown(error.data)}`;
    case 'pattern':
    case 'format':
    case 'minimum':
    case 'maximum':
      return `${field} ${error.message}, not ${shown(error.data)}`;
    default:
      return `${field} ${error.message}`;
  }
}

function pathOf(error: ErrorObject): string {
  const keys = error.instancePath.split('/').slice(1);
  return keys.reduce((path, key) => fieldPath(path, unescaped(key)), '');
}

/** A JSON pointer does not tell an index from a field named by digits; such a field is rare, and reads well as an index. */
function unescaped(key: string): string | number {
  return /^\d+$/.test(key) ? Number(key) : key.replace(/~1/g, '/').replace(/~0/g, '~');
}

function shown(value: Json): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
