/** What a container should request, with how it was decided. It is written into the profile and read from there at synth. */
export interface Recommendation {
  /** CPU request in thousandths of a core. */
  readonly cpuMillis: number;
  /** Memory request, and limit unless told otherwise, in MiB. */
  readonly memoryMib: number;
  /**
   * Share of a GPU that is used, in thousandths.
   * @default - no GPU was measured
   */
  readonly gpuMillis?: number;
  /**
   * GPU memory in MiB.
   * @default - no GPU was measured
   */
  readonly gpuMemoryMib?: number;
  /** Running pods in the busiest block of the last week, on average over that block. */
  readonly replicas: number;
  /** What the container is: `service`, `batch`, `jvm` or `gpu`. */
  readonly workloadClass: string;
  /** The policy that decided: `steady` or `responsive`. */
  readonly policy: string;
  /** Version of the algorithm that decided. */
  readonly algorithm: string;
  /** End of the history it was decided on, as a date in UTC. */
  readonly asOf: string;
  /** Days with samples it was decided on. */
  readonly historyDays: number;
  /** From 0 to 1: how much history there is of what the algorithm wants. Below 0.5, a week, the request is a safe fallback. */
  readonly confidence: number;
  /** The models chosen, for CPU and for memory. */
  readonly model: string;
  /** One sentence that a reviewer can check by hand. */
  readonly reason: string;
  /** Share of the requested CPU that the back-test expects to be idle. */
  readonly expectedCpuSlack: number;
  /** Share of samples that the back-test expects above the CPU request. */
  readonly expectedCpuOver: number;
  /** Share of the requested memory that the back-test expects to be idle. */
  readonly expectedMemorySlack: number;
  /** Share of samples that the back-test expects above the memory request. */
  readonly expectedMemoryOver: number;
  /**
   * What a month of the change saves over all replicas; negative when it costs more.
   * @default - no prices were given, or no requests were measured
   */
  readonly monthlySaving?: number;
}
