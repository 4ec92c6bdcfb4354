import type { CfnEndpoint } from 'aws-cdk-lib/aws-sagemaker';
import { type Rollout, RolloutKind } from '../rollout';

/** SageMaker API: MaximumExecutionTimeoutInSeconds of both update policies. */
export const MAX_EXECUTION_SECONDS = 28_800;

const START_SECONDS = 1800;
const BATCH_START_SECONDS = 600;

/** Steps of a rollout that are watched before the last of the former instances goes. */
function stepsOf({ kind, percent }: Rollout): number {
  switch (kind) {
    case RolloutKind.CANARY:
      return 1;
    case RolloutKind.ALL_AT_ONCE:
      return 0;
    default:
      return Math.ceil(100 / percent);
  }
}

/** Time after which SageMaker gives a rollout up: all waits, and as much again as instances need to start. */
export function executionSeconds(rollout: Rollout, startSeconds: number): number {
  const { kind, bakeSeconds } = rollout;
  const steps = stepsOf(rollout);
  // Every batch starts instances of its own; a second fleet starts once.
  if (kind === RolloutKind.ROLLING) return steps * (bakeSeconds + Math.max(BATCH_START_SECONDS, startSeconds));
  return (steps + 1) * bakeSeconds + Math.max(START_SECONDS, 2 * startSeconds);
}

/** The guardrails of a rollout as CloudFormation takes them. */
export function deploymentConfig(
  rollout: Rollout,
  alarmNames: readonly string[],
  startSeconds: number,
): CfnEndpoint.DeploymentConfigProperty {
  const { kind, percent, bakeSeconds } = rollout;
  const share = { type: 'CAPACITY_PERCENT', value: percent };
  const maximumExecutionTimeoutInSeconds = executionSeconds(rollout, startSeconds);
  const autoRollbackConfiguration = alarmNames.length > 0 ? { alarms: alarmNames.map((alarmName) => ({ alarmName })) } : undefined;
  if (kind === RolloutKind.ROLLING) {
    return {
      autoRollbackConfiguration,
      rollingUpdatePolicy: { maximumBatchSize: share, waitIntervalInSeconds: bakeSeconds, maximumExecutionTimeoutInSeconds },
    };
  }
  return {
    autoRollbackConfiguration,
    blueGreenUpdatePolicy: {
      trafficRoutingConfiguration: {
        type: { canary: 'CANARY', linear: 'LINEAR', allAtOnce: 'ALL_AT_ONCE' }[kind],
        // The API wants it even where there is no step to wait for.
        waitIntervalInSeconds: kind === RolloutKind.ALL_AT_ONCE ? 0 : bakeSeconds,
        canarySize: kind === RolloutKind.CANARY ? share : undefined,
        linearStepSize: kind === RolloutKind.LINEAR ? share : undefined,
      },
      // The former instances stay for one more bake: a rollback after the last step needs no new ones.
      terminationWaitInSeconds: bakeSeconds,
      maximumExecutionTimeoutInSeconds,
    },
  };
}
