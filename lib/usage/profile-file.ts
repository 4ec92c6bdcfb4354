import { MillraceError, type Violation, refuse, show } from '../core/error';
import type { Recommendation } from './recommendation';
import { recommendationProblems } from './recommendation-fields';
import { type UsageBlock, blockLine, parseBlockLine } from './usage-block';
import { WORKLOAD_CLASSES } from './workload-class';

/** Version of the file format. */
export const PROFILE_VERSION = 1;
const HOUR = 3600;
/** Block lengths that divide a day, in seconds. */
export const BLOCK_SECONDS = [1, 2, 3, 4, 6, 8, 12, 24].map((hours) => hours * HOUR);
/** The block length of new profiles: what a day's blocks buy over one is told in decision 0014. */
export const DEFAULT_BLOCK_SECONDS = 8 * HOUR;
/** The sampling interval of new profiles. */
export const DEFAULT_INTERVAL_SECONDS = 300;

/** One container of a profile. */
export interface ProfileContainer {
  /** One of `WORKLOAD_CLASSES`; unset means it is inferred. */
  workloadClass?: string;
  /** CPU utilisation that an autoscaler holds, percent of the request; unset means there is none. */
  autoscaledAt?: number;
  recommendation?: Recommendation;
  /** Ascending by time. */
  blocks: UsageBlock[];
}

/** The content of a profile file. */
export interface ProfileFile {
  readonly name: string;
  /** Seconds between two samples of a pod. */
  readonly intervalSeconds: number;
  readonly blockSeconds: number;
  readonly containers: Map<string, ProfileContainer>;
}

/** An empty profile. */
export function emptyProfile(name: string, blockSeconds = DEFAULT_BLOCK_SECONDS, intervalSeconds = DEFAULT_INTERVAL_SECONDS): ProfileFile {
  return { name, intervalSeconds, blockSeconds, containers: new Map() };
}

/**
 * A container by its name.
 *
 * @throws Millrace.ProfileContainerUnknown
 */
export function containerOf(file: ProfileFile, container: string): ProfileContainer {
  return (
    file.containers.get(container) ??
    refuse(`profile ${file.name}`, {
      code: 'Millrace.ProfileContainerUnknown',
      subject: 'container',
      received: show(container),
      allowed: [...file.containers.keys()].sort().join(', ') || 'none: the profile is empty',
      fix: 'name one of these, or pull the usage of this container first',
    })
  );
}

/** Average number of running pods in a block. */
export function replicasOf(block: UsageBlock, file: Pick<ProfileFile, 'blockSeconds' | 'intervalSeconds'>): number {
  return (block.samples * file.intervalSeconds) / file.blockSeconds;
}

/** Stable text: containers by name, blocks by time, one line a block. */
export function formatProfile(file: ProfileFile): string {
  const containers = [...file.containers]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { workloadClass, autoscaledAt, recommendation, blocks }]) => [
      name,
      {
        ...(workloadClass ? { class: workloadClass } : {}),
        ...(autoscaledAt ? { autoscaledAt } : {}),
        ...(recommendation ? { recommendation } : {}),
        blocks: [...blocks].sort((a, b) => a.start - b.start).map(blockLine),
      },
    ]);
  const { name, intervalSeconds, blockSeconds } = file;
  const content = { profile: PROFILE_VERSION, name, intervalSeconds, blockSeconds, containers: Object.fromEntries(containers) };
  // No indentation: the lines of the blocks are most of the file.
  return `${JSON.stringify(content, undefined, 1).replace(/^ +/gm, '')}\n`;
}

/** Reads the text of a profile; every violation in one error. */
export function parseProfile(scope: string, text: string): ProfileFile {
  const content = parseJson(scope, text);
  if (content.profile !== PROFILE_VERSION) {
    refuse(scope, {
      code: 'Millrace.ProfileVersionUnknown',
      subject: 'profile',
      received: show(content.profile),
      allowed: `version ${PROFILE_VERSION}`,
      fix: 'use the version of millrace that wrote the file, or pull the usage again',
    });
  }
  const violations: Violation[] = [];
  const invalid = (subject: string, received: string, allowed: string) =>
    violations.push({ code: 'Millrace.ProfileInvalid', subject, received, allowed, fix: 'write the file with millrace usage pull' });
  const { name, intervalSeconds, blockSeconds } = content;
  if (typeof name !== 'string' || name === '') invalid('name', show(name), 'the name of a namespace or an app');
  if (!BLOCK_SECONDS.includes(blockSeconds as number)) invalid('blockSeconds', show(blockSeconds), BLOCK_SECONDS.join(', '));
  if (!isInterval(intervalSeconds, blockSeconds)) invalid('intervalSeconds', show(intervalSeconds), 'whole seconds that divide the block');
  const containers = new Map<string, ProfileContainer>();
  if (!isObject(content.containers)) invalid('containers', show(content.containers), 'an object of containers');
  else
    for (const [key, value] of Object.entries(content.containers)) {
      containers.set(key, parseContainer(key, value, blockSeconds as number, invalid));
    }
  if (violations.length > 0) throw new MillraceError(scope, violations);
  return { name: name as string, intervalSeconds: intervalSeconds as number, blockSeconds: blockSeconds as number, containers };
}

/** Both profiles in one. */
export function mergeProfiles(a: ProfileFile, b: ProfileFile): ProfileFile {
  const shape = (file: ProfileFile) => `'${file.name}', interval ${file.intervalSeconds} s, block ${file.blockSeconds} s`;
  if (shape(a) !== shape(b)) {
    refuse('Profile.merge', {
      code: 'Millrace.ProfilesDiffer',
      subject: 'other',
      received: shape(b),
      allowed: shape(a),
      fix: 'pull both with the same name, interval and block length',
    });
  }
  const containers = new Map<string, ProfileContainer>();
  for (const name of new Set([...a.containers.keys(), ...b.containers.keys()])) {
    containers.set(name, mergeContainers([a.containers.get(name), b.containers.get(name)]));
  }
  return { ...a, containers };
}

function mergeContainers(parts: readonly (ProfileContainer | undefined)[]): ProfileContainer {
  const blocks = new Map<number, UsageBlock>();
  // What is said differently on both sides: the later recommendation, and of two equally late ones the same on every machine.
  let workloadClass: string | undefined;
  let autoscaledAt: number | undefined;
  let recommendation: Recommendation | undefined;
  for (const part of parts) {
    if (!part) continue;
    for (const block of part.blocks) {
      const present = blocks.get(block.start);
      if (present) present.merge(block);
      else blocks.set(block.start, block.clone());
    }
    if (part.workloadClass && (!workloadClass || part.workloadClass < workloadClass)) workloadClass = part.workloadClass;
    // The lower utilisation asks for more.
    if (part.autoscaledAt && (!autoscaledAt || part.autoscaledAt < autoscaledAt)) autoscaledAt = part.autoscaledAt;
    if (part.recommendation && (!recommendation || rank(part.recommendation) > rank(recommendation))) recommendation = part.recommendation;
  }
  return { workloadClass, autoscaledAt, recommendation, blocks: [...blocks.values()].sort((a, b) => a.start - b.start) };
}

function rank(recommendation: Recommendation): string {
  return `${recommendation.asOf} ${JSON.stringify(recommendation)}`;
}

type Invalid = (subject: string, received: string, allowed: string) => void;

function parseContainer(key: string, value: unknown, blockSeconds: number, invalid: Invalid): ProfileContainer {
  const container: ProfileContainer = { blocks: [] };
  if (!isObject(value) || !Array.isArray(value.blocks)) {
    invalid(`containers.${key}`, show(value), 'an object with blocks');
    return container;
  }
  const { class: workloadClass, autoscaledAt, recommendation } = value;
  if (workloadClass !== undefined) {
    if (WORKLOAD_CLASSES.includes(workloadClass as never)) container.workloadClass = workloadClass as string;
    else invalid(`containers.${key}.class`, show(workloadClass), WORKLOAD_CLASSES.join(', '));
  }
  if (autoscaledAt !== undefined) {
    if (isUtilisation(autoscaledAt)) container.autoscaledAt = autoscaledAt;
    else invalid(`containers.${key}.autoscaledAt`, show(autoscaledAt), 'a whole number from 1 to 100');
  }
  if (recommendation !== undefined) {
    const problems = recommendationProblems(recommendation);
    for (const { field, received, allowed } of problems) invalid(`containers.${key}.recommendation.${field}`, received, allowed);
    if (problems.length === 0) container.recommendation = recommendation as Recommendation;
  }
  let last = -Infinity;
  value.blocks.forEach((line: unknown, index) => {
    const block = typeof line === 'string' ? parseBlockLine(line) : 'no text';
    const problem =
      typeof block === 'string'
        ? block
        : BLOCK_SECONDS.includes(blockSeconds) && block.start % blockSeconds !== 0
          ? `starts at ${String(line).slice(0, 13)}, which is no multiple of ${blockSeconds} s`
          : block.start <= last
            ? `${String(line).slice(0, 13)} is not later than the line before it`
            : undefined;
    if (problem) invalid(`containers.${key}.blocks[${index}]`, problem, 'lines as written by millrace usage pull, ascending');
    else if (typeof block !== 'string') {
      last = block.start;
      container.blocks.push(block);
    }
  });
  return container;
}

function parseJson(scope: string, text: string): Record<string, unknown> {
  let received = 'something else';
  try {
    const content: unknown = JSON.parse(text);
    if (isObject(content)) return content;
  } catch (error) {
    received = (error as Error).message;
  }
  return refuse(scope, {
    code: 'Millrace.ProfileUnreadable',
    subject: 'content',
    received,
    allowed: 'a JSON object as millrace usage pull writes it',
    fix: 'restore the file from version control or pull the usage again; a merge conflict is solved by pulling again',
  });
}

function isInterval(interval: unknown, block: unknown): boolean {
  return Number.isInteger(interval) && (interval as number) > 0 && (block as number) % (interval as number) === 0;
}

/** Whether a value is a CPU utilisation in whole percent. */
export function isUtilisation(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 100;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
