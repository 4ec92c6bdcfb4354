/** Settings of a Glue registry for records in Avro. */
export interface GlueRegistryFormat {
  /** Region of the registry. */
  readonly region: string;
  /** Name of the registry. */
  readonly registryName: string;
}

const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';

/**
 * How a connector writes keys and values into records, or reads them: the converters of Kafka Connect. Those for Avro are not part of Kafka
 * Connect; their files belong into the plugin that you give.
 */
export class ConnectFormat {
  /** JSON where every record carries its schema: large, and a reader needs nothing else. Part of Kafka Connect. */
  public static json(): ConnectFormat {
    return new ConnectFormat(both(JSON_CONVERTER, { 'schemas.enable': 'true' }), false);
  }

  /** JSON without schemas. Part of Kafka Connect. */
  public static jsonWithoutSchemas(): ConnectFormat {
    return new ConnectFormat(both(JSON_CONVERTER, { 'schemas.enable': 'false' }), false);
  }

  /** Text. Part of Kafka Connect. */
  public static text(): ConnectFormat {
    return new ConnectFormat(both('org.apache.kafka.connect.storage.StringConverter', {}), false);
  }

  /** Avro in an AWS Glue registry; plugin `software.amazon.glue:schema-registry-kafkaconnect-converter`. A new schema is registered at run time. */
  public static avroInGlue(registry: GlueRegistryFormat): ConnectFormat {
    const settings = {
      region: registry.region,
      'registry.name': registry.registryName,
      avroRecordType: 'GENERIC_RECORD',
      schemaAutoRegistrationEnabled: 'true',
    };
    return new ConnectFormat(both('com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter', settings), true);
  }

  /** Avro in a registry with the interface of Confluent's (Apicurio has it under `/apis/ccompat/v7`); plugin `io.confluent:kafka-connect-avro-converter`. */
  public static avroInConfluentRegistry(url: string): ConnectFormat {
    return new ConnectFormat(both('io.confluent.connect.avro.AvroConverter', { 'schema.registry.url': url }), true);
  }

  /** Avro in an Apicurio registry by its own interface; plugin `io.apicurio:apicurio-registry-utils-converter`. */
  public static avroInApicurio(url: string): ConnectFormat {
    const settings = { 'apicurio.registry.url': url, 'apicurio.registry.auto-register': 'true', 'apicurio.registry.find-latest': 'true' };
    return new ConnectFormat(both('io.apicurio.registry.utils.converter.AvroConverter', settings), true);
  }

  private constructor(
    /** The settings of the converters by their Kafka Connect name. */
    public readonly settings: { [name: string]: string },
    /** Whether names must be those that Avro allows. */
    public readonly isAvro: boolean,
  ) {}
}

function both(converter: string, settings: { [name: string]: string }): { [name: string]: string } {
  return Object.fromEntries(
    ['key.converter', 'value.converter'].flatMap((side) => [
      [side, converter],
      ...Object.entries(settings).map(([name, value]) => [`${side}.${name}`, value]),
    ]),
  );
}
