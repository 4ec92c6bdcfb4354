import { enforce } from '../../core/rule';

/** Who the pods of a workload are, to Kubernetes and to AWS. */
export class ServiceIdentity {
  /** A service account that an EKS pod identity association names; the way to the Pod Identity Agent on the node is opened. */
  public static podIdentity(serviceAccountName: string): ServiceIdentity {
    return new ServiceIdentity(serviceAccountName, true);
  }

  /**
   * A service account that assumes an IAM role with its own token (IRSA), where there is no Pod Identity Agent, as on Fargate. The webhook of
   * EKS mounts that token by itself; pods need no token of the API server. They exchange it at STS: open port 443 to the subnets of the
   * STS endpoint with `allowToCidr`.
   *
   * @throws Millrace.RoleArnInvalid, Millrace.TokenRefused
   */
  public static irsa(serviceAccountName: string, roleArn: string): ServiceIdentity {
    enforce('ServiceIdentity.irsa', { roleArn }, [
      {
        code: 'Millrace.RoleArnInvalid',
        subject: 'roleArn',
        value: (input) => input.roleArn,
        valid: (arn: string) => /^arn:aws(-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/.test(arn),
        allowed: 'the ARN of an IAM role: arn:aws:iam::<12 digits>:role/<name>',
        fix: 'copy it from the output of the stack that makes the role',
        tokens: 'refuse',
      },
    ]);
    return new ServiceIdentity(serviceAccountName, false, roleArn);
  }

  /** A plain service account without access to AWS. */
  public static serviceAccount(serviceAccountName: string): ServiceIdentity {
    return new ServiceIdentity(serviceAccountName, false);
  }

  private constructor(
    /** Name of the service account. */
    public readonly serviceAccountName: string,
    /** Whether pods get AWS credentials from the EKS Pod Identity Agent. */
    public readonly usesPodIdentity: boolean,
    /** Role that the service account assumes with its own token. */
    public readonly roleArn?: string,
  ) {}

  /**
   * Annotations of the service account.
   * @internal
   */
  public _annotations(): Record<string, string> | undefined {
    if (!this.roleArn) return undefined;
    // Regional endpoints, because only they can stand in the VPC.
    return { 'eks.amazonaws.com/role-arn': this.roleArn, 'eks.amazonaws.com/sts-regional-endpoints': 'true' };
  }
}
