import { enforce } from '../../core/rule';

const MIB = 1024 * 1024;
// Metaspace and code cache of a small service (64 + 48 MiB), 64 threads of 1 MiB, and buffers for the rest; a large one needs a quarter.
const LEAST_RESERVE = 256 * MIB;
const RESERVE_SHARE = 0.25;
// Half of what is not heap: without a limit of their own, direct buffers may grow to the size of the heap.
const DIRECT_SHARE = 0.5;
/** How much of the memory of a pod the heap of a JVM takes; the rest is for metaspace, code, threads and direct buffers. */
export class JvmHeap {
  /** All memory but a quarter, and at least 256 MiB, which stay for what is not heap: 512 MiB give 50 % heap, 1 GiB and more 75 %. */
  public static fromMemory(): JvmHeap {
    return new JvmHeap();
  }

  /**
   * A share of the memory in percent, 10-80.
   *
   * @throws Millrace.JvmHeapInvalid
   */
  public static percent(percent: number): JvmHeap {
    enforce('JvmHeap.percent', { percent }, [
      {
        code: 'Millrace.JvmHeapInvalid',
        subject: 'percent',
        value: (input) => input.percent,
        valid: (given: number) => given >= 10 && given <= 80,
        allowed: '10-80: metaspace, threads and direct buffers need the rest',
        fix: 'leave it to JvmHeap.fromMemory()',
        tokens: 'refuse',
      },
    ]);
    return new JvmHeap(percent);
  }

  private constructor(private readonly percent?: number) {}

  /**
   * The options of the JVM for a memory request: the heap fits into it also where the limit, of which the JVM takes percentages, is higher.
   * Percentages rather than -Xmx, so that the heap follows a limit that the vertical autoscaler
   * changes; with a decimal point, because the JVM of Java 8 takes no whole number.
   * @internal
   */
  public _options(memoryBytes: number, limitBytes: number): string {
    const reserve = this.percent ? memoryBytes * (1 - this.percent / 100) : Math.max(LEAST_RESERVE, memoryBytes * RESERVE_SHARE);
    const percent = (Math.floor(((memoryBytes - reserve) / limitBytes) * 1000 + 1e-6) / 10).toFixed(1);
    return [
      `-XX:InitialRAMPercentage=${percent}`,
      `-XX:MaxRAMPercentage=${percent}`,
      `-XX:MaxDirectMemorySize=${Math.floor((reserve * DIRECT_SHARE) / MIB)}m`,
      // A heap that is full ends the process, so that the pod restarts instead of failing request by request.
      '-XX:+ExitOnOutOfMemoryError',
    ].join(' ');
  }
}
