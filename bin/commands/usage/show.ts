import type { ProfileContainer, ProfileFile } from '../../../lib/usage/profile-file';
import { DAY, dailyBlocks, replicasOfDay, type Statistic, statisticOf, usageCharts, wholeHistory } from './daily-usage';
import { sparkline } from './plot';
import { endOfHistory, readProfiles, type ReadProfile, requestNow, selectContainers, warnOfAge } from './profile-files';
import { checkOutput, output, type OutputOptions } from './report-output';
import { cellText, type Column, printable, renderTable } from './table';
import { breathe, type Terminal } from './terminal';

/** Options of `millrace usage show`. */
export interface ShowOptions extends OutputOptions {
  readonly files: readonly string[];
  readonly containers: readonly string[];
  readonly maxAgeDays: number;
}

const RESOURCES = [
  { resource: 'cpu', kind: 'millicores', name: 'CPU', daily: 'p95' },
  { resource: 'memory', kind: 'mebibytes', name: 'memory', daily: 'peak' },
  { resource: 'gpu', kind: 'count', name: 'GPU / 1000', daily: 'p95' },
  { resource: 'gpuMemory', kind: 'mebibytes', name: 'GPU memory', daily: 'peak' },
] as const;

/** Prints what containers used. */
export async function runShow(options: ShowOptions, terminal: Terminal): Promise<number> {
  checkOutput(options);
  const profiles = await readProfiles(options.files, terminal);
  const selected = selectContainers(profiles, options.containers);
  warnOfAge(profiles, options.maxAgeDays, terminal);
  const shown = [];
  for (const { read, names } of selected) {
    for (const name of names) {
      shown.push(summaryOf(read, name));
      await breathe(terminal);
    }
  }
  const rows = shown.flatMap(({ file, container, resources, ...rest }) =>
    resources.map((resource) => ({ file, container, ...resource, ...rest })),
  );
  output(
    {
      title: 'Usage',
      content: { containers: shown },
      tables: [{ title: 'What the pods of each container used; CPU in millicores, memory in MiB', columns: COLUMNS, rows }],
      charts: () => selected.flatMap(({ read, names }) => names.flatMap((name) => usageCharts(name, containerOf(read, name)))),
      notes: [],
      lines: selected.flatMap(({ read, names }) => [headingOf(read), '', ...names.flatMap((name) => terminalLines(read, name, terminal))]),
    },
    options,
    terminal,
  );
  return 0;
}

const COLUMNS: Column[] = [
  { key: 'container', title: 'container', kind: 'text' },
  { key: 'resource', title: 'resource', kind: 'text' },
  { key: 'p50', title: 'p50', kind: 'decimal' },
  { key: 'p95', title: 'p95', kind: 'decimal' },
  { key: 'peak', title: 'peak', kind: 'decimal' },
  { key: 'request', title: 'request', kind: 'decimal' },
  { key: 'recommended', title: 'recommended', kind: 'decimal' },
  { key: 'class', title: 'class', kind: 'text' },
  { key: 'replicas', title: 'replicas', kind: 'decimal' },
  { key: 'days', title: 'days', kind: 'decimal' },
  { key: 'oomKills', title: 'OOM kills', kind: 'count' },
  { key: 'throttled', title: 'throttled', kind: 'share' },
  { key: 'file', title: 'file', kind: 'text' },
];

function containerOf({ profile }: ReadProfile, name: string): ProfileContainer {
  return profile.containers.get(name) as ProfileContainer;
}

function headingOf({ file, profile }: ReadProfile): string {
  const end = endOfHistory(profile);
  const until = end === undefined ? 'no history' : `history to ${new Date(end).toISOString().slice(0, 16)}Z`;
  return printable(`${profile.name}  ${file}  ${until}, sampled every ${profile.intervalSeconds} s`);
}

function summaryOf(read: ReadProfile, name: string) {
  const container = containerOf(read, name);
  const whole = wholeHistory(container);
  const { recommendation } = container;
  const targets = {
    cpu: recommendation?.cpuMillis,
    memory: recommendation?.memoryMib,
    gpu: recommendation?.gpuMillis,
    gpuMemory: recommendation?.gpuMemoryMib,
  };
  const number = (statistic: Statistic, resource: keyof typeof targets) =>
    Math.round(statisticOf(whole, resource, statistic) * 1000) / 1000;
  const cpuSamples = whole.usage.get('cpu')?.histogram.count ?? 0;
  return {
    file: read.file,
    profile: read.profile.name,
    container: name,
    class: container.workloadClass ?? recommendation?.workloadClass ?? 'not stated',
    days: Math.round((container.blocks.length * read.profile.blockSeconds * 100) / DAY) / 100,
    replicas: lastReplicas(container, read.profile),
    oomKills: whole.oomKills,
    throttled: cpuSamples === 0 ? undefined : Math.round((whole.throttledMillis / cpuSamples / 1000) * 10_000) / 10_000,
    resources: RESOURCES.filter(({ resource }) => (whole.usage.get(resource)?.histogram.count ?? 0) > 0).map(({ resource }) => ({
      resource: resource as string,
      p50: number('p50', resource),
      p95: number('p95', resource),
      peak: number('peak', resource),
      request: requestNow(container, resource),
      recommended: targets[resource],
    })),
  };
}

/** Running pods over the last week that was measured. */
export function lastReplicas(container: ProfileContainer, profile: ProfileFile): number {
  const week = dailyBlocks(container)
    .filter((day) => day !== undefined)
    .slice(-7);
  const sum = week.reduce((replicas, day) => replicas + replicasOfDay(day, profile), 0);
  return week.length === 0 ? 0 : Math.round((sum / week.length) * 100) / 100;
}

function terminalLines(read: ReadProfile, name: string, terminal: Terminal): string[] {
  const summary = summaryOf(read, name);
  const days = dailyBlocks(containerOf(read, name));
  const heading = [
    `${printable(name)}  class ${summary.class}`,
    `${cellText(summary.replicas, 'decimal')} replicas`,
    `${cellText(summary.days, 'decimal')} days`,
    `${summary.oomKills} OOM kills`,
    `throttled ${cellText(summary.throttled, 'share')}`,
  ];
  const rows = summary.resources.map((row) => {
    const { kind, name: label, daily } = RESOURCES.find(({ resource }) => resource === row.resource) as (typeof RESOURCES)[number];
    const plotted = sparkline(
      days.map((day) => statisticOf(day, row.resource as 'cpu', daily)),
      30,
    );
    const text = (value: number | undefined) => cellText(value, kind);
    return {
      resource: label,
      p50: text(row.p50),
      p95: text(row.p95),
      peak: text(row.peak),
      request: text(row.request),
      recommended: row.recommended === undefined ? 'none yet' : text(row.recommended),
      daily: `${plotted} ${daily}`,
    };
  });
  const column = (key: string, kind: 'text' | 'count' = 'count') => ({
    key,
    title: key === 'daily' ? 'by day' : key === 'resource' ? '' : key,
    kind,
  });
  const columns = [
    column('resource', 'text'),
    ...['p50', 'p95', 'peak', 'request', 'recommended'].map((key) => column(key)),
    column('daily', 'text'),
  ];
  return [heading.join(', '), renderTable({ title: name, columns, rows }, terminal.colours), ''];
}
