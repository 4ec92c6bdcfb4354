/** Secrets that a Confluent cluster reads; they stand in its namespace before it does. */
export interface ConfluentSecrets {
  /**
   * Secret with the certificate of brokers and controllers, as `fullchain.pem`, `privkey.pem` and `cacerts.pem`. Its common name, which must
   * stand first in its name, is the principal of the cluster; its alternative names are `*.<name>.<namespace>.svc.cluster.local` of the
   * brokers and of `<name>-controllers`, and both without the `*.`.
   */
  readonly certificateSecretName: string;
  /** Secret with the key pair that signs tokens of the metadata service, as `mdsTokenKeyPair.pem` and `mdsPublicKey.pem`. */
  readonly mdsTokenSecretName: string;
  /**
   * Common name of the certificate.
   * @default - the name of the cluster
   */
  readonly principal?: string;
}
