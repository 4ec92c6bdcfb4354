import { refuse, show } from '../../core/error';
import { BrokerClass } from '../broker-type';

/** A version of Kafka that MSK runs with KRaft. Upgrades go forward only. */
export class KafkaVersion {
  /** 3.8 with KRaft. */
  public static readonly V3_8 = new KafkaVersion('3.8.x.kraft', [BrokerClass.EXPRESS, BrokerClass.STANDARD]);
  /** 3.9 with KRaft. */
  public static readonly V3_9 = new KafkaVersion('3.9.x.kraft', [BrokerClass.EXPRESS, BrokerClass.STANDARD]);
  /** 4.0. */
  public static readonly V4_0 = new KafkaVersion('4.0.x.kraft', [BrokerClass.STANDARD]);
  /** 4.1. */
  public static readonly V4_1 = new KafkaVersion('4.1.x.kraft', [BrokerClass.STANDARD]);
  /** 4.2. */
  public static readonly V4_2 = new KafkaVersion('4.2.x.kraft', [BrokerClass.EXPRESS, BrokerClass.STANDARD]);

  /**
   * A version newer than this library, as MSK spells it.
   *
   * @throws Millrace.KafkaVersionInvalid
   */
  public static of(version: string): KafkaVersion {
    if (!/^\d+\.\d+\.(x|\d+)\.kraft$/.test(version)) {
      refuse('KafkaVersion', {
        code: 'Millrace.KafkaVersionInvalid',
        subject: 'version',
        received: show(version),
        allowed: 'a KRaft version as MSK spells it, for example 4.2.x.kraft',
        fix: 'ZooKeeper clusters cannot be made with this construct; migrate them with a replicator',
      });
    }
    return new KafkaVersion(version, [BrokerClass.EXPRESS, BrokerClass.STANDARD]);
  }

  private constructor(
    /** The version as MSK spells it. */
    public readonly version: string,
    /** Brokers that run it (MSK supported versions; Express: 3.6, 3.8, 3.9 and 4.2 only). */
    public readonly brokerClasses: BrokerClass[],
  ) {}
}
