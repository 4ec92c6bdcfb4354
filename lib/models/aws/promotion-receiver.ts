import { ArnFormat, Resource, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { refuse } from '../../core/error';
import { type Rule, enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { IModelRegistry } from './model-registry';
import { ModelStatus } from './model-status';
import { PromotionMetrics } from './promotion-metrics';
import { PROMOTED, PromotionSteps } from './promotion-steps';
import { SAGEMAKER_SOURCE, STATUS_DETAIL_TYPE, statusPattern } from './registry-events';
import { UndeliveredQueue } from './undelivered-queue';

/** Properties of a receiver of promotions. */
export interface PromotionReceiverProps {
  /** The registry, imported from its account. */
  readonly registry: IModelRegistry;
  /**
   * SSM parameter that holds the ARN of the promoted version. The first promotion makes it, and it belongs to no stack: a template that
   * held it would set it back to its first value.
   * @default - `/millrace/models/<registry>/approved`
   */
  readonly parameterName?: string;
  /**
   * Name of the bus to which the registry's account sends.
   * @default - `models-<registry>`
   */
  readonly eventBusName?: string;
}

interface Checked extends PromotionReceiverProps {
  readonly place: string;
}

const RULES: readonly Rule<Checked>[] = [
  {
    code: 'Millrace.PromotionInvalid',
    subject: 'registry',
    value: ({ place }) => place,
    valid: () => true,
    allowed: 'a registry whose account and region are known at synth',
    fix: 'give the stack of the registry an env, or import the registry by its ARN',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.PromotionInvalid',
    subject: 'parameterName',
    value: (props) => props.parameterName,
    valid: (name: string) => /^(\/[\w.-]+){1,15}$/.test(name) && name.length <= 900 && !/^\/(aws|ssm)/i.test(name),
    allowed: 'a path of letters, digits, ., - and _ that begins with / and not with /aws or /ssm',
    fix: 'leave it out',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.PromotionInvalid',
    subject: 'eventBusName',
    value: (props) => props.eventBusName,
    valid: (name: string) => /^[\w.-]{1,256}$/.test(name) && name !== 'default',
    allowed: '1-256 letters, digits, ., - and _, and not the default bus, to which all of the account write',
    fix: 'leave it out',
    tokens: 'refuse',
  },
];

/**
 * Takes the approvals of a registry in another account, and keeps the promoted version in an SSM parameter.
 *
 * 1. Someone approves a version in the registry. That is the gate; no other is made here.
 * 2. A `Promotion` beside the registry sends the news to the bus of the receiver, which takes it from that account alone.
 * 3. The receiver asks the registry whether the version is approved now, which also shows that it is shared. It writes the ARN into the
 * parameter and tells of it: `onPromoted`.
 * 4. What `onPromoted` starts, for example the pipeline of the endpoint's stack, deploys a template that has not changed. CloudFormation
 * reads the parameter again (`modelPackageArnIn`), replaces model and endpoint configuration, and the endpoint rolls over to them with its
 * own canary, alarms and rollback.
 *
 * Back to an older version: approve it again (reject and approve), or write its ARN into the parameter and start the pipeline. After a
 * rollback of the stack the parameter still names the version that failed: the next deployment tries it again, unless it is set back.
 *
 * The first promotion comes before the first deployment of an endpoint that reads the parameter; so they are different stacks.
 *
 * @throws Millrace.PromotionInvalid, Millrace.TokenRefused
 */
export class PromotionReceiver extends Resource {
  /** Bus to which the registry's account sends. */
  public readonly eventBus: events.IEventBus;
  /** SSM parameter with the ARN of the promoted version. */
  public readonly parameterName: string;
  /** What it tells about itself. */
  public readonly metrics: PromotionMetrics;
  /** Approvals that did not reach the check. */
  public readonly undelivered: sqs.IQueue;

  constructor(scope: Construct, id: string, props: PromotionReceiverProps) {
    super(scope, id);
    const { registry } = props;
    enforce(this.node.path, { ...props, place: `${registry.env.account}/${registry.env.region}` }, RULES);
    this.parameterName = props.parameterName ?? `/millrace/models/${registry.registryName}/approved`;
    const bus = new events.EventBus(this, 'Resource', {
      eventBusName: props.eventBusName ?? `models-${registry.registryName}`,
      description: `Approvals of ${registry.registryName} from account ${registry.env.account}`,
    });
    bus.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'ApprovalsOfTheRegistry',
        principals: [new iam.AccountPrincipal(registry.env.account)],
        actions: ['events:PutEvents'],
        resources: [bus.eventBusArn],
        conditions: { StringEquals: { 'events:source': SAGEMAKER_SOURCE, 'events:detail-type': STATUS_DETAIL_TYPE } },
      }),
    );
    const steps = new PromotionSteps(this, 'Steps', {
      registryArn: registry.registryArn,
      parameterName: this.parameterName,
      parameterArn: Stack.of(this).formatArn({
        service: 'ssm',
        resource: 'parameter',
        resourceName: this.parameterName.slice(1),
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      }),
      bus,
    });
    const undelivered = new UndeliveredQueue(this, 'Undelivered');
    new events.Rule(this, 'Approved', {
      description: `Approved versions of ${registry.registryName}`,
      eventBus: bus,
      eventPattern: {
        ...statusPattern(registry.registryName, [ModelStatus.APPROVED]),
        account: [registry.env.account],
        region: [registry.env.region],
      },
      targets: [new targets.SfnStateMachine(steps.machine, { deadLetterQueue: undelivered })],
    });
    this.eventBus = bus;
    this.undelivered = undelivered;
    this.metrics = new PromotionMetrics(steps.machine, undelivered);
    requireAllocation(this);
  }

  /** Sends an event to a target, for example a pipeline, each time another version is written into the parameter. */
  public onPromoted(id: string, options: events.OnEventOptions): events.Rule {
    const { target, crossStackScope, ...rule } = options;
    const made = new events.Rule(crossStackScope ?? this, id, { ...rule, eventBus: this.eventBus });
    made.addEventPattern({
      source: [PROMOTED.source],
      detailType: [PROMOTED.detailType],
      detail: { ParameterName: [this.parameterName] },
    });
    made.addTarget(target);
    return made;
  }

  /**
   * The ARN of the promoted version, for `ModelSource.modelPackage` of an endpoint in the stack of the scope. CloudFormation reads it at each
   * deployment of that stack.
   *
   * @throws Millrace.PromotionSameStack
   */
  public modelPackageArnIn(scope: Construct): string {
    if (Stack.of(scope) === Stack.of(this)) {
      refuse(`${this.node.path} modelPackageArnIn`, {
        code: 'Millrace.PromotionSameStack',
        subject: 'scope',
        received: `${scope.node.path}, in the stack of the receiver`,
        allowed: 'a scope in another stack: the parameter exists only after the receiver has taken the first approval',
        fix: 'put the endpoint into a stack of its own',
      });
    }
    return ssm.StringParameter.valueForStringParameter(scope, this.parameterName);
  }
}
