import { refuse, show } from '../core/error';

/** Where brokers run. */
export enum BrokerClass {
  /** MSK Express brokers: managed storage, three zones, replication factor 3. */
  EXPRESS = 'express',
  /** MSK Standard brokers: EBS volumes, settings of one's own. */
  STANDARD = 'standard',
  /** Broker pods of the Strimzi operator, each filling a node of the named instance type. */
  KUBERNETES = 'kubernetes',
}

/** The published limits of one broker. Throughput in MiB/s; partitions count leaders and followers. */
export interface BrokerLimits {
  /** vCPU of the broker. */
  readonly vcpu: number;
  /** Partitions, leaders and followers, recommended for a broker. */
  readonly partitions: number;
  /** Sustained ingress; Express only. @default - follows from volume and network throughput */
  readonly ingress?: number;
  /** Baseline throughput of the attached volumes. @default - Express: managed */
  readonly ebs?: number;
  /** Baseline throughput of the network interface. @default - Express: part of the ingress limit */
  readonly nic?: number;
  /** The most volume throughput that can be bought. @default - none can be bought */
  readonly provisionable?: number;
}

// Limits of Standard brokers: MSK best practices and the EC2 instance tables; of Express: MSK Express quotas
// (streaming reference, 14.1 and 14.2). kafka.t3.small is left out: it does not run KRaft.
const STANDARD: Readonly<Record<string, readonly [vcpu: number, partitions: number, ebs: number, nic: number]>> = {
  'm5.large': [2, 1000, 81, 96],
  'm5.xlarge': [4, 1000, 144, 160],
  'm5.2xlarge': [8, 2000, 250, 320],
  'm5.4xlarge': [16, 4000, 593.75, 640],
  'm5.8xlarge': [32, 4000, 850, 1280],
  'm5.12xlarge': [48, 4000, 1000, 1536],
  'm5.16xlarge': [64, 4000, 1000, 2560],
  'm5.24xlarge': [96, 4000, 1000, 3200],
  'm7g.large': [2, 1000, 78.75, 117],
  'm7g.xlarge': [4, 1000, 156.25, 234],
  'm7g.2xlarge': [8, 2000, 312.5, 469],
  'm7g.4xlarge': [16, 4000, 625, 937],
  'm7g.8xlarge': [32, 4000, 1000, 1875],
  'm7g.12xlarge': [48, 4000, 1000, 2812],
  'm7g.16xlarge': [64, 4000, 1000, 3750],
};
const EXPRESS: Readonly<Record<string, readonly [vcpu: number, partitions: number, ingress: number]>> = {
  'm7g.large': [2, 1000, 15.625],
  'm7g.xlarge': [4, 1000, 31.25],
  'm7g.2xlarge': [8, 2500, 62.5],
  'm7g.4xlarge': [16, 6000, 125],
  'm7g.8xlarge': [32, 12000, 250],
  'm7g.12xlarge': [48, 16000, 375],
  'm7g.16xlarge': [64, 20000, 500],
};

// Throughput can be bought from 4xlarge on, up to the baseline of the volumes, in whole MiB/s. One page of the MSK developer guide
// also lists m7g.2xlarge with 312.5, the other begins at 4xlarge: left out until they agree (streaming reference, 14.3).
const PROVISIONABLE = /\.(?:[4-9]|\d\d)xlarge$/;

function standardLimits(name: string): BrokerLimits {
  const [vcpu, partitions, ebs, nic] = STANDARD[name];
  return { vcpu, partitions, ebs, nic, ...(PROVISIONABLE.test(name) ? { provisionable: Math.floor(ebs) } : {}) };
}

/** A size of broker with its published limits. */
export class BrokerType {
  /** Every size of a class, smallest first. */
  public static all(brokerClass: BrokerClass): BrokerType[] {
    switch (brokerClass) {
      case BrokerClass.EXPRESS:
        return Object.entries(EXPRESS).map(
          ([name, [vcpu, partitions, ingress]]) => new BrokerType(brokerClass, `express.${name}`, { vcpu, partitions, ingress }),
        );
      case BrokerClass.STANDARD:
        return Object.keys(STANDARD).map((name) => new BrokerType(brokerClass, `kafka.${name}`, standardLimits(name)));
      case BrokerClass.KUBERNETES:
        return Object.entries(STANDARD)
          .filter(([name]) => name.startsWith('m7g.'))
          .map(([name, [vcpu, partitions, ebs, nic]]) => new BrokerType(brokerClass, name, { vcpu, partitions, ebs, nic }));
    }
  }

  /**
   * The size of a name as AWS spells it: `express.m7g.large`, `kafka.m5.xlarge`, or `m7g.xlarge` for the node of a broker pod.
   *
   * @throws Millrace.BrokerTypeUnknown
   */
  public static of(name: string): BrokerType {
    const known = [BrokerClass.EXPRESS, BrokerClass.STANDARD, BrokerClass.KUBERNETES].flatMap((brokerClass) => BrokerType.all(brokerClass));
    const found = known.find((type) => type.name === name);
    if (found) return found;
    return refuse('BrokerType', {
      code: 'Millrace.BrokerTypeUnknown',
      subject: 'name',
      received: show(name),
      allowed: known.map((type) => type.name).join(', '),
      fix:
        name === 'kafka.t3.small' ? 'kafka.t3.small does not run KRaft; use kafka.m7g.large or express.m7g.large' : 'use one of the names',
    });
  }

  private constructor(
    /** Where such brokers run. */
    public readonly brokerClass: BrokerClass,
    /** Name as AWS spells it. */
    public readonly name: string,
    /** Its published limits. */
    public readonly limits: BrokerLimits,
  ) {}
}
