import { Duration } from 'aws-cdk-lib';
import type { Chart } from 'cdk8s';
import { ConcurrencyPolicy, CronJob, type CronJobProps, type CronSchedule } from '../../lib/workloads/k8s';
import { refusalOf } from '../contract/refusal';
import { IMAGE, OWNER, SIZE, manifestOf, newChart } from './synthesis';

const make = (chart: Chart, schedule: Partial<CronSchedule> = {}, props: Partial<CronJobProps> = {}) =>
  new CronJob(chart, 'Report', { image: IMAGE, size: SIZE, schedule: { expression: '0 3 * * *', ...schedule }, ...props });
const of = (schedule?: Partial<CronSchedule>, props?: Partial<CronJobProps>) =>
  manifestOf('CronJob', (chart) => make(chart, schedule, props));
const refused = (schedule: Partial<CronSchedule>) => refusalOf(() => make(newChart(), schedule));

describe('a job by the clock', () => {
  test('runs one at a time, in UTC, within five minutes of its time, and keeps three runs of each kind', () => {
    expect(of().spec).toMatchObject({
      schedule: '0 3 * * *',
      timeZone: 'Etc/UTC',
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 300,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
    });
    expect('suspend' in of().spec).toBe(false);
  });

  test('takes what it is given', () => {
    const schedule = {
      timeZone: 'Europe/Amsterdam',
      concurrency: ConcurrencyPolicy.REPLACE,
      startingDeadline: Duration.hours(1),
      successfulRuns: 0,
      failedRuns: 10,
      suspended: true,
    };
    expect(of(schedule).spec).toMatchObject({
      timeZone: 'Europe/Amsterdam',
      concurrencyPolicy: 'Replace',
      startingDeadlineSeconds: 3600,
      successfulJobsHistoryLimit: 0,
      failedJobsHistoryLimit: 10,
      suspend: true,
    });
  });

  test('has an owner on each run and on its pods, and a name that leaves room for that of the run', () => {
    const { metadata, spec } = of();
    expect(spec.jobTemplate.metadata.labels).toMatchObject(OWNER);
    expect(spec.jobTemplate.spec.template.metadata.labels).toMatchObject(OWNER);
    expect(metadata.name).toMatch(/^.{1,52}$/);
  });

  test('runs each job as a BatchJob does', () => {
    const { spec } = of({}, { execution: { retries: 1, failOnExitCodes: [2] } }).spec.jobTemplate;
    expect(spec).toMatchObject({ backoffLimit: 1, activeDeadlineSeconds: 3600, template: { spec: { restartPolicy: 'Never' } } });
    expect(spec.podFailurePolicy.rules.map(({ action }: any) => action)).toEqual(['Ignore', 'FailJob']);
  });
});

describe('an expression', () => {
  test.each(['* * * * *', '*/15 9-17 * * mon-fri', '0 0 1,15 jan,JUL ?', '5/10 0 31 12 6', '@daily', '@hourly'])(
    "passes as '%s'",
    (expression) => expect(refused({ expression })).toEqual([]),
  );

  test.each([
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 7',
    '5-1 * * * *',
    '*/0 * * * *',
  ])("fails as '%s'", (expression) => expect(refused({ expression })).toEqual(['Millrace.CronJobInvalid schedule.expression']));

  test.each(['@every 1h', 'TZ=UTC 0 3 * * *', '0  3 * * *', 'a * * * *', '1-2-3 * * * *', '1/2/3 * * * *', '@reboot'])(
    "fails as '%s', which Kubernetes or its time zone does not take",
    (expression) => expect(refused({ expression })).toEqual(['Millrace.CronJobInvalid schedule.expression']),
  );
});

describe('refused', () => {
  test.each(['Local', 'Mars/Olympus', '+02:00', 'europe/amsterdam', ''])("fails for the time zone '%s'", (timeZone) => {
    expect(refused({ timeZone })).toEqual(['Millrace.CronJobInvalid schedule.timeZone']);
  });

  test.each<[Partial<CronSchedule>, string]>([
    [{ startingDeadline: Duration.seconds(9) }, 'startingDeadline'],
    [{ successfulRuns: -1 }, 'successfulRuns'],
    [{ failedRuns: 101 }, 'failedRuns'],
  ])('fails for %p', (schedule, subject) => {
    expect(refused(schedule)).toEqual([`Millrace.CronJobInvalid schedule.${subject}`]);
  });

  test('fails for the execution under its own code', () => {
    expect(refusalOf(() => make(newChart(), {}, { execution: { retries: -1 } }))).toEqual(['Millrace.CronJobInvalid execution.retries']);
  });
});
