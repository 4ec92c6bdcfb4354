import { Stack } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct, type IConstruct } from 'constructs';
import { enforce } from '../../core/rule';

/**
 * A client with IAM whose role session has a known name, which is what a quota needs: MSK knows a client as
 * `arn:aws:sts::<account>:assumed-role/<role>/<session>` (MSK Developer Guide, replicator quotas), and Kafka has no quota for all sessions
 * of a role. The client gives the name as `awsRoleSessionName` of the MSK library for IAM; a Lambda function's is its function name.
 *
 * @example
 * topic.grants.produce(RoleSession.of(gateway, 'gateway'), { demand: { messagesPerSecond: 4000, messageSize: Size.kibibytes(1) } });
 */
export class RoleSession implements iam.IGrantable {
  /**
   * A client of a role, in a session of a name.
   *
   * @throws Millrace.KafkaRoleSessionInvalid
   */
  public static of(client: iam.IGrantable, sessionName: string): RoleSession {
    const role = client.grantPrincipal as iam.IPrincipal & Partial<iam.IRole>;
    enforce('RoleSession.of', { role, sessionName }, [
      {
        code: 'Millrace.KafkaRoleSessionInvalid',
        subject: 'client',
        value: (input) => String(input.role.roleName !== undefined && Construct.isConstruct(input.role)),
        valid: (isRole: string) => isRole === 'true',
        allowed: 'a role, or a client with one: Kafka knows other principals by another name',
        fix: 'give the role that the client runs with',
      },
      {
        code: 'Millrace.KafkaRoleSessionInvalid',
        subject: 'sessionName',
        value: (input) => input.sessionName,
        valid: (name: string) => /^[\w+=,.@-]{2,64}$/.test(name),
        allowed: "2-64 letters, digits, '_', '+', '=', ',', '.', '@' or '-' (AWS STS, AssumeRole)",
        fix: 'shorten it or leave other characters out',
      },
    ]);
    return new RoleSession(client, role as iam.IRole & IConstruct, sessionName);
  }

  /** The principal that gets the permissions: the role. */
  public readonly grantPrincipal: iam.IPrincipal;
  /** Name by which Kafka knows the client. */
  public readonly principalArn: string;

  private constructor(
    /** The client as it was given. */
    public readonly client: iam.IGrantable,
    role: iam.IRole,
    /** Name of its session. */
    public readonly sessionName: string,
  ) {
    this.grantPrincipal = client.grantPrincipal;
    this.principalArn = Stack.of(role).formatArn({
      service: 'sts',
      region: '',
      account: role.env.account,
      resource: 'assumed-role',
      resourceName: `${role.roleName}/${sessionName}`,
    });
  }
}
