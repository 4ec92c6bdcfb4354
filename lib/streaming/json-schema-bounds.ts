import type { Incompatibility } from './compatibility-checks';
import { type Conjunction, type SchemaNode, typesOf } from './json-schema-node';

/** A keyword of numbers, strings, arrays or objects that bounds them, and whether what is known implies its value. */
interface Bound {
  readonly keyword: string;
  readonly types: readonly string[];
  readonly implied: (value: any, known: any, types: ReadonlySet<string>) => boolean;
}

const atLeast = (keyword: string) => (value: number, known: any) => known[keyword] >= value;
const atMost = (keyword: string) => (value: number, known: any) => known[keyword] <= value;
const equal = (keyword: string) => (value: unknown, known: any) => known[keyword] === value;
const NUMBERS = ['number', 'integer'];

const BOUNDS: readonly Bound[] = [
  { keyword: 'minimum', types: NUMBERS, implied: (value, known) => known.minimum >= value || known.exclusiveMinimum >= value },
  { keyword: 'exclusiveMinimum', types: NUMBERS, implied: (value, known) => known.exclusiveMinimum >= value || known.minimum > value },
  { keyword: 'maximum', types: NUMBERS, implied: (value, known) => known.maximum <= value || known.exclusiveMaximum <= value },
  { keyword: 'exclusiveMaximum', types: NUMBERS, implied: (value, known) => known.exclusiveMaximum <= value || known.maximum < value },
  {
    keyword: 'multipleOf',
    types: NUMBERS,
    implied: (value, known, types) =>
      known.multipleOf === value ||
      (value === 1 && !types.has('number')) ||
      (Number.isInteger(value) && Number.isInteger(known.multipleOf) && known.multipleOf % value === 0),
  },
  { keyword: 'minLength', types: ['string'], implied: atLeast('minLength') },
  { keyword: 'maxLength', types: ['string'], implied: atMost('maxLength') },
  { keyword: 'pattern', types: ['string'], implied: equal('pattern') },
  { keyword: 'format', types: ['string', ...NUMBERS], implied: equal('format') },
  { keyword: 'minItems', types: ['array'], implied: atLeast('minItems') },
  { keyword: 'maxItems', types: ['array'], implied: atMost('maxItems') },
  { keyword: 'uniqueItems', types: ['array'], implied: equal('uniqueItems') },
  {
    keyword: 'minProperties',
    types: ['object'],
    implied: (value, known) => known.minProperties >= value || new Set(known.required).size >= value,
  },
  { keyword: 'maxProperties', types: ['object'], implied: atMost('maxProperties') },
];

/** `minLength: 0` and its like, which everything keeps. */
function isNoBound(keyword: string, value: unknown): boolean {
  return (value === 0 && /^min(Length|Items|Properties)$/.test(keyword)) || (keyword === 'uniqueItems' && value === false);
}

/** The bounds of a reader that what was written need not keep. */
export function brokenBounds(known: Conjunction, reader: SchemaNode, path: string): Incompatibility[] {
  const types = typesOf(known);
  const broken = BOUNDS.filter(({ keyword, types: bounded, implied }) => {
    const value = reader.schema[keyword];
    if (value === undefined || isNoBound(keyword, value) || !bounded.some((type) => types.has(type))) return false;
    return !known.some(({ schema }) => implied(value, schema, types));
  });
  return broken.map(({ keyword }) => {
    const value = JSON.stringify(reader.schema[keyword]);
    const before = known.find(({ schema }) => schema[keyword] !== undefined)?.schema[keyword];
    const other = before === undefined ? `no ${keyword}` : `${keyword} ${JSON.stringify(before)}`;
    const subject = path ? `field '${path}'` : 'the schema';
    return {
      path,
      backward: `${subject} narrowed from ${other} to ${keyword} ${value}, which older records need not keep`,
      forward: `${subject} widened from ${keyword} ${value} to ${other}, and older readers refuse what is outside`,
      fix: `keep ${keyword} as it was`,
    };
  });
}
