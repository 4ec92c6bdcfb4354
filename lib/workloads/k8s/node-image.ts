/** Where a node keeps what it writes. */
export interface NodeDisk {
  /** Device name of the volume. */
  readonly deviceName: string;
  /**
   * Size of a volume that the image itself needs.
   * @default - the volume of the pods, in the size of the node class
   */
  readonly fixedSize?: string;
}

/**
 * Machine image of the nodes, pinned to one release. With `latest` every release of AWS replaces all nodes on its day, a faulty one too
 * (Karpenter, Managing AMIs); a pinned one is a change that is reviewed and can be taken back.
 */
export class NodeImage {
  /**
   * The EKS optimized Amazon Linux 2023; with NVIDIA drivers on GPU nodes.
   *
   * @param version a release of amazon-eks-ami, for example `v20260810`
   */
  public static al2023(version: string): NodeImage {
    return new NodeImage(`al2023@${version}`, [{ deviceName: '/dev/xvda' }]);
  }

  /**
   * Bottlerocket, whose system volume is apart from that of the pods.
   *
   * @param version a release of Bottlerocket, for example `v1.49.0`
   */
  public static bottlerocket(version: string): NodeImage {
    return new NodeImage(`bottlerocket@${version}`, [{ deviceName: '/dev/xvda', fixedSize: '4Gi' }, { deviceName: '/dev/xvdb' }]);
  }

  private constructor(
    /** Alias in `amiSelectorTerms`. */
    public readonly alias: string,
    /** Volumes of a node. */
    public readonly disks: NodeDisk[],
  ) {}
}
