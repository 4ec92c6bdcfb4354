/** Who owns a pod, as kube-state-metrics says it. */
export interface Owner {
  readonly kind: string;
  readonly name: string;
}

// The alphabet of names that Kubernetes generates: no vowels and no digits that look like them.
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]';
/** How controllers name pods; the first group is the workload. A scheduled job comes first, because its minute can look like a hash. */
const POD_NAMES = [
  new RegExp(`^(.+)-\\d{8,10}-${RANDOM}{5}$`),
  new RegExp(`^(.+)-${RANDOM}{6,10}-${RANDOM}{5}$`),
  /^(.+)-\d{1,5}$/,
  new RegExp(`^(.+)-${RANDOM}{5}$`),
];
const REPLICA_SET_NAME = new RegExp(`^(.+)-${RANDOM}{6,10}$`);
const SCHEDULED_JOB_NAME = /^(.+)-\d{8,10}$/;

/** Finds the workload of a pod: by its owners where they are known, else by the way controllers name pods. */
export class WorkloadNames {
  private readonly pods = new Map<string, Owner>();
  private readonly owners = new Map<string, Owner>();

  public addPod(pod: string, owner: Owner): void {
    this.pods.set(pod, owner);
  }

  /** Adds who owns a ReplicaSet or a Job. */
  public addOwner(of: Owner, owner: Owner): void {
    this.owners.set(`${of.kind}/${of.name}`, owner);
  }

  public workloadOf(pod: string): string {
    const owner = this.pods.get(pod);
    // A pod without a controller is its own workload, but a static pod carries the name of its node; both are told by their name.
    if (!owner || ['', '<none>', 'Node'].includes(owner.kind)) return owner?.kind === '<none>' ? pod : workloadOfPodName(pod);
    const above = this.owners.get(`${owner.kind}/${owner.name}`);
    if (above && above.name !== '' && above.kind !== '<none>') return above.name;
    if (above) return owner.name;
    if (owner.kind === 'ReplicaSet') return REPLICA_SET_NAME.exec(owner.name)?.[1] ?? owner.name;
    if (owner.kind === 'Job') return SCHEDULED_JOB_NAME.exec(owner.name)?.[1] ?? owner.name;
    return owner.name;
  }
}

/** The workload that a pod name tells. */
export function workloadOfPodName(pod: string): string {
  for (const pattern of POD_NAMES) {
    const match = pattern.exec(pod);
    if (match) return match[1];
  }
  return pod;
}
