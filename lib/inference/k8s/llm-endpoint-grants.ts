import { enforce } from '../../core/rule';
import type { Workload } from '../../workloads/k8s/workload';
import { LLM_ENDPOINT_CODE } from './llm-endpoint-rules';
import type { LlmWay } from './llm-endpoint-way';
import { VLLM_PORT } from './vllm-pod';

/** How a workload is told where a model is. */
export interface LlmInvokeOptions {
  /**
   * Variable of the workload that gets the address.
   * @default 'OPENAI_BASE_URL' - which the clients of OpenAI read
   */
  readonly variable?: string;
}

/** Who may ask a model. */
export class LlmEndpointGrants {
  /** @internal */
  public static _of(way: LlmWay): LlmEndpointGrants {
    return new LlmEndpointGrants(way);
  }

  private constructor(private readonly way: LlmWay) {}

  /**
   * Lets the pods of a workload ask the model: opens the network on both sides and tells the workload the address.
   *
   * @throws Millrace.LlmEndpointInvalid, and the code of the workload for a name that Kubernetes does not take
   */
  public invoke(caller: Workload, options: LlmInvokeOptions = {}): void {
    const { baseUrl, namespace, podSelector, admit } = this.way;
    enforce(`${caller.node.path} grants.invoke`, { namespaces: [namespace, caller.namespace] }, [
      {
        code: LLM_ENDPOINT_CODE,
        subject: 'namespace',
        value: ({ namespaces: [own, other] }) => (own === other ? undefined : [own ?? null, other ?? null]),
        valid: (known: unknown[]) => !known.includes(null),
        allowed: 'a namespace of both charts, or of none where both stand in the same one',
        fix: 'give the Chart a namespace',
      },
    ]);
    const isNear = namespace === caller.namespace;
    caller.addEnvironment(options.variable ?? 'OPENAI_BASE_URL', baseUrl);
    caller.allowToPods(podSelector, VLLM_PORT, isNear ? undefined : namespace);
    admit(caller.podSelector, isNear ? undefined : caller.namespace);
  }
}
