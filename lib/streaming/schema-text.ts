import { createHash } from 'crypto';

const JSON_TOKEN = /("(?:\\.|[^"\\])*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\s+/g;
const PROTOBUF_TOKEN = /("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\/\/[^\n]*|\/\*[\s\S]*?\*\/|(\s+)/g;

/** JSON without space between its tokens; numbers keep all their digits, which `JSON.parse` would round. */
export function compactJson(text: string): string {
  return text.replace(JSON_TOKEN, (_match, string?: string, number?: string) => string ?? number ?? '');
}

/** JSON with two spaces of indentation; like `compactJson` it changes nothing but space. */
export function indentJson(text: string): string {
  let depth = 0;
  const line = () => `\n${'  '.repeat(depth)}`;
  return compactJson(text).replace(/("(?:\\.|[^"\\])*")|\{\}|\[\]|[{}[\],:]/g, (token, string?: string) => {
    if (string !== undefined || token === '{}' || token === '[]') return token;
    if (token === ':') return ': ';
    if (token === ',') return `,${line()}`;
    if (token === '{' || token === '[') {
      depth++;
      return `${token}${line()}`;
    }
    depth--;
    return `${line()}${token}`;
  });
}

/** The same text for two JSON documents that differ in space and in the order of keys alone. */
export function canonicalJson(text: string): string {
  // Numbers become marked strings, so that two large ones do not round to the same value.
  const marked = text.replace(JSON_TOKEN, (_match, string?: string, number?: string) =>
    number === undefined ? (string ?? '') : JSON.stringify(`\u0000${number}`),
  );
  const sorted = (_key: string, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part;
  return JSON.stringify(JSON.parse(marked), sorted);
}

/** The same text for two Protobuf files that differ in space and comments alone. */
export function canonicalProtobuf(text: string): string {
  return text
    .replace(PROTOBUF_TOKEN, (_match, string?: string) => string ?? ' ')
    .replace(
      /("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\s*([{}[\]()<>=;,])\s*|\s+/g,
      (_match, string?: string, mark?: string) => string ?? mark ?? ' ',
    )
    .trim();
}

/** SHA-256 of a text, hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** `line 3, column 7` of a position in a text. */
export function placeOf(text: string, position: number): string {
  const before = text.slice(0, position).split('\n');
  return `line ${before.length}, column ${before[before.length - 1].length + 1}`;
}
