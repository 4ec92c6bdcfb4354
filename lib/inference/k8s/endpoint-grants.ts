import { refuse } from '../../core/error';
import { enforce } from '../../core/rule';
import type { Workload } from '../../workloads/k8s/workload';
import type { EndpointWay } from './endpoint-way';

/** How a workload is told where an endpoint is. */
export interface InvokeOptions {
  /**
   * Variable of the workload that gets the address.
   * @default - the name of the endpoint in capitals, and `_URL`: `RADAR_URL`
   */
  readonly variable?: string;
}

/** Who may call an endpoint. */
export class EndpointGrants {
  /** @internal */
  public static _of(way: EndpointWay): EndpointGrants {
    return new EndpointGrants(way);
  }

  private constructor(private readonly way: EndpointWay) {}

  /**
   * Lets the pods of a workload call the model: opens the network on both sides and tells the workload the address. They reach the model itself,
   * past the gateway, and so never a candidate.
   *
   * @throws Millrace.ModelEndpointInvalid, Millrace.EndpointBehindGateway, and the code of the workload for a name that Kubernetes does not take
   */
  public invoke(caller: Workload, options: InvokeOptions = {}): void {
    const { endpointName, url, namespace, podSelector, port, admit, isBehindGateway } = this.way;
    const variable = options.variable ?? `${endpointName.toUpperCase().replace(/-/g, '_')}_URL`;
    enforce(`${caller.node.path} grants.invoke`, { namespaces: [namespace, caller.namespace] }, [
      {
        code: 'Millrace.ModelEndpointInvalid',
        subject: 'namespace',
        value: ({ namespaces: [own, other] }) => (own === other ? undefined : [own ?? null, other ?? null]),
        valid: (known: unknown[]) => !known.includes(null),
        allowed: 'a namespace of both charts, or of none where both stand in the same one',
        fix: 'give the Chart a namespace',
      },
    ]);
    if (isBehindGateway) refuseDirectCall(caller, endpointName);
    caller.addEnvironment(variable, url);
    caller.allowToPods(podSelector, port, namespace === caller.namespace ? undefined : namespace);
    admit?.(caller.podSelector, namespace === caller.namespace ? undefined : caller.namespace);
  }
}

function refuseDirectCall(caller: Workload, endpointName: string): never {
  return refuse(`${caller.node.path} grants.invoke`, {
    code: 'Millrace.EndpointBehindGateway',
    subject: 'endpoint',
    received: `${endpointName}, whose gateway divides the traffic between two clusters`,
    allowed: 'calls to that gateway',
    fix: 'tell the caller the address of the gateway, and let the gateway in: allowFromNamespace(<its namespace>)',
  });
}
