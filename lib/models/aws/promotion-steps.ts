import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type * as events from 'aws-cdk-lib/aws-events';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { ModelStatus } from './model-status';
import { versionArns, wildcardId } from './version-arns';

/** What a receiver calls its own event, once the new version is written. */
export const PROMOTED = { source: 'millrace.models', detailType: 'Model Version Promoted' };

/** What the steps of a receiver need. */
export interface PromotionStepsProps {
  readonly registryArn: string;
  readonly parameterName: string;
  readonly parameterArn: string;
  readonly bus: events.IEventBus;
}

const ARN = sfn.JsonPath.stringAt('$.detail.ModelPackageArn');

/**
 * Checks that a version is approved now, writes its ARN and tells of it, with calls of Step Functions to AWS and no code of ours. In this
 * order, because a deployment that started with the event could read the parameter before it is written.
 */
export class PromotionSteps extends Construct {
  /** The state machine. */
  public readonly machine: sfn.IStateMachine;

  constructor(scope: Construct, id: string, props: PromotionStepsProps) {
    super(scope, id);
    const look = new tasks.CallAwsService(this, 'Look', {
      service: 'sagemaker',
      action: 'describeModelPackage',
      parameters: { ModelPackageName: ARN },
      iamAction: 'sagemaker:DescribeModelPackage',
      iamResources: [versionArns(props.registryArn)],
      resultSelector: { 'Status.$': '$.ModelApprovalStatus' },
      resultPath: '$.now',
    });
    const write = new tasks.CallAwsService(this, 'Write', {
      service: 'ssm',
      action: 'putParameter',
      parameters: { Name: props.parameterName, Value: ARN, Type: 'String', Overwrite: true },
      iamAction: 'ssm:PutParameter',
      iamResources: [props.parameterArn],
      resultPath: sfn.JsonPath.DISCARD,
    });
    const tell = new tasks.EventBridgePutEvents(this, 'Tell', {
      entries: [
        {
          ...PROMOTED,
          detail: sfn.TaskInput.fromObject({ ParameterName: props.parameterName, ModelPackageArn: ARN }),
          eventBus: props.bus,
        },
      ],
    });
    for (const step of [look, write, tell])
      step.addRetry({ interval: Duration.seconds(2), backoffRate: 2, maxAttempts: 5, jitterStrategy: sfn.JitterType.FULL });
    const isApproved = sfn.Condition.stringEquals('$.now.Status', ModelStatus.APPROVED);
    const definition = look.next(
      new sfn.Choice(this, 'StillApproved').when(isApproved, write.next(tell)).otherwise(new sfn.Succeed(this, 'NoLongerApproved')),
    );
    const steps = new sfn.StateMachine(this, 'Resource', {
      comment: `Promotes approved versions to ${props.parameterName}`,
      definitionBody: sfn.DefinitionBody.fromChainable(definition),
      timeout: Duration.minutes(10),
      tracingEnabled: true,
      logs: {
        level: sfn.LogLevel.ALL,
        includeExecutionData: true,
        destination: new logs.LogGroup(this, 'Log', { retention: logs.RetentionDays.ONE_YEAR, removalPolicy: RemovalPolicy.RETAIN }),
      },
    });
    Validations.of(steps).acknowledge(
      {
        id: 'AwsSolutions-IAM5[Resource::*]',
        reason: 'the log delivery of Step Functions and X-Ray take no resource (Step Functions developer guide, logging and tracing)',
      },
      {
        id: wildcardId(versionArns(props.registryArn)),
        reason: 'the versions of one registry, which are numbers that are not known yet',
      },
    );
    this.machine = steps;
  }
}
