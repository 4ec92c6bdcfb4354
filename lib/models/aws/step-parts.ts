import type { PipelineStep } from './pipeline-step';
import type { StepCompute } from './step-compute';
import type { StepImage } from './step-image';
import type { JobSurroundings } from './step-rendering';
import type { StorageLocation } from './storage-location';

/** What a step is made of, for the pipeline that renders it and lets its role in. */
export interface StepParts {
  readonly type: 'Processing' | 'Training' | 'Model' | 'Transform' | 'Condition' | 'RegisterModel' | 'Fail';
  readonly needs: readonly PipelineStep[];
  readonly dependsOn: readonly PipelineStep[];
  readonly branches: readonly (readonly PipelineStep[])[];
  readonly reads: readonly StorageLocation[];
  readonly writes: readonly StorageLocation[];
  readonly images: readonly StepImage[];
  readonly compute?: StepCompute;
  readonly outputs: readonly string[];
  readonly reports: readonly string[];
  readonly metrics: readonly string[];
  readonly modelPackageGroupName?: string;
  /** Whether the version is approved as it is registered. */
  readonly approves?: boolean;
  readonly render: (surroundings: JobSurroundings) => Record<string, unknown>;
}
