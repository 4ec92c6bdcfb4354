import { MillraceError, type Violation } from '../../../lib/core/error';
import { type ProfileContainer, type ProfileFile, formatProfile } from '../../../lib/usage/profile-file';
import type { Recommendation } from '../../../lib/usage/recommendation';
import { type RecommenderOptions, recommendContainer } from '../../../lib/usage/recommender';
import { usageCharts } from './daily-usage';
import { MONTH_HOURS, type Prices } from './prices';
import { readProfiles, type ReadProfile, refuseUnknown, requestNow, selectContainers, warnOfAge, writeProfiles } from './profile-files';
import { checkOutput, output, type OutputOptions } from './report-output';
import { type Band, checkRequests, type RequestFinding } from './request-check';
import { cellText, type Column, printable, renderTable, type Table } from './table';
import { breathe, type Terminal } from './terminal';
import type { FileText } from './write-file';

/** Options of `millrace usage recommend`. */
export interface RecommendOptions extends OutputOptions {
  readonly files: readonly string[];
  readonly containers: readonly string[];
  readonly policy: 'steady' | 'responsive';
  /** Class by container. */
  readonly classes: ReadonlyMap<string, NonNullable<RecommenderOptions['workloadClass']>>;
  /** CPU utilisation that an autoscaler holds, in percent, by container. */
  readonly autoscaled: ReadonlyMap<string, number>;
  readonly minCpuMillis?: number;
  readonly minMemoryMib?: number;
  readonly prices?: Prices;
  readonly maxAgeDays: number;
  readonly check: boolean;
  readonly dryRun: boolean;
  readonly verbose: boolean;
  readonly band: Band;
}

interface Change {
  readonly file: string;
  readonly container: string;
  readonly cpuBefore?: number;
  readonly memoryBefore?: number;
  readonly recommendation: Recommendation;
}

/** Exit code of `--check` when a request lies outside the band. */
export const OUTSIDE_BAND = 2;

/** Recommends requests and writes them into the profiles, or checks the requests against what is written there. */
export async function runRecommend(options: RecommendOptions, terminal: Terminal): Promise<number> {
  checkOutput(options);
  const profiles = await readProfiles(options.files, terminal);
  const selected = selectContainers(profiles, options.containers);
  refuseUnknown(profiles, [...new Set([...options.classes.keys(), ...options.autoscaled.keys()])]);
  warnOfAge(profiles, options.maxAgeDays, terminal);
  return options.check ? checkCommitted(selected, options, terminal) : recommend(selected, options, terminal);
}

type Selected = readonly { readonly read: ReadProfile; readonly names: readonly string[] }[];

async function recommend(selected: Selected, options: RecommendOptions, terminal: Terminal): Promise<number> {
  const bar = terminal.progress('recommend');
  const total = selected.reduce((sum, { names }) => sum + names.length, 0);
  const changes: Change[] = [];
  const texts: FileText[] = [];
  const violations: Violation[] = [];
  try {
    for (const { read, names } of selected) {
      const containers = new Map<string, ProfileContainer>(read.profile.containers);
      for (const name of names) {
        const container = containers.get(name) as ProfileContainer;
        const recommendation = attempt(read, name, options, violations);
        if (recommendation) {
          // What --class and --autoscaled say stays in the file, so that the next run decides the same.
          const workloadClass = options.classes.get(name) ?? container.workloadClass;
          const autoscaledAt = options.autoscaled.get(name) ?? container.autoscaledAt;
          containers.set(name, { ...container, workloadClass, autoscaledAt, recommendation });
          const [cpuBefore, memoryBefore] = [requestNow(container, 'cpu'), requestNow(container, 'memory')];
          changes.push({ file: read.file, container: name, cpuBefore, memoryBefore, recommendation });
        }
        bar.update(changes.length, total);
        await breathe(terminal);
      }
      texts.push({ file: read.file, text: formatProfile({ ...read.profile, containers }) });
    }
  } finally {
    bar.stop();
  }
  if (violations.length > 0) throw new MillraceError('millrace usage recommend: nothing was written', violations);
  const written = options.dryRun ? [] : writeProfiles(texts);
  const outcome = options.dryRun
    ? 'nothing was written (--dry-run)'
    : written.length > 0
      ? `wrote ${written.join(', ')}; commit it`
      : 'nothing changed';
  const table = changesTable(changes, options.prices);
  const confidences = changes.filter(({ recommendation }) => recommendation.confidence < 0.5);
  const notes = confidences.map(
    ({ container, recommendation: { historyDays } }) => `low confidence: ${printable(container)} has ${historyDays} days of history`,
  );
  output(
    {
      title: 'Recommended requests',
      content: { recommendations: changes.map(({ recommendation, ...rest }) => ({ ...rest, ...recommendation })), written },
      tables: [table],
      charts: () =>
        changes.flatMap(({ file, container, recommendation }) => {
          const { profile } = selected.find(({ read }) => read.file === file)!.read;
          return usageCharts(container, profile.containers.get(container) as ProfileContainer, recommendation);
        }),
      notes: [...notes, outcome],
      lines: [renderTable(table, terminal.colours), '', ...(options.verbose ? changes.flatMap(reasonLines) : [])],
    },
    options,
    terminal,
  );
  return 0;
}

function attempt(read: ReadProfile, name: string, options: RecommendOptions, violations: Violation[]): Recommendation | undefined {
  try {
    return recommendContainer(read.profile as ProfileFile, name, {
      policy: options.policy,
      ...(options.classes.has(name) ? { workloadClass: options.classes.get(name) } : {}),
      ...(options.autoscaled.has(name) ? { autoscaledAt: options.autoscaled.get(name) } : {}),
      ...(options.minCpuMillis === undefined ? {} : { minCpuMillis: options.minCpuMillis }),
      ...(options.minMemoryMib === undefined ? {} : { minMemoryMib: options.minMemoryMib }),
      ...(options.prices ? { prices: options.prices } : {}),
    });
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    violations.push(...error.violations.map((violation) => ({ ...violation, subject: `${read.file}: ${name}: ${violation.subject}` })));
    return undefined;
  }
}

function reasonLines({ container, recommendation }: Change): string[] {
  const share = (value: number) => cellText(value, 'share');
  return [
    printable(container),
    `  ${printable(recommendation.reason)}`,
    `  model ${printable(recommendation.model)}, policy ${recommendation.policy}, algorithm ${printable(recommendation.algorithm)}, confidence ${share(recommendation.confidence)}`,
    `  expected slack: CPU ${share(recommendation.expectedCpuSlack)}, memory ${share(recommendation.expectedMemorySlack)}; ` +
      `expected above the request: CPU ${share(recommendation.expectedCpuOver)}, memory ${share(recommendation.expectedMemoryOver)}`,
    '',
  ];
}

/** Before, after, and what is saved over all replicas; the total counts only containers whose requests are known. */
function changesTable(changes: readonly Change[], prices: Prices | undefined): Table {
  const rows = changes.map(({ file, container, cpuBefore, memoryBefore, recommendation }) => {
    const { cpuMillis, memoryMib, replicas, monthlySaving } = recommendation;
    const saved = (before: number | undefined, after: number, unit: number) =>
      before === undefined ? undefined : ((before - after) * replicas) / unit;
    const expected = (reason: keyof Recommendation) => recommendation[reason];
    return {
      container,
      class: recommendation.workloadClass,
      replicas,
      cpuBefore,
      cpuAfter: cpuMillis,
      memoryBefore,
      memoryAfter: memoryMib,
      cpuSaved: saved(cpuBefore, cpuMillis, 1000),
      memorySaved: saved(memoryBefore, memoryMib, 1024),
      monthlySaving,
      gpuAfter: recommendation.gpuMillis,
      gpuMemoryAfter: recommendation.gpuMemoryMib,
      file,
      ...Object.fromEntries(REASONS.map(({ key }) => [key, expected(key as keyof Recommendation)])),
    };
  });
  const sum = (key: 'cpuSaved' | 'memorySaved' | 'monthlySaving') => {
    const known = rows.map((row) => row[key]).filter((value) => value !== undefined);
    return known.length === 0 ? undefined : known.reduce((total, value) => total + value, 0);
  };
  const totals = { cpuSaved: sum('cpuSaved'), memorySaved: sum('memorySaved'), monthlySaving: prices ? sum('monthlySaving') : undefined };
  return {
    title: `Requests of a pod before and after, and what is saved over all replicas${prices ? ` (a month of ${MONTH_HOURS} hours)` : ''}`,
    columns: [
      ...CHANGE_COLUMNS,
      ...(prices ? [SAVING] : []),
      ...(rows.some(({ gpuAfter }) => gpuAfter !== undefined) ? GPU : []),
      ...REASONS,
    ],
    rows,
    total: { container: 'total', ...totals },
  };
}

const CHANGE_COLUMNS: Column[] = [
  { key: 'container', title: 'container', kind: 'text' },
  { key: 'class', title: 'class', kind: 'text' },
  { key: 'replicas', title: 'replicas', kind: 'decimal' },
  { key: 'cpuBefore', title: 'CPU before', kind: 'millicores' },
  { key: 'cpuAfter', title: 'after', kind: 'millicores' },
  { key: 'memoryBefore', title: 'memory before', kind: 'mebibytes' },
  { key: 'memoryAfter', title: 'after', kind: 'mebibytes' },
  { key: 'cpuSaved', title: 'saved', kind: 'cores' },
  { key: 'memorySaved', title: 'saved', kind: 'gibibytes' },
];
const SAVING: Column = { key: 'monthlySaving', title: 'a month', kind: 'money' };
const GPU: Column[] = [
  { key: 'gpuAfter', title: 'GPU / 1000', kind: 'count', wide: true },
  { key: 'gpuMemoryAfter', title: 'GPU memory', kind: 'mebibytes', wide: true },
];
const REASONS: Column[] = [
  { key: 'policy', title: 'policy', kind: 'text', wide: true },
  { key: 'model', title: 'model', kind: 'text', wide: true },
  { key: 'confidence', title: 'confidence', kind: 'share', wide: true },
  { key: 'expectedCpuSlack', title: 'expected CPU slack', kind: 'share', wide: true },
  { key: 'expectedCpuOver', title: 'above CPU request', kind: 'share', wide: true },
  { key: 'expectedMemorySlack', title: 'expected memory slack', kind: 'share', wide: true },
  { key: 'expectedMemoryOver', title: 'above memory request', kind: 'share', wide: true },
  { key: 'reason', title: 'reason', kind: 'text', wide: true },
  { key: 'algorithm', title: 'algorithm', kind: 'text', wide: true },
  { key: 'file', title: 'file', kind: 'text', wide: true },
];

const FINDING_COLUMNS: Column[] = [
  { key: 'container', title: 'container', kind: 'text' },
  { key: 'code', title: 'code', kind: 'text' },
  { key: 'message', title: 'what', kind: 'text' },
  { key: 'file', title: 'file', kind: 'text' },
  { key: 'resource', title: 'resource', kind: 'text', wide: true },
  { key: 'request', title: 'request', kind: 'decimal', wide: true },
  { key: 'recommended', title: 'recommended', kind: 'decimal', wide: true },
  { key: 'off', title: 'off', kind: 'share', wide: true },
];

function checkCommitted(selected: Selected, options: RecommendOptions, terminal: Terminal): number {
  const containers = selected.flatMap(({ read, names }) =>
    names.map((name) => ({ read, name, container: read.profile.containers.get(name) as ProfileContainer })),
  );
  const findings = containers.flatMap(({ read, name, container }) => checkRequests(read.file, name, container, options.band));
  const unmeasured = containers
    .filter(({ container }) => container.recommendation && (!requestNow(container, 'cpu') || !requestNow(container, 'memory')))
    .map(({ name }) => name);
  const lines = findings.flatMap(({ code, file, container, message, fix }: RequestFinding) => [
    `  ${code} ${printable(file)}: ${printable(container)}`,
    `          ${message}`,
    `          fix: ${fix}`,
  ]);
  const outside = new Set(findings.map(({ file, container }) => `${file}\0${container}`)).size;
  const notes = [
    ...(unmeasured.length > 0 ? [`no request was measured, so nothing is checked: ${printable(unmeasured.join(', '))}`] : []),
    `${outside} of ${containers.length} containers outside the band`,
  ];
  output(
    {
      title: 'Requests held against their recommendations',
      content: { findings, unmeasured, checked: containers.length },
      tables: [{ title: 'Requests outside the band', columns: FINDING_COLUMNS, rows: findings.map((finding) => ({ ...finding })) }],
      charts: () => [],
      notes,
      lines,
    },
    options,
    terminal,
  );
  return findings.length > 0 ? OUTSIDE_BAND : 0;
}
