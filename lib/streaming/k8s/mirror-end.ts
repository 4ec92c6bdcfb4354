import type { NameSelection } from '../replicator';
import type { IKafkaCluster } from './kafka-cluster';
import type { KafkaUser } from './kafka-user';

/** An end of a replication as the KafkaMirrorMaker2 resource has it. */
export interface MirrorEnd {
  readonly alias: string;
  readonly bootstrapServers: string;
  readonly tls?: object;
  readonly authentication: object;
  /** A Strimzi cluster, whose listener opens for a label. @default - none */
  readonly cluster?: IKafkaCluster;
}

/** An end on a Strimzi cluster, with a user. */
export function strimziEnd(cluster: IKafkaCluster, user: KafkaUser): MirrorEnd {
  return {
    alias: cluster.clusterName,
    bootstrapServers: cluster.bootstrapServers,
    tls: { trustedCertificates: [{ secretName: `${cluster.clusterName}-cluster-ca-cert`, pattern: '*.crt' }] },
    authentication: { type: 'tls', certificateAndKey: { secretName: user.userName, certificate: 'user.crt', key: 'user.key' } },
    cluster,
  };
}

/** Adds the same operations on every name and prefix of a selection. */
export function allowSelection(user: KafkaUser, resourceType: string, selection: NameSelection, operations: string[], before = ''): void {
  for (const name of selection.names ?? []) user.allow(resourceType, before + name, 'literal', operations);
  for (const prefix of selection.prefixes ?? []) user.allow(resourceType, before + prefix, 'prefix', operations);
}
