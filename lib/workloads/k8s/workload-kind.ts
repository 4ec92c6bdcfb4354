import { ZoneSpread } from './pod-scheduling';

/** What the kind of a workload decides for its pods. */
export interface WorkloadKind {
  /** Code of what is refused about it. */
  readonly code: string;
  readonly defaultPort?: number;
  readonly preStopSeconds: number;
  readonly drainSeconds: number;
  readonly zoneSpread: ZoneSpread;
  readonly spreadsByRollout: boolean;
}

// Endpoint removal reaches kube-proxy and load balancers some seconds after a pod begins to stop; requests still arrive meanwhile.
const ENDPOINT_REMOVAL_SECONDS = 15;

export const SERVICE_KIND: WorkloadKind = {
  code: 'Millrace.ServiceInvalid',
  defaultPort: 8080,
  preStopSeconds: ENDPOINT_REMOVAL_SECONDS,
  drainSeconds: 30,
  zoneSpread: ZoneSpread.REQUIRED,
  spreadsByRollout: true,
};

/** Nothing routes to a worker, so it is told to stop at once; what it has taken may need a minute. */
export const WORKER_KIND: WorkloadKind = {
  code: 'Millrace.WorkerInvalid',
  preStopSeconds: 0,
  drainSeconds: 60,
  zoneSpread: ZoneSpread.REQUIRED,
  spreadsByRollout: true,
};

/** The volumes of its members stay in their zones, so all members count at every rollout. */
export const STATEFUL_SERVICE_KIND: WorkloadKind = {
  code: 'Millrace.StatefulServiceInvalid',
  defaultPort: 8080,
  preStopSeconds: ENDPOINT_REMOVAL_SECONDS,
  drainSeconds: 30,
  zoneSpread: ZoneSpread.REQUIRED,
  spreadsByRollout: false,
};

const JOB = { preStopSeconds: 0, drainSeconds: 30, zoneSpread: ZoneSpread.PREFERRED, spreadsByRollout: false };
export const BATCH_JOB_KIND: WorkloadKind = { code: 'Millrace.BatchJobInvalid', ...JOB };
export const CRON_JOB_KIND: WorkloadKind = { code: 'Millrace.CronJobInvalid', ...JOB };
