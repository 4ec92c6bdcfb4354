/** Type of a feature. Values are the names of SageMaker Feature Store; Feast keeps them as Int64, Float64 and String. */
export enum FeatureType {
  /** A whole number of 64 bits; booleans are 0 and 1. */
  INTEGRAL = 'Integral',
  /** A floating-point number of 64 bits. */
  FRACTIONAL = 'Fractional',
  /** Text. */
  STRING = 'String',
}

/** One feature of an entity. */
export interface Feature {
  /**
   * Name: 1-64 letters, digits, `_` or `-`, with a letter or digit at the beginning and at the end. SageMaker keeps `is_deleted`, `write_time`
   * and `api_invocation_time` for itself.
   */
  readonly name: string;
  /** Type. It cannot change later: a feature of another type is another feature. */
  readonly type: FeatureType;
  /**
   * Field of the topic that it comes from.
   * @default - the field of the same name
   */
  readonly source?: string;
  /**
   * What it means, for those who find it in the catalogue.
   * @default - none
   */
  readonly description?: string;
}
