import { BrokerClass, type BrokerType } from './broker-type';

/** vCPU-dependent settings of the large Standard brokers: request handlers, network threads, and fetchers where throughput is bought. */
const THREADS: Readonly<Record<string, readonly [io: number, network: number, fetchers: number]>> = {
  '4xlarge': [16, 8, 4],
  '8xlarge': [32, 16, 8],
  '12xlarge': [48, 24, 14],
  '16xlarge': [64, 32, 16],
  '24xlarge': [96, 48, 16],
};

/**
 * The thread settings of MSK Standard brokers by size, by their Kafka name, in alphabetical order: `num.io.threads` and
 * `num.network.threads` from 4xlarge on, `num.replica.fetchers` where volume throughput is bought as well. Empty for smaller sizes, whose MSK
 * defaults (8, 5 and 2) fit, and for Express and Kubernetes brokers.
 *
 * They tie the broker configuration to the size, and MSK refuses a change of both in one update. So they change in a step of their own
 * after the type, the count, the storage and the throughput: what a cluster runs with are the settings of the size that was deployed before,
 * which is why a construct takes `KafkaSizing.threadSettings` and not this function of the type. Source: MSK developer guide
 * "Manage storage throughput" for the fetchers, AWS' MSK agent toolkit for the threads (streaming reference, 14.3).
 */
export function brokerThreads(type: BrokerType, provisionedThroughput?: number): { [setting: string]: string } {
  const size = type.name.split('.').pop()!;
  if (type.brokerClass !== BrokerClass.STANDARD || !(size in THREADS)) return {};
  const [io, network, fetchers] = THREADS[size];
  return {
    'num.io.threads': String(io),
    'num.network.threads': String(network),
    ...(provisionedThroughput === undefined ? {} : { 'num.replica.fetchers': String(fetchers) }),
  };
}
