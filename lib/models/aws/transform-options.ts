import type { PipelineStep } from './pipeline-step';
import type { StepCompute } from './step-compute';
import type { StepImage } from './step-image';
import type { StepInput } from './step-input';
import type { StorageLocation } from './storage-location';

/** A model of SageMaker for the batch transforms of a pipeline; each execution makes one, and they are kept. */
export interface CreateModelStepOptions {
  /** The training whose model it is. */
  readonly training: PipelineStep;
  /** Container that serves it. */
  readonly image: StepImage;
  /**
   * Environment of the container.
   * @default - empty
   */
  readonly environment?: { [name: string]: string };
  /**
   * Whether the container may reach the network.
   * @default false
   */
  readonly networkAccess?: boolean;
  /**
   * Steps that have to be done first, besides the training.
   * @default - none
   */
  readonly dependsOn?: PipelineStep[];
}

/** Predictions for a set of data, without an endpoint (SageMaker batch transform). */
export interface TransformStepOptions {
  /** The step that makes the model. */
  readonly model: PipelineStep;
  /** What is predicted for. */
  readonly input: StepInput;
  /** Where the predictions go: each execution has a folder below it, and each file of the input one that ends with `.out`. */
  readonly output: StorageLocation;
  /** Instances. A transform takes no volume. */
  readonly compute: StepCompute;
  /** MIME type of the input, for example `text/csv`. */
  readonly contentType: string;
  /**
   * Whether each line of a file is a record; without it a file goes to the container whole.
   * @default true
   */
  readonly splitsLines?: boolean;
  /**
   * Steps that have to be done first, besides the model and those whose outputs it reads.
   * @default - none
   */
  readonly dependsOn?: PipelineStep[];
}
