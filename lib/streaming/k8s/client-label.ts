/** Value of the label of a client. */
export const CLIENT = 'client';

/** Label of the pods that may connect to a cluster; a label, because the cluster cannot know the workloads of other charts. */
export function clientLabelOf(clusterName: string): string {
  return `millrace.io/kafka-${clusterName}`;
}
