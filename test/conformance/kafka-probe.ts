import type { ChildProcess } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import * as readline from 'readline';
import { startGroup } from '../deploy/process-groups';
import { endGroup, java } from './kafka-brokers';

const ANSWER_WITHIN_MS = 60_000;

/** What Kafka said no with: the name of the exception of its client. */
export class KafkaRefusal extends Error {
  constructor(
    public readonly exception: string,
    message: string,
  ) {
    super(`${exception}: ${message}`);
  }
}

/** A program with Kafka's own clients (java/KafkaProbe.java), which asks a cluster as anybody. */
export class KafkaProbe {
  /** Starts it; the first answer takes a second or two, in which it is compiled. */
  public static async start(jars: string, log: string): Promise<KafkaProbe> {
    const file = fs.openSync(log, 'w');
    const source = path.join(__dirname, 'java/KafkaProbe.java');
    const words = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', source];
    const child = startGroup('java', java(jars, 384, ...words), { stdio: ['pipe', 'pipe', file] });
    fs.closeSync(file);
    return new KafkaProbe(child, log);
  }

  private readonly waiting = new Map<number, (answer: any) => void>();
  private count = 0;

  private constructor(
    private readonly child: ChildProcess,
    private readonly log: string,
  ) {
    readline.createInterface({ input: child.stdout! }).on('line', (line) => {
      const answer = JSON.parse(line);
      this.waiting.get(answer.id)?.(answer);
      this.waiting.delete(answer.id);
    });
    const ended = () => {
      for (const answer of this.waiting.values()) answer({ error: 'ProbeEnded', message: fs.readFileSync(log, 'utf8').slice(-2000) });
      this.waiting.clear();
    };
    child.once('error', ended).once('exit', ended);
  }

  /**
   * Asks one thing.
   *
   * @throws KafkaRefusal
   */
  public async ask(op: string, client: Record<string, string>, details: Record<string, unknown> = {}): Promise<any> {
    if (this.child.exitCode !== null) throw new Error(`the probe has ended, see ${this.log}`);
    const id = ++this.count;
    const answer = await new Promise<any>((resolve) => {
      const late = setTimeout(() => resolve({ error: 'ProbeSilent', message: `no answer to ${op}` }), ANSWER_WITHIN_MS);
      this.waiting.set(id, (found) => {
        clearTimeout(late);
        resolve(found);
      });
      this.child.stdin!.write(`${JSON.stringify({ id, op, client, ...details })}\n`);
    });
    if (answer.error) throw new KafkaRefusal(answer.error, answer.message);
    return answer.result;
  }

  /** Asks one thing and says how it ended: `ok`, or the name of the exception. */
  public async outcome(op: string, client: Record<string, string>, details: Record<string, unknown> = {}): Promise<string> {
    return this.ask(op, client, details).then(
      () => 'ok',
      (error: unknown) => (error instanceof KafkaRefusal ? error.exception : Promise.reject(error)),
    );
  }

  public stop(): void {
    endGroup(this.child);
  }
}
