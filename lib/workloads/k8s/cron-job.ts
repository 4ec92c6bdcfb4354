import type { Duration } from 'aws-cdk-lib';
import { ApiObject, Lazy, Names } from 'cdk8s';
import type { Construct } from 'constructs';
import { cronRules } from './cron-rules';
import type { JobExecution } from './job-execution';
import { jobRules, jobSpec } from './job-spec';
import { Workload, type WorkloadOptions } from './workload';
import { CRON_JOB_KIND, type WorkloadKind } from './workload-kind';

/** What happens when a run is due while the one before still runs. */
export enum ConcurrencyPolicy {
  /** The new run is left out. */
  FORBID = 'Forbid',
  /** The old run is stopped. */
  REPLACE = 'Replace',
  /** Both run. */
  ALLOW = 'Allow',
}

/** When a job runs. */
export interface CronSchedule {
  /** Minute, hour, day of the month, month and day of the week, for example `0 3 * * *`; or `@hourly`, `@daily`, `@weekly`, `@monthly`. */
  readonly expression: string;
  /**
   * Time zone by its IANA name, for example `Europe/Amsterdam`.
   * @default 'Etc/UTC'
   */
  readonly timeZone?: string;
  /**
   * What happens when a run is due while the one before still runs.
   * @default ConcurrencyPolicy.FORBID
   */
  readonly concurrency?: ConcurrencyPolicy;
  /**
   * How late a run may start, from ten seconds; a later one is left out.
   * @default Duration.minutes(5)
   */
  readonly startingDeadline?: Duration;
  /**
   * Finished runs to keep, 0-100.
   * @default 3
   */
  readonly successfulRuns?: number;
  /**
   * Failed runs to keep, 0-100.
   * @default 3
   */
  readonly failedRuns?: number;
  /**
   * Whether no run starts for now.
   * @default false
   */
  readonly suspended?: boolean;
}

/** Properties of a job that runs by the clock. */
export interface CronJobProps extends WorkloadOptions {
  /** When it runs. */
  readonly schedule: CronSchedule;
  /**
   * How the pods of each run run and end.
   * @default - one pod, replaced up to three times, for an hour
   */
  readonly execution?: JobExecution;
}

// Kubernetes adds eleven characters for the name of each run.
const MAX_NAME_LENGTH = 52;
const STARTING_DEADLINE_SECONDS = 300;
const KEPT_RUNS = 3;

/**
 * A job on Kubernetes that runs by the clock: CronJob, service account and a network policy that denies everything not declared.
 *
 * @throws Millrace.CronJobInvalid
 */
export class CronJob extends Workload {
  /** Name of the CronJob object. */
  public readonly cronJobName: string;

  constructor(scope: Construct, id: string, props: CronJobProps) {
    super(scope, id, props);
    this._begin(props, [...cronRules(), ...jobRules(CRON_JOB_KIND.code)]);
    const { schedule } = props;
    this.cronJobName = Names.toDnsLabel(this, { maxLen: MAX_NAME_LENGTH });
    const cronJob = new ApiObject(this, 'Resource', {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: this.cronJobName, labels: this._labels },
      spec: Lazy.any({
        produce: () => ({
          schedule: schedule.expression,
          timeZone: schedule.timeZone ?? 'Etc/UTC',
          concurrencyPolicy: schedule.concurrency ?? ConcurrencyPolicy.FORBID,
          startingDeadlineSeconds: schedule.startingDeadline?.toSeconds() ?? STARTING_DEADLINE_SECONDS,
          successfulJobsHistoryLimit: schedule.successfulRuns ?? KEPT_RUNS,
          failedJobsHistoryLimit: schedule.failedRuns ?? KEPT_RUNS,
          ...(schedule.suspended ? { suspend: true } : {}),
          jobTemplate: {
            metadata: { labels: { ...this._labels, ...this.podSelector } },
            spec: jobSpec(props.execution ?? {}, props.size, this._podTemplate({ restartPolicy: 'Never' })),
          },
        }),
      }),
    });
    this._finish(cronJob);
  }

  /** @internal */
  protected get _kind(): WorkloadKind {
    return CRON_JOB_KIND;
  }
}
