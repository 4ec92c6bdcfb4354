import { type Rule, isPositiveInteger } from '../../core/rule';
import type { Listener } from './listener';

const CODE = 'Millrace.KafkaListenerInvalid';
const DEFAULT_NAME = 'tls';
const TAKEN_PORTS: readonly number[] = [9093, 9404, 9999];

const isCidr = (text: unknown) => {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(String(text));
  return match !== null && match.slice(1, 5).every((part) => Number(part) <= 255) && Number(match[5]) <= 32;
};

/** Rules for the listeners beside the default one. Limits of names and ports: the Kafka CRD of Strimzi 1.2. */
export function listenerRules(listeners: readonly Listener[]): Rule<unknown>[] {
  return listeners.flatMap((listener, index): Rule<unknown>[] => {
    const others = listeners.slice(0, index);
    const subject = `listeners[${index}]`;
    return [
      {
        code: CODE,
        subject: `${subject}.name`,
        value: () => listener.name ?? null,
        valid: (name: unknown) =>
          /^[a-z0-9]{1,11}$/.test(String(name)) && name !== DEFAULT_NAME && !others.some((other) => other.name === name),
        allowed: `1-11 lower-case letters or digits, each name once; '${DEFAULT_NAME}' is the default listener`,
        fix: 'rename it',
        tokens: 'refuse',
      },
      {
        code: CODE,
        subject: `${subject}.port`,
        value: () => listener.port ?? null,
        valid: (port: number) =>
          Number.isInteger(port) &&
          port >= 9092 &&
          port <= 65535 &&
          !TAKEN_PORTS.includes(port) &&
          !others.some((other) => other.port === port),
        allowed: '9092-65535, each port once; 9093 is the default listener, 9404 metrics, 9999 JMX',
        fix: 'use a free one, for example 9096',
        tokens: 'refuse',
      },
      {
        code: CODE,
        subject: `${subject}.maxConnections`,
        value: () => listener._maxConnections,
        valid: isPositiveInteger,
        allowed: 'a whole number above zero',
        fix: 'leave it out for no limit',
      },
      {
        code: CODE,
        subject: `${subject}.allowedCidrs`,
        value: () => listener._allowedCidrs,
        valid: (cidrs: unknown) => Array.isArray(cidrs) && cidrs.length > 0 && cidrs.every(isCidr),
        allowed: 'at least one IPv4 range, for example 10.0.0.0/8',
        fix: 'name the networks of the clients',
        tokens: 'refuse',
      },
    ];
  });
}
