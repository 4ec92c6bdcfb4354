/** Where the series of a model come from. */
export interface LlmSeries {
  /** Matchers of the series: `app_kubernetes_io_instance="chat"`. */
  readonly selector: string;
  /** What the operator puts before their names. */
  readonly prefix: string;
  /** Range of rates and quantiles. */
  readonly window: string;
}
