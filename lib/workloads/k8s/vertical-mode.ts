/** What a vertical autoscaler does with its recommendation. Neither mode restarts a running pod. */
export enum VerticalMode {
  /** It recommends CPU and memory, and changes nothing. */
  OFF = 'Off',
  /**
   * New pods start with what it recommends, but for the resource that a horizontal autoscaler acts on: two autoscalers on one metric chase
   * each other.
   */
  INITIAL = 'Initial',
}
