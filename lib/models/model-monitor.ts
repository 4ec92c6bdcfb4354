import type { IConstruct } from 'constructs';

/** What watches the data and the predictions of an endpoint, of either flavour. */
export interface IModelMonitor extends IConstruct {
  /** The endpoint that is watched. */
  readonly endpointName: string;
}
