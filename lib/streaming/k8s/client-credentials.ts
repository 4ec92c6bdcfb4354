import type { Duration } from 'aws-cdk-lib';
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { type Rule, enforce } from '../../core/rule';
import type { CredentialsRequest, DeliveredCredentials } from './delivered-credentials';
import { KafkaUserAuthentication } from './kafka-user-authentication';

/** How the External Secrets operator copies the credentials of a client. */
export interface ExternalSecretOptions {
  /**
   * A store of the client's namespace that reads the secrets of the cluster's namespace.
   * @default - one is made, with a service account that may read the two secrets and nothing else
   */
  readonly storeName?: string;
  /**
   * Whether `storeName` is a ClusterSecretStore.
   * @default false
   */
  readonly isClusterStore?: boolean;
  /**
   * How often the secrets are read again; a renewed certificate reaches the client after at most that.
   * @default Duration.hours(1)
   */
  readonly refreshInterval?: Duration;
}

const STRIMZI_KEYS = { ca: 'ca.crt', certificate: 'user.crt', key: 'user.key', password: 'password' };
// README of strimzi/kafka-access-operator 0.3.0: the secret follows the Service Binding specification.
const ACCESS_KEYS = { ca: 'ssl.truststore.crt', certificate: 'ssl.keystore.crt', key: 'ssl.keystore.key', password: 'password' };
const DEFAULT_REFRESH_SECONDS = 3600;
const LEAST_REFRESH_SECONDS = 60;

const OPTION_RULES: readonly Rule<ExternalSecretOptions>[] = [
  {
    code: 'Millrace.KafkaCredentialsInvalid',
    subject: 'storeName',
    value: ({ storeName, isClusterStore }) => storeName ?? (isClusterStore ? null : undefined),
    valid: (name: unknown) => typeof name === 'string' && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name) && name.length <= 253,
    allowed: "the name of a store: lower-case letters, digits, '-' or '.'",
    fix: 'name the store, or leave both out to have one made',
  },
  {
    code: 'Millrace.KafkaCredentialsInvalid',
    subject: 'refreshInterval',
    value: ({ refreshInterval }) => refreshInterval,
    valid: (interval: Duration) => Number.isInteger(secondsOf(interval)) && secondsOf(interval) >= LEAST_REFRESH_SECONDS,
    allowed: 'at least a minute, in whole seconds',
    fix: 'leave it out for an hour: certificates are renewed 30 days before they expire',
    tokens: 'refuse',
  },
];

function secondsOf(interval: Duration): number {
  return interval.toSeconds({ integral: false });
}

/** How the credentials of a Kafka user reach the namespace of its client. */
export class ClientCredentials {
  /** The client stands in the cluster's namespace, where the operator puts them. */
  public static sameNamespace(): ClientCredentials {
    return new ClientCredentials(false, (_scope, { userName, clusterName }) => ({
      userSecretName: userName,
      caSecretName: `${clusterName}-cluster-ca-cert`,
      keys: STRIMZI_KEYS,
    }));
  }

  /**
   * The External Secrets operator copies them into the client's namespace, as one secret named as the user: `ca.crt` with `user.crt` and
   * `user.key`, or with `username` and `password`.
   *
   * @throws Millrace.KafkaCredentialsInvalid
   */
  public static externalSecret(options: ExternalSecretOptions = {}): ClientCredentials {
    enforce('ClientCredentials.externalSecret', options, OPTION_RULES);
    return new ClientCredentials(true, (scope, request) => {
      addExternalSecret(scope, request, options);
      return { userSecretName: request.userName, caSecretName: request.userName, keys: STRIMZI_KEYS };
    });
  }

  /** Strimzi's Access operator, 0.3.0 or later, puts them into the client's namespace, as one secret named as the user. */
  public static kafkaAccess(): ClientCredentials {
    return new ClientCredentials(true, (scope, request) => {
      addKafkaAccess(scope, request);
      return { userSecretName: request.userName, caSecretName: request.userName, keys: ACCESS_KEYS };
    });
  }

  private constructor(
    /** @internal */
    public readonly _crossesNamespaces: boolean,
    /** @internal */
    public readonly _deliver: (scope: Construct, request: CredentialsRequest) => DeliveredCredentials,
  ) {}
}

function addExternalSecret(scope: Construct, request: CredentialsRequest, options: ExternalSecretOptions): void {
  const { userName, clusterName, namespace, authentication } = request;
  const caSecret = `${clusterName}-cluster-ca-cert`;
  const from = (key: string, property: string) => ({ secretKey: property, remoteRef: { key, property } });
  const isTls = authentication === KafkaUserAuthentication.TLS;
  const own = isTls ? [STRIMZI_KEYS.certificate, STRIMZI_KEYS.key] : [STRIMZI_KEYS.password];
  const { storeName, isClusterStore, refreshInterval } = options;
  new ApiObject(scope, 'ExternalSecret', {
    apiVersion: 'external-secrets.io/v1',
    kind: 'ExternalSecret',
    metadata: { name: userName, namespace },
    spec: {
      refreshInterval: `${refreshInterval ? secondsOf(refreshInterval) : DEFAULT_REFRESH_SECONDS}s`,
      secretStoreRef: {
        kind: isClusterStore ? 'ClusterSecretStore' : 'SecretStore',
        name: storeName ?? addSecretStore(scope, request, [userName, caSecret]),
      },
      target: {
        name: userName,
        // A client without its credentials cannot reconnect, so they stay when the object goes before it.
        creationPolicy: 'Owner',
        deletionPolicy: 'Retain',
        // Strimzi's secret lacks the name, which KEDA for one reads beside the password.
        ...(isTls ? {} : { template: { engineVersion: 'v2', mergePolicy: 'Merge', data: { username: userName } } }),
      },
      data: [from(caSecret, STRIMZI_KEYS.ca), ...own.map((property) => from(userName, property))],
    },
  });
}

/** A store that reads the two secrets of the cluster's namespace and no other; returns its name. */
function addSecretStore(scope: Construct, { clusterNamespace, namespace }: CredentialsRequest, secretNames: string[]): string {
  const account = new ApiObject(scope, 'SecretReader', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace } });
  const role = new ApiObject(scope, 'SecretRole', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { namespace: clusterNamespace },
    rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: secretNames, verbs: ['get'] }],
  });
  new ApiObject(scope, 'SecretRoleBinding', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { namespace: clusterNamespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.name },
    subjects: [{ kind: 'ServiceAccount', name: account.name, namespace }],
  });
  const store = new ApiObject(scope, 'SecretStore', {
    apiVersion: 'external-secrets.io/v1',
    kind: 'SecretStore',
    metadata: { namespace },
    spec: {
      provider: {
        kubernetes: {
          remoteNamespace: clusterNamespace,
          server: { caProvider: { type: 'ConfigMap', name: 'kube-root-ca.crt', key: 'ca.crt' } },
          auth: { serviceAccount: { name: account.name } },
        },
      },
    },
  });
  return store.name;
}

function addKafkaAccess(scope: Construct, request: CredentialsRequest): void {
  const { userName, clusterName, clusterNamespace, namespace, listenerName } = request;
  new ApiObject(scope, 'KafkaAccess', {
    apiVersion: 'access.strimzi.io/v1alpha1',
    kind: 'KafkaAccess',
    metadata: { name: userName, namespace },
    spec: {
      kafka: { name: clusterName, namespace: clusterNamespace, listener: listenerName },
      user: { kind: 'KafkaUser', apiGroup: 'kafka.strimzi.io', name: userName, namespace: clusterNamespace },
    },
  });
}
