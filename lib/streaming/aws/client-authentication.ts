import type * as acmpca from 'aws-cdk-lib/aws-acmpca';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { CfnCluster } from 'aws-cdk-lib/aws-msk';
import { refuse } from '../../core/error';
import { KafkaListener } from './kafka-listener';

/** How passwords of a cluster are kept. */
export interface ScramOptions {
  /**
   * Customer key for the secrets of the users; MSK refuses secrets under the key that AWS manages.
   * @default - one key for this cluster, rotated and retained
   */
  readonly encryptionKey?: kms.IKey;
}

/**
 * How an MSK cluster knows its clients. IAM is always on: grants to roles, the lookup of bootstrap servers and the management of ACLs use it.
 *
 * A value: each method returns another one. Adding or removing a method later is one change of the cluster, which restarts its brokers in
 * turn.
 */
export class ClientAuthentication {
  /** IAM alone. */
  public static iam(): ClientAuthentication {
    return new ClientAuthentication([KafkaListener.IAM], [], false);
  }

  private constructor(
    /** The listeners that are on. */
    public readonly listeners: KafkaListener[],
    /** Authorities whose certificates are believed. */
    public readonly certificateAuthorities: acmpca.ICertificateAuthority[],
    /** Whether the listeners are also offered to other VPCs and accounts over PrivateLink. */
    public readonly multiVpc: boolean,
    /** Customer key for the secrets of SCRAM users. @default - one key for the cluster */
    public readonly scramKey?: kms.IKey,
  ) {}

  /** Also user names and passwords: `KafkaUser` makes them. For clients that cannot speak IAM. */
  public withScram(options: ScramOptions = {}): ClientAuthentication {
    return this.with(KafkaListener.SCRAM, { scramKey: options.encryptionKey });
  }

  /**
   * Also certificates of private authorities (AWS Private CA). A `KafkaUser` with a distinguished name is what ACLs are given to.
   *
   * @throws Millrace.KafkaCertificateAuthoritiesMissing
   */
  public withMtls(certificateAuthorities: acmpca.ICertificateAuthority[]): ClientAuthentication {
    if (certificateAuthorities.length === 0) {
      refuse('ClientAuthentication', {
        code: 'Millrace.KafkaCertificateAuthoritiesMissing',
        subject: 'certificateAuthorities',
        received: 'none',
        allowed: 'at least one authority of AWS Private CA: without one MSK believes no client',
        fix: 'give the authority that signs the certificates of the clients',
      });
    }
    return this.with(KafkaListener.MTLS, { certificateAuthorities });
  }

  /**
   * Every listener also to other VPCs and accounts over PrivateLink, for `VpcConnection`. MSK refuses it while a cluster is made: deploy
   * the cluster first and add this as a change of its own, which restarts the brokers in turn. Kafka 2.7.1 and later, one region.
   */
  public withMultiVpc(): ClientAuthentication {
    return new ClientAuthentication(this.listeners, this.certificateAuthorities, true, this.scramKey);
  }

  /** @internal */
  public _render(): CfnCluster.ClientAuthenticationProperty {
    const on = (listener: KafkaListener) => this.listeners.includes(listener);
    return {
      sasl: { iam: { enabled: true }, ...(on(KafkaListener.SCRAM) ? { scram: { enabled: true } } : {}) },
      ...(on(KafkaListener.MTLS)
        ? { tls: { enabled: true, certificateAuthorityArnList: this.certificateAuthorities.map((ca) => ca.certificateAuthorityArn) } }
        : {}),
      unauthenticated: { enabled: false },
    };
  }

  /** @internal */
  public _renderConnectivity(): CfnCluster.ConnectivityInfoProperty | undefined {
    if (!this.multiVpc) return undefined;
    const on = (listener: KafkaListener) => this.listeners.includes(listener);
    return {
      vpcConnectivity: {
        clientAuthentication: {
          sasl: { iam: { enabled: true }, ...(on(KafkaListener.SCRAM) ? { scram: { enabled: true } } : {}) },
          ...(on(KafkaListener.MTLS) ? { tls: { enabled: true } } : {}),
        },
      },
    };
  }

  private with(
    listener: KafkaListener,
    more: { certificateAuthorities?: acmpca.ICertificateAuthority[]; scramKey?: kms.IKey },
  ): ClientAuthentication {
    const listeners = Object.values(KafkaListener).filter((other) => other === listener || this.listeners.includes(other));
    return new ClientAuthentication(
      listeners,
      more.certificateAuthorities ?? this.certificateAuthorities,
      this.multiVpc,
      more.scramKey ?? this.scramKey,
    );
  }
}
