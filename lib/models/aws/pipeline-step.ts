import { enforce } from '../../core/rule';
import { checkLocation } from './location-rules';
import type { StepInput } from './step-input';
import {
  type ConditionStepOptions,
  ModelApproval,
  type ProcessingStepOptions,
  type RegisterModelStepOptions,
  type TrainingStepOptions,
} from './step-options';
import {
  type JobSurroundings,
  renderCondition,
  renderFail,
  renderModel,
  renderProcessing,
  renderRegistration,
  renderTraining,
  renderTransform,
} from './step-rendering';
import type { StepParts } from './step-parts';
import {
  CONDITION_RULES,
  MODEL_RULES,
  PROCESSING_RULES,
  REGISTRATION_RULES,
  STEP_NAME_RULE,
  TRAINING_RULES,
  TRANSFORM_RULES,
} from './step-rules';
import type { CreateModelStepOptions, TransformStepOptions } from './transform-options';

const NOTHING = { needs: [], dependsOn: [], branches: [], reads: [], writes: [], images: [], outputs: [], reports: [], metrics: [] };

/** A step of a pipeline. It refers to steps that were made before it, so a circle cannot be written. */
export class PipelineStep {
  /**
   * A processing job: prepares data, or evaluates a model.
   *
   * @param name 1-64 letters, digits, `-` or `_`.
   * @param options What it runs, reads and writes.
   * @throws Millrace.TrainingPipelineStepInvalid, Millrace.TrainingLocationInvalid, Millrace.TokenRefused
   */
  public static processing(name: string, options: ProcessingStepOptions): PipelineStep {
    enforce(`PipelineStep.processing ${name}`, options, PROCESSING_RULES);
    const outputs = Object.values(options.outputs);
    for (const { location } of outputs) checkLocation(`PipelineStep.processing ${name}`, location);
    return new PipelineStep(name, {
      ...NOTHING,
      type: 'Processing',
      ...inputParts(options.inputs, options.dependsOn),
      writes: outputs.map(({ location }) => location),
      images: [options.image],
      compute: options.compute,
      outputs: Object.keys(options.outputs),
      reports: outputs.flatMap(({ reports = {} }) => Object.keys(reports)),
      render: (surroundings) => renderProcessing(name, options, surroundings),
    });
  }

  /**
   * A training job. The disks are encrypted, and so is what instances of one job tell each other.
   *
   * @param name 1-64 letters, digits, `-` or `_`.
   * @param options What it runs, reads and writes.
   * @throws Millrace.TrainingSpotWithoutCheckpoint, Millrace.TrainingPipelineStepInvalid, Millrace.TrainingIsolationConflict,
   * Millrace.TrainingLocationInvalid, Millrace.TokenRefused
   */
  public static training(name: string, options: TrainingStepOptions): PipelineStep {
    enforce(`PipelineStep.training ${name}`, options, TRAINING_RULES);
    const { output, checkpoints } = options;
    for (const location of [output, checkpoints]) checkLocation(`PipelineStep.training ${name}`, location);
    const parts = inputParts(options.inputs, options.dependsOn);
    return new PipelineStep(name, {
      ...NOTHING,
      type: 'Training',
      ...parts,
      reads: [...parts.reads, ...(checkpoints ? [checkpoints] : [])],
      writes: [output, ...(checkpoints ? [checkpoints] : [])],
      images: [options.image],
      compute: options.compute,
      metrics: Object.keys(options.metrics ?? {}),
      render: (surroundings) => renderTraining(name, options, surroundings),
    });
  }

  /**
   * A model of SageMaker, for batch transforms.
   *
   * @param name 1-64 letters, digits, `-` or `_`.
   * @param options Which model, and the container that serves it.
   * @throws Millrace.TrainingPipelineStepInvalid, Millrace.TokenRefused
   */
  public static createModel(name: string, options: CreateModelStepOptions): PipelineStep {
    enforce(`PipelineStep.createModel ${name}`, options, MODEL_RULES);
    const { training, image, dependsOn = [] } = options;
    return new PipelineStep(name, {
      ...NOTHING,
      type: 'Model',
      dependsOn,
      needs: [training],
      reads: training._parts.writes,
      images: [image],
      render: (surroundings) => renderModel(options, surroundings),
    });
  }

  /**
   * A batch transform: predictions for a set of data.
   *
   * @param name 1-64 letters, digits, `-` or `_`.
   * @param options Which model, what it reads and writes.
   * @throws Millrace.TrainingPipelineStepInvalid, Millrace.TrainingLocationInvalid, Millrace.TokenRefused
   */
  public static transform(name: string, options: TransformStepOptions): PipelineStep {
    enforce(`PipelineStep.transform ${name}`, options, TRANSFORM_RULES);
    const { model, input, output, compute, dependsOn } = options;
    checkLocation(`PipelineStep.transform ${name}`, output);
    const parts = inputParts({ input }, dependsOn);
    return new PipelineStep(name, {
      ...NOTHING,
      type: 'Transform',
      ...parts,
      needs: [model, ...parts.needs],
      writes: [output],
      compute,
      render: (surroundings) => renderTransform(name, options, surroundings),
    });
  }

  /**
   * A choice between steps.
   *
   * @param name 1-64 letters, digits, `-` or `_`.
   * @param options What has to hold, and what follows.
   * @throws Millrace.TrainingPipelineStepInvalid
   */
  public static condition(name: string, options: ConditionStepOptions): PipelineStep {
    enforce(`PipelineStep.condition ${name}`, options, CONDITION_RULES);
    const branches = [options.then ?? [], options.otherwise ?? []];
    return new PipelineStep(name, {
      ...NOTHING,
      type: 'Condition',
      dependsOn: options.dependsOn ?? [],
      needs: options.conditions.flatMap(({ _values }) => _values.flatMap(({ _step }) => _step ?? [])),
      branches,
      render: (surroundings) => renderCondition(options, surroundings),
    });
  }

  /**
   * A new version in the registry of models, to be approved by somebody unless said otherwise. It has the tags of its group.
   *
   * @param name 1-64 letters, digits, `-` or `_`.
   * @param options Which model, and how it is served.
   * @throws Millrace.TrainingPipelineStepInvalid, Millrace.TokenRefused
   */
  public static registerModel(name: string, options: RegisterModelStepOptions): PipelineStep {
    enforce(`PipelineStep.registerModel ${name}`, options, REGISTRATION_RULES);
    return new PipelineStep(name, {
      ...NOTHING,
      type: 'RegisterModel',
      dependsOn: options.dependsOn ?? [],
      needs: [options.training],
      reads: options.training._parts.writes,
      images: [options.image],
      modelPackageGroupName: options.modelPackageGroupName,
      approves: options.approval === ModelApproval.APPROVED,
      render: () => renderRegistration(options),
    });
  }

  /**
   * Ends the pipeline as failed.
   *
   * @param name 1-64 letters, digits, `-` or `_`.
   * @param message What the execution says.
   * @throws Millrace.TrainingPipelineStepInvalid
   */
  public static fail(name: string, message: string): PipelineStep {
    return new PipelineStep(name, { ...NOTHING, type: 'Fail', render: () => renderFail(message) });
  }

  private constructor(
    /** Its name in the pipeline. */
    public readonly stepName: string,
    /** @internal */
    public readonly _parts: StepParts,
  ) {
    enforce('PipelineStep', { stepName }, [STEP_NAME_RULE]);
  }

  /**
   * The step as the definition of a pipeline has it.
   * @internal
   */
  public _render(surroundings: JobSurroundings): Record<string, unknown> {
    const { type, dependsOn, render } = this._parts;
    return {
      Name: this.stepName,
      Type: type,
      ...(dependsOn.length > 0 ? { DependsOn: dependsOn.map(({ stepName }) => stepName) } : {}),
      ...render(surroundings),
    };
  }
}

function inputParts(inputs: { [name: string]: StepInput } = {}, dependsOn: readonly PipelineStep[] = []) {
  const given = Object.values(inputs);
  const needs = given.flatMap(({ _step }) => _step ?? []);
  return {
    dependsOn,
    needs,
    // What an earlier step wrote is read by the same role, for which writing is not reading.
    reads: [...given.flatMap(({ _location }) => _location ?? []), ...needs.flatMap(({ _parts }) => _parts.writes)],
  };
}
