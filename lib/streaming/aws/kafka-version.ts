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
   * A version as MSK spells it, from 3.7, with which KRaft begins. One of the constants where there is one; of others that MSK adds later we
   * do not know which brokers run them, and take them on trust.
   *
   * @throws Millrace.KafkaVersionInvalid
   */
  public static of(version: string): KafkaVersion {
    const known = [KafkaVersion.V3_8, KafkaVersion.V3_9, KafkaVersion.V4_0, KafkaVersion.V4_1, KafkaVersion.V4_2];
    const found = known.find((constant) => constant.version === version);
    if (found) return found;
    const [, major, minor] = /^(\d+)\.(\d+)\.(x|\d+)\.kraft$/.exec(version) ?? [];
    if (!major || Number(major) < 3 || (Number(major) === 3 && Number(minor) < 7)) {
      refuse('KafkaVersion', {
        code: 'Millrace.KafkaVersionInvalid',
        subject: 'version',
        received: show(version),
        allowed: 'a KRaft version from 3.7 as MSK spells it, for example 4.2.x.kraft',
        fix: 'ZooKeeper clusters cannot be made with this construct; migrate them with a replicator',
      });
    }
    // Express never ran 3.7.
    const express = major !== '3' || minor !== '7' ? [BrokerClass.EXPRESS] : [];
    return new KafkaVersion(version, [...express, BrokerClass.STANDARD]);
  }

  private constructor(
    /** The version as MSK spells it. */
    public readonly version: string,
    /** Brokers that run it (MSK supported versions; Express: 3.6, 3.8, 3.9 and 4.2 only). */
    public readonly brokerClasses: BrokerClass[],
  ) {}
}
