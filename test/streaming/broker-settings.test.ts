import { brokerThreads } from '../../lib/streaming/broker-settings';
import { BrokerType } from '../../lib/streaming/broker-type';

const threads = (name: string, throughput?: number) =>
  Object.entries(brokerThreads(BrokerType.of(name), throughput))
    .map(([setting, value]) => `${setting}=${value}`)
    .join(' ');

describe('threads by size', () => {
  test.each([
    ['kafka.m5.4xlarge', 16, 8, 4],
    ['kafka.m7g.4xlarge', 16, 8, 4],
    ['kafka.m5.8xlarge', 32, 16, 8],
    ['kafka.m7g.12xlarge', 48, 24, 14],
    ['kafka.m7g.16xlarge', 64, 32, 16],
    ['kafka.m5.24xlarge', 96, 48, 16],
  ])('%s has %p request and %p network threads, and %p replica fetchers where throughput is bought', (name, io, network, fetchers) => {
    expect(threads(name)).toBe(`num.io.threads=${io} num.network.threads=${network}`);
    expect(threads(name, 250)).toBe(`num.io.threads=${io} num.network.threads=${network} num.replica.fetchers=${fetchers}`);
  });

  test.each(['kafka.m5.large', 'kafka.m7g.2xlarge', 'express.m7g.16xlarge', 'm7g.16xlarge'])('%s keeps the defaults', (name) => {
    expect(threads(name)).toBe('');
  });
});
