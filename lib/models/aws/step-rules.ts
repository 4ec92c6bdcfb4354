import type { Duration } from 'aws-cdk-lib';
import type { Rule } from '../../core/rule';
import type { PipelineStep } from './pipeline-step';
import type {
  ConditionStepOptions,
  JobStepOptions,
  ProcessingStepOptions,
  RegisterModelStepOptions,
  TrainingStepOptions,
} from './step-options';
import { LONGEST_SECONDS, runtimeOf } from './step-rendering';
import type { CreateModelStepOptions, TransformStepOptions } from './transform-options';

const INVALID = 'Millrace.TrainingPipelineStepInvalid';
const PROCESSING_SECONDS = 5 * 24 * 3600;

/** Rule for the name of a step (pipeline definition schema). */
export const STEP_NAME_RULE: Rule<{ readonly stepName: string }> = {
  code: INVALID,
  subject: 'name',
  value: (input) => input.stepName,
  valid: (name: string) => /^[A-Za-z0-9_-]{1,64}$/.test(name),
  allowed: '1-64 letters, digits, - or _',
  fix: 'rename the step',
  tokens: 'refuse',
};

function row<P>(subject: string, value: (options: P) => unknown, valid: (value: never) => boolean, allowed: string, fix: string): Rule<P> {
  return { code: INVALID, subject, value, valid, allowed, fix, tokens: 'refuse' };
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const named = (names: string[]) => names.every((name) => NAME.test(name));
const VARIABLE = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const isSeconds = (most: number) => (duration: Duration) => {
  const seconds = duration.toSeconds({ integral: false });
  return Number.isInteger(seconds) && seconds >= 1 && seconds <= most;
};

function jobRules<P extends JobStepOptions>(longestSeconds: number): Rule<P>[] {
  return [
    row('inputs', ({ inputs = {} }) => Object.keys(inputs), named, 'names of letters, digits, - and _', 'rename the channel'),
    row(
      'maxRuntime',
      ({ maxRuntime }) => maxRuntime,
      isSeconds(longestSeconds),
      `whole seconds, up to ${longestSeconds / 24 / 3600} days`,
      'use Duration.hours(…)',
    ),
    environmentRule<P>(),
  ];
}

function environmentRule<P extends { readonly environment?: { [name: string]: string } }>(): Rule<P> {
  return row(
    'environment',
    ({ environment = {} }) => Object.keys(environment),
    (names: string[]) => names.every((name) => VARIABLE.test(name)),
    'names of variables: letters, digits and _, no digit first',
    'rename the variable',
  );
}

function trainingRule<P extends { readonly training: PipelineStep }>(fix: string): Rule<P> {
  return row(
    'training',
    ({ training }) => training._parts.type,
    (type: string) => type === 'Training',
    'a training step',
    fix,
  );
}

/** Rules for a model of batch transforms. */
export const MODEL_RULES: readonly Rule<CreateModelStepOptions>[] = [trainingRule('use the model of a training'), environmentRule()];

/** Rules for a batch transform. */
export const TRANSFORM_RULES: readonly Rule<TransformStepOptions>[] = [
  row(
    'model',
    ({ model }) => model._parts.type,
    (type: string) => type === 'Model',
    'a step that makes a model',
    'make it with PipelineStep.createModel',
  ),
  row(
    'contentType',
    ({ contentType }) => contentType,
    (type: string) => /^[^\s/]+\/\S+$/.test(type),
    'a MIME type',
    'name what the container takes: text/csv',
  ),
  row(
    'compute.volume',
    ({ compute }) => compute._volume?.toBytes(),
    () => false,
    'no volume: SageMaker chooses that of a transform',
    'drop the volume',
  ),
];

/** Rules for a processing job. */
export const PROCESSING_RULES: readonly Rule<ProcessingStepOptions>[] = [
  ...jobRules<ProcessingStepOptions>(PROCESSING_SECONDS),
  row(
    'outputs',
    ({ outputs }) => Object.keys(outputs),
    (names: string[]) => names.length > 0 && named(names),
    'at least one, with a name of letters, digits, - and _',
    'name what the job writes',
  ),
];

/** Rules for a training job. */
export const TRAINING_RULES: readonly Rule<TrainingStepOptions>[] = [
  ...jobRules<TrainingStepOptions>(LONGEST_SECONDS),
  {
    code: 'Millrace.TrainingSpotWithoutCheckpoint',
    subject: 'checkpoints',
    value: ({ spot, checkpoints }) => (spot ? checkpoints !== undefined : undefined),
    valid: (kept: boolean) => kept,
    allowed: 'spot instances with checkpoints: without them a lost instance starts the training again',
    fix: 'give checkpoints and let the container write them below /opt/ml/checkpoints, or drop spot',
  },
  row(
    'compute.instanceType',
    ({ compute }) => (compute._isBurstable ? compute.instanceType : undefined),
    () => false,
    'an instance that keeps its speed',
    'use ml.m7i.xlarge: one of the T family is slowed down when its credits are used up',
  ),
  row(
    'maxWait',
    ({ spot, maxWait }) => (maxWait === undefined ? undefined : spot === true),
    (isSpot: boolean) => isSpot,
    'a wait where spot is true',
    'drop maxWait, or set spot',
  ),
  {
    ...row<TrainingStepOptions>(
      'maxWait',
      ({ maxWait }) => maxWait,
      () => true,
      'whole seconds, at least maxRuntime, up to 28 days',
      'leave it out for twice maxRuntime',
    ),
    valid: (wait: Duration, options) => isSeconds(LONGEST_SECONDS)(wait) && wait.toSeconds({ integral: false }) >= runtimeOf(options),
  },
  {
    code: 'Millrace.TrainingIsolationConflict',
    subject: 'networkAccess',
    value: ({ networkAccess, hyperparameters = {}, environment = {} }) =>
      networkAccess
        ? undefined
        : [hyperparameters.sagemaker_submit_directory, environment.SAGEMAKER_SUBMIT_DIRECTORY].find((uri) => uri?.startsWith('s3://')),
    valid: () => false,
    allowed: 'a container that has all it needs, where it has no network',
    fix: 'put the code into the image or into an input channel; or set networkAccess',
  },
  row(
    'metrics',
    ({ metrics = {} }) => Object.entries(metrics).flat(),
    (parts: string[]) => parts.every((part) => part !== '' && part.length <= 500),
    'names and regular expressions of 1-500 characters',
    'shorten it',
  ),
];

/** Rules for a condition. */
export const CONDITION_RULES: readonly Rule<ConditionStepOptions>[] = [
  row(
    'conditions',
    ({ conditions }) => conditions.length,
    (count: number) => count > 0,
    'at least one',
    'say what has to hold',
  ),
  row(
    'then, otherwise',
    ({ then = [], otherwise = [] }) => then.length + otherwise.length,
    (count: number) => count > 0,
    'at least one step that follows',
    'give then, otherwise or both',
  ),
  row(
    'conditions',
    ({ conditions }) =>
      conditions.flatMap(({ _values }) => _values).flatMap(({ _step, _report, _metric }) => missing(_step, _report, _metric)),
    (names: string[]) => names.length === 0,
    'values that the step declares: reports of a processing step, metrics of a training',
    'declare it where the step is made',
  ),
];

function missing(step: PipelineStep | undefined, report: string | undefined, metric: string | undefined): string[] {
  if (report !== undefined && !step?._parts.reports.includes(report)) return [`report ${report} of ${step?.stepName}`];
  if (metric !== undefined && !step?._parts.metrics.includes(metric)) return [`metric ${metric} of ${step?.stepName}`];
  return [];
}

/** Rules for a registration. */
export const REGISTRATION_RULES: readonly Rule<RegisterModelStepOptions>[] = [
  {
    ...row<RegisterModelStepOptions>(
      'modelPackageGroupName',
      ({ modelPackageGroupName }) => modelPackageGroupName,
      (name: string) => /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/.test(name),
      '1-63 letters, digits or -',
      'use the name of the group, not its ARN',
    ),
    tokens: 'skip',
  },
  trainingRule('register the model of a training'),
  row(
    'contentTypes, responseTypes',
    ({ contentTypes, responseTypes }) => [contentTypes.length, responseTypes.length],
    (counts: number[]) => counts.every((count) => count > 0),
    'at least one of each',
    'name the MIME types that the container takes and answers with: text/csv',
  ),
];
