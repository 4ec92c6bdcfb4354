import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import { show } from '../../core/error';
import type { Rule } from '../../core/rule';
import { BrokerClass } from '../broker-type';
import type { KafkaSizing } from '../kafka-sizing';
import type { KafkaVersion } from './kafka-version';

const REQUIRED_ZONES = 3;

/** Name of a provisioned or serverless cluster. */
export const CLUSTER_NAME_RULE: Rule<{ readonly clusterName: string }> = {
  code: 'Millrace.KafkaClusterNameInvalid',
  subject: 'clusterName',
  value: (input) => input.clusterName,
  valid: (name: string) => /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/.test(name),
  allowed: "1-64 letters, digits or '-', beginning with a letter or digit",
  fix: 'rename it, or leave it out',
};

/** A cluster and what it is to stand in. */
export interface ClusterSurroundings {
  readonly clusterName: string;
  readonly version: KafkaVersion;
  readonly subnets: ec2.SelectedSubnets;
  readonly sizing: KafkaSizing;
}

/** What MSK asks of a provisioned cluster, and we for three zones. */
export const CLUSTER_RULES: readonly Rule<ClusterSurroundings>[] = [
  {
    code: 'Millrace.KafkaBrokersOnKubernetes',
    subject: 'sizing',
    value: ({ sizing }) => sizing.brokerType.name,
    valid: (_name: string, { sizing }) => sizing.brokerType.brokerClass !== BrokerClass.KUBERNETES,
    allowed: 'Express or Standard brokers on MSK',
    fix: 'use BrokerClass.EXPRESS or STANDARD, or streaming.k8s.KafkaCluster',
  },
  CLUSTER_NAME_RULE as Rule<ClusterSurroundings>,
  {
    code: 'Millrace.KafkaClusterZonesInvalid',
    subject: 'vpcSubnets',
    // The first synth of a looked-up Vpc sees a placeholder of two zones; refusing it would keep the lookup from ever being made.
    value: ({ subnets: { isPendingLookup, subnetIds, availabilityZones } }) =>
      isPendingLookup ? undefined : `${subnetIds.length} subnets in ${new Set(availabilityZones).size} zones`,
    valid: (selected: string) => selected === `${REQUIRED_ZONES} subnets in ${REQUIRED_ZONES} zones`,
    allowed: `one subnet in each of ${REQUIRED_ZONES} zones`,
    fix: 'give the Vpc three availabilityZones (an environment-agnostic stack has two), or select three subnets',
  },
  {
    code: 'Millrace.KafkaVersionUnsupported',
    subject: 'kafkaVersion',
    value: (input) => input.version.version,
    valid: (_value: string, input) => input.version.brokerClasses.includes(input.sizing.brokerType.brokerClass),
    allowed: ({ sizing }) => `a version that ${show(sizing.brokerType.brokerClass)} brokers run`,
    fix: 'Express runs 3.8, 3.9 and 4.2',
  },
];
