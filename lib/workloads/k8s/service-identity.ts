/** Who the pods of a workload are, to Kubernetes and to AWS. */
export class ServiceIdentity {
  /** A service account that an EKS pod identity association names; the way to the Pod Identity Agent on the node is opened. */
  public static podIdentity(serviceAccountName: string): ServiceIdentity {
    return new ServiceIdentity(serviceAccountName, true);
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
  ) {}
}
