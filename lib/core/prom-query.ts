import { enforce } from './rule';

/** A question to Prometheus: what metrics are on Kubernetes. Alerts, dashboards and autoscalers are made of it. */
export class PromQuery {
  /**
   * A query in PromQL.
   *
   * @throws Millrace.PromQueryInvalid, Millrace.TokenRefused
   */
  public static of(promql: string): PromQuery {
    enforce('PromQuery.of', { promql }, [
      {
        code: 'Millrace.PromQueryInvalid',
        subject: 'promql',
        value: (input) => input.promql,
        valid: (text: string) => text.trim() !== '' && closesWhatItOpens(text),
        allowed: 'PromQL in which every bracket and every quote is closed',
        fix: 'try it in the expression browser of Prometheus',
        tokens: 'refuse',
      },
    ]);
    return new PromQuery(promql);
  }

  private constructor(
    /** The query in PromQL. */
    public readonly expression: string,
  ) {}

  /** The query in PromQL. */
  public toString(): string {
    return this.expression;
  }
}

const CLOSED_BY: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** Not a parser: it finds what a template leaves open. */
function closesWhatItOpens(text: string): boolean {
  const open: string[] = [];
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quote) {
      if (char === '\\' && quote !== '`') at += 1;
      else if (char === quote) quote = '';
    } else if ('"\'`'.includes(char)) quote = char;
    else if (char in CLOSED_BY) open.push(CLOSED_BY[char]);
    else if (')]}'.includes(char) && open.pop() !== char) return false;
  }
  return !quote && open.length === 0;
}
