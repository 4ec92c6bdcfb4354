import { spawnSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { setTimeout as sleep } from 'timers/promises';
import { MillraceError } from '../../lib/core/error';
import { endGroupsOnExit } from '../deploy/process-groups';

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

/** What a conformance run needs and may take. */
export interface ConformanceRun {
  /** Names its folder. */
  readonly name: string;
  readonly limitMinutes: number;
  /** Programs it needs, each with the word that makes it end at once. */
  readonly programs?: readonly (readonly [program: string, word: string])[];
}

/** Runs cases in a folder of their own, for a limited time, and ends the process: with 0 where all passed or a program is not here. */
export async function runConformance(run: ConformanceRun, work: (folder: string, cases: Cases) => Promise<void>): Promise<void> {
  endGroupsOnExit();
  for (const [program, word] of run.programs ?? []) {
    if (spawnSync(program, [word], { stdio: 'ignore' }).status === 0) continue;
    console.log(`Skipped: this needs ${program}, which is not here`);
    return;
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `millrace-${run.name}-`));
  const cases = new Cases();
  process.on('exit', () => {
    if (cases.good) fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    else console.log(`Kept for a look: ${folder}`);
  });
  const late = sleep(run.limitMinutes * 60_000).then(() => Promise.reject(new Error(`stopped after ${run.limitMinutes} minutes`)));
  await Promise.race([work(folder, cases), late]).catch((error: Error) => cases.abandon(error));
  cases.finish();
}
