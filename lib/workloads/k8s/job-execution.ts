import type { Duration } from 'aws-cdk-lib';

/** How the pods of a job run and end. */
export interface JobExecution {
  /**
   * Pods that must succeed; with more than one each finds its number in `JOB_COMPLETION_INDEX`. 1-10000.
   * @default 1
   */
  readonly completions?: number;
  /**
   * Pods that run at once.
   * @default - the replicas of the size, but no more than completions
   */
  readonly parallelism?: number;
  /**
   * Failed pods that are replaced by new ones, over the whole job. Pods that were evicted, preempted or lost with their node do not count.
   * @default 3
   */
  readonly retries?: number;
  /**
   * Time after which the job fails, retries included; it stops what runs then. Whole seconds.
   * @default Duration.hours(1)
   */
  readonly deadline?: Duration;
  /**
   * Exit codes, 1-255, for which another try would be in vain: the job fails at once.
   * @default - none
   */
  readonly failOnExitCodes?: number[];
  /**
   * How long a finished job stays for someone to read it, in whole seconds. A deployer that keeps applying the manifests makes a job that has
   * left again, and it runs again.
   * @default - a `BatchJob` stays until its manifest leaves; a `CronJob` keeps as many as its history says
   */
  readonly keepFinished?: Duration;
  /**
   * Whether the job waits until something, such as Kueue, lets it go.
   * @default false
   */
  readonly suspended?: boolean;
}
