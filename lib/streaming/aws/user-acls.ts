/** One thing that a user may do in Kafka. */
export interface KafkaAcl {
  /** `topic`, `group`, `cluster` or `transactionalId`. */
  readonly resourceType: string;
  /** Name of the resource, or how it begins. */
  readonly name: string;
  /** `literal` or `prefix`. */
  readonly patternType: string;
  /** Operations as Kafka names them, for example `Read`. */
  readonly operations: string[];
}

/** What one user was granted: operations on the same resource are one entry, in an order that does not depend on that of the grants. */
export class UserAcls {
  private readonly granted = new Map<string, KafkaAcl>();

  /** Adds operations on one resource; says whether it is the first grant. */
  public add(acl: KafkaAcl): boolean {
    const key = `${acl.resourceType}/${acl.patternType}/${acl.name}`;
    const operations = [...new Set([...(this.granted.get(key)?.operations ?? []), ...acl.operations])].sort();
    this.granted.set(key, { ...acl, operations });
    return this.granted.size === 1 && operations.length === acl.operations.length;
  }

  /** Everything that was granted. */
  public get all(): KafkaAcl[] {
    return [...this.granted.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, acl]) => acl);
  }
}
