import type { Duration } from 'aws-cdk-lib';
import type { PipelineStep } from './pipeline-step';
import type { StepCompute } from './step-compute';
import type { StepCondition } from './step-condition';
import type { StepImage } from './step-image';
import type { StepInput } from './step-input';
import type { StorageLocation } from './storage-location';

/** What every job of a pipeline takes. */
export interface JobStepOptions {
  /** Container of the job. */
  readonly image: StepImage;
  /** Instances of the job. */
  readonly compute: StepCompute;
  /**
   * What it reads, by the name of the channel; a processing job finds it below `/opt/ml/processing/input/<name>`, a training below
   * `/opt/ml/input/data/<name>`.
   * @default - nothing
   */
  readonly inputs?: { [name: string]: StepInput };
  /**
   * Environment of the container.
   * @default - empty
   */
  readonly environment?: { [name: string]: string };
  /**
   * Time after which the job is stopped, 1 s-5 days, for a training up to 28 days.
   * @default Duration.hours(24)
   */
  readonly maxRuntime?: Duration;
  /**
   * Whether the container may reach the network; without it the job has its inputs and outputs and nothing else.
   * @default false
   */
  readonly networkAccess?: boolean;
  /**
   * Steps that have to be done first, besides those whose outputs it reads.
   * @default - none
   */
  readonly dependsOn?: PipelineStep[];
}

/** An output of a processing job. */
export interface ProcessingOutput {
  /** Where it goes: each execution has a folder below it, `<execution>/<step>/<output>`. */
  readonly location: StorageLocation;
  /**
   * Reports in it that conditions read: the path of a JSON file in the output, by the name of the report.
   * @default - none
   */
  readonly reports?: { [name: string]: string };
}

/** A processing job. */
export interface ProcessingStepOptions extends JobStepOptions {
  /** What it writes, by name; the container writes below `/opt/ml/processing/output/<name>`. At least one. */
  readonly outputs: { [name: string]: ProcessingOutput };
  /**
   * Program and first arguments, instead of the image's entry point.
   * @default - that of the image
   */
  readonly entrypoint?: string[];
  /**
   * Arguments.
   * @default - none
   */
  readonly args?: string[];
}

/** A training job. */
export interface TrainingStepOptions extends JobStepOptions {
  /** Where the model goes. */
  readonly output: StorageLocation;
  /**
   * Hyperparameters.
   * @default - none
   */
  readonly hyperparameters?: { [name: string]: string };
  /**
   * Metrics, by name: a regular expression with one group that finds the value in the log.
   * @default - none
   */
  readonly metrics?: { [name: string]: string };
  /**
   * Where checkpoints are kept; the container writes them below `/opt/ml/checkpoints` and finds them there when it starts again in the same
   * execution. Each execution has a folder of its own: a new one trains from the beginning.
   * @default - none are kept
   */
  readonly checkpoints?: StorageLocation;
  /**
   * Whether it runs on spot instances, which can be taken away; it needs checkpoints.
   * @default false
   */
  readonly spot?: boolean;
  /**
   * Time that a job on spot instances may take altogether, waiting included; at least `maxRuntime`.
   * @default - twice maxRuntime, at most 28 days
   */
  readonly maxWait?: Duration;
}

/** A choice. */
export interface ConditionStepOptions {
  /** All of these have to hold. */
  readonly conditions: StepCondition[];
  /**
   * Steps that run when they hold.
   * @default - none
   */
  readonly then?: PipelineStep[];
  /**
   * Steps that run when one does not hold, for example `PipelineStep.fail`: without any, the pipeline succeeds all the same.
   * @default - none
   */
  readonly otherwise?: PipelineStep[];
  /**
   * Steps that have to be done first, besides those whose values it reads.
   * @default - none
   */
  readonly dependsOn?: PipelineStep[];
}

/** Whether a registered version may be deployed. */
export enum ModelApproval {
  /** Somebody has to approve it. */
  PENDING = 'PendingManualApproval',
  /** It may be deployed as soon as it is registered. */
  APPROVED = 'Approved',
}

/** A new version in the registry. */
export interface RegisterModelStepOptions {
  /** Model package group, which has to exist. */
  readonly modelPackageGroupName: string;
  /** The training whose model it is. */
  readonly training: PipelineStep;
  /** Container that serves it. */
  readonly image: StepImage;
  /** MIME types of requests, for example `text/csv`. */
  readonly contentTypes: string[];
  /** MIME types of answers. */
  readonly responseTypes: string[];
  /**
   * Instance types that it may be served on, as SageMaker names them.
   * @default - any
   */
  readonly inferenceInstanceTypes?: string[];
  /**
   * Whether it may be deployed.
   * @default ModelApproval.PENDING
   */
  readonly approval?: ModelApproval;
  /**
   * Steps that have to be done first, besides the training.
   * @default - none
   */
  readonly dependsOn?: PipelineStep[];
}
