import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import type { InferencePoolRouting } from './llm-serving';
import { VLLM_PORT } from './vllm-pod';

/** What routing by cache and queue is made of. */
export interface LlmInferencePoolProps {
  readonly endpointName: string;
  readonly labels: { [key: string]: string };
  readonly podSelector: { [key: string]: string };
  readonly routing: InferencePoolRouting;
}

const PICKER_PORT = 9002;
const TIMEOUT_SECONDS = 600;

/** An InferencePool of the pods of a model and a route to it. */
export class LlmInferencePool extends Construct {
  constructor(scope: Construct, id: string, props: LlmInferencePoolProps) {
    super(scope, id);
    const { endpointName, labels, podSelector, routing } = props;
    const { serviceName, port = PICKER_PORT } = routing.endpointPicker;
    new ApiObject(this, 'Resource', {
      apiVersion: 'inference.networking.k8s.io/v1',
      kind: 'InferencePool',
      metadata: { name: endpointName, labels },
      spec: {
        selector: { matchLabels: { ...podSelector } },
        targetPorts: [{ number: VLLM_PORT }],
        endpointPickerRef: {
          name: serviceName,
          port: { number: port },
          // Its default closes the endpoint when the picker is away; any pod is better than none.
          failureMode: 'FailOpen',
        },
      },
    });
    const { gatewayName: name, gatewayNamespace: namespace, hostnames, requestTimeout } = routing;
    new ApiObject(this, 'Route', {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: endpointName, labels },
      spec: {
        parentRefs: [{ name, ...(namespace ? { namespace } : {}) }],
        ...(hostnames ? { hostnames: [...hostnames] } : {}),
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: '/v1' } }],
            backendRefs: [{ group: 'inference.networking.k8s.io', kind: 'InferencePool', name: endpointName }],
            // Answers take longer than the seconds that proxies allow by default.
            timeouts: { request: `${requestTimeout?.toSeconds() ?? TIMEOUT_SECONDS}s` },
          },
        ],
      },
    });
  }
}
