/** One refused value: what was received, what is allowed and how to fix it. */
export interface Violation {
  readonly code: string;
  readonly subject: string;
  readonly received: string;
  readonly allowed: string;
  readonly fix: string;
}

/** Renders a value as a reader would write it: strings quoted, quantities with their unit, long values cut. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return value.length > 80 ? `'${value.slice(0, 77)}...' (${value.length} characters)` : `'${value}'`;
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  const quantity = value as { toBps?: () => number; toBytes?: () => number; toMilliseconds?: () => number; toHumanString?: () => string };
  if (typeof quantity.toBps === 'function') return `${quantity.toBps()} bit/s`;
  if (typeof quantity.toBytes === 'function') return `${quantity.toBytes()} bytes`;
  if (typeof quantity.toHumanString === 'function') return quantity.toHumanString();
  return JSON.stringify(value);
}

function render(violation: Violation): string {
  return `${violation.code}: ${violation.subject}: received ${violation.received}; allowed: ${violation.allowed}; fix: ${violation.fix}`;
}

/**
 * The one error this library throws for bad input. It carries every violation found, each with its stable code; `code` is the first.
 */
export class MillraceError extends Error {
  declare public readonly code: string;
  declare public readonly violations: Violation[];

  constructor(scope: string, violations: Violation[]) {
    const lines = violations.map(render);
    super(
      lines.length === 1 ? `${scope}: ${lines[0]}` : `${scope}: ${lines.length} violations\n${lines.map((line) => `  ${line}`).join('\n')}`,
    );
    // Not enumerable: Node prints enumerable properties of an uncaught error below a message that says it all.
    Object.defineProperty(this, 'name', { value: 'MillraceError' });
    Object.defineProperty(this, 'code', { value: violations[0].code });
    Object.defineProperty(this, 'violations', { value: violations });
  }
}

/** Throws a single violation. */
export function refuse(scope: string, violation: Violation): never {
  throw new MillraceError(scope, [violation]);
}

/** The text of a violation for `node.addValidation`, where the framework collects the messages. */
export function violationMessage(violation: Violation): string {
  return render(violation);
}
