import { MillraceError } from '../../lib/core/error';

/** Runs cases, prints a line for each and counts. */
export class Cases {
  private passed = 0;
  private failed = 0;

  public get good(): boolean {
    return this.failed === 0 && this.passed > 0;
  }

  /** One case; what it returns is printed beside it. */
  public async run(name: string, check: () => Promise<string | void>): Promise<void> {
    try {
      const figures = await check();
      this.passed++;
      console.log(`ok      ${name}${figures ? `: ${figures}` : ''}`);
    } catch (error) {
      this.failed++;
      console.log(`FAILED  ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** A case that must end in a refusal with this code. */
  public async refuses(name: string, code: string, attempt: () => Promise<unknown>): Promise<void> {
    await this.run(name, async () => {
      const error: unknown = await attempt().then(
        () => new Error('a profile came back'),
        (reason: unknown) => reason,
      );
      if (!(error instanceof MillraceError) || error.code !== code) throw error;
      return error.message;
    });
  }

  public equal(actual: unknown, expected: unknown): void {
    if (actual === expected) return;
    const [a, b] = [String(actual), String(expected)];
    let at = 0;
    while (at < a.length && a[at] === b[at]) at++;
    const near = (text: string) => text.slice(Math.max(0, at - 60), at + 60);
    throw new Error(`at ${at} '${near(a)}' instead of '${near(b)}'`);
  }

  public abandon(error: Error): void {
    this.failed++;
    console.log(`FAILED  ${error.stack ?? error.message}`);
  }

  public finish(): never {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exit(this.good ? 0 : 1);
  }
}
