/** How a Kafka user proves who it is; the cluster needs a listener for it. */
export enum KafkaUserAuthentication {
  /** A client certificate, for the listener that every cluster has. */
  TLS = 'tls',
  /** A password, by SASL/SCRAM-SHA-512 over TLS, for clients that take no certificate. */
  SCRAM_SHA_512 = 'scram-sha-512',
}
