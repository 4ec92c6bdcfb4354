/** How the VPC CNI gives pods their addresses, and so how many pods a node takes. */
export class PodDensity {
  /** One secondary address a pod, the default of the VPC CNI: interfaces x (addresses - 1) + 2 pods. */
  public static readonly SECONDARY_ADDRESSES = new PodDensity();
  /**
   * A /28 prefix in each slot (`ENABLE_PREFIX_DELEGATION` of the VPC CNI): 110 pods on every node. EKS recommends 250 from 30 vCPU on, but
   * a node class has one number for all its sizes.
   */
  public static readonly PREFIX_DELEGATION = new PodDensity(110);

  private constructor(
    /** Pods on every node, where the number does not follow from the instance type. */
    public readonly maxPods?: number,
  ) {}
}
