import { Aws, Resource, Stack, Token, TokenComparison } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { IModelRegistry } from './model-registry';
import { ModelStatus } from './model-status';
import { statusPattern } from './registry-events';
import { UndeliveredQueue } from './undelivered-queue';

/** Properties of a promotion. */
export interface PromotionProps {
  /** The registry; it stands in the account and region of this construct, where SageMaker tells of its approvals. */
  readonly registry: IModelRegistry;
  /** Bus of the `PromotionReceiver` in the next account. */
  readonly to: events.IEventBus;
}

/**
 * Sends the approvals of one registry to the next account, where a `PromotionReceiver` waits for them. It carries the news and nothing else:
 * no principal of one account acts in the other, and the next account looks at the version for itself before it believes it.
 *
 * EventBridge tries for a day; what it could not deliver waits in the queue `undelivered` for two weeks.
 *
 * @throws Millrace.PromotionInvalid
 */
export class Promotion extends Resource {
  /** Events that did not arrive. */
  public readonly undelivered: sqs.IQueue;

  constructor(scope: Construct, id: string, props: PromotionProps) {
    super(scope, id);
    const { registry, to } = props;
    const { account, region } = Stack.of(this);
    const differs = (one: string, other: string) => Token.compareStrings(one, other) === TokenComparison.DIFFERENT;
    enforce(this.node.path, { place: `${registry.env.account}/${registry.env.region}` }, [
      {
        code: 'Millrace.PromotionInvalid',
        subject: 'registry',
        value: ({ place }) => (differs(registry.env.account, account) || differs(registry.env.region, region) ? place : undefined),
        valid: () => false,
        allowed: `a registry in the account and region of the stack: ${account}/${region}`,
        fix: 'make the promotion beside the registry and the receiver in the next account',
      },
    ]);
    const undelivered = new UndeliveredQueue(this, 'Undelivered');
    const role = new iam.Role(this, 'Role', {
      description: `Sends approvals of ${registry.registryName} to the next account`,
      assumedBy: new iam.ServicePrincipal('events.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    });
    new events.Rule(this, 'Resource', {
      description: `Approved versions of ${registry.registryName}`,
      eventPattern: statusPattern(registry.registryName, [ModelStatus.APPROVED]),
      targets: [new targets.EventBus(to, { role, deadLetterQueue: undelivered })],
    });
    this.undelivered = undelivered;
    requireAllocation(this);
  }
}
