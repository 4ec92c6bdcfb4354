import type { Rule } from '../../core/rule';
import { BrokerClass } from '../broker-type';
import type { KafkaSizing } from '../kafka-sizing';

interface ClusterInput {
  readonly clusterName: string;
  readonly sizing: KafkaSizing;
}

/** Rules for a cluster on Kubernetes once its name and size are decided. */
export function kafkaClusterRules(): Rule<ClusterInput>[] {
  return [
    {
      code: 'Millrace.KafkaClusterNameInvalid',
      subject: 'clusterName',
      value: (input) => input.clusterName,
      valid: (name: string) => /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name),
      allowed: "1-40 lower-case letters, digits or '-', beginning with a letter: the operator appends to it",
      fix: 'rename it, or leave it out',
    },
    {
      code: 'Millrace.KafkaBrokersOnAws',
      subject: 'sizing',
      value: (input) => input.sizing.brokerType.name,
      valid: (_name: string, input) => input.sizing.brokerType.brokerClass === BrokerClass.KUBERNETES,
      allowed: 'a sizing of BrokerClass.KUBERNETES',
      fix: 'use KafkaSizing.forDemand(demand, { brokerClass: BrokerClass.KUBERNETES }), or streaming.aws.KafkaCluster',
    },
  ];
}
