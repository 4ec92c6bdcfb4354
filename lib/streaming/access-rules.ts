import type { Rule } from '../core/rule';
import type { ConsumeOptions, ProduceOptions } from './topic';
import type { MessageRate } from './topic-demand';
import { MESSAGE_RATE_RULES } from './topic-load';

const NAME = /^[A-Za-z0-9._-]{1,249}$/;
const isName = (value: unknown) => typeof value === 'string' && NAME.test(value);

/** Rules for a rate of messages, of a topic or of one client: those of the demand of a topic that both have. */
export function rateRules<P extends { readonly demand?: MessageRate }>(code: string): Rule<P>[] {
  return MESSAGE_RATE_RULES.map((rule) => ({
    ...rule,
    code,
    value: ({ demand }: P) => demand && rule.value(demand),
    valid: (value: never, { demand }: P) => rule.valid(value, demand!),
  })) as Rule<P>[];
}

const CLIENT_DEMAND = 'Millrace.KafkaClientDemandInvalid';

/** Rules for what a consumer asks for: exactly one group or prefix of groups. */
export const CONSUME_RULES: readonly Rule<ConsumeOptions>[] = [
  {
    code: 'Millrace.KafkaGroupInvalid',
    subject: 'groupId',
    value: (options) => (options.groupId === undefined && options.groupPrefix !== undefined ? undefined : (options.groupId ?? null)),
    valid: isName,
    allowed: "1-249 letters, digits, '.', '_' or '-'; no wildcard",
    fix: 'name the one group this consumer uses, or give groupPrefix',
  },
  {
    code: 'Millrace.KafkaGroupInvalid',
    subject: 'groupPrefix',
    value: (options) => options.groupPrefix,
    valid: (prefix: unknown, options) => isName(prefix) && options.groupId === undefined,
    allowed: "1-249 letters, digits, '.', '_' or '-', without a wildcard and instead of groupId: an empty prefix would open every group",
    fix: 'keep one of groupId and groupPrefix',
    tokens: 'refuse',
  },
  ...rateRules<ConsumeOptions>(CLIENT_DEMAND),
];

/** Rules for what a producer asks for. */
export const PRODUCE_RULES: readonly Rule<ProduceOptions>[] = [
  {
    code: 'Millrace.KafkaTransactionalIdInvalid',
    subject: 'transactionalId',
    value: (options) => options.transactionalId,
    valid: isName,
    allowed: "1-249 letters, digits, '.', '_' or '-'; no wildcard",
    fix: "give the producer's transactional.id, or transactionalIdPrefix",
  },
  {
    code: 'Millrace.KafkaTransactionalIdInvalid',
    subject: 'transactionalIdPrefix',
    value: (options) => options.transactionalIdPrefix,
    valid: (prefix: unknown, options) => isName(prefix) && options.transactionalId === undefined,
    allowed:
      "1-249 letters, digits, '.', '_' or '-', without a wildcard and instead of transactionalId: an empty prefix would open every id",
    fix: 'keep one of transactionalId and transactionalIdPrefix',
    tokens: 'refuse',
  },
  ...rateRules<ProduceOptions>(CLIENT_DEMAND),
];

/** The rule for the beginning of names: an empty one or a wildcard would open every topic. */
export const PREFIX_RULE: Rule<{ readonly prefix: string }> = {
  code: 'Millrace.KafkaPrefixInvalid',
  subject: 'prefix',
  value: ({ prefix }) => prefix ?? null,
  valid: isName,
  allowed: "1-249 letters, digits, '.', '_' or '-'; a wildcard is not part of it, and an empty one would open every topic",
  fix: "give the beginning of the names with its separator, for example 'payments.'",
  tokens: 'refuse',
};
