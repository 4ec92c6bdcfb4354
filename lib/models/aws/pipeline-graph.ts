import type { Violation } from '../../core/error';
import type { PipelineStep } from './pipeline-step';

/** Steps of one SageMaker pipeline (SageMaker endpoints and quotas). */
const MAX_STEPS = 50;

/** Every step, those in branches included. */
export function allSteps(steps: readonly PipelineStep[]): PipelineStep[] {
  return steps.flatMap((step) => [step, ...step._parts.branches.flatMap((branch) => allSteps(branch))]);
}

/** What is wrong with the steps as a whole. */
export function graphViolations(steps: readonly PipelineStep[]): Violation[] {
  const all = allSteps(steps);
  const count: Violation[] =
    all.length > 0 && all.length <= MAX_STEPS
      ? []
      : [
          {
            code: 'Millrace.TrainingPipelineStepInvalid',
            subject: 'steps',
            received: `${all.length} steps`,
            allowed: `1-${MAX_STEPS}, those in branches included (SageMaker quotas)`,
            fix: 'split the pipeline, or ask AWS for a higher quota',
          },
        ];
  return [...count, ...duplicates(all), ...unreachable(steps, [])];
}

function duplicates(all: readonly PipelineStep[]): Violation[] {
  const names = all.map(({ stepName }) => stepName);
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))].map((name) => ({
    code: 'Millrace.TrainingPipelineStepTwice',
    subject: name,
    received: `${names.filter((each) => each === name).length} steps of that name`,
    allowed: 'one step of a name, in branches, too',
    fix: 'rename one of them, or put the step into the pipeline once',
  }));
}

/** A step sees those of its own level and of the levels around it; what stands in a branch may never have run. */
function unreachable(steps: readonly PipelineStep[], outside: readonly PipelineStep[]): Violation[] {
  const visible = [...outside, ...steps];
  return steps.flatMap((step) => {
    const needed = [...new Set([...step._parts.needs, ...step._parts.dependsOn])];
    const unknown = needed.filter((other) => !visible.includes(other));
    return [
      ...unknown.map((other) => ({
        code: 'Millrace.TrainingPipelineStepUnknown',
        subject: step.stepName,
        received: `needs ${other.stepName}, which is no step of the pipeline that it can see`,
        allowed: 'steps beside it, or beside the condition that it stands in',
        fix: `add ${other.stepName} to the steps, or move it out of its branch`,
      })),
      ...step._parts.branches.flatMap((branch) => unreachable(branch, visible)),
    ];
  });
}
