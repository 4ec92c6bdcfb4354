import { type Bitrate, CustomResource, Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { type Rule, enforce, isPositive } from '../../core/rule';
import { KafkaAdmin, type KafkaAdminTarget } from './kafka-admin';
import { NOT_ON_SERVERLESS } from './kafka-admin-rules';

/** What a client may use of each broker. */
export interface ClientLimits {
  /**
   * Bytes it may write to each broker.
   * @default - unlimited
   */
  readonly producerRate?: Bitrate;
  /**
   * Bytes it may read from each broker.
   * @default - unlimited
   */
  readonly consumerRate?: Bitrate;
  /**
   * Share of the time of a request and network thread of each broker, in percent; above 100 where there are several threads.
   * @default - unlimited
   */
  readonly requestPercentage?: number;
}

/** Properties of a quota. */
export interface ClientQuotaProps {
  /** The cluster. */
  readonly cluster: KafkaAdminTarget;
  /**
   * Who, as the brokers know it, without `User:`: a SCRAM user, the distinguished name of a certificate, or for IAM the ARN of the role's
   * *session*, `arn:aws:sts::<account>:assumed-role/<role>/<session>`. A Lambda function's session is named as the function; where the
   * session's name is not fixed, use `clientId`.
   * @default - everyone
   */
  readonly user?: string;
  /**
   * `client.id` that the client sends; it is not authenticated.
   * @default - every client id
   */
  readonly clientId?: string;
  /** What it may use. */
  readonly limits: ClientLimits;
}

const NAMES = { producerRate: 'producer_byte_rate', consumerRate: 'consumer_byte_rate', requestPercentage: 'request_percentage' } as const;

const QUOTA_RULES: readonly Rule<ClientQuotaProps>[] = [
  {
    code: 'Millrace.KafkaQuotaInvalid',
    subject: 'user',
    value: ({ user, clientId }) => user ?? clientId ?? null,
    valid: (name: unknown) => typeof name === 'string' && name !== '',
    allowed: 'a user, a clientId or both: a limit for everyone would throttle the brokers themselves',
    fix: 'name the client',
  },
  {
    code: 'Millrace.KafkaQuotaInvalid',
    subject: 'user',
    value: ({ user }) => user,
    // A role as such never connects (Amazon MSK Developer Guide, "Troubleshoot MSK Replicator", sets a quota on the session).
    valid: (user: string) => !/^User:|^arn:[^:]+:iam:/.test(user),
    allowed: "a name without 'User:'; for IAM the ARN of the session, arn:aws:sts::<account>:assumed-role/<role>/<session>",
    fix: 'name the session, or use clientId where its name is not fixed',
  },
  {
    code: 'Millrace.KafkaQuotaInvalid',
    subject: 'limits',
    value: ({ limits }) => limits,
    valid: (limits: ClientLimits) => Object.values(valuesOf(limits)).length > 0 && Object.values(valuesOf(limits)).every(isPositive),
    allowed: 'producerRate, consumerRate or requestPercentage, each above zero',
    fix: 'set at least one of them',
  },
  NOT_ON_SERVERLESS,
];

function valuesOf({ producerRate, consumerRate, requestPercentage }: ClientLimits): Record<string, number> {
  const values: [string, number | undefined][] = [
    [NAMES.consumerRate, consumerRate && Math.floor(consumerRate.toBps() / 8)],
    [NAMES.producerRate, producerRate && Math.floor(producerRate.toBps() / 8)],
    [NAMES.requestPercentage, requestPercentage],
  ];
  return Object.fromEntries(values.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/**
 * What one client may use of each broker of a cluster. Kafka throttles the client, it refuses nothing. A limit is for each broker, so that a
 * client whose partitions lie on all of them gets it as often as there are brokers.
 *
 * @throws Millrace.KafkaQuotaInvalid, Millrace.KafkaQuotaTwice, Millrace.KafkaAdminOnServerless
 */
export class ClientQuota extends Construct {
  constructor(scope: Construct, id: string, props: ClientQuotaProps) {
    super(scope, id);
    enforce(this.node.path, props, QUOTA_RULES);
    const { user, clientId } = props;
    const admin = KafkaAdmin.of(props.cluster);
    const resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::MillraceKafkaQuota',
      serviceToken: admin.serviceToken,
      serviceTimeout: Duration.minutes(10),
      properties: { User: user, ClientId: clientId, Limits: valuesOf(props.limits) },
    });
    resource.node.addDependency(...admin.allowQuota(this, `user ${user ?? '(any)'}, client id ${clientId ?? '(any)'}`));
  }
}
