import * as fs from 'fs';
import * as path from 'path';
import { MillraceError } from '../../../lib/core/error';
import {
  DEFAULT_BLOCK_SECONDS,
  DEFAULT_INTERVAL_SECONDS,
  type ProfileContainer,
  type ProfileFile,
  formatProfile,
  parseProfile,
} from '../../../lib/usage/profile-file';
import { readAggregatedFile } from '../../../lib/usage/sources/aggregated';
import { readUsageFile } from '../../../lib/usage/sources/duckdb';
import { type PrometheusAccess, headerNameIn } from '../../../lib/usage/sources/prometheus-access';
import { pullPrometheus } from '../../../lib/usage/sources/pull-prometheus';
import type { ProfileShape } from '../../../lib/usage/sources/usage-rows';
import { SQL_DIALECTS, usageSql } from '../../../lib/usage/sources/usage-sql';
import { daysOf, oneOf, wholeOf } from './option-values';
import { PROFILE_FOLDER, endOfHistory, writeProfiles } from './profile-files';
import { columnsOf } from './pull-columns';
import type { PullValues } from './pull-options';
import { printable } from './table';
import { Interrupted, type Terminal, WrongUsage } from './terminal';

const DAY = 86_400;

interface Target extends ProfileShape {
  readonly file: string;
  /** What is there already. */
  readonly present?: ProfileFile;
}

/** Reads usage from another system into a profile file, or prints the statement that does it there. */
export async function runPull(values: PullValues, terminal: Terminal): Promise<number> {
  const sources = (['prometheus', 'file', 'sql', 'aggregated'] as const).filter((source) => values[source] !== undefined);
  if (sources.length !== 1) throw new WrongUsage('one of --prometheus, --file, --sql and --aggregated is needed');
  // The length of an interval is what turns samples into pods; only Prometheus is asked at intervals of our choice.
  if (values.prometheus === undefined && values.interval === undefined) {
    throw new WrongUsage(`--${sources[0]} needs --interval: the seconds between two samples of a pod, such as 60`);
  }
  if (values.sql !== undefined) return printStatement(values, terminal);
  const keepSeconds = daysOf('keep', values.keep) * DAY;
  const target = targetOf(values);
  const bar = terminal.progress(`pull ${target.name}`);
  const progress = (share: number) => bar.update(Math.round(share * 100), 100);
  let pulled: ProfileFile;
  try {
    pulled = await pullFrom(values, target, terminal, progress);
  } finally {
    bar.stop();
  }
  if (terminal.signal.aborted) throw new Interrupted('interrupted');
  const { profile, kept } = target.present ? replaceBlocks(target.present, pulled) : { profile: pulled, kept: 0 };
  const pruned = pruneBlocks(profile, keepSeconds);
  const written = writeProfiles([{ file: target.file, text: formatProfile(pruned.profile) }]).length > 0;
  if (kept > 0)
    terminal.warn(`${target.file}: blocks kept: ${kept}, because they hold more samples than what was pulled for the same time`);
  if (pruned.dropped > 0) {
    const gone = pruned.gone.length > 0 ? `; with them all of ${printable(pruned.gone.join(', '))}` : '';
    terminal.warn(
      `${target.file}: blocks dropped: ${pruned.dropped}, which end more than ${values.keep} before the newest (--keep)${gone}`,
    );
  }
  const blocks = [...pulled.containers.values()].flatMap(({ blocks: own }) => own.map(({ start }) => start));
  const day = (start: number) => new Date(start * 1000).toISOString().slice(0, 10);
  const range = `${day(Math.min(...blocks))} to ${day(Math.max(...blocks))}`;
  terminal.print(`${target.file}: ${pulled.containers.size} containers, ${range}; ${written ? 'written' : 'nothing changed'}`);
  return 0;
}

function pullFrom(values: PullValues, target: Target, terminal: Terminal, progress: (share: number) => void): Promise<ProfileFile> {
  const { name, blockSeconds, intervalSeconds } = target;
  const shape = { name, blockSeconds, intervalSeconds };
  if (values.aggregated !== undefined) return readAggregatedFile({ ...shape, path: values.aggregated }, progress, terminal.signal);
  if (values.file !== undefined) {
    const range = rangeOf(values, target, terminal);
    return readUsageFile({ ...shape, path: values.file, columns: columnsOf(values), ...range }, progress, terminal.signal);
  }
  if (values.namespace === undefined) throw new WrongUsage('--prometheus needs --namespace');
  const { from = 0, to = 0 } = rangeOf({ since: '28d', ...values }, target, terminal);
  return pullPrometheus(
    {
      ...shape,
      from,
      to,
      namespace: values.namespace,
      matchers: pairsOf('matcher', values.matcher),
      access: accessOf(values),
      limits: { allowPartial: values['allow-partial'] },
      onNotice: (notice) => terminal.warn(`warning: ${new URL(values.prometheus as string).origin}: ${notice}`),
    },
    progress,
    terminal.signal,
  );
}

function accessOf(values: PullValues): PrometheusAccess {
  return {
    url: values.prometheus as string,
    bearerTokenFile: values['bearer-token-file'],
    username: values.user,
    passwordFile: values['password-file'],
    tls: values.ca || values.cert || values.key ? { ca: values.ca, cert: values.cert, key: values.key } : undefined,
    headers: pairsOf('header', values.header),
    sigv4: values.sigv4 === undefined ? undefined : { region: values.sigv4 },
  };
}

function pairsOf(option: string, texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const split = text.indexOf('=');
      if (split < 1) {
        // The value of a header is a secret more often than not.
        const given = option === 'header' ? headerNameIn(text) : `'${text}'`;
        throw new WrongUsage(`--${option}${given ? ` ${given}` : ''}: NAME=VALUE is needed`);
      }
      return [text.slice(0, split), text.slice(split + 1)];
    }),
  );
}

/**
 * What time to read, in whole blocks: a block replaces the one in the file, so half a block would lose the other half.
 * Nothing is said where a file is read whole.
 */
function rangeOf(values: PullValues, { blockSeconds }: ProfileShape, { now }: Terminal): { from?: number; to?: number } {
  if (values.since === undefined && values.until === undefined) return {};
  const until =
    values.until === undefined ? now.getTime() : Date.parse(/^\d{4}-\d\d-\d\d(T[\d:.]+Z)?$/.test(values.until) ? values.until : '');
  if (Number.isNaN(until)) throw new WrongUsage(`--until '${values.until}': a date in UTC such as 2026-11-01 is needed`);
  const to = Math.floor(until / 1000 / blockSeconds) * blockSeconds;
  if (values.since === undefined) return { to };
  return { from: Math.floor((to - daysOf('since', values.since) * DAY) / blockSeconds) * blockSeconds, to };
}

/** The file and the shape of its blocks; a file that cannot be read is refused before anything is pulled. */
function targetOf(values: PullValues): Target {
  const name = values.name ?? values.namespace ?? path.basename(values.file ?? values.aggregated ?? '').replace(/\..*$/, '');
  if (!/^[\w][\w.-]*$/.test(name)) throw new WrongUsage(`--name '${name}': letters, digits, '-', '_' and '.' are allowed`);
  const file = values.out ?? path.join(PROFILE_FOLDER, `${name}.json`);
  const present = fs.existsSync(file) ? parseProfile(file, fs.readFileSync(file, 'utf8')) : undefined;
  const blockSeconds = values.block === undefined ? (present?.blockSeconds ?? DEFAULT_BLOCK_SECONDS) : daysOf('block', values.block) * DAY;
  const intervalSeconds = wholeOf('interval', values.interval, 1) ?? present?.intervalSeconds ?? DEFAULT_INTERVAL_SECONDS;
  checkShape(values, blockSeconds, intervalSeconds);
  const given = `'${name}', interval ${intervalSeconds} s, block ${blockSeconds} s`;
  const there = present && `'${present.name}', interval ${present.intervalSeconds} s, block ${present.blockSeconds} s`;
  if (there && there !== given) {
    const fix = 'leave --name, --block and --interval out, or write another file with --out; nothing was overwritten';
    throw new MillraceError(file, [{ code: 'Millrace.ProfilesDiffer', subject: 'profile', received: given, allowed: there, fix }]);
  }
  return { file, present, name, blockSeconds, intervalSeconds };
}

function checkShape(values: PullValues, blockSeconds: number, intervalSeconds: number): void {
  if (DAY % blockSeconds !== 0 || blockSeconds % 3600 !== 0)
    throw new WrongUsage(`--block '${values.block}': hours that divide a day are needed`);
  if (blockSeconds % intervalSeconds !== 0)
    throw new WrongUsage(`--interval '${intervalSeconds}': seconds that divide the block are needed`);
}

/**
 * What was pulled takes the place of blocks of the same time, unless the file has more samples of that time: the first and the last block of
 * an export are rarely whole. What else the file holds stays.
 */
export function replaceBlocks(present: ProfileFile, pulled: ProfileFile): { readonly profile: ProfileFile; readonly kept: number } {
  let kept = 0;
  const containers = new Map(present.containers);
  for (const [name, { blocks }] of pulled.containers) {
    const old = containers.get(name);
    const merged = new Map((old?.blocks ?? []).map((block) => [block.start, block] as const));
    for (const block of blocks) {
      if ((merged.get(block.start)?.samples ?? 0) > block.samples) kept++;
      else merged.set(block.start, block);
    }
    containers.set(name, { ...old, blocks: [...merged.values()].sort((a, b) => a.start - b.start) });
  }
  return { profile: { ...present, containers }, kept };
}

interface Pruned {
  readonly profile: ProfileFile;
  readonly dropped: number;
  /** Containers that have no block left, which are left out: nothing can be recommended for them. */
  readonly gone: readonly string[];
}

/** Leaves out blocks that ended longer ago than that before the end of the newest block of the file. */
export function pruneBlocks(profile: ProfileFile, keepSeconds: number): Pruned {
  const oldest = (endOfHistory(profile) ?? 0) / 1000 - keepSeconds;
  const containers = new Map<string, ProfileContainer>();
  const gone: string[] = [];
  let dropped = 0;
  for (const [name, container] of profile.containers) {
    const blocks = container.blocks.filter(({ start }) => start + profile.blockSeconds > oldest);
    dropped += container.blocks.length - blocks.length;
    if (blocks.length === 0 && container.blocks.length > 0) gone.push(name);
    else containers.set(name, { ...container, blocks });
  }
  return { profile: { ...profile, containers }, dropped, gone };
}

function printStatement(values: PullValues, terminal: Terminal): number {
  const dialect = oneOf('sql', values.sql as string, SQL_DIALECTS);
  if (!values.table) throw new WrongUsage('--sql needs --table, such as catalog.schema.table');
  const blockSeconds = values.block === undefined ? DEFAULT_BLOCK_SECONDS : daysOf('block', values.block) * DAY;
  const intervalSeconds = wholeOf('interval', values.interval, 1) as number;
  checkShape(values, blockSeconds, intervalSeconds);
  const range = rangeOf(values, { name: '', blockSeconds, intervalSeconds }, terminal);
  terminal.print(usageSql({ dialect, table: values.table.split('.'), columns: columnsOf(values), blockSeconds, ...range }));
  return 0;
}
