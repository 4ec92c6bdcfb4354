import { ZoneSpread } from '../../workloads/k8s/pod-scheduling';
import type { WorkloadKind } from '../../workloads/k8s/workload-kind';

/** What a training decides for its pods. */
export const TRAINING_KIND: WorkloadKind = {
  code: 'Millrace.TrainingJobInvalid',
  preStopSeconds: 0,
  drainSeconds: 60,
  zoneSpread: ZoneSpread.PREFERRED,
  spreadsByRollout: false,
};
