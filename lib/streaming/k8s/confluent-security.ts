// CFK's ports (Confluent documentation, Configure Networking).
export const INTERNAL_PORT = 9071;
export const REGISTRY_PORT = 8081;
export const CONNECT_PORT = 8083;
export const MDS_PORT = 8090;
export const METRICS_PORT = 7778;

/** Label of every pod of a cluster; the network policy selects by it. */
export const CLUSTER_LABEL = 'millrace.io/confluent-cluster';

/**
 * The common name of a certificate is its principal, where it stands first, as RFC 2253 writes it; any other name stays whole and is nobody's.
 * A rule that looks for `CN=` anywhere would take one from another field of the name.
 */
const PRINCIPAL_RULES = ['RULE:^CN=([a-zA-Z0-9.-]+)(,.*)?$/$1/', 'DEFAULT'];

type Fields = Record<string, unknown>;

/** Full name of the service of a component. */
export function serviceOf(name: string, namespace: string): string {
  return `${name}.${namespace}.svc.cluster.local`;
}

/** A listener of brokers or controllers that knows its clients by their certificates. */
export function mtlsListener(): Fields {
  return { authentication: { type: 'mtls', principalMappingRules: [...PRINCIPAL_RULES] }, tls: { enabled: true } };
}

/** A REST interface that knows its clients by their certificates. */
export function requiredClientCertificates(): Fields {
  return { sslClientAuthentication: 'required', principalMappingRules: [...PRINCIPAL_RULES] };
}

/** How a component shows its certificate to another. */
export function ownCertificate(): Fields {
  return { authentication: { type: 'mtls', sslClientAuthentication: true }, tls: { enabled: true } };
}

/** What Schema Registry and Connect need of the cluster. */
export interface ConfluentDependencies {
  readonly bootstrapServers: string;
  readonly mdsUrl: string;
  readonly mdsTokenSecretName: string;
}

/** How Schema Registry and Connect reach the brokers and the service that knows the role bindings. */
export function dependenciesOn({ bootstrapServers, mdsUrl, mdsTokenSecretName }: ConfluentDependencies): Fields {
  return {
    kafka: { bootstrapEndpoint: bootstrapServers, ...ownCertificate() },
    mds: { endpoint: mdsUrl, tokenKeyPair: { secretRef: mdsTokenSecretName }, ...ownCertificate() },
  };
}
