import type { Rule } from '../../core/rule';
import type { KafkaSizing } from '../kafka-sizing';
import { CONTROLLER_SIZE } from './kafka-node-size';
import type { Listener } from './listener';

interface NamedCluster {
  readonly clusterName: string;
  readonly sizing: KafkaSizing;
}

/** Most characters of a name that is derived; with it the pods of a cluster of up to ten nodes have names that Kubernetes takes. */
export const MAX_CLUSTER_NAME_LENGTH = 24;

// Kubernetes: host names, values of labels and names of services. A pod of Strimzi has its name as host name and as label, too.
const MAX_LABEL_LENGTH = 63;
const CONTROLLER_POOL = '-controllers';
const BROKER_POOL = '-brokers';

/** Digits of the highest id of a node. */
function idDigits({ sizing }: NamedCluster): number {
  return String(sizing.brokers + CONTROLLER_SIZE.replicas - 1).length;
}

/** Most characters of a cluster's name, for the longest name of a pod. */
function longestName(cluster: NamedCluster): number {
  return Math.floor((MAX_LABEL_LENGTH - `-${CONTROLLER_POOL}-`.length - idDigits(cluster)) / 2);
}

/** Most characters of a listener's name, for the service of a broker. */
function longestListenerName(cluster: NamedCluster): number {
  return MAX_LABEL_LENGTH - `-${BROKER_POOL}--`.length - idDigits(cluster) - 2 * cluster.clusterName.length;
}

/** Rules for names from which Strimzi makes longer ones, which Kubernetes refuses above 63 characters. */
export function strimziNameRules(listeners: readonly Listener[]): Rule<NamedCluster>[] {
  return [
    {
      code: 'Millrace.KafkaClusterNameInvalid',
      subject: 'clusterName',
      value: (cluster) => cluster.clusterName,
      valid: (name: string, cluster) => name.length <= longestName(cluster),
      allowed: (cluster) =>
        `at most ${longestName(cluster)} characters: a pod is named <cluster>-<cluster>${CONTROLLER_POOL}-<id>, which Kubernetes takes up to ${MAX_LABEL_LENGTH}`,
      fix: 'give a shorter clusterName',
    },
    ...listeners.map(({ name, type }, index): Rule<NamedCluster> => ({
      code: 'Millrace.KafkaListenerInvalid',
      subject: `listeners[${index}].name`,
      // One inside Kubernetes has no service for each broker.
      value: () => (type === 'internal' ? undefined : name),
      valid: (_name: string, cluster) => name.length <= longestListenerName(cluster),
      allowed: (cluster) =>
        `at most ${Math.max(0, longestListenerName(cluster))} characters beside this clusterName: the service of a broker is named <cluster>-<cluster>${BROKER_POOL}-<listener>-<id>, which Kubernetes takes up to ${MAX_LABEL_LENGTH}`,
      fix: 'shorten the name of the listener or that of the cluster',
    })),
  ];
}
