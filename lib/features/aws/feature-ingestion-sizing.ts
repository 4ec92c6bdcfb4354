import { Sizing } from '../../core/sizing';
import type { MessageRate } from '../../streaming/topic-demand';

/** What one poller carries (AWS Lambda Developer Guide, "Apache Kafka event poller scaling modes"). */
const POLLER_BYTES = 5_000_000;
const POLLER_INVOCATIONS = 5;
/** Time of one write to the online store with which the size is computed, from the function to the answer. */
const WRITE_SECONDS = 0.02;
/** Lambda adds pollers up to the maximum when the lag grows: catching up after an outage takes more than keeping up. */
const HEADROOM = 4;
/** AWS Lambda API reference, ProvisionedPollerConfig. */
export const MOST_MINIMUM_POLLERS = 200;

/** How many pollers of Lambda read a topic, with the reason. */
export class FeatureIngestionSizing extends Sizing {
  /**
   * The pollers for a demand: bytes that they carry, and records that their functions write.
   *
   * @param demand Records of the topic at peak.
   * @param parallelWrites Records that one invocation writes at a time.
   */
  public static forDemand(demand: MessageRate, parallelWrites: number): FeatureIngestionSizing {
    const bytes = demand.messagesPerSecond * demand.messageSize.toBytes();
    const writesOfPoller = (POLLER_INVOCATIONS * parallelWrites) / WRITE_SECONDS;
    const byThroughput = bytes / POLLER_BYTES;
    const byWrites = demand.messagesPerSecond / writesOfPoller;
    return new FeatureIngestionSizing(byThroughput, byWrites, Math.max(1, Math.ceil(Math.max(byThroughput, byWrites))), writesOfPoller);
  }

  /** Pollers that are always there. */
  public readonly minimumPollers: number;
  /** Pollers that Lambda may add while the lag grows. */
  public readonly maximumPollers: number;

  private constructor(byThroughput: number, byWrites: number, pollers: number, writesOfPoller: number) {
    const maximum = pollers * HEADROOM;
    super({
      choice: `${pollers} to ${maximum} pollers`,
      bottleneck: byThroughput >= byWrites ? 'throughput' : 'writes',
      utilisation: { throughput: byThroughput / pollers, writes: byWrites / pollers },
      alternatives: [],
      reason: `a poller carries ${POLLER_BYTES / 1e6} MB or ${writesOfPoller} writes a second (${POLLER_INVOCATIONS} invocations, ${WRITE_SECONDS * 1000} ms a write); the demand takes ${byThroughput.toFixed(2)} of the former and ${byWrites.toFixed(2)} of the latter`,
    });
    this.minimumPollers = pollers;
    this.maximumPollers = maximum;
  }
}
