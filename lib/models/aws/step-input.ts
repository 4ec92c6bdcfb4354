import type * as s3 from 'aws-cdk-lib/aws-s3';
import { refuse } from '../../core/error';
import { checkLocation, uriOf } from './location-rules';
import type { PipelineParameter } from './pipeline-parameter';
import type { PipelineStep } from './pipeline-step';
import type { StorageLocation } from './storage-location';

/** What a step reads. */
export class StepInput {
  /**
   * Everything below a prefix of a bucket.
   *
   * @throws Millrace.TrainingLocationInvalid
   */
  public static fromBucket(bucket: s3.IBucket, prefix: string): StepInput {
    const location = { bucket, prefix };
    checkLocation('StepInput.fromBucket', location);
    return new StepInput(uriOf(location), undefined, location);
  }

  /**
   * A place that is named when the pipeline is started.
   *
   * @param parameter A string parameter that holds an S3 URI.
   * @param bucket The bucket of all places that may be named.
   * @param prefix What their keys begin with: the role of the jobs is let into it.
   * @throws Millrace.TrainingLocationInvalid, Millrace.TrainingPipelineStepInvalid
   */
  public static fromParameter(parameter: PipelineParameter, bucket: s3.IBucket, prefix: string): StepInput {
    const location = { bucket, prefix };
    checkLocation('StepInput.fromParameter', location);
    if (parameter._type !== 'String') {
      refuse('StepInput', {
        code: 'Millrace.TrainingPipelineStepInvalid',
        subject: parameter.parameterName,
        received: `a parameter of type ${parameter._type}`,
        allowed: 'a string parameter that holds an S3 URI',
        fix: 'use PipelineParameter.string',
      });
    }
    return new StepInput(parameter._reference, undefined, location);
  }

  /**
   * An output of an earlier processing step, by its name.
   *
   * @throws Millrace.TrainingPipelineStepInvalid
   */
  public static fromOutput(step: PipelineStep, output: string): StepInput {
    refuseUnless(step._parts.outputs.includes(output), step, `output ${output}`, 'an output that the processing step declares');
    return new StepInput({ Get: `Steps.${step.stepName}.ProcessingOutputConfig.Outputs['${output}'].S3Output.S3Uri` }, step);
  }

  /**
   * The model of an earlier training step.
   *
   * @throws Millrace.TrainingPipelineStepInvalid
   */
  public static fromModel(step: PipelineStep): StepInput {
    refuseUnless(step._parts.type === 'Training', step, 'the model', 'the model of a training step');
    return new StepInput({ Get: `Steps.${step.stepName}.ModelArtifacts.S3ModelArtifacts` }, step);
  }

  /**
   * The predictions of an earlier batch transform.
   *
   * @throws Millrace.TrainingPipelineStepInvalid
   */
  public static fromPredictions(step: PipelineStep): StepInput {
    refuseUnless(step._parts.type === 'Transform', step, 'the predictions', 'the predictions of a transform step');
    return new StepInput({ Get: `Steps.${step.stepName}.TransformOutput.S3OutputPath` }, step);
  }

  private constructor(
    /** @internal */
    public readonly _uri: unknown,
    /** @internal */
    public readonly _step?: PipelineStep,
    /** @internal */
    public readonly _location?: StorageLocation,
  ) {}
}

function refuseUnless(holds: boolean, step: PipelineStep, what: string, allowed: string): void {
  if (holds) return;
  refuse('StepInput', {
    code: 'Millrace.TrainingPipelineStepInvalid',
    subject: step.stepName,
    received: `${what} of ${step.stepName}, a ${step._parts.type} step that has none of that name`,
    allowed,
    fix: 'name one of its outputs',
  });
}
