import type { Bitrate } from 'aws-cdk-lib';
import { type Rule, enforce, isPositive } from '../../core/rule';
import type { KafkaSizing } from '../kafka-sizing';

/** What one user may do on one broker, unless its own quotas say otherwise. */
export interface UserQuotaRates {
  /**
   * What a user may write to a broker.
   * @default - no limit
   */
  readonly produce?: Bitrate;
  /**
   * What a user may read from a broker.
   * @default - no limit
   */
  readonly consume?: Bitrate;
  /**
   * Share of the network and I/O threads of a broker, where 1 is one thread at full time.
   * @default - no limit
   */
  readonly requestThreads?: number;
}

/** When producers are stopped before a disk is full. */
export interface DiskGuardOptions {
  /**
   * Share of a volume that must be free for producers to go on, above 0 and below 1.
   * @default 0.1: the size buys twice the expected volume, so a tenth is reached long after something went wrong
   */
  readonly minAvailableRatio?: number;
  /**
   * Principals that are never stopped: `User:CN=<name>` of a user with a certificate, `User:<name>` of one with a password.
   * @default - none
   */
  readonly excludedPrincipals?: string[];
}

/** Default limits for all users of a Strimzi cluster. */
export class KafkaQuotas {
  /**
   * Limits for each user on each broker. A `KafkaUser` with quotas of its own goes by those.
   *
   * @throws Millrace.KafkaQuotasInvalid
   */
  public static perUser(rates: UserQuotaRates): KafkaQuotas {
    enforce('KafkaQuotas.perUser', rates, RATE_RULES);
    return new KafkaQuotas(() => ({
      type: 'kafka',
      producerByteRate: rates.produce && Math.floor(rates.produce.toBps() / 8),
      consumerByteRate: rates.consume && Math.floor(rates.consume.toBps() / 8),
      requestPercentage: rates.requestThreads && Math.round(rates.requestThreads * 100),
    }));
  }

  /**
   * Lets each user take at most this share of what a broker of the decided size sustains. A broker writes every copy to disk and sends the
   * others of its leaders' copies out again, so with replication factor R it takes in `disk / R` and gives out `network - (R - 1) x disk / R`.
   *
   * @param share Above 0, at most 1.
   * @throws Millrace.KafkaQuotasInvalid
   */
  public static shareOfBroker(share: number): KafkaQuotas {
    enforce('KafkaQuotas.shareOfBroker', { share }, SHARE_RULES);
    return new KafkaQuotas((sizing) => {
      const { ebs = 0, nic = 0 } = sizing.brokerType.limits;
      const ingress = ebs / sizing.replicationFactor;
      const bytes = (mib: number) => Math.floor(mib * share * 1024 * 1024);
      return {
        type: 'kafka',
        producerByteRate: bytes(ingress),
        consumerByteRate: bytes(Math.max(ingress, nic - (sizing.replicationFactor - 1) * ingress)),
      };
    });
  }

  /**
   * Stops producers while a volume is nearly full, because a broker with a full disk dies. Strimzi's quota plugin does it, in place of
   * Kafka's own: quotas of single users no longer count, and a grant with a demand is refused.
   *
   * @throws Millrace.KafkaQuotasInvalid
   */
  public static diskGuard(options: DiskGuardOptions = {}): KafkaQuotas {
    const minAvailableRatio = options.minAvailableRatio ?? 0.1;
    const { excludedPrincipals } = options;
    enforce('KafkaQuotas.diskGuard', { minAvailableRatio, excludedPrincipals }, GUARD_RULES);
    return new KafkaQuotas(() => ({ type: 'strimzi', minAvailableRatioPerVolume: minAvailableRatio, excludedPrincipals }), true);
  }

  private constructor(
    /** @internal */
    public readonly _render: (sizing: KafkaSizing) => Record<string, unknown>,
    /** @internal */
    public readonly _ignoresUsers = false,
  ) {}
}

const rateRule = (subject: 'produce' | 'consume'): Rule<UserQuotaRates> => ({
  code: 'Millrace.KafkaQuotasInvalid',
  subject,
  value: (rates) => rates[subject],
  valid: (rate: Bitrate) => rate.toBps() >= 8 && Number.isFinite(rate.toBps()),
  allowed: 'a rate of at least one byte a second',
  fix: 'leave it out for no limit',
  tokens: 'refuse',
});
const RATE_RULES: Rule<UserQuotaRates>[] = [
  rateRule('produce'),
  rateRule('consume'),
  {
    code: 'Millrace.KafkaQuotasInvalid',
    subject: 'requestThreads',
    value: (rates) => rates.requestThreads,
    valid: (threads: number) => isPositive(threads) && Math.round(threads * 100) >= 1,
    allowed: 'a number of threads, at least 0.01',
    fix: 'leave it out for no limit',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaQuotasInvalid',
    subject: 'rates',
    value: (rates) => [rates.produce, rates.consume, rates.requestThreads].filter((rate) => rate !== undefined).length,
    valid: (given: number) => given > 0,
    allowed: 'at least one limit',
    fix: 'state produce, consume or requestThreads',
  },
];
const SHARE_RULES: Rule<{ share: number }>[] = [
  {
    code: 'Millrace.KafkaQuotasInvalid',
    subject: 'share',
    value: (input) => input.share ?? null,
    valid: (share: number) => isPositive(share) && share <= 1,
    allowed: 'a number above 0, at most 1',
    fix: 'use for example 0.5: half a broker for one user',
    tokens: 'refuse',
  },
];
const GUARD_RULES: Rule<DiskGuardOptions>[] = [
  {
    code: 'Millrace.KafkaQuotasInvalid',
    subject: 'minAvailableRatio',
    value: (input) => input.minAvailableRatio,
    valid: (ratio: number) => isPositive(ratio) && ratio < 1,
    allowed: 'a number above 0 and below 1',
    fix: 'leave it out for 0.1',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaQuotasInvalid',
    subject: 'excludedPrincipals',
    value: (input) => input.excludedPrincipals,
    valid: (principals: string[]) => principals.every((principal) => /^User:\S+$/.test(principal)),
    allowed: 'principals that begin with User:',
    fix: "write 'User:CN=<name>' for a user with a certificate, 'User:<name>' for one with a password",
  },
];
