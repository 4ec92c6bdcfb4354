import { enforce } from '../../core/rule';
import { CIDR_RULES } from '../../workloads/k8s/workload-rules';
import type { FeastClientNetwork } from './feast-client-network';

/** Where something that Feast keeps its data in is reached: what the network policies open. */
export class FeastAddress {
  /** Pods of this Kubernetes cluster, in the namespace of the store unless another is given. */
  public static pods(podSelector: { [key: string]: string }, port: number, namespace?: string): FeastAddress {
    return new FeastAddress(port, podSelector, namespace);
  }

  /**
   * A range of IPv4 addresses, such as the subnets of ElastiCache or of VPC endpoints.
   *
   * @throws Millrace.CidrInvalid
   */
  public static cidr(range: string, port: number): FeastAddress {
    enforce('FeastAddress.cidr', { cidr: range, port }, CIDR_RULES);
    return new FeastAddress(port, undefined, undefined, range);
  }

  private constructor(
    /** @internal */
    public readonly _port: number,
    /** @internal */
    public readonly _podSelector?: { [key: string]: string },
    /** @internal */
    public readonly _namespace?: string,
    /** @internal */
    public readonly _cidr?: string,
  ) {}

  /**
   * Opens the way from something that has verbs for pods and address ranges.
   * @internal
   */
  public _open(from: FeastClientNetwork): void {
    if (this._podSelector) from.allowToPods(this._podSelector, this._port, this._namespace);
    else from.allowToCidr(this._cidr!, this._port);
  }
}
