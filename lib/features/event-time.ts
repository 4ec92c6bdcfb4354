import { FeatureType } from './feature';

/** How a source writes the time of an event. */
export enum EventTimeEncoding {
  /** As its schema says: a logical type of Avro, `date-time` of JSON Schema, `google.protobuf.Timestamp`. */
  DECLARED = 'declared',
  /** Whole or fractional seconds since 1970. */
  EPOCH_SECONDS = 'epochSeconds',
  /** Milliseconds since 1970. */
  EPOCH_MILLIS = 'epochMillis',
  /** Microseconds since 1970. */
  EPOCH_MICROS = 'epochMicros',
  /** Text such as `2026-11-21T13:00:00.000Z`. */
  ISO_8601 = 'iso8601',
}

/** Where else the time of an event stands. */
export interface EventTimeOptions {
  /**
   * Field of the topic that it comes from.
   * @default - the field of the same name
   */
  readonly source?: string;
}

/**
 * When the values of a record became true. Stores order records by it and answer for a moment of the past. It is kept in seconds since 1970,
 * as SageMaker takes it (Fractional), whatever the source writes.
 */
export class EventTime {
  /** A field whose schema says that it is a time. */
  public static timestamp(name: string, options: EventTimeOptions = {}): EventTime {
    return new EventTime(name, EventTimeEncoding.DECLARED, options.source);
  }

  /** A number of seconds since 1970. */
  public static epochSeconds(name: string, options: EventTimeOptions = {}): EventTime {
    return new EventTime(name, EventTimeEncoding.EPOCH_SECONDS, options.source);
  }

  /** A number of milliseconds since 1970. */
  public static epochMillis(name: string, options: EventTimeOptions = {}): EventTime {
    return new EventTime(name, EventTimeEncoding.EPOCH_MILLIS, options.source);
  }

  /** A number of microseconds since 1970. */
  public static epochMicros(name: string, options: EventTimeOptions = {}): EventTime {
    return new EventTime(name, EventTimeEncoding.EPOCH_MICROS, options.source);
  }

  /** A text of ISO 8601. */
  public static iso8601(name: string, options: EventTimeOptions = {}): EventTime {
    return new EventTime(name, EventTimeEncoding.ISO_8601, options.source);
  }

  /** Type in which stores keep it. */
  public readonly type = FeatureType.FRACTIONAL;

  private constructor(
    /** Name of the feature. */
    public readonly name: string,
    /** How the source writes it. */
    public readonly encoding: EventTimeEncoding,
    /** Field of the source, when it has another name. */
    public readonly source?: string,
  ) {}
}
