/** Secrets of a client certificate, as Strimzi names their keys. */
export interface KafkaTlsSecrets {
  /** Secret with `user.crt` and `user.key`: the name of a `KafkaUser`. */
  readonly userSecretName: string;
  /** Secret with `ca.crt`: `<clusterName>-cluster-ca-cert`. */
  readonly caSecretName: string;
}

/** How KEDA's operator proves to Kafka that it may read the lag. Without it the connection is neither encrypted nor authenticated. */
export class KafkaScalerAuthentication {
  /** A client certificate, as Strimzi issues them, for example of a `KafkaUser` without a workload that may consume the topic in the group. */
  public static tls(secrets: KafkaTlsSecrets): KafkaScalerAuthentication {
    const from = (parameter: string, name: string, key: string) => ({ parameter, name, key });
    return new KafkaScalerAuthentication(
      { tls: 'enable' },
      {
        secretTargetRef: [
          from('ca', secrets.caSecretName, 'ca.crt'),
          from('cert', secrets.userSecretName, 'user.crt'),
          from('key', secrets.userSecretName, 'user.key'),
        ],
      },
    );
  }

  /** SASL/SCRAM-SHA-512 over TLS, with the keys `username` and `password` of a secret. */
  public static scram(secretName: string): KafkaScalerAuthentication {
    const from = (key: string) => ({ parameter: key, name: secretName, key });
    return new KafkaScalerAuthentication(
      { tls: 'enable', sasl: 'scram_sha512' },
      { secretTargetRef: [from('username'), from('password')] },
    );
  }

  /** IAM of Amazon MSK in a region, with the AWS identity of KEDA's operator. */
  public static mskIam(region: string): KafkaScalerAuthentication {
    return new KafkaScalerAuthentication(
      { tls: 'enable', sasl: 'aws_msk_iam', awsRegion: region },
      { podIdentity: { provider: 'aws', identityOwner: 'keda' } },
    );
  }

  private constructor(
    /** @internal */
    public readonly _metadata: Readonly<Record<string, string>>,
    /** @internal */
    public readonly _spec: Readonly<Record<string, unknown>>,
  ) {}
}
