import { parseArgs, type ParseArgsConfig } from 'util';
import { isUtilisation } from '../../lib/usage/profile-file';
import { WORKLOAD_CLASSES } from '../../lib/usage/workload-class';
import type { Statistic } from './usage/daily-usage';
import { runForecast } from './usage/forecast';
import { daysOf, numberOf, oneOf, wholeOf } from './usage/option-values';
import { readPrices } from './usage/prices';
import { PULL_OPTIONS, PULL_USAGE, type PullValues } from './usage/pull-options';
import { runRecommend } from './usage/recommend';
import { bandOf } from './usage/request-check';
import { runShow } from './usage/show';
import { type Terminal, WrongUsage } from './usage/terminal';

export const USAGE = `millrace usage <command> [FILE...] [options]

FILE is a profile; without one all of usage/*.json are read.

${PULL_USAGE}
  show        what containers used, and what they request
  recommend   requests before and after with the saving; writes them into the profiles, which synth reads
          --policy P              steady (default) or responsive
          --class CONTAINER=C     service, batch, jvm or gpu; kept in the profile; repeatable
          --autoscaled CONTAINER=PERCENT
                                  CPU utilisation that an autoscaler holds; kept in the profile; repeatable
          --min-cpu MILLICORES    default 10
          --min-memory MIB        default 16
          --prices FILE           JSON with cpuCoreHour and memoryGibHour in dollars; or --cpu-price and --memory-price
          --verbose               the reason of each recommendation
          --dry-run               write nothing
          --check                 write nothing; exit code 2 when a request lies outside the band around its recommendation
          --band PERCENT          default 15: CPU 85 % to 115 % of the recommendation, memory 100 % to 115 %
          --markdown              for a comment on a pull request
  forecast    where usage or another series is going
          --resource R            cpu or memory; default both
          --statistic S           mean, p95 or peak of a day; default p95 of CPU, peak of memory; times the pods
          --horizon TIME          default 90d
          --capacity N            when it is exceeded; with --resource; default the requests of all pods
          --series FILE           a CSV file instead of profiles, with --time COLUMN (default time) and --value COLUMN (default value)
          --sum                   what the horizon sums up to: what will it cost in two quarters (--horizon 2q)

  show, recommend, forecast
          --container NAME        workload/container; repeatable
          --max-age TIME          warn of a history that ended longer ago; default 14d
          --json, --csv           machine-readable
          --html FILE             one page with charts that needs no network
  --help

Exit codes: 0 done, 1 refused, 2 --check found requests outside the band, 64 wrong usage, 130 interrupted.`;

const OUTPUT = { json: { type: 'boolean' }, csv: { type: 'boolean' }, html: { type: 'string' } } as const;
const SELECTION = {
  ...OUTPUT,
  container: { type: 'string', multiple: true },
  'max-age': { type: 'string', default: '14d' },
} as const;

/** Runs one of the usage commands; the exit code is the answer. */
export async function runUsage(argv: string[], terminal: Terminal): Promise<number> {
  const [command, ...rest] = argv;
  if (rest.includes('--help') || command === '--help') {
    terminal.print(USAGE);
    return 0;
  }
  switch (command) {
    case 'pull':
      return pull(rest, terminal);
    case 'show':
      return show(rest, terminal);
    case 'recommend':
      return recommend(rest, terminal);
    case 'forecast':
      return forecast(rest, terminal);
    default:
      throw new WrongUsage(command === undefined ? 'usage: a command is missing' : `unknown command 'usage ${command}'`);
  }
}

function parse<O extends NonNullable<ParseArgsConfig['options']>>(args: string[], options: O) {
  return parseArgs({ args, options, allowPositionals: true });
}

function pull(args: string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parse(args, PULL_OPTIONS);
  if (positionals.length > 0) throw new WrongUsage(`unexpected argument '${positionals[0]}'`);
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- readers of other systems, which the other commands do not need
  return (require('./usage/pull') as typeof import('./usage/pull')).runPull(values as PullValues, terminal);
}

function show(args: string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parse(args, SELECTION);
  return runShow({ ...values, ...selectionOf(values), files: positionals }, terminal);
}

function recommend(args: string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parse(args, {
    ...SELECTION,
    policy: { type: 'string', default: 'steady' },
    class: { type: 'string', multiple: true, default: [] },
    autoscaled: { type: 'string', multiple: true, default: [] },
    'min-cpu': { type: 'string' },
    'min-memory': { type: 'string' },
    prices: { type: 'string' },
    'cpu-price': { type: 'string' },
    'memory-price': { type: 'string' },
    band: { type: 'string', default: '15' },
    check: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    markdown: { type: 'boolean' },
  });
  const percent = numberOf('band', values.band, 0) as number;
  if (percent >= 100) throw new WrongUsage(`--band '${values.band}': a number of percent below 100 is needed`);
  return runRecommend(
    {
      ...values,
      ...selectionOf(values),
      files: positionals,
      policy: oneOf('policy', values.policy, ['steady', 'responsive']),
      classes: new Map(values.class.map(classOf)),
      autoscaled: new Map(values.autoscaled.map(utilisationOf)),
      minCpuMillis: wholeOf('min-cpu', values['min-cpu'], 1),
      minMemoryMib: wholeOf('min-memory', values['min-memory'], 1),
      prices: readPrices(values.prices, values['cpu-price'], values['memory-price']),
      dryRun: values['dry-run'],
      band: bandOf(percent),
    },
    terminal,
  );
}

function classOf(text: string) {
  const split = text.lastIndexOf('=');
  if (split < 1) throw new WrongUsage(`--class '${text}': CONTAINER=CLASS is needed, such as api/app=jvm`);
  return [text.slice(0, split), oneOf('class', text.slice(split + 1), WORKLOAD_CLASSES)] as const;
}

function utilisationOf(text: string) {
  const split = text.lastIndexOf('=');
  if (split < 1) throw new WrongUsage(`--autoscaled '${text}': CONTAINER=PERCENT is needed, such as api/app=60`);
  const percent = Number(text.slice(split + 1));
  if (!isUtilisation(percent)) throw new WrongUsage(`--autoscaled '${text}': a whole number from 1 to 100 is needed`);
  return [text.slice(0, split), percent] as const;
}

function forecast(args: string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parse(args, {
    ...SELECTION,
    resource: { type: 'string' },
    statistic: { type: 'string' },
    horizon: { type: 'string', default: '90d' },
    capacity: { type: 'string' },
    series: { type: 'string' },
    time: { type: 'string', default: 'time' },
    value: { type: 'string', default: 'value' },
    sum: { type: 'boolean', default: false },
  });
  if (values.series !== undefined && positionals.length > 0) throw new WrongUsage('give profiles or --series, not both');
  if (values.capacity !== undefined && values.series === undefined && values.resource === undefined) {
    throw new WrongUsage('--capacity needs --resource: CPU in millicores or memory in MiB');
  }
  return runForecast(
    {
      ...values,
      ...selectionOf(values),
      files: positionals,
      resource: values.resource === undefined ? undefined : oneOf<'cpu' | 'memory'>('resource', values.resource, ['cpu', 'memory']),
      statistic: values.statistic === undefined ? undefined : oneOf<Statistic>('statistic', values.statistic, ['mean', 'p95', 'peak']),
      horizonDays: daysOf('horizon', values.horizon),
      capacity: numberOf('capacity', values.capacity, 0),
      series: values.series === undefined ? undefined : { file: values.series, time: values.time, value: values.value },
    },
    terminal,
  );
}

function selectionOf(values: { readonly container?: string[]; readonly 'max-age': string }) {
  return { containers: values.container ?? [], maxAgeDays: daysOf('max-age', values['max-age']) };
}
