import type { Workload } from '../../workloads/k8s/workload';
import type { ModelRegistry } from './model-registry';

/** Access to an MLflow server. MLflow knows no users: whoever reaches it may read, register and delete, so there is one verb. */
export class ModelRegistryGrants {
  constructor(private readonly registry: ModelRegistry) {}

  /** Lets a workload log runs, register and read models: opens the network both ways and sets `MLFLOW_TRACKING_URI`. */
  public use(workload: Workload): void {
    this.registry._server.allowFrom(workload);
    workload.addEnvironment('MLFLOW_TRACKING_URI', this.registry.trackingUri);
  }
}
