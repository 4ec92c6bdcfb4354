import { BrokerClass } from '../broker-type';
import type { KafkaSizing } from '../kafka-sizing';

// Threads by size (streaming reference, 14.3); smaller sizes keep Kafka's defaults. Network threads never grow without I/O threads.
const THREADS: Readonly<Record<string, readonly [io: number, network: number]>> = {
  '4xlarge': [16, 8],
  '8xlarge': [32, 16],
  '12xlarge': [48, 24],
  '16xlarge': [64, 32],
  '24xlarge': [96, 48],
};

/** The broker settings of a cluster as the lines of a server.properties file. */
export function serverProperties({ brokerType: type, replicationFactor }: KafkaSizing): string {
  const settings: Record<string, string> = {
    'allow.everyone.if.no.acl.found': 'false',
    'auto.create.topics.enable': 'false',
  };
  // Express manages everything else, replication and election among it, and refuses to have it set.
  if (type.brokerClass === BrokerClass.STANDARD) {
    const [io, network] = THREADS[type.name.split('.')[2]] ?? [];
    Object.assign(settings, {
      'default.replication.factor': String(replicationFactor),
      'min.insync.replicas': String(replicationFactor - 1),
      // Without it client.rack has no effect and every consumer pays for traffic between zones.
      'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
      'unclean.leader.election.enable': 'false',
      ...(io ? { 'num.io.threads': String(io), 'num.network.threads': String(network) } : {}),
    });
  }
  return Object.entries(settings)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
