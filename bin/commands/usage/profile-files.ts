import * as fs from 'fs';
import * as path from 'path';
import { MillraceError, type Violation, show } from '../../../lib/core/error';
import { type ProfileContainer, type ProfileFile, parseProfile } from '../../../lib/usage/profile-file';
import type { UsageResource } from '../../../lib/usage/usage-block';
import { type Terminal, WrongUsage, breathe } from './terminal';
import { type FileText, writeFiles } from './write-file';

/** Where profiles are unless a file is named. */
export const PROFILE_FOLDER = 'usage';
const DAY_MS = 86_400_000;

/** A profile and the file it was read from. */
export interface ReadProfile {
  readonly file: string;
  readonly profile: ProfileFile;
}

/** Reads profiles; what is wrong in any of them comes in one error. */
export async function readProfiles(named: readonly string[], terminal: Terminal): Promise<ReadProfile[]> {
  const files = named.length > 0 ? [...new Set(named)] : profilesInFolder();
  if (files.length === 0) throw new WrongUsage(`no FILE is named, and ${PROFILE_FOLDER}/ holds no profile`);
  const violations: Violation[] = [];
  const profiles: ReadProfile[] = [];
  for (const file of files) {
    try {
      profiles.push({ file, profile: parseProfile(file, readText(file)) });
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      violations.push(...error.violations.map((violation) => ({ ...violation, subject: `${file}: ${violation.subject}` })));
    }
    await breathe(terminal);
  }
  if (violations.length > 0) throw new MillraceError('millrace usage', violations);
  return profiles;
}

/** Writes profiles, all or none: a text that could not be read again is not written. Answers which files changed. */
export function writeProfiles(entries: readonly FileText[]): string[] {
  for (const { file, text } of entries) parseProfile(`${file}: nothing was written`, text);
  return writeFiles(entries);
}

function profilesInFolder(): string[] {
  if (!fs.existsSync(PROFILE_FOLDER)) return [];
  const names = fs.readdirSync(PROFILE_FOLDER).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  return names.sort().map((name) => path.join(PROFILE_FOLDER, name));
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new MillraceError('millrace usage', [
      {
        code: 'Millrace.ProfileUnreadable',
        subject: 'file',
        received: (error as Error).message,
        allowed: 'a profile file',
        fix: 'write one with millrace usage pull, or correct the path',
      },
    ]);
  }
}

/** The containers asked for, by name; all of them when none is named. A name that no profile has is refused. */
export function selectContainers(profiles: readonly ReadProfile[], wanted: readonly string[]): { read: ReadProfile; names: string[] }[] {
  refuseUnknown(profiles, wanted);
  return profiles.map((read) => ({
    read,
    names: [...read.profile.containers.keys()].sort().filter((name) => wanted.length === 0 || wanted.includes(name)),
  }));
}

/** Refuses names that no profile has, all in one error. */
export function refuseUnknown(profiles: readonly ReadProfile[], wanted: readonly string[]): void {
  const known = new Set(profiles.flatMap(({ profile }) => [...profile.containers.keys()]));
  const violations = wanted
    .filter((name) => !known.has(name))
    .map((name) => ({
      code: 'Millrace.ProfileContainerUnknown',
      subject: 'container',
      received: show(name),
      allowed: [...known].sort().join(', ') || 'none: the profiles are empty',
      fix: 'name one of these, or pull the usage of this container first',
    }));
  if (violations.length > 0) throw new MillraceError('millrace usage', violations);
}

/** End of the history of a profile in milliseconds; `undefined` when it is empty. */
export function endOfHistory({ containers, blockSeconds }: ProfileFile): number | undefined {
  const starts = [...containers.values()].flatMap(({ blocks }) => blocks.slice(-1).map(({ start }) => start));
  return starts.length === 0 ? undefined : (Math.max(...starts) + blockSeconds) * 1000;
}

/** Warns of a history that ended too long ago. */
export function warnOfAge(profiles: readonly ReadProfile[], maxAgeDays: number, terminal: Terminal): void {
  for (const { file, profile } of profiles) {
    const end = endOfHistory(profile);
    if (end === undefined || terminal.now.getTime() - end <= maxAgeDays * DAY_MS) continue;
    const days = Math.floor((terminal.now.getTime() - end) / DAY_MS);
    terminal.warn(
      `warning: Millrace.ProfileOld: ${file}: the history ended on ${new Date(end).toISOString().slice(0, 10)}, ${days} days ago; ` +
        `allowed: ${maxAgeDays} days (--max-age); fix: run millrace usage pull, then millrace usage recommend`,
    );
  }
}

/** The request of the last block that has one; `undefined` when none does. */
export function requestNow({ blocks }: ProfileContainer, resource: UsageResource): number | undefined {
  for (let index = blocks.length - 1; index >= 0; index--) {
    const request = blocks[index].usage.get(resource)?.request;
    if (request) return request;
  }
  return undefined;
}
