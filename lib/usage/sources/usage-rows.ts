import { MillraceError, type Violation, refuse, show } from '../../core/error';
import { type ProfileFile, emptyProfile } from '../profile-file';
import { USAGE_RESOURCES, type UsageResource } from '../usage-block';
import { SLOTS } from '../usage-histogram';
import { UsageRecording, duplicateProblem, sampleName, timeProblem, valueProblem } from '../usage-recording';

/** One row of the answer of `usageSql`, as an engine or a file gives it. */
export type UsageRow = Readonly<Record<string, unknown>>;

/** The shape of the profile that rows are counted into. */
export interface ProfileShape {
  readonly name: string;
  readonly blockSeconds: number;
  readonly intervalSeconds: number;
  /**
   * The profile to read into, of the same shape: blocks that are read replace those of the same time.
   * @default - an empty one
   */
  readonly into?: ProfileFile;
}

/**
 * The profile to read into.
 *
 * @throws Millrace.ProfilesDiffer
 */
export function profileToFill(scope: string, { name, blockSeconds, intervalSeconds, into }: ProfileShape): ProfileFile {
  const profile = into ?? emptyProfile(name, blockSeconds, intervalSeconds);
  const shape = (of: ProfileShape) => `'${of.name}', interval ${of.intervalSeconds} s, block ${of.blockSeconds} s`;
  const wanted = shape({ name, blockSeconds, intervalSeconds });
  if (shape(profile) === wanted) return profile;
  return refuse(scope, {
    code: 'Millrace.ProfilesDiffer',
    subject: 'into',
    received: wanted,
    allowed: shape(profile),
    fix: 'ask for the name, interval and block length of the profile, or write to another file',
  });
}

const MOST_VIOLATIONS = 20;

/** Turns rows that an engine has counted into a profile. */
export class UsageRows {
  private readonly recording: UsageRecording;
  private readonly violations: Violation[] = [];
  private wrong = 0;
  private rows = 0;

  constructor(
    private readonly scope: string,
    private readonly shape: ProfileShape,
  ) {
    this.recording = new UsageRecording(profileToFill(scope, shape), scope);
  }

  /** Adds a row. */
  public add(row: UsageRow): void {
    this.rows++;
    if (row.problem !== null && row.problem !== undefined && row.problem !== '') return this.addProblem(row);
    const container = row.container;
    const start = this.whole(row, 'block_start');
    if (typeof container !== 'string' || container === '') return this.unreadable('container', show(container), 'a name');
    if (start % this.shape.blockSeconds !== 0) {
      return this.unreadable('block_start', String(start), `a multiple of the block length, ${this.shape.blockSeconds} s`);
    }
    const resource = String(row.resource);
    const block = this.recording.blockAt(container, start);
    block.oomKills += this.whole(row, 'oom_kills');
    block.throttledMillis += this.whole(row, 'throttled_millis');
    if (resource === 'events') return;
    if (!(USAGE_RESOURCES as readonly string[]).includes(resource)) {
      return this.unreadable('resource', show(row.resource), [...USAGE_RESOURCES, 'events'].join(', '));
    }
    const usage = block.of(resource as UsageResource);
    usage.peak = Math.max(usage.peak, this.number(row, 'peak'));
    usage.request = Math.max(usage.request, this.number(row, 'request'));
    const samples = this.whole(row, 'samples');
    if (samples === 0) return;
    const slot = this.whole(row, 'slot');
    if (slot >= SLOTS) this.unreadable('slot', String(slot), `0 to ${SLOTS - 1}`);
    // One statement gives each slot once; a file that holds two answers would count everything twice.
    if (usage.histogram.counts[slot] > 0) {
      this.unreadable('slot', `a second row for ${container}, ${resource}, slot ${slot}`, 'one answer of one statement');
    }
    usage.histogram.addToSlot(slot, samples);
  }

  /**
   * The profile of all rows.
   *
   * @throws Millrace.UsageInvalid, Millrace.UsageEmpty
   */
  public finish(): ProfileFile {
    if (this.violations.length > 0) {
      const first = this.violations[0];
      const more = this.wrong - this.violations.length;
      if (more > 0) this.violations[0] = { ...first, subject: `${first.subject} and ${more} more` };
      throw new MillraceError(this.scope, this.violations);
    }
    if (this.rows === 0) refuseEmpty(this.scope, 'no rows', 'check the table, the columns and the range of time');
    return this.recording.finish();
  }

  private addProblem(row: UsageRow): void {
    this.wrong += numberOf(row.samples) || 1;
    if (this.violations.length >= MOST_VIOLATIONS) return;
    const time = row.example_time === null || row.example_time === undefined ? NaN : Number(row.example_time);
    const where = sampleName(String(row.container ?? 'no container'), String(row.example_pod ?? 'no name'), time);
    const problem = String(row.problem);
    if (problem === 'duplicate') this.violations.push(duplicateProblem(where));
    else if (problem === 'time') this.violations.push(timeProblem(where, time));
    else if (problem === 'name') {
      this.violations.push({
        code: 'Millrace.UsageInvalid',
        subject: where,
        received: 'a sample without a container or pod',
        allowed: 'a name in each row',
        fix: 'leave the rows out, or name other columns',
      });
    } else {
      const violation = valueProblem(where, problem, Number(row.peak));
      if (violation) this.violations.push(violation);
      else this.unreadable('problem', show(row.problem), 'a problem as the statement names it');
    }
  }

  private whole(row: UsageRow, column: string): number {
    const value = this.number(row, column);
    if (!Number.isSafeInteger(value)) this.unreadable(column, show(row[column]), 'a whole number from 0');
    return value;
  }

  private number(row: UsageRow, column: string): number {
    const value = numberOf(row[column]);
    if (!(Number.isFinite(value) && value >= 0)) this.unreadable(column, show(row[column]), 'a number from 0');
    return value;
  }

  private unreadable(subject: string, received: string, allowed: string): never {
    return refuse(this.scope, {
      code: 'Millrace.UsageFileUnreadable',
      subject: `row ${this.rows}, ${subject}`,
      received,
      allowed,
      fix: 'run the statement of millrace usage pull --sql again with the same block length, and keep its answer as it is',
    });
  }
}

/** Nothing was measured: an empty profile would be taken for one that uses nothing. */
export function refuseEmpty(scope: string, received: string, fix: string): never {
  return refuse(scope, { code: 'Millrace.UsageEmpty', subject: 'samples', received, allowed: 'at least one sample', fix });
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN;
}
