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
    /**
     * Version of the cluster's metadata, where it is held back.
     * @default - the operator raises it together with the version of Kafka
     */
    public readonly metadataVersion?: string,
  ) {}

  /**
   * This version of Kafka with the metadata of an earlier one, so that an upgrade can be undone: deploy the new version with the old metadata,
   * watch it, then drop this call. Once the metadata is raised, the brokers do not go back below it.
   *
   * @param metadataVersion As Kafka spells it, `4.2` or `4.2-IV1`; the short form means the last of that release.
   * @throws Millrace.KafkaVersionInvalid
   */
  public withMetadata(metadataVersion: string): KafkaVersion {
    if (!/^\d+\.\d+(-IV\d+)?$/.test(metadataVersion) || compareReleases(metadataVersion, this.version) > 0) {
      refuse('KafkaVersion.withMetadata', {
        code: 'Millrace.KafkaVersionInvalid',
        subject: 'metadataVersion',
        received: show(metadataVersion),
        allowed: `a metadata version as Kafka spells it, for example 4.2 or 4.2-IV1, not above Kafka ${this.version}`,
        fix: 'give the metadata version that the cluster has now: status.kafkaMetadataVersion of the Kafka resource',
      });
    }
    return new KafkaVersion(this.version, metadataVersion);
  }
}

/** Compares the release, major and minor, of two versions of Kafka or its metadata; NaN when one of them is none. */
function compareReleases(a: string, b: string): number {
  const [majorA, minorA, majorB, minorB] = [a, b].flatMap((version) => version.split(/[.-]/).slice(0, 2).map(Number));
  return majorA - majorB || minorA - minorB;
}
