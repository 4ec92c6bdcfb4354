import { refuse, show } from '../../core/error';

/** A version of Kafka that Strimzi 1.2 runs. */
export class KafkaVersion {
  /** 4.2.0. */
  public static readonly V4_2_0 = new KafkaVersion('4.2.0');
  /** 4.2.1. */
  public static readonly V4_2_1 = new KafkaVersion('4.2.1');
  /** 4.3.0. */
  public static readonly V4_3_0 = new KafkaVersion('4.3.0');
  /** 4.3.1, the operator's default. */
  public static readonly V4_3_1 = new KafkaVersion('4.3.1');

  /**
   * A version that a newer operator runs.
   *
   * @throws Millrace.KafkaVersionInvalid
   */
  public static of(version: string): KafkaVersion {
    if (!/^\d+\.\d+\.\d+$/.test(version)) {
      refuse('KafkaVersion', {
        code: 'Millrace.KafkaVersionInvalid',
        subject: 'version',
        received: show(version),
        allowed: 'a version as Strimzi spells it, for example 4.3.1',
        fix: 'look it up in the release notes of the operator',
      });
    }
    return new KafkaVersion(version);
  }

  private constructor(
    /** The version as Strimzi spells it. */
    public readonly version: string,
  ) {}
}
