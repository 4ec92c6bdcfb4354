// The admin client over @platformatic/kafka. Plain JavaScript, because the library is a development dependency: it reaches a deploy only
// inside of bundle/index.mjs, which scripts/bundle-functions.mjs makes of this folder.
import { Admin } from '@platformatic/kafka';

// Numbers of the Kafka protocol (org.apache.kafka.common.acl.AclOperation and its like).
const RESOURCE_TYPES = { TOPIC: 2, GROUP: 3, CLUSTER: 4, TRANSACTIONAL_ID: 5 };
const PATTERN_TYPES = { LITERAL: 3, PREFIXED: 4 };
const OPERATIONS = {
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
};
const PERMISSIONS = { DENY: 2, ALLOW: 3 };
const CONFIG_OF_TOPIC = { resource: 2, source: 1 };
const ALTER = { SET: 0, DELETE: 1 };

function numberOf(table, name) {
  const number = table[name];
  if (number === undefined) throw new Error(`${name} is not among ${Object.keys(table).join(', ')}`);
  return number;
}

function aclOf(binding) {
  return {
    resourceType: numberOf(RESOURCE_TYPES, binding.resourceType),
    resourceName: binding.resourceName,
    resourcePatternType: numberOf(PATTERN_TYPES, binding.patternType),
    principal: binding.principal,
    host: binding.host,
    operation: numberOf(OPERATIONS, binding.operation),
    permissionType: numberOf(PERMISSIONS, binding.permission),
  };
}

/**
 * Brokers refuse a token in an answer that is none of an error (RFC 7628, 3.2.2): JSON with a status. Without this the client would take it
 * for a yes, and the next request would fail for a reason that says nothing.
 */
function refusedToken(authBytes, callback) {
  const { status } = authBytes.length > 0 && authBytes[0] === 0x7b ? JSON.parse(authBytes.toString('utf8')) : {};
  if (status === undefined) return callback(null, authBytes);
  const error = new Error(`the brokers refuse the token of the function (${status})`);
  return callback(Object.assign(error, { code: 'SASL_AUTHENTICATION_FAILED' }));
}

/** Connects over TLS with a token of MSK IAM, which `token` makes anew for each connection. */
export function connect(bootstrapServers, token) {
  const admin = new Admin({
    clientId: 'millrace-kafka-admin',
    bootstrapBrokers: bootstrapServers.split(','),
    tls: {},
    tlsServerName: true,
    sasl: { mechanism: 'OAUTHBEARER', token, authBytesValidator: refusedToken },
    connectTimeout: 10_000,
    requestTimeout: 30_000,
    timeout: 25_000,
    // The handler repeats the whole request instead, after a new connection.
    retries: 0,
  });
  // Failures arrive through the promises of the calls; without a listener the event would end the process as well.
  admin.on('error', () => undefined);
  return {
    async describeTopic(name) {
      try {
        const { topics } = await admin.metadata({ topics: [name], forceUpdate: true });
        const topic = topics.get(name);
        return topic && { partitions: topic.partitionsCount, replicationFactor: topic.partitions[0].replicas.length };
      } catch (error) {
        // The library has no code of its own for this answer.
        if (error.code === 'PLT_KFK_USER' && error.message.startsWith('Unknown topic')) return undefined;
        throw error;
      }
    },
    async topicConfigs(name) {
      const [{ configs }] = await admin.describeConfigs({ resources: [{ resourceType: CONFIG_OF_TOPIC.resource, resourceName: name }] });
      const own = configs.filter(({ configSource }) => configSource === CONFIG_OF_TOPIC.source);
      return Object.fromEntries(own.map((config) => [config.name, config.value]));
    },
    async createTopic({ name, partitions, replicationFactor, configs }) {
      await admin.createTopics({
        topics: [name],
        partitions,
        replicas: replicationFactor,
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      });
    },
    async alterTopicConfigs(name, { set, remove }) {
      const configs = [
        ...Object.entries(set).map(([key, value]) => ({ name: key, configOperation: ALTER.SET, value })),
        ...remove.map((key) => ({ name: key, configOperation: ALTER.DELETE })),
      ];
      await admin.incrementalAlterConfigs({ resources: [{ resourceType: CONFIG_OF_TOPIC.resource, resourceName: name, configs }] });
    },
    async growTopic(name, partitions) {
      await admin.createPartitions({ topics: [{ name, count: partitions }] });
    },
    async deleteTopic(name) {
      await admin.deleteTopics({ topics: [name] });
    },
    async createAcls(bindings) {
      await admin.createAcls({ creations: bindings.map(aclOf) });
    },
    async deleteAcls(bindings) {
      await admin.deleteAcls({ filters: bindings.map(aclOf) });
    },
    async alterQuota({ user, clientId }, { set, remove }) {
      const entities = [
        ...(user === undefined ? [] : [{ entityType: 'user', entityName: user }]),
        ...(clientId === undefined ? [] : [{ entityType: 'client-id', entityName: clientId }]),
      ];
      const ops = [
        ...Object.entries(set).map(([key, value]) => ({ key, value, remove: false })),
        ...remove.map((key) => ({ key, remove: true })),
      ];
      await admin.alterClientQuotas({ entries: [{ entities, ops }] });
    },
    async close() {
      await admin.close();
    },
  };
}
