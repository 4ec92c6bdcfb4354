import { Chart } from 'cdk8s';
import { Construct } from 'constructs';
import type { IModelEndpoint } from '../model-endpoint';
import { EndpointGrants } from './endpoint-grants';
import { SERVING_PORT, directServiceName, predictorLabels } from './kserve-names';

/** What identifies an existing model endpoint. */
export interface ModelEndpointAttributes {
  /** Name of the InferenceService. */
  readonly endpointName: string;
  /**
   * Its namespace.
   * @default - that of the chart
   */
  readonly namespace?: string;
  /**
   * Its address.
   * @default - that of an endpoint of this library, `http://<name>-direct.<namespace>`
   */
  readonly url?: string;
  /**
   * Port that its pods listen on; 9081 where KServe logs its requests.
   * @default 8080
   */
  readonly port?: number;
}

/** A model endpoint that is made elsewhere. Its network policy is the owner's: ask there to be let in. */
export class ImportedModelEndpoint extends Construct implements IModelEndpoint {
  /** Name of the InferenceService. */
  public readonly endpointName: string;
  /** Its address. */
  public readonly url: string;
  /** Who may call it. */
  public readonly grants: EndpointGrants;

  constructor(scope: Construct, id: string, props: ModelEndpointAttributes) {
    super(scope, id);
    const { endpointName, namespace = Chart.of(this).namespace, port = SERVING_PORT } = props;
    this.endpointName = endpointName;
    this.url = props.url ?? `http://${directServiceName(endpointName)}${namespace ? `.${namespace}` : ''}`;
    this.grants = EndpointGrants._of({ endpointName, url: this.url, namespace, podSelector: predictorLabels(endpointName), port });
  }
}
