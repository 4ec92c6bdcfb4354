/** Languages in which a schema may be written; the values are those of the AWS Glue Schema Registry. */
export enum SchemaFormat {
  /** Apache Avro. */
  AVRO = 'AVRO',
  /** JSON Schema. */
  JSON_SCHEMA = 'JSON',
  /** Protocol Buffers. */
  PROTOBUF = 'PROTOBUF',
}

/** What the messages of a topic look like. */
export class Schema {
  /** A schema in Apache Avro. */
  public static avro(definition: string): Schema {
    return new Schema(SchemaFormat.AVRO, definition);
  }

  /** A schema in JSON Schema. */
  public static jsonSchema(definition: string): Schema {
    return new Schema(SchemaFormat.JSON_SCHEMA, definition);
  }

  /** A schema in Protocol Buffers. */
  public static protobuf(definition: string): Schema {
    return new Schema(SchemaFormat.PROTOBUF, definition);
  }

  private constructor(
    /** The language it is written in. */
    public readonly format: SchemaFormat,
    /** The text as it was given. */
    public readonly definition: string,
  ) {}
}
