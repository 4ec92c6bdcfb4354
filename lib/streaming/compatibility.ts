/** Which readers and writers of a subject must understand each other when its schema changes. Values are the names of AWS Glue. */
export enum Compatibility {
  /** Any change; nothing is checked. */
  NONE = 'NONE',
  /** No change: the first version stays the only one. */
  DISABLED = 'DISABLED',
  /** Readers of the new schema read what was written with the last one: upgrade consumers first. */
  BACKWARD = 'BACKWARD',
  /** Readers of the new schema read what was written with any earlier one. */
  BACKWARD_ALL = 'BACKWARD_ALL',
  /** Readers of the last schema read what is written with the new one: upgrade producers first. */
  FORWARD = 'FORWARD',
  /** Readers of any earlier schema read what is written with the new one. */
  FORWARD_ALL = 'FORWARD_ALL',
  /** Backward and forward with the last schema. */
  FULL = 'FULL',
  /** Backward and forward with every earlier schema. */
  FULL_ALL = 'FULL_ALL',
}
