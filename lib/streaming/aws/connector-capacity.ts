import type * as kafkaconnect from 'aws-cdk-lib/aws-kafkaconnect';
import { type Rule, enforce, isPositiveInteger } from '../../core/rule';

/** A fixed number of workers. */
export interface ProvisionedCapacity {
  /**
   * Workers.
   * @default 1
   */
  readonly workers?: number;
  /**
   * MSK Connect units a worker, 1 vCPU and 4 GiB each: 1, 2, 4 or 8.
   * @default 1
   */
  readonly mcuCount?: number;
}

/** A number of workers that follows the load of their CPUs. */
export interface AutoscaledCapacity {
  /**
   * Fewest workers.
   * @default 1
   */
  readonly minWorkers?: number;
  /** Most workers, up to 10. */
  readonly maxWorkers: number;
  /**
   * MSK Connect units a worker, 1 vCPU and 4 GiB each: 1, 2, 4 or 8.
   * @default 1
   */
  readonly mcuCount?: number;
  /**
   * Percentage of CPU below which workers are taken away.
   * @default 20
   */
  readonly scaleInCpu?: number;
  /**
   * Percentage of CPU above which workers are added.
   * @default 80
   */
  readonly scaleOutCpu?: number;
}

type Capacity = ProvisionedCapacity & Partial<AutoscaledCapacity>;

const MAX_WORKERS = 10;
const isPercentage = (value: number) => isPositiveInteger(value) && value <= 100;

const RULES: readonly Rule<Capacity>[] = [
  ...(['workers', 'minWorkers', 'maxWorkers'] as const).map((subject): Rule<Capacity> => ({
    code: 'Millrace.ConnectorCapacityInvalid',
    subject,
    value: (capacity) => capacity[subject],
    valid: (workers: number, { minWorkers = 1, maxWorkers = MAX_WORKERS }) =>
      isPositiveInteger(workers) && workers <= MAX_WORKERS && minWorkers <= maxWorkers,
    allowed: `a whole number from 1 to ${MAX_WORKERS} (MSK Connect quotas), the fewest not above the most`,
    fix: 'use larger workers, or a second connector for some of the topics',
    tokens: 'refuse',
  })),
  {
    code: 'Millrace.ConnectorCapacityInvalid',
    subject: 'mcuCount',
    value: (capacity) => capacity.mcuCount,
    valid: (count: number) => [1, 2, 4, 8].includes(count),
    allowed: '1, 2, 4 or 8',
    fix: 'leave it out for 1',
    tokens: 'refuse',
  },
  ...(['scaleInCpu', 'scaleOutCpu'] as const).map((subject): Rule<Capacity> => ({
    code: 'Millrace.ConnectorCapacityInvalid',
    subject,
    value: (capacity) => capacity[subject],
    valid: (cpu: number, { scaleInCpu = 20, scaleOutCpu = 80 }) => isPercentage(cpu) && scaleInCpu < scaleOutCpu,
    allowed: 'a whole percentage from 1 to 100, in below out',
    fix: 'leave it out for 20 and 80',
    tokens: 'refuse',
  })),
];

/** How many workers a connector on MSK Connect has. It changes in place, alone among the properties of a connector. */
export class ConnectorCapacity {
  /**
   * A fixed number of workers.
   *
   * @throws Millrace.ConnectorCapacityInvalid
   */
  public static provisioned(capacity: ProvisionedCapacity = {}): ConnectorCapacity {
    enforce('ConnectorCapacity', capacity, RULES);
    const { workers = 1, mcuCount = 1 } = capacity;
    return new ConnectorCapacity({ provisionedCapacity: { workerCount: workers, mcuCount } }, false);
  }

  /**
   * A number of workers that follows the load. MSK Connect then sets the number of tasks to two for each unit.
   *
   * @throws Millrace.ConnectorCapacityInvalid
   */
  public static autoscaled(capacity: AutoscaledCapacity): ConnectorCapacity {
    enforce('ConnectorCapacity', capacity, RULES);
    const { minWorkers = 1, maxWorkers, mcuCount = 1, scaleInCpu = 20, scaleOutCpu = 80 } = capacity;
    const autoScaling = {
      minWorkerCount: minWorkers,
      maxWorkerCount: maxWorkers,
      mcuCount,
      scaleInPolicy: { cpuUtilizationPercentage: scaleInCpu },
      scaleOutPolicy: { cpuUtilizationPercentage: scaleOutCpu },
    };
    return new ConnectorCapacity({ autoScaling }, true);
  }

  private constructor(
    private readonly property: kafkaconnect.CfnConnector.CapacityProperty,
    /** Whether the number of workers follows the load. */
    public readonly isAutoscaled: boolean,
  ) {}

  /** @internal */
  public _render(): kafkaconnect.CfnConnector.CapacityProperty {
    return this.property;
  }
}
