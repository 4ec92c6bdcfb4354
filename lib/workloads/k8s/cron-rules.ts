import type { Duration } from 'aws-cdk-lib';
import type { Rule } from '../../core/rule';
import type { CronJobProps } from './cron-job';
import { CRON_JOB_KIND } from './workload-kind';
import { isWholeSeconds } from './workload-rules';

const { code } = CRON_JOB_KIND;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
/** Least and most of each field, with names where it has any (robfig/cron, which Kubernetes uses). */
const FIELDS: readonly { readonly least: number; readonly most: number; readonly names?: readonly string[] }[] = [
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  { least: 1, most: 12, names: MONTHS },
  { least: 0, most: 6, names: DAYS },
];
const DAY_SECONDS = 24 * 3600;

/** Rules for the schedule of a job. */
export function cronRules(): Rule<CronJobProps>[] {
  return [
    {
      code,
      subject: 'schedule.expression',
      value: (props) => props.schedule.expression,
      valid: isCron,
      allowed: 'five fields (minute, hour, day, month, weekday) of numbers, names, *, ranges, lists and steps, or @hourly … @yearly',
      fix: "for example '0 3 * * *' for three in the morning; the time zone has a property of its own",
      tokens: 'refuse',
    },
    {
      code,
      subject: 'schedule.timeZone',
      value: (props) => props.schedule.timeZone,
      valid: isTimeZone,
      allowed: 'an IANA time zone as it is written, for example Europe/Amsterdam',
      fix: 'leave it out for Etc/UTC; local times that a clock change skips or repeats run never or twice',
      tokens: 'refuse',
    },
    {
      code,
      subject: 'schedule.startingDeadline',
      value: (props) => props.schedule.startingDeadline,
      valid: (deadline: Duration) => isWholeSeconds(deadline, 10, DAY_SECONDS),
      allowed: 'whole seconds from 10 to a day: the controller looks every ten seconds',
      fix: 'leave it out for five minutes',
      tokens: 'refuse',
    },
    ...(['successfulRuns', 'failedRuns'] as const).map((name): Rule<CronJobProps> => ({
      code,
      subject: `schedule.${name}`,
      value: (props) => props.schedule[name],
      valid: (count: number) => Number.isInteger(count) && count >= 0 && count <= 100,
      allowed: '0-100',
      fix: 'leave it out for 3',
      tokens: 'refuse',
    })),
  ];
}

function isCron(expression: string): boolean {
  if (/^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(expression)) return true;
  const fields = expression.split(' ');
  return fields.length === FIELDS.length && fields.every((field, index) => field.split(',').every((part) => isPart(part, FIELDS[index])));
}

function isPart(part: string, { least, most, names }: (typeof FIELDS)[number]): boolean {
  const [range, step, ...rest] = part.split('/');
  if (rest.length > 0 || (step !== undefined && !(/^\d{1,4}$/.test(step) && Number(step) > 0))) return false;
  if (range === '*' || range === '?') return true;
  const bounds = range.split('-').map((bound) => {
    const named = names?.indexOf(bound.toLowerCase()) ?? -1;
    return named >= 0 ? named + least : /^\d{1,2}$/.test(bound) ? Number(bound) : NaN;
  });
  const inRange = bounds.every((bound) => bound >= least && bound <= most);
  return inRange && (bounds.length === 1 || (bounds.length === 2 && bounds[0] <= bounds[1]));
}

/** Offsets, and names in other cases, are taken by Node.js but not by Kubernetes. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
