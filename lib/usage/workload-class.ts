/** What a container is; it decides what slack, overrun and a resize cost. */
export const WORKLOAD_CLASSES = ['service', 'batch', 'jvm', 'gpu'] as const;
