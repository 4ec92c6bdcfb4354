/** How EC2 sells the nodes of a pool. */
export class NodeCapacity {
  /** Never interrupted. */
  public static readonly ON_DEMAND = new NodeCapacity(['on-demand']);
  /** Spare machines that EC2 takes back with two minutes' notice. */
  public static readonly SPOT = new NodeCapacity(['spot']);
  /** Spot where there is any, on demand where there is none: Karpenter prefers spot. */
  public static readonly MIXED = new NodeCapacity(['on-demand', 'spot']);

  private constructor(
    /** Values of the label `karpenter.sh/capacity-type`. */
    public readonly types: string[],
  ) {}

  /** Whether EC2 may take nodes back. */
  public get interruptible(): boolean {
    return this.types.includes('spot');
  }
}
