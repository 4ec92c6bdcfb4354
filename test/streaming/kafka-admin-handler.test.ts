import { type AdminEvent, adminHandler } from '../../lib/streaming/aws/admin-function/admin-handler';
import type { AclBinding, KafkaAdminClient, NewTopic } from '../../lib/streaming/aws/admin-function/kafka-admin-client';

/** An error as @platformatic/kafka throws it: the broker's answer, wrapped. */
function brokerError(apiId: string, serverErrorMessage?: string): Error {
  const answer = Object.assign(new Error(`the server said ${apiId}`), { code: 'PLT_KFK_PROTOCOL', apiId, serverErrorMessage });
  const response = Object.assign(new AggregateError([answer], 'Received response with error'), { code: 'PLT_KFK_RESPONSE' });
  return Object.assign(new AggregateError([response], 'Creating topics failed.'), { code: 'PLT_KFK_MULTIPLE' });
}

/** A cluster that remembers what it was told, and every call that changes it. */
class FakeCluster {
  public readonly topics = new Map<string, { partitions: number; replicationFactor: number; configs: Record<string, string> }>();
  public readonly acls = new Set<string>();
  public readonly quotas = new Map<string, Record<string, number>>();
  public readonly calls: string[] = [];
  public readonly failures: Error[] = [];
  public readonly log: string[] = [];
  public clock = 0;
  public open = 0;
  /** How often a broker is asked for topics before it has heard of them. */
  public late = 0;

  public readonly handle = adminHandler({
    connect: async () => {
      this.open++;
      return this.client();
    },
    sleep: async (milliseconds) => void (this.clock += milliseconds),
    now: () => this.clock,
    log: (line) => void this.log.push(line),
  });

  private client(): KafkaAdminClient {
    const change = async (call: string, work: () => void) => {
      const failure = this.failures.shift();
      if (failure) throw failure;
      this.calls.push(call);
      work();
    };
    const lineOf = (binding: AclBinding) => `${binding.principal} ${binding.operation} ${binding.resourceType} ${binding.resourceName}`;
    return {
      describeTopic: async (name) => (this.late-- > 0 ? undefined : this.topics.get(name)),
      topicConfigs: async (name) => ({ ...this.topics.get(name)!.configs }),
      createTopic: ({ name, ...topic }: NewTopic) =>
        change(`create ${name}`, () => {
          if (this.topics.has(name)) throw brokerError('TOPIC_ALREADY_EXISTS');
          this.topics.set(name, { ...topic, configs: { ...topic.configs } });
        }),
      alterTopicConfigs: (name, { set, remove }) =>
        change(`alter ${name} ${JSON.stringify(set)} -${remove.join()}`, () => {
          const { configs } = this.topics.get(name)!;
          Object.assign(configs, set);
          for (const key of remove) delete configs[key];
        }),
      growTopic: (name, partitions) => change(`grow ${name} ${partitions}`, () => void (this.topics.get(name)!.partitions = partitions)),
      deleteTopic: (name) => change(`delete ${name}`, () => void this.topics.delete(name)),
      createAcls: (bindings) => change('create acls', () => bindings.forEach((binding) => this.acls.add(lineOf(binding)))),
      deleteAcls: (bindings) => change('delete acls', () => bindings.forEach((binding) => this.acls.delete(lineOf(binding)))),
      alterQuota: (entity, { set, remove }) =>
        change(`quota ${JSON.stringify(entity)}`, () => {
          const limits = { ...this.quotas.get(JSON.stringify(entity)), ...set };
          for (const key of remove) delete limits[key];
          this.quotas.set(JSON.stringify(entity), limits);
        }),
      close: async () => {
        this.open--;
      },
    };
  }
}

function event(type: string, request: AdminEvent['RequestType'], properties: object, old?: object, id?: string): AdminEvent {
  return {
    RequestType: request,
    ResourceType: `Custom::Millrace${type}`,
    LogicalResourceId: 'Payments',
    RequestId: 'r-1',
    PhysicalResourceId: id,
    ResourceProperties: { ServiceToken: 'arn', ...properties },
    OldResourceProperties: old && { ServiceToken: 'arn', ...old },
  };
}

// Numbers as CloudFormation hands them over.
const PAYMENTS = {
  TopicName: 'payments',
  PartitionCount: '6',
  ReplicationFactor: '3',
  Configs: { 'cleanup.policy': 'delete', 'retention.ms': '604800000' },
  OnDelete: 'RETAIN',
};

let cluster: FakeCluster;
beforeEach(() => {
  cluster = new FakeCluster();
});
afterEach(() => {
  expect(cluster.open).toBe(0);
});

describe('a topic', () => {
  const topic = (request: AdminEvent['RequestType'], properties: object, old?: object) =>
    cluster.handle(event('KafkaTopic', request, { ...PAYMENTS, ...properties }, old && { ...PAYMENTS, ...old }, 'payments'));

  test('is made as declared, under its name', async () => {
    expect(await topic('Create', {})).toEqual({ PhysicalResourceId: 'payments' });
    expect(cluster.topics.get('payments')).toMatchObject({ partitions: 6, replicationFactor: 3, configs: PAYMENTS.Configs });
  });

  test('is made once, however often that is asked for', async () => {
    await topic('Create', {});
    await topic('Create', {});
    expect(cluster.calls).toEqual(['create payments']);
  });

  test('is taken over when it exists with the declared partitions, and only differing settings are sent', async () => {
    cluster.topics.set('payments', { partitions: 6, replicationFactor: 3, configs: { 'cleanup.policy': 'delete', 'retention.ms': '1' } });
    expect(await topic('Create', {})).toEqual({ PhysicalResourceId: 'payments' });
    expect(cluster.calls).toEqual(['alter payments {"retention.ms":"604800000"} -']);
  });

  test('is taken over when the brokers tell of it only by refusing a second one', async () => {
    await topic('Create', {});
    cluster.late = 1;
    expect(await topic('Create', {})).toEqual({ PhysicalResourceId: 'payments' });
    expect(cluster.calls).toEqual(['create payments', 'create payments']);
  });

  test('is refused when it exists with other partitions', async () => {
    cluster.topics.set('payments', { partitions: 12, replicationFactor: 3, configs: {} });
    await expect(topic('Create', {})).rejects.toThrow('exists with 12 partitions and is declared with 6; declare 12 to adopt it');
    expect(cluster.calls).toEqual([]);
  });

  test('changes its settings first and grows last', async () => {
    await topic('Create', {});
    const configs = { 'cleanup.policy': 'delete', 'max.message.bytes': '2000000' };
    expect(await topic('Update', { PartitionCount: '12', Configs: configs }, {})).toEqual({ PhysicalResourceId: 'payments' });
    expect(cluster.calls.slice(1)).toEqual(['alter payments {"max.message.bytes":"2000000"} -retention.ms', 'grow payments 12']);
    expect(cluster.topics.get('payments')).toMatchObject({ partitions: 12, configs });
  });

  test('leaves settings alone that others made', async () => {
    await topic('Create', {});
    cluster.topics.get('payments')!.configs['segment.bytes'] = '5';
    await topic('Update', { OnDelete: 'DELETE' }, {});
    expect(cluster.calls).toEqual(['create payments']);
  });

  test('refuses to shrink', async () => {
    await topic('Create', { PartitionCount: '12' });
    await expect(topic('Update', {}, { PartitionCount: '12' })).rejects.toThrow(
      'has 12 partitions and is declared with 6; Kafka can only add',
    );
    expect(cluster.calls).toEqual(['create payments']);
  });

  test('goes back from a growth that never happened', async () => {
    await topic('Create', {});
    await topic('Update', {}, { PartitionCount: '12' });
    expect(cluster.topics.get('payments')!.partitions).toBe(6);
  });

  test('stays grown when somebody grew it by hand', async () => {
    await topic('Create', { PartitionCount: '6' });
    cluster.topics.get('payments')!.partitions = 24;
    await topic('Update', { Configs: {} }, {});
    expect(cluster.topics.get('payments')!.partitions).toBe(24);
  });

  test('refuses another replication factor', async () => {
    await topic('Create', {});
    await expect(topic('Update', { ReplicationFactor: '2' }, {})).rejects.toThrow(
      'replication factor of topic payments changes from 3 to 2',
    );
  });

  test('of another name is a second one, and the first one stays', async () => {
    await topic('Create', {});
    expect(await topic('Update', { TopicName: 'paid' }, {})).toEqual({ PhysicalResourceId: 'paid' });
    await topic('Delete', {});
    expect([...cluster.topics.keys()]).toEqual(['payments', 'paid']);
  });

  test('is made again when somebody deleted it', async () => {
    await topic('Update', {}, {});
    expect(cluster.calls).toEqual(['create payments']);
  });

  test.each([
    ['RETAIN', ['payments']],
    [undefined, ['payments']],
    ['DELETE', []],
  ])('removed with OnDelete %s leaves %j', async (OnDelete, left) => {
    await topic('Create', {});
    expect(await topic('Delete', { OnDelete })).toEqual({ PhysicalResourceId: 'payments' });
    await topic('Delete', { OnDelete });
    expect([...cluster.topics.keys()]).toEqual(left);
  });
});

describe('an access control list', () => {
  const line = (Operation: string, ResourceName = 'payments') => ({
    Principal: 'User:gateway',
    Host: '*',
    ResourceType: 'TOPIC',
    ResourceName,
    PatternType: 'LITERAL',
    Operation,
    Permission: 'ALLOW',
  });
  const acls = (request: AdminEvent['RequestType'], lines: object[], old?: object[]) =>
    cluster.handle(event('KafkaAcls', request, { Bindings: lines }, old && { Bindings: old }, request === 'Create' ? undefined : 'id-1'));

  test('gets its lines and an id of its own', async () => {
    expect(await acls('Create', [line('READ'), line('DESCRIBE')])).toEqual({ PhysicalResourceId: 'Payments-r-1' });
    expect([...cluster.acls]).toEqual(['User:gateway READ TOPIC payments', 'User:gateway DESCRIBE TOPIC payments']);
  });

  test('is changed by the exact difference, additions first, under the same id', async () => {
    cluster.acls.add('User:other READ TOPIC payments');
    await acls('Create', [line('READ'), line('DESCRIBE')]);
    expect(await acls('Update', [line('WRITE'), line('DESCRIBE')], [line('READ'), line('DESCRIBE')])).toEqual({
      PhysicalResourceId: 'id-1',
    });
    expect(cluster.calls.slice(1)).toEqual(['create acls', 'delete acls']);
    expect([...cluster.acls].sort()).toEqual([
      'User:gateway DESCRIBE TOPIC payments',
      'User:gateway WRITE TOPIC payments',
      'User:other READ TOPIC payments',
    ]);
  });

  test('loses its own lines and no others', async () => {
    cluster.acls.add('User:other READ TOPIC payments');
    await acls('Create', [line('READ')]);
    await acls('Delete', [line('READ')]);
    await acls('Delete', []);
    expect([...cluster.acls]).toEqual(['User:other READ TOPIC payments']);
  });
});

describe('a quota', () => {
  const quota = (request: AdminEvent['RequestType'], properties: object, old?: object) =>
    cluster.handle(event('KafkaQuota', request, properties, old, request === 'Create' ? undefined : 'id-1'));
  const GATEWAY = '{"user":"gateway"}';

  test('is set for its entity', async () => {
    await quota('Create', { User: 'gateway', Limits: { producer_byte_rate: '1048576', request_percentage: '50' } });
    expect(Object.fromEntries(cluster.quotas)).toEqual({ [GATEWAY]: { producer_byte_rate: 1048576, request_percentage: 50 } });
  });

  test('loses the limits that are declared no longer, and leaves those of others', async () => {
    cluster.quotas.set(GATEWAY, { controller_mutation_rate: 5 });
    await quota('Create', { User: 'gateway', Limits: { producer_byte_rate: '1', consumer_byte_rate: '2' } });
    await quota(
      'Update',
      { User: 'gateway', Limits: { producer_byte_rate: '3' } },
      { User: 'gateway', Limits: { consumer_byte_rate: '2' } },
    );
    expect(cluster.quotas.get(GATEWAY)).toEqual({ controller_mutation_rate: 5, producer_byte_rate: 3 });
    await quota('Delete', { User: 'gateway', Limits: { producer_byte_rate: '3' } });
    expect(cluster.quotas.get(GATEWAY)).toEqual({ controller_mutation_rate: 5 });
  });

  test('moves to another entity', async () => {
    await quota('Create', { User: 'gateway', Limits: { producer_byte_rate: '1' } });
    await quota(
      'Update',
      { ClientId: 'edge', Limits: { producer_byte_rate: '1' } },
      { User: 'gateway', Limits: { producer_byte_rate: '1' } },
    );
    expect(Object.fromEntries(cluster.quotas)).toEqual({ '{"clientId":"edge"}': { producer_byte_rate: 1 }, [GATEWAY]: {} });
  });
});

describe('a failure', () => {
  const create = () => cluster.handle(event('KafkaTopic', 'Create', PAYMENTS));

  test.each([
    ['a policy that the brokers do not know yet', brokerError('TOPIC_AUTHORIZATION_FAILED')],
    ['a role that they do not know yet', Object.assign(new Error('Access denied'), { code: 'PLT_KFK_AUTHENTICATION' })],
    [
      'a refused connection',
      Object.assign(new Error('failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }), { code: 'PLT_KFK_NETWORK' }),
    ],
    ['another controller', brokerError('NOT_CONTROLLER')],
  ])('that passes is waited for: %s', async (_name, failure) => {
    cluster.failures.push(failure, failure, failure);
    expect(await create()).toEqual({ PhysicalResourceId: 'payments' });
    expect(cluster.clock).toBe(1000 + 2000 + 4000);
  });

  test('that never passes ends within 150 s, with what the broker said', async () => {
    cluster.failures.push(...Array.from({ length: 100 }, () => brokerError('TOPIC_AUTHORIZATION_FAILED')));
    await expect(create()).rejects.toThrow('Create of Payments: TOPIC_AUTHORIZATION_FAILED: the server said TOPIC_AUTHORIZATION_FAILED');
    expect(cluster.clock).toBeGreaterThan(120_000);
    expect(cluster.clock).toBeLessThanOrEqual(150_000);
  });

  test.each(['INVALID_CONFIG', 'POLICY_VIOLATION', 'INVALID_REPLICATION_FACTOR'])('that stays ends at once: %s', async (code) => {
    cluster.failures.push(brokerError(code, 'Unknown topic config name: retention'));
    await expect(create()).rejects.toThrow(`Create of Payments: ${code}: Unknown topic config name: retention`);
    expect(cluster.clock).toBe(0);
  });

  test('of the program itself ends at once', async () => {
    cluster.failures.push(new TypeError('x is not a function'));
    await expect(create()).rejects.toThrow('Create of Payments: x is not a function');
    expect(cluster.clock).toBe(0);
  });

  test('is an unknown resource, too', async () => {
    await expect(cluster.handle(event('KafkaBroker', 'Create', {}))).rejects.toThrow('Custom::MillraceKafkaBroker is not among');
  });

  test('never shows the token that the client sent', async () => {
    cluster.failures.push(
      Object.assign(new Error('SASL authentication failed'), {
        code: 'PLT_KFK_SPECIAL',
        authBytes: 'c2VjcmV0',
        headers: { token: 'c2VjcmV0' },
      }),
    );
    const error: Error = await create().then(
      () => new Error('done'),
      (reason) => reason,
    );
    expect(error.message).toBe('Create of Payments: PLT_KFK_SPECIAL: SASL authentication failed');
    expect(cluster.log.join()).not.toContain('c2VjcmV0');
  });

  test('and what came of it stand in the log, a line for each attempt', async () => {
    cluster.failures.push(brokerError('NOT_CONTROLLER'));
    await create();
    expect(cluster.log.map((line) => JSON.parse(line))).toEqual([
      {
        request: 'Create',
        type: 'Custom::MillraceKafkaTopic',
        id: 'Payments',
        attempt: 1,
        outcome: 'NOT_CONTROLLER: the server said NOT_CONTROLLER',
      },
      { request: 'Create', type: 'Custom::MillraceKafkaTopic', id: 'Payments', attempt: 2, outcome: 'done' },
    ]);
  });
});
