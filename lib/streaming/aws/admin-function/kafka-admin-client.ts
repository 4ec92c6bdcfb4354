/** Partitions and copies of a topic, as the brokers report them. */
export interface LiveTopic {
  readonly partitions: number;
  readonly replicationFactor: number;
}

/** What a new topic is made of. */
export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** One line of Kafka's access control list, with the names Kafka prints. */
export interface AclBinding {
  readonly principal: string;
  readonly host: string;
  readonly resourceType: string;
  readonly resourceName: string;
  readonly patternType: string;
  readonly operation: string;
  readonly permission: string;
}

/** Whom a quota is for; an entry that is left out stands for everyone. */
export interface QuotaEntity {
  readonly user?: string;
  readonly clientId?: string;
}

/** Settings that change: new values, and names that go back to Kafka's default. */
export interface SettingChanges<V> {
  readonly set: Readonly<Record<string, V>>;
  readonly remove: readonly string[];
}

/** The part of a Kafka admin client that the function needs. */
export interface KafkaAdminClient {
  /** Undefined when there is no such topic. */
  describeTopic(name: string): Promise<LiveTopic | undefined>;
  /** The settings that were given to this topic itself; those it takes from the brokers are left out. */
  topicConfigs(name: string): Promise<Record<string, string>>;
  createTopic(topic: NewTopic): Promise<void>;
  alterTopicConfigs(name: string, changes: SettingChanges<string>): Promise<void>;
  /** Grows a topic to so many partitions in all. */
  growTopic(name: string, partitions: number): Promise<void>;
  deleteTopic(name: string): Promise<void>;
  createAcls(bindings: readonly AclBinding[]): Promise<void>;
  /** Deletes exactly these lines. */
  deleteAcls(bindings: readonly AclBinding[]): Promise<void>;
  alterQuota(entity: QuotaEntity, changes: SettingChanges<number>): Promise<void>;
  close(): Promise<void>;
}
