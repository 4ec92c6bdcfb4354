import { isDeepStrictEqual } from 'util';

/** Prints steps, checks and notes as they come, and counts. */
export class Report {
  private passed = 0;
  private failed = 0;

  /** Whether nothing failed. */
  public get good(): boolean {
    return this.failed === 0;
  }

  /** Runs a step and prints one line with its time. @throws what the step throws */
  public async step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const start = process.hrtime.bigint();
    const line = (result: string) => `${result}  ${name} (${(Number(process.hrtime.bigint() - start) / 1e9).toFixed(1)} s)`;
    try {
      const value = await work();
      this.passed++;
      console.log(line('ok  '));
      return value;
    } catch (error) {
      console.log(line('FAIL'));
      throw error;
    }
  }

  /** Compares what was found with what was expected. */
  public equal(name: string, found: unknown, expected: unknown): void {
    const good = isDeepStrictEqual(found, expected);
    if (good) this.passed++;
    else this.failed++;
    const difference = good ? '' : `: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`;
    console.log(`      ${good ? 'ok  ' : 'FAIL'}  ${name}${difference}`);
  }

  /** Says what is no check. */
  public note(text: string): void {
    console.log(`      note  ${text}`);
  }

  /** Counts what ended the run early as failed and says what it was. */
  public abandon({ message }: Error): void {
    this.failed++;
    console.log(message);
  }

  /** Prints the last line. */
  public finish(): void {
    console.log(`${this.passed} passed, ${this.failed} failed`);
  }
}
