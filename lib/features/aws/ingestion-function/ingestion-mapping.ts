/** How one value of a record becomes a feature. */
export interface MappedFeature {
  /** Name of the feature. */
  readonly name: string;
  /** Type in the words of SageMaker: Integral, Fractional, String. */
  readonly type: string;
  /** Field of the record. */
  readonly source: string;
}

/** When a record became true. */
export interface MappedEventTime {
  readonly name: string;
  readonly source: string;
  /** epochSeconds, epochMillis, epochMicros or iso8601: what the schema declares is decided at synth. */
  readonly encoding: string;
}

/** What the function has to know of a topic and a feature group; the file mapping.json beside its code. */
export interface IngestionMapping {
  /** AVRO or JSON. */
  readonly format: string;
  /** The schema that the features were made from, to which every record is brought. */
  readonly schema: string;
  /** Writers' schemas of the Confluent format by their id. */
  readonly confluentSchemas: { readonly [id: string]: string };
  /** Name of the feature that tells entities apart. */
  readonly entityKey: string;
  readonly eventTime: MappedEventTime;
  readonly features: readonly MappedFeature[];
}
