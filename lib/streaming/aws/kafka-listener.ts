/** A way for clients into an MSK cluster, by how it knows them. */
export enum KafkaListener {
  /** SASL with IAM; always on. */
  IAM = 'iam',
  /** SASL/SCRAM-SHA-512: user name and password from a secret. */
  SCRAM = 'scram',
  /** Mutual TLS: a certificate of a private authority. */
  MTLS = 'mtls',
}

/** What MSK calls a listener and where it stands. */
export interface ListenerFacts {
  /** Port inside the VPC (MSK developer guide, Port information). */
  readonly port: number;
  /** Field of GetBootstrapBrokers for clients in the VPC. */
  readonly bootstrapField: string;
  /** Field of GetBootstrapBrokers for clients over a managed VPC connection. */
  readonly privateBootstrapField: string;
  /** Authentication of a managed VPC connection. */
  readonly vpcAuthentication: string;
}

/** Every listener in the order in which a cluster names them. */
export const LISTENERS: Readonly<Record<KafkaListener, ListenerFacts>> = {
  [KafkaListener.IAM]: {
    port: 9098,
    bootstrapField: 'BootstrapBrokerStringSaslIam',
    privateBootstrapField: 'BootstrapBrokerStringVpcConnectivitySaslIam',
    vpcAuthentication: 'SASL_IAM',
  },
  [KafkaListener.SCRAM]: {
    port: 9096,
    bootstrapField: 'BootstrapBrokerStringSaslScram',
    privateBootstrapField: 'BootstrapBrokerStringVpcConnectivitySaslScram',
    vpcAuthentication: 'SASL_SCRAM',
  },
  [KafkaListener.MTLS]: {
    port: 9094,
    bootstrapField: 'BootstrapBrokerStringTls',
    privateBootstrapField: 'BootstrapBrokerStringVpcConnectivityTls',
    vpcAuthentication: 'TLS',
  },
};
