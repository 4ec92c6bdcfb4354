import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { deploymentSpec } from './deployment-spec';
import type { HealthCheck } from './health-check';
import { resolveScaling, scalingRules } from './scaling-plan';
import { Workload, type WorkloadOptions } from './workload';
import { WORKER_KIND, type WorkloadKind } from './workload-kind';
import type { WorkerScaling } from './worker-scaling';

/** Properties of a worker. */
export interface WorkerProps extends WorkloadOptions {
  /** By what it gets replicas. */
  readonly scaling: WorkerScaling;
  /**
   * How the container tells how it is.
   * @default - a process that runs is well
   */
  readonly health?: HealthCheck;
}

const DEFAULT_MIN_REPLICAS = 1;

/**
 * A worker on Kubernetes: it takes work from a topic or a queue and nobody calls it. Deployment, KEDA autoscaler with a fallback, disruption
 * budget, service account and a network policy that denies everything not declared. A pod that is told to stop has `container.drain` to
 * finish what it has taken. Needs KEDA 2.17 or later, unless the scaling is fixed.
 *
 * @throws Millrace.WorkerInvalid
 */
export class Worker extends Workload {
  constructor(scope: Construct, id: string, props: WorkerProps) {
    super(scope, id, props);
    const scaling = resolveScaling(props.scaling._plan, props.size, DEFAULT_MIN_REPLICAS);
    this._begin(props, scalingRules(WORKER_KIND.code, scaling, 0));
    const deployment = new ApiObject(this, 'Resource', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { labels: this._labels },
      spec: deploymentSpec(scaling, this.podSelector, () => this._podTemplate({ health: props.health })),
    });
    this._scale(deployment, scaling);
    this._finish(deployment);
  }

  /** @internal */
  protected get _kind(): WorkloadKind {
    return WORKER_KIND;
  }
}
