import type { KafkaUserAuthentication } from './kafka-user-authentication';

/** What is to reach a client. */
export interface CredentialsRequest {
  readonly userName: string;
  readonly clusterName: string;
  /** Namespace of the cluster, where the operator makes the secrets. */
  readonly clusterNamespace?: string;
  /** Namespace of the client. */
  readonly namespace?: string;
  readonly authentication: KafkaUserAuthentication;
  /** Listener of the cluster to which the client connects. */
  readonly listenerName: string;
}

/** Where a client finds its credentials: secrets of its namespace, and their keys. */
export interface DeliveredCredentials {
  readonly userSecretName: string;
  readonly caSecretName: string;
  readonly keys: { readonly ca: string; readonly certificate: string; readonly key: string; readonly password: string };
}
