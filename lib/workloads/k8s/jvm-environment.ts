import type { JvmHeap } from './jvm-heap';

/** Variables from which a JVM or the `java` launcher takes options, in the order in which they win. */
const JVM_VARIABLES = ['JAVA_TOOL_OPTIONS', 'JDK_JAVA_OPTIONS', '_JAVA_OPTIONS'];
const HEAP_OPTION = /-Xm[sx]|-XX:(Max|Initial|Min)(RAMPercentage|RAMFraction|HeapSize)/;

/** Least memory of a pod with a JVM: the reserve and as much heap. */
export const LEAST_JVM_MEMORY = 512 * 1024 * 1024;

/** Environment with the options of the heap before those of the user, which win where both name one. */
export function withJvmHeap(
  environment: Readonly<Record<string, string>>,
  heap: JvmHeap | undefined,
  memory: { readonly memoryBytes: number; readonly memoryLimitBytes: number },
): Record<string, string> {
  if (!heap) return { ...environment };
  const given = environment[JVM_VARIABLES[0]];
  return {
    ...environment,
    [JVM_VARIABLES[0]]: [heap._options(memory.memoryBytes, memory.memoryLimitBytes), ...(given ? [given] : [])].join(' '),
  };
}

/** Whether a variable sets the heap of a JVM itself. */
export function setsHeap(name: string, value: string): boolean {
  return JVM_VARIABLES.includes(name) && HEAP_OPTION.test(value);
}
