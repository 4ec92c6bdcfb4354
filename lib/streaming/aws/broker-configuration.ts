import type { CfnCluster } from 'aws-cdk-lib/aws-msk';
import { BrokerClass } from '../broker-type';
import type { KafkaSizing } from '../kafka-sizing';

const BITS_PER_MIB = 8 * 1024 * 1024;

/** The volume of each Standard broker, with the throughput that is bought for it. */
export function brokerVolumes({ storagePerBroker, provisionedThroughput: bought }: KafkaSizing): CfnCluster.EBSStorageInfoProperty {
  return {
    volumeSize: storagePerBroker!.toGibibytes(),
    provisionedThroughput: bought && { enabled: true, volumeThroughput: Math.round(bought.toBps() / BITS_PER_MIB) },
  };
}

/**
 * The broker settings of a cluster as the lines of a server.properties file. None of its own follows from the size of the brokers: a change
 * of size would change the configuration too, and MSK refuses both in one update. The thread settings come with the sizing, which changes
 * them in a step of their own.
 */
export function serverProperties(
  { brokerType: type, replicationFactor }: KafkaSizing,
  config: { readonly [name: string]: string } = {},
): string {
  const settings: Record<string, string> = {
    'allow.everyone.if.no.acl.found': 'false',
    'auto.create.topics.enable': 'false',
  };
  // Express manages everything else, replication and election among it, and refuses to have it set.
  if (type.brokerClass === BrokerClass.STANDARD) {
    Object.assign(settings, {
      'default.replication.factor': String(replicationFactor),
      'min.insync.replicas': String(replicationFactor - 1),
      // Without it client.rack has no effect and every consumer pays for traffic between zones.
      'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
      'unclean.leader.election.enable': 'false',
    });
  }
  return Object.entries({ ...settings, ...config })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
