import type { IConstruct } from 'constructs';
import type { ModelSource } from '../models/model-source';
import type { EndpointDemand } from './endpoint-demand';
import type { EndpointMonitoring } from './endpoint-monitoring';
import type { EndpointScaling } from './endpoint-scaling';
import type { Rollout } from './rollout';

/** An endpoint of either flavour that answers requests with the predictions of a model. */
export interface IModelEndpoint extends IConstruct {
  /** Its name: of the SageMaker endpoint, or of the InferenceService. */
  readonly endpointName: string;
}

/** What both flavours of a model endpoint take. */
export interface ModelEndpointOptions {
  /** What it serves. */
  readonly model: ModelSource;
  /** What it must serve; it is sized and watched for it. */
  readonly demand: EndpointDemand;
  /**
   * Name of the endpoint. Changing it makes a new one, under another address.
   * @default - from the construct path
   */
  readonly endpointName?: string;
  /**
   * How a new version takes over.
   * @default - the safest that the flavour does by itself: a canary of 10 % on SageMaker, a rolling update on KServe
   */
  readonly rollout?: Rollout;
  /**
   * By what it gets replicas.
   * @default EndpointScaling.concurrency()
   */
  readonly scaling?: EndpointScaling;
  /**
   * What of it is watched.
   * @default - errors and latency
   */
  readonly monitoring?: EndpointMonitoring;
}

/** Metadata key and annotation under which the input of an endpoint's model is recorded, for the update guard and the catalogue. */
export const MODEL_INPUT_RECORD_KEY = 'millrace.io/model-input';
