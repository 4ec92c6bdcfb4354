/** Settings of the brokers of an MSK cluster beside the safe ones that it has by default. */
export interface BrokerSettings {
  /**
   * Settings by their Kafka name, from those that MSK lets a cluster set. They win over the defaults.
   * @default - TLS and ACLs closed, no automatic topics; on Standard also replication, in-sync replicas, rack-aware reads and clean elections
   */
  readonly config?: { [name: string]: string };
  /**
   * Says that records which were acknowledged may be lost. `unclean.leader.election.enable=true` and `min.insync.replicas=1` with three
   * copies need it.
   * @default false
   */
  readonly acknowledgeDataLoss?: boolean;
}
