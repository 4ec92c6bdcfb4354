import type { ModelSource } from '../../models/model-source';

/**
 * A new version of the model beside the one that serves. KServe keeps no former model, so this is the way to try one: raise its share, then make
 * it the model.
 */
export interface EndpointCandidate {
  /** Name of the candidate, unique in the endpoint: a version such as `v8`. */
  readonly name: string;
  /** The new version: a format beside a format, because KServe takes no container of one's own as candidate. */
  readonly model: ModelSource;
  /**
   * Share of the requests through the gateway that it answers, 0-100 percent; 0 starts it and sends it nothing. Begin there: KServe 0.20.0 sends
   * requests to a candidate that is not ready. Calls that do not pass the gateway never reach it.
   * @default 0
   */
  readonly trafficPercent?: number;
  /**
   * Its replicas, fixed: KServe scales no candidate. At most the most replicas of the model. Before it becomes the model, raise them to what the
   * model needs: KServe then removes the pods of the former one at once.
   * @default - its share of the sizing, at least 1
   */
  readonly replicas?: number;
}
