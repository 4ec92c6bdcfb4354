// The CDK encodes unresolved values in strings, numbers and lists; core recognises the encodings without loading the CDK.
// Formats: aws-cdk-lib core/lib/private/encoding (stable since v1: they are visible to every construct).
const STRING_TOKEN = '${Token[';
const LIST_TOKEN = '#{Token[';
const NUMBER_TOKEN_MARKER = 0xfbff0000;

function isNumberToken(value: number): boolean {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return (view.getUint32(0) & 0xffff0000) >>> 0 === NUMBER_TOKEN_MARKER;
}

/** Whether a value is known only at deploy time (a CDK token in any encoding, or a cdk8s Lazy). */
export function isToken(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return value.includes(STRING_TOKEN) || value.includes(LIST_TOKEN);
    case 'number':
      return isNumberToken(value);
    case 'object':
      if (value === null) return false;
      if (Array.isArray(value)) return value.some((item) => typeof item === 'string' && isToken(item));
      if (typeof (value as { isUnresolved?: unknown }).isUnresolved === 'function') {
        return (value as { isUnresolved(): boolean }).isUnresolved();
      }
      return (
        typeof (value as { resolve?: unknown }).resolve === 'function' || typeof (value as { produce?: unknown }).produce === 'function'
      );
    default:
      return false;
  }
}
