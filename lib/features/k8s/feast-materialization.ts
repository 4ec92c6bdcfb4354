import type { CronSchedule } from '../../workloads/k8s/cron-job';
import type { PodSize } from '../../workloads/pod-size';

/** Filling of the online store from the offline store. */
export interface FeastMaterialization {
  /** When it runs. Each run takes what came since the one before. */
  readonly schedule: CronSchedule;
  /** Size of its pod: what came since the last run passes through its memory. */
  readonly size: PodSize;
}
