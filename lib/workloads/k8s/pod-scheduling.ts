import type { GpuRequest } from './gpu-request';

/** What a taint does to pods that do not tolerate it. */
export enum TaintEffect {
  /** They are not scheduled. */
  NO_SCHEDULE = 'NoSchedule',
  /** They are scheduled elsewhere where possible. */
  PREFER_NO_SCHEDULE = 'PreferNoSchedule',
  /** Running ones leave, too. */
  NO_EXECUTE = 'NoExecute',
}

/** A taint that pods put up with. */
export interface PodToleration {
  /** Key of the taint. */
  readonly key: string;
  /**
   * Value of the taint.
   * @default - any value
   */
  readonly value?: string;
  /**
   * Effect of the taint.
   * @default - any effect
   */
  readonly effect?: TaintEffect;
}

/** How strictly pods spread over zones. */
export enum ZoneSpread {
  /** A pod that would stand unevenly waits. */
  REQUIRED = 'DoNotSchedule',
  /** Evenly where there is room. */
  PREFERRED = 'ScheduleAnyway',
}

/** Where pods stand. */
export interface PodScheduling {
  /**
   * Labels that a node must have.
   * @default - any node
   */
  readonly nodeSelector?: { [key: string]: string };
  /**
   * Taints that the pods put up with.
   * @default - none but that of the GPU
   */
  readonly tolerations?: PodToleration[];
  /**
   * Spread over the zones.
   * @default ZoneSpread.REQUIRED for what runs on, PREFERRED for jobs, which a full zone must not hold up
   */
  readonly zoneSpread?: ZoneSpread;
  /**
   * GPUs of each pod.
   * @default - none
   */
  readonly gpu?: GpuRequest;
  /**
   * Priority class, which decides who makes room for whom.
   * @default - that of the cluster
   */
  readonly priorityClassName?: string;
}
