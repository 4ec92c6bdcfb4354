import { prometheusTrigger } from './prometheus-query';
import type { FixedScalingOptions, MetricScalingLimits, PrometheusScalingOptions, ScalingLimits } from './scaling-limits';
import type { ScalingPlan } from './scaling-plan';

/** Scaling by the CPU that the pods use. */
export interface CpuScalingOptions extends ScalingLimits {
  /**
   * Utilisation at which replicas are added, percent of the CPU request, 10-90.
   * @default 60
   */
  readonly targetUtilisation?: number;
}

/** Scaling by the rate of requests. */
export interface RequestRateScalingOptions extends MetricScalingLimits {
  /** Address of Prometheus, for example `http://prometheus.monitoring.svc:9090`; KEDA's operator calls it, not the pods. */
  readonly serverAddress: string;
  /** PromQL that returns the requests per second over all replicas. */
  readonly query: string;
  /** Requests per second that one replica should carry. */
  readonly requestsPerSecondPerReplica: number;
}

/** By what a service gets replicas. */
export class ServiceScaling {
  /** By CPU utilisation, with the autoscaler of Kubernetes. */
  public static cpu(options: CpuScalingOptions = {}): ServiceScaling {
    const { targetUtilisation, ...limits } = options;
    return new ServiceScaling({ by: 'cpu', targetUtilisation, limits });
  }

  /** By requests per second in Prometheus, with KEDA: for pods that wait more than they compute. */
  public static requestsPerSecond(options: RequestRateScalingOptions): ServiceScaling {
    const query: PrometheusScalingOptions = { ...options, threshold: options.requestsPerSecondPerReplica };
    return new ServiceScaling({ by: 'trigger', trigger: prometheusTrigger(query), limits: options });
  }

  /** Always the same number of replicas. */
  public static fixed(options: FixedScalingOptions = {}): ServiceScaling {
    return new ServiceScaling({ by: 'nothing', limits: options });
  }

  private constructor(
    /** @internal */
    public readonly _plan: ScalingPlan,
  ) {}
}
