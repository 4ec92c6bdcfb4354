const REFERENCE = /(\{\{Parameters\.[\w-]+(?::text)?\}\})/;
const PARTS = /^\{\{Parameters\.([\w-]+?)(:text)?\}\}$/;
const GET = /^Parameters\.([\w-]+)$/;

/** Replaces references to parameters in a definition by what SageMaker understands, and notes which were used. */
export function withReferences(value: unknown, used: Set<string> = new Set()): unknown {
  if (typeof value === 'string') return withText(value, used);
  if (Array.isArray(value)) return value.map((each) => withReferences(each, used));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const name = key === 'Get' && typeof each === 'string' ? GET.exec(each)?.[1] : undefined;
      if (name !== undefined) used.add(name);
      return [key, withReferences(each, used)];
    }),
  );
}

/** SageMaker takes no number where a text stands: a number becomes one when it is joined with nothing. */
function withText(text: string, used: Set<string>): unknown {
  const parts = text.split(REFERENCE).filter((part) => part !== '');
  let isText = parts.length !== 1;
  const values = parts.map((part) => {
    const [, name, converts] = PARTS.exec(part) ?? [];
    if (name === undefined) return part;
    used.add(name);
    isText ||= converts !== undefined;
    return { Get: `Parameters.${name}` };
  });
  if (values.every((each) => typeof each === 'string')) return text;
  return isText ? { 'Std:Join': { On: '', Values: values } } : values[0];
}
