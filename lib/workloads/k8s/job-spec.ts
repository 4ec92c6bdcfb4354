import type { Duration } from 'aws-cdk-lib';
import { type Rule, isPositiveInteger } from '../../core/rule';
import type { PodSize } from '../pod-size';
import type { JobExecution } from './job-execution';
import { CONTAINER_NAME } from './pod-template';
import { isWholeSeconds } from './workload-rules';

const DEFAULT_RETRIES = 3;
const DEFAULT_DEADLINE_SECONDS = 3600;
const WEEK_SECONDS = 7 * 24 * 3600;

/** Spec of a Job. The pods are never restarted in place: a failed one stays to be read, and its exit code decides. */
export function jobSpec(execution: JobExecution, size: PodSize, template: object): Record<string, unknown> {
  const completions = execution.completions ?? 1;
  const { failOnExitCodes } = execution;
  return {
    completions,
    completionMode: completions > 1 ? 'Indexed' : 'NonIndexed',
    parallelism: execution.parallelism ?? Math.min(completions, size.replicas),
    backoffLimit: execution.retries ?? DEFAULT_RETRIES,
    activeDeadlineSeconds: execution.deadline?.toSeconds() ?? DEFAULT_DEADLINE_SECONDS,
    ...(execution.keepFinished ? { ttlSecondsAfterFinished: execution.keepFinished.toSeconds() } : {}),
    ...(execution.suspended ? { suspend: true } : {}),
    podFailurePolicy: {
      rules: [
        // First, because an evicted pod ends with the exit code of a signal.
        { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ...(failOnExitCodes
          ? [{ action: 'FailJob', onExitCodes: { containerName: CONTAINER_NAME, operator: 'In', values: failOnExitCodes } }]
          : []),
      ],
    },
    template,
  };
}

/** The fields of a Job's spec that the API server refuses to change. */
export function immutableJobFields(spec: Record<string, unknown>): Record<string, unknown> {
  const { completions, completionMode, podFailurePolicy, template } = spec;
  return { completions, completionMode, podFailurePolicy, template };
}

/** Rules for the execution of a job. */
export function jobRules(code: string): Rule<{ readonly execution?: JobExecution }>[] {
  const row = (
    subject: keyof JobExecution,
    valid: (value: never, execution: JobExecution) => boolean,
    allowed: string,
    fix: string,
  ): Rule<{ readonly execution?: JobExecution }> => ({
    code,
    subject: `execution.${subject}`,
    value: ({ execution }) => execution?.[subject],
    valid: (value, { execution }) => valid(value, execution!),
    allowed,
    fix,
    tokens: 'refuse',
  });
  return [
    row('completions', (count: number) => isPositiveInteger(count) && count <= 10_000, '1-10000', 'split the work into larger parts'),
    row(
      'parallelism',
      (count: number, { completions = 1 }) => isPositiveInteger(count) && count <= completions,
      'a whole number from 1 to completions: more pods would have nothing to do',
      'raise completions, or leave it out',
    ),
    row('retries', (count: number) => count === 0 || (isPositiveInteger(count) && count <= 100), '0-100', 'leave it out for 3'),
    row(
      'deadline',
      (deadline: Duration) => isWholeSeconds(deadline, 1, WEEK_SECONDS),
      'whole seconds, up to seven days',
      'split longer work into jobs that take each other up',
    ),
    row(
      'failOnExitCodes',
      (codes: number[]) => codes.length > 0 && codes.every((each) => isPositiveInteger(each) && each <= 255),
      'at least one exit code, each 1-255',
      'list the codes with which the program says that its input is wrong',
    ),
    row(
      'keepFinished',
      (time: Duration) => isWholeSeconds(time, 0, 52 * WEEK_SECONDS),
      'whole seconds, up to a year',
      'leave it out: a BatchJob stays until its manifest leaves',
    ),
  ];
}
