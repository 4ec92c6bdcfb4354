/** A bar for long work; it is nothing where nobody watches. */
export interface Progress {
  update(done: number, total: number): void;
  stop(): void;
}

/** What a command sees of the process it runs in. */
export interface Terminal {
  /** Standard output. */
  readonly print: (text: string) => void;
  /** Standard error. */
  readonly warn: (text: string) => void;
  readonly now: Date;
  readonly colours: boolean;
  /** Characters in a line. */
  readonly width: number;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
  readonly progress: (title: string) => Progress;
}

/** A usage that was not understood; the command line answers with its usage text. */
export class WrongUsage extends Error {
  public readonly code = 'ERR_PARSE_ARGS_VALUE';
}

/** Ctrl-C while a command was at work. */
export class Interrupted extends Error {
  public readonly code = 'ABORT_ERR';
}

export const SILENT: Progress = { update: () => undefined, stop: () => undefined };

/** Lets Ctrl-C and the bar come through between two pieces of work, and ends the work when Ctrl-C did. */
export async function breathe({ signal }: Pick<Terminal, 'signal'>): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (signal.aborted) throw new Interrupted('interrupted');
}

/** The terminal of this process. */
export function processTerminal(signal: AbortSignal): Terminal {
  const watched = process.stderr.isTTY === true;
  return {
    print: (text) => console.log(text),
    warn: (text) => console.error(text),
    now: new Date(),
    // https://no-color.org: any value that is not empty.
    colours: process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb',
    width: process.stdout.columns || 100,
    signal,
    progress: (title) => (watched ? progressBar(title) : SILENT),
  };
}

function progressBar(title: string): Progress {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- only a watched terminal needs it
  const { SingleBar } = require('cli-progress') as typeof import('cli-progress');
  const bar = new SingleBar({ format: `${title} {bar} {value}/{total}  {eta_formatted} left`, hideCursor: true, clearOnComplete: true });
  let started = false;
  return {
    update: (done, total) => {
      if (!started) bar.start(total, done);
      else {
        bar.setTotal(total);
        bar.update(done);
      }
      started = true;
    },
    stop: () => bar.stop(),
  };
}
