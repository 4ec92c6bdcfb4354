/** Whose network can be opened: a workload, or the servers of a store. */
export interface FeastClientNetwork {
  allowToPods(podSelector: { [key: string]: string }, port: number, namespace?: string): void;
  allowToCidr(cidr: string, port: number): void;
}
