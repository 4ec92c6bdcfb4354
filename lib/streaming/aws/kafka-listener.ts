/** A way for clients into an MSK cluster, by how it knows them. */
export enum KafkaListener {
  /** SASL with IAM; always on. */
  IAM = 'iam',
  /** SASL/SCRAM-SHA-512: user name and password from a secret. */
  SCRAM = 'scram',
  /** Mutual TLS: a certificate of a private authority. */
  MTLS = 'mtls',
}
