import type { IConstruct } from 'constructs';

/** A training of either flavour: data in, a model out. */
export interface ITrainingPipeline extends IConstruct {
  /** Its name: of the SageMaker pipeline, or of the RayJob as it stands now. */
  readonly pipelineName: string;
}

/** Environment variable under which a training finds the place of its checkpoints. */
export const CHECKPOINT_VARIABLE = 'CHECKPOINT_URI';
