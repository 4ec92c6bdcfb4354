import type { IConstruct } from 'constructs';
import type { LlmMonitoring } from './llm-monitoring';
import type { LlmScaling } from './llm-scaling';
import type { LlmSizing } from './llm-sizing';

/** An endpoint of either flavour that answers with a language model. */
export interface ILlmEndpoint extends IConstruct {
  /** Its name. */
  readonly endpointName: string;
  /** Name under which requests ask for the model. */
  readonly modelName: string;
}

/** What both flavours of an endpoint for a language model take. */
export interface LlmEndpointOptions {
  /** The model, the GPUs that hold it and the replicas: `LlmSizing.forDemand(model, demand)`. */
  readonly sizing: LlmSizing;
  /**
   * Name of the endpoint. Changing it makes a new one, under another address.
   * @default - from the construct path
   */
  readonly endpointName?: string;
  /**
   * By what it gets replicas.
   * @default - nothing: always those of the sizing
   */
  readonly scaling?: LlmScaling;
  /**
   * What of it is watched.
   * @default - errors, the time to the first token and saturation
   */
  readonly monitoring?: LlmMonitoring;
}
