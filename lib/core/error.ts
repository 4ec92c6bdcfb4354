/** One refused value: what was received, what is allowed and how to fix it. */
export interface Violation {
  readonly code: string;
  readonly subject: string;
  readonly received: string;
  readonly allowed: string;
  readonly fix: string;
}

/** Renders a value as a reader would write it: strings quoted, quantities with their unit, long values cut. Never throws, never empty. */
export function show(value: unknown): string {
  try {
    return textOf(value) || `an unreadable ${typeof value}`;
  } catch {
    // Circular, or an object whose own methods refuse it: the error that is being written matters more.
    return `an unreadable ${typeof value}`;
  }
}

function textOf(value: unknown): string | undefined {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return value.length > 80 ? `'${value.slice(0, 77)}...' (${value.length} characters)` : `'${value}'`;
  if (value === null || ['number', 'boolean', 'bigint', 'symbol'].includes(typeof value)) return String(value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `[${value.map(textOf).join(', ')}]`;
  const quantity = value as {
    toBps?: () => number;
    toBytes?: (options: object) => number;
    toHumanString?: () => string;
    toMilliseconds?: (options: object) => number;
  };
  if (typeof quantity.toBps === 'function') return `${quantity.toBps()} bit/s`;
  // SizeRoundingBehavior.NONE: a fraction of a byte is to be shown, not to be refused by the CDK instead of by us.
  if (typeof quantity.toBytes === 'function') return `${quantity.toBytes({ rounding: 2 })} bytes`;
  // The CDK has no words for a duration of NaN.
  if (typeof quantity.toHumanString === 'function')
    return quantity.toHumanString() || `${quantity.toMilliseconds?.({ integral: false })} ms`;
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
