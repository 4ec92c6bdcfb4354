import { MillraceError, show, type Violation } from './error';
import { isToken } from './token';

/** What to do with a value that is known only at deploy time. */
export type TokenPolicy = 'skip' | 'refuse';

/** One row of a rule table. */
export interface Rule<P> {
  readonly code: string;
  /** Name of the property as the user writes it. */
  readonly subject: string;
  /** The value under test. `undefined` means the property is not set and the rule does not apply. */
  readonly value: (props: P) => unknown;
  /** True when the value is acceptable. Called with a known value only. */
  readonly valid: (value: never, props: P) => boolean;
  readonly allowed: string | ((props: P) => string);
  readonly fix: string | ((props: P) => string);
  /** @default 'skip' - a token is taken on trust; 'refuse' for what must be decided at synth */
  readonly tokens?: TokenPolicy;
}

/** Code of a token where the value decides something at synth. */
export const TOKEN_REFUSED = 'Millrace.TokenRefused';

/** Checks every rule and returns all violations, in table order. */
export function violationsOf<P>(props: P, rules: readonly Rule<P>[]): Violation[] {
  const found: Violation[] = [];
  const refusedTokens = new Set<string>();
  for (const rule of rules) {
    const value = rule.value(props);
    if (value === undefined) continue;
    if (isToken(value)) {
      if (rule.tokens === 'refuse' && !refusedTokens.has(rule.subject)) {
        refusedTokens.add(rule.subject);
        found.push({
          code: TOKEN_REFUSED,
          subject: rule.subject,
          received: 'a value known only at deploy time (a token)',
          allowed: 'a value known at synth, because it is validated and decides what is synthesized',
          fix: `pass a literal or a context value for ${rule.subject}`,
        });
      }
      continue;
    }
    if (!rule.valid(value as never, props)) {
      const text = (part: string | ((p: P) => string)) => (typeof part === 'string' ? part : part(props));
      found.push({ code: rule.code, subject: rule.subject, received: show(value), allowed: text(rule.allowed), fix: text(rule.fix) });
    }
  }
  return found;
}

/** Throws one error with every violation of the table. */
export function enforce<P>(scope: string, props: P, rules: readonly Rule<P>[]): void {
  const found = violationsOf(props, rules);
  if (found.length > 0) throw new MillraceError(scope, found);
}

/** A finite number greater than zero: the check every rate, size and count shares. */
export function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}

/** A whole number greater than zero. */
export function isPositiveInteger(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
