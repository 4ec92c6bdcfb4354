import type { Duration } from 'aws-cdk-lib';
import type { JvmHeap } from './jvm-heap';

/** What runs in the container of a workload. */
export interface ContainerOptions {
  /**
   * Port the container listens on, 1024-65535.
   * @default - 8080 for `Service` and `StatefulService`, none for the others
   */
  readonly port?: number;
  /**
   * Program and first arguments, instead of the image's entry point.
   * @default - that of the image
   */
  readonly command?: string[];
  /**
   * Arguments.
   * @default - those of the image
   */
  readonly args?: string[];
  /**
   * Environment of the container.
   * @default - empty
   */
  readonly environment?: { [name: string]: string };
  /**
   * Share of the memory for the heap of a JVM; sets `JAVA_TOOL_OPTIONS`, before what the environment gives there.
   * @default - the container runs no JVM, or sizes its heap itself
   */
  readonly jvmHeap?: JvmHeap;
  /**
   * Time to finish what is in flight once the container is told to stop (SIGTERM), in whole seconds, up to two hours. A pod that has traffic
   * first sleeps 15 s more while it is taken out of the endpoints.
   * @default Duration.seconds(30), and 60 for a `Worker`
   */
  readonly drain?: Duration;
}
