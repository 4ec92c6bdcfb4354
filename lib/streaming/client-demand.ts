import type { SizeRoundingBehavior } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { violationMessage } from '../core/error';
import type { MessageRate } from './topic-demand';

/** Room above what a client declares: bursts within a second, uneven keys, headers and the framing of batches. */
const HEADROOM = 1.5;
const ZONES = 3;
// SizeRoundingBehavior.NONE
const UNROUNDED = 2 as SizeRoundingBehavior;

/** One grant as the quota of its client counts it. */
export interface GrantedLoad {
  readonly action: 'produce' | 'consume';
  /** What is granted, so that a grant which is repeated counts once. */
  readonly key: string;
  /** @default - not declared */
  readonly demand?: MessageRate;
  /** Comes with another grant, as writing dead letters does with reading. It has no quota of its own. @default false */
  readonly implied?: boolean;
  /** Partitions over which it spreads. @default - unknown */
  readonly partitions?: number;
  /** Brokers of the cluster. @default - unknown */
  readonly brokers?: number;
}

/** Bytes a second of one client on one broker, as Kafka's quotas count them. */
export interface ClientByteRates {
  readonly producerByteRate?: number;
  readonly consumerByteRate?: number;
}

/**
 * What one client is granted in all, and the quota that follows.
 *
 * Kafka holds a client to its quota on each broker by itself, so the quota is the declared rate x 1.5 x the largest share of it that one
 * broker may have to serve: `ceil(partitions / serving) / partitions`. A producer writes to the leaders, which stand on two thirds of the
 * brokers when a zone is lost; a consumer with `client.rack` may read all it gets from its own zone, a third of the brokers. Where brokers or
 * partitions are not known the share is 1.
 */
export class ClientDemand {
  private readonly loads = new Map<string, GrantedLoad>();

  /** @param client in whose synthesis half-declared demands are reported */
  constructor(client: IConstruct, name: string) {
    client.node.addValidation({ validate: () => this.problems(name) });
  }

  /** Adds a grant; the larger of two demands for the same one counts. */
  public add(load: GrantedLoad): void {
    const key = `${load.action} ${load.key}`;
    const before = this.loads.get(key);
    if (!before || perBroker(load) >= perBroker(before)) this.loads.set(key, load);
  }

  /** The quota of each direction that is declared. */
  public get byteRates(): ClientByteRates {
    const rate = (action: GrantedLoad['action']) => {
      const loads = this.of(action);
      if (!loads.some(({ demand, implied }) => demand && !implied)) return undefined;
      return Math.ceil(loads.reduce((sum, load) => sum + perBroker(load), 0));
    };
    const [producerByteRate, consumerByteRate] = [rate('produce'), rate('consume')];
    return { ...(producerByteRate ? { producerByteRate } : {}), ...(consumerByteRate ? { consumerByteRate } : {}) };
  }

  private of(action: GrantedLoad['action']): GrantedLoad[] {
    return [...this.loads.values()].filter((load) => load.action === action);
  }

  private problems(name: string): string[] {
    return (['produce', 'consume'] as const).flatMap((action) => {
      const loads = this.of(action).filter(({ implied }) => !implied);
      const silent = loads.filter(({ demand }) => !demand).map(({ key }) => key);
      if (silent.length === 0 || silent.length === loads.length) return [];
      return [
        violationMessage({
          code: 'Millrace.KafkaClientDemandPartial',
          subject: name,
          received: `${action} with a demand for ${loads.length - silent.length} of ${loads.length} grants; without for ${silent.join(', ')}`,
          allowed:
            'a demand for every grant of a direction or for none: the quota holds for all of them together, and would starve the others',
          fix: 'state the demand of each',
        }),
      ];
    });
  }
}

function perBroker({ action, demand, partitions, brokers }: GrantedLoad): number {
  if (!demand) return 0;
  const serving = brokers ? Math.max(1, Math.floor((brokers * (action === 'produce' ? ZONES - 1 : 1)) / ZONES)) : 1;
  const share = partitions ? Math.ceil(partitions / serving) / partitions : 1;
  return demand.messagesPerSecond * demand.messageSize.toBytes({ rounding: UNROUNDED }) * HEADROOM * share;
}
