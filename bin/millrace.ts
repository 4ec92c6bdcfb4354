#!/usr/bin/env node
import { parseArgs } from 'util';
import { runCheck } from './commands/check';
import { runReport } from './commands/report';

const USAGE = `millrace <command> [options]

  report  what a synthesized platform is: sizes, cost allocation, findings, files
          --synth           run the apps of cdk.json and cdk8s.yaml first
          --keys A,B,C      required keys, where the vocabulary is not the default one
  check   compare a synthesis with the accepted one (the baseline) and refuse silent loss of data
          --against DIR     another baseline, cdk.out, or folder with cdk.out and cdk8s.out; default: the baseline
          --accept          make this synthesis the baseline, after review
  schema  compare the schemas of a synthesis with those accepted, and accept new versions: millrace schema --help
  usage   what containers used, what they should request, where that is going: millrace usage --help

  report, check
          --templates DIR   CDK output, default cdk.out
          --manifests DIR   cdk8s output, default cdk8s.out
          --json            machine-readable
          --help

Exit codes: 0 nothing refused, 1 something refused, 64 wrong usage.`;

const EX_USAGE = 64;
const INTERRUPTED = 130;

function main(argv: string[]): number | Promise<number> {
  if (argv[0] === 'usage') return usage(argv.slice(1));
  if (argv[0] === 'schema') return schemaModule().schemaCommand(argv.slice(1), (text) => console.log(text));
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      templates: { type: 'string', default: 'cdk.out' },
      manifests: { type: 'string', default: 'cdk8s.out' },
      against: { type: 'string' },
      keys: { type: 'string' },
      accept: { type: 'boolean', default: false },
      synth: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [command, ...rest] = positionals;
  if (values.help || !command) {
    console.log(USAGE);
    return values.help ? 0 : EX_USAGE;
  }
  const folders = { templates: values.templates, manifests: values.manifests, json: values.json };
  const print = (text: string) => console.log(text);
  if (rest.length > 0) throw new Error(`unexpected argument '${rest[0]}'`);
  switch (command) {
    case 'report':
      return runReport({ ...folders, synth: values.synth, keys: values.keys?.split(',') }, print);
    case 'check':
      return runCheck({ ...folders, against: values.against, accept: values.accept }, print);
    default:
      throw new Error(`unknown command '${command}'`);
  }
}

// `millrace report | head` closes the pipe early; that is no error.
process.stdout.on('error', (error: Error & { code?: string }) => {
  if (error.code !== 'EPIPE') throw error;
});

/** `millrace usage`, which waits for other systems: Ctrl-C ends it before anything is written. */
async function usage(argv: string[]): Promise<number> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- report and check start without it
  const { runUsage } = require('./commands/usage') as typeof import('./commands/usage');
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- as above
  const { processTerminal } = require('./commands/usage/terminal') as typeof import('./commands/usage/terminal');
  const controller = new AbortController();
  const interrupt = () => {
    // Who asks twice does not want to wait for a server that hangs.
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    return await runUsage(argv, processTerminal(controller.signal));
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    console.error('interrupted: nothing was written');
    return INTERRUPTED;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

function schemaModule(): typeof import('./commands/schema') {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- report and check start without it
  return require('./commands/schema');
}

function usageText(): string {
  if (process.argv[2] === 'schema') return schemaModule().USAGE;
  if (process.argv[2] !== 'usage') return USAGE;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- as above
  return (require('./commands/usage') as typeof import('./commands/usage')).USAGE;
}

function fail(error: unknown): void {
  const { code, message } = error as Error & { code?: string };
  if (code?.startsWith('Millrace.')) {
    // Who asked for JSON reads standard output and nothing else.
    if (process.argv.includes('--json')) console.log(JSON.stringify({ error: { code, message } }, undefined, 2));
    else console.error(message);
    process.exitCode = 1;
  } else if (code?.startsWith('ERR_PARSE_ARGS') || /^un(known command|expected argument)/.test(message)) {
    console.error(`${message}\n\n${usageText()}`);
    process.exitCode = EX_USAGE;
  } else {
    throw error;
  }
}

try {
  const code = main(process.argv.slice(2));
  // The other commands are done here; a caller that loads this file sees their exit code at once.
  if (typeof code === 'number') process.exitCode = code;
  else void code.then((number) => void (process.exitCode = number)).catch(fail);
} catch (error) {
  fail(error);
}
