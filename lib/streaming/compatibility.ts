/** Which changes of a schema are let through, in the names of the AWS Glue Schema Registry. */
export enum Compatibility {
  /** Any change; nothing is checked. */
  NONE = 'NONE',
  /** No change: a second version is refused. */
  DISABLED = 'DISABLED',
  /** Readers of the new version read what the last one wrote. */
  BACKWARD = 'BACKWARD',
  /** Readers of the new version read what any earlier one wrote. */
  BACKWARD_ALL = 'BACKWARD_ALL',
  /** Readers of the last version read what the new one writes. */
  FORWARD = 'FORWARD',
  /** Readers of any earlier version read what the new one writes. */
  FORWARD_ALL = 'FORWARD_ALL',
  /** Both directions against the last version. */
  FULL = 'FULL',
  /** Both directions against every earlier version. */
  FULL_ALL = 'FULL_ALL',
}
