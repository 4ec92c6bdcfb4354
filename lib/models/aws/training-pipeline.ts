import { Annotations, ArnFormat, Lazy, Names, Resource, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import type { Construct } from 'constructs';
import { MillraceError, type Violation } from '../../core/error';
import { type Rule, violationsOf } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { appliedAllocation, requireAllocation } from '../../cost/applied-allocation';
import type { ITrainingPipeline } from '../training-pipeline';
import type { JobNetwork } from './job-network';
import { type ResolvedNetwork, jobRole, resolveNetwork } from './job-role';
import { withReferences } from './parameter-references';
import { allSteps, graphViolations } from './pipeline-graph';
import type { PipelineParameter } from './pipeline-parameter';
import type { PipelineStep } from './pipeline-step';
import { grantSteps } from './training-pipeline-access';
import { TrainingPipelineGrants } from './training-pipeline-grants';
import { TrainingPipelineMetrics } from './training-pipeline-metrics';

/** What identifies an existing pipeline. */
export interface TrainingPipelineAttributes {
  /** Its name. */
  readonly pipelineName: string;
}

/** Properties of a training pipeline on SageMaker. */
export interface TrainingPipelineProps {
  /** The steps. They run as soon as those are done that they need; the order of the list does not matter. */
  readonly steps: PipelineStep[];
  /**
   * Name. Changing it makes a new pipeline, without the executions of this one.
   * @default - from the construct path
   */
  readonly pipelineName?: string;
  /**
   * Values that can be given when it is started.
   * @default - none
   */
  readonly parameters?: PipelineParameter[];
  /**
   * When it starts by itself, with the defaults of the parameters.
   * @default - when somebody starts it
   */
  readonly schedule?: scheduler.ScheduleExpression;
  /**
   * Network of its jobs.
   * @default - SageMaker's own; containers are cut off from it unless a step says otherwise
   */
  readonly network?: JobNetwork;
  /**
   * Key for the volumes and outputs of its jobs.
   * @default - volumes by SageMaker's key, outputs by that of their bucket
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Steps that run at a time, 1-50.
   * @default - as many as can
   */
  readonly maxParallelSteps?: number;
}

/**
 * A training pipeline on SageMaker: jobs that prepare, train, evaluate and register a model. Its role is let into the buckets, images,
 * model package group and key that the steps name, and into nothing else. Each job carries the tags of the cost allocation, because those
 * of a pipeline do not reach its jobs.
 *
 * Adopt an existing one with `cdk import` of the child `Resource`; keep its logical id when the construct is renamed. It holds no data.
 *
 * @throws Millrace.TrainingPipelineInvalid, Millrace.TrainingPipelineStepInvalid, Millrace.TrainingPipelineStepTwice,
 * Millrace.TrainingPipelineStepUnknown, Millrace.TrainingPipelineParameterUnknown, Millrace.TokenRefused
 */
export class TrainingPipeline extends Resource implements ITrainingPipeline {
  /** Imports an existing pipeline, to let somebody start it. */
  public static fromTrainingPipelineAttributes(
    scope: Construct,
    id: string,
    attributes: TrainingPipelineAttributes,
  ): ImportedTrainingPipeline {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedTrainingPipeline(scope, id, attributes);
  }

  /** Its name. */
  public readonly pipelineName: string;
  /** Its ARN. */
  public readonly pipelineArn: string;
  /** The role of the pipeline and of its jobs. */
  public readonly role: iam.IRole;
  /** Access to it. */
  public readonly grants: TrainingPipelineGrants;
  /** Its metrics. */
  public readonly metrics: TrainingPipelineMetrics;
  private readonly network?: ResolvedNetwork;

  constructor(scope: Construct, id: string, props: TrainingPipelineProps) {
    super(scope, id);
    this.check(props);
    const steps = allSteps(props.steps);
    const role = jobRole(this, `Jobs of the training pipeline ${this.node.path}`);
    this.role = role;
    this.network = resolveNetwork(this, props.network);
    grantSteps(role, steps, this.network, props.encryptionKey);
    this.pipelineName = props.pipelineName ?? Names.uniqueResourceName(this, { maxLength: 80, separator: '-' });
    this.pipelineArn = pipelineArnOf(this, this.pipelineName);
    const { maxParallelSteps } = props;
    const resource = new sagemaker.CfnPipeline(this, 'Resource', {
      pipelineName: this.pipelineName,
      roleArn: role.roleArn,
      // Late, because the tags of its jobs follow from an allocation that may be applied after this.
      pipelineDefinition: { PipelineDefinitionBody: Lazy.string({ produce: () => Stack.of(this).toJsonString(this.definition(props)) }) },
      ...(maxParallelSteps ? { parallelismConfiguration: { MaxParallelExecutionSteps: maxParallelSteps } } : {}),
    });
    // SageMaker checks at creation that the role can be used.
    resource.node.addDependency(role);
    const sizing = steps.map(({ _parts }) => _parts.compute?.sizing).find((each) => each !== undefined);
    if (sizing) recordSizing(resource, sizing);
    this.grants = new TrainingPipelineGrants(this.pipelineArn);
    this.metrics = new TrainingPipelineMetrics(this.pipelineName);
    if (props.schedule) this.startBy(props.schedule, resource);
    if (steps.some(({ _parts }) => _parts.type === 'Condition' && _parts.branches[1].length === 0)) {
      Annotations.of(this).addInfoV2(
        'Millrace.TrainingPipelineSilentEnd',
        'where a condition without otherwise does not hold, the pipeline succeeds without a model; PipelineStep.fail says so',
      );
    }
    requireAllocation(this);
  }

  private check(props: TrainingPipelineProps): void {
    const violations: Violation[] = [...violationsOf(props, PIPELINE_RULES), ...graphViolations(props.steps)];
    const declared = (props.parameters ?? []).map(({ parameterName }) => parameterName);
    const used = new Set<string>();
    withReferences(
      props.steps.map((step) => step._render({ roleArn: '', tags: [] })),
      used,
    );
    for (const name of used) {
      if (declared.includes(name)) continue;
      violations.push({
        code: 'Millrace.TrainingPipelineParameterUnknown',
        subject: 'parameters',
        received: `a step that refers to ${name}`,
        allowed: `parameters of the pipeline: ${declared.join(', ') || 'it has none'}`,
        fix: `add ${name} to parameters`,
      });
    }
    if (violations.length > 0) throw new MillraceError(this.node.path, violations);
  }

  private definition(props: TrainingPipelineProps): Record<string, unknown> {
    const tags = Object.entries(appliedAllocation(this)?.allocation.tags() ?? {}).map(([Key, Value]) => ({ Key, Value }));
    const surroundings = { roleArn: this.role.roleArn, network: this.network, encryptionKey: props.encryptionKey, tags };
    return {
      Version: '2020-12-01',
      Metadata: {},
      Parameters: (props.parameters ?? []).map(({ parameterName, _type, _default }) => ({
        Name: parameterName,
        Type: _type,
        DefaultValue: _default,
      })),
      Steps: withReferences(props.steps.map((step) => step._render(surroundings))),
    };
  }

  private startBy(schedule: scheduler.ScheduleExpression, pipeline: sagemaker.CfnPipeline): void {
    const role = new iam.Role(this, 'ScheduleRole', {
      description: `Starts ${this.node.path} by its schedule`,
      assumedBy: new iam.ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    const start = iam.Grant.addToPrincipal({
      grantee: role,
      actions: ['sagemaker:StartPipelineExecution'],
      resourceArns: [this.pipelineArn],
    });
    const resource = new scheduler.CfnSchedule(this, 'Schedule', {
      description: `Starts ${this.node.path}`,
      scheduleExpression: schedule.expressionString,
      scheduleExpressionTimezone: schedule.timeZone?.timezoneName,
      flexibleTimeWindow: { mode: 'OFF' },
      target: { arn: this.pipelineArn, roleArn: role.roleArn, sageMakerPipelineParameters: { pipelineParameterList: [] } },
    });
    resource.node.addDependency(pipeline);
    start.applyBefore(resource);
  }
}

/** A pipeline that exists already. */
export class ImportedTrainingPipeline extends Resource implements ITrainingPipeline {
  /** Its name. */
  public readonly pipelineName: string;
  /** Its ARN. */
  public readonly pipelineArn: string;
  /** Access to it. */
  public readonly grants: TrainingPipelineGrants;
  /** Its metrics. */
  public readonly metrics: TrainingPipelineMetrics;

  constructor(scope: Construct, id: string, props: TrainingPipelineAttributes) {
    super(scope, id);
    this.pipelineName = props.pipelineName;
    this.pipelineArn = pipelineArnOf(this, props.pipelineName);
    this.grants = new TrainingPipelineGrants(this.pipelineArn);
    this.metrics = new TrainingPipelineMetrics(props.pipelineName);
  }
}

function pipelineArnOf(scope: Construct, pipelineName: string): string {
  return Stack.of(scope).formatArn({
    service: 'sagemaker',
    resource: 'pipeline',
    resourceName: pipelineName,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}

const PIPELINE_RULES: readonly Rule<TrainingPipelineProps>[] = [
  {
    code: 'Millrace.TrainingPipelineInvalid',
    subject: 'pipelineName',
    value: (props) => props.pipelineName,
    valid: (name: string) => /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}$/.test(name),
    allowed: '1-256 letters, digits or -, with a letter or digit at both ends',
    fix: 'leave it out, or shorten it',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.TrainingPipelineInvalid',
    subject: 'maxParallelSteps',
    value: (props) => props.maxParallelSteps,
    valid: (count: number) => Number.isInteger(count) && count >= 1 && count <= 50,
    allowed: 'a whole number from 1 to 50',
    fix: 'leave it out',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.TrainingPipelineInvalid',
    subject: 'parameters',
    value: (props) => props.parameters?.map(({ parameterName }) => parameterName),
    valid: (names: string[]) => new Set(names).size === names.length,
    allowed: 'each parameter once',
    fix: 'rename one of them',
  },
];
