/** What a cluster tells its listeners when they are written. */
export interface ListenerSurroundings {
  readonly clusterName: string;
  /** Suffix of service names, `.payments.svc`, or nothing. */
  readonly serviceSuffix: string;
  /** Peers inside Kubernetes that may connect. */
  readonly peers: () => Record<string, unknown>[];
  /** Annotations that hand the tags of the allocation to load balancers. */
  readonly tags: () => Record<string, string>;
}
