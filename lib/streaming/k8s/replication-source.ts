import type { Construct, IConstruct } from 'constructs';
import { refuse, show } from '../../core/error';
import type { NameSelection } from '../replicator';
import type { IKafkaCluster } from './kafka-cluster';
import { KafkaUser } from './kafka-user';
import { type MirrorEnd, allowSelection, strimziEnd } from './mirror-end';

/** Where a password or a private key stands. */
export interface SecretKey {
  /** Name of the secret, in the namespace of the replicator. */
  readonly secretName: string;
  /** Key in the secret. */
  readonly key: string;
}

/** How a replicator signs in to a cluster that is not of this Kubernetes cluster. */
export abstract class SourceAuthentication {
  /** A client certificate and its key, in one secret. */
  public static tls(secretName: string, certificate: string = 'user.crt', privateKey: string = 'user.key'): SourceAuthentication {
    return new FixedAuthentication({ type: 'tls', certificateAndKey: { secretName, certificate, key: privateKey } });
  }

  /** SASL/SCRAM with SHA-512. */
  public static scramSha512(username: string, password: SecretKey): SourceAuthentication {
    return new FixedAuthentication({
      type: 'scram-sha-512',
      username,
      passwordSecret: { secretName: password.secretName, password: password.key },
    });
  }

  /** @internal */
  public abstract get _spec(): object;
}

class FixedAuthentication extends SourceAuthentication {
  constructor(private readonly spec: object) {
    super();
  }

  /** @internal */
  public get _spec(): object {
    return this.spec;
  }
}

/** A Kafka cluster reached over TLS, with a user that may describe and read what is replicated. */
export interface ExternalKafkaProps {
  /** Alias of the cluster, 1-40 lower-case letters, digits or '-'. Prefixed topics begin with it. */
  readonly alias: string;
  /** `host:port` separated by commas. */
  readonly bootstrapServers: string;
  /**
   * Secret with the certificates of the authority that signed the brokers' certificates, as `*.crt`, in the namespace of the replicator.
   * @default - an authority that Java trusts
   */
  readonly trustedCertificatesSecretName?: string;
  /** How the replicator signs in. */
  readonly authentication: SourceAuthentication;
}

/** The cluster that a replicator reads from. */
export abstract class ReplicationSource {
  /** A Strimzi cluster in the namespace of the replicator; a user that may only read is made for it. */
  public static fromCluster(cluster: IKafkaCluster): ReplicationSource {
    return new StrimziSource(cluster);
  }

  /** Any Kafka cluster that can be reached, for example one of another Region. */
  public static fromKafka(props: ExternalKafkaProps): ReplicationSource {
    return new ExternalSource(props);
  }

  /** @internal */
  public abstract _resolve(scope: Construct, topics: NameSelection, groups: NameSelection | undefined): MirrorEnd;
}

class StrimziSource extends ReplicationSource {
  constructor(private readonly cluster: IKafkaCluster) {
    super();
  }

  /** @internal */
  public _resolve(scope: Construct, topics: NameSelection, groups: NameSelection | undefined): MirrorEnd {
    // eslint-disable-next-line awscdk/require-passing-this -- the user belongs to the replicator, not to its declaration of a source
    const user = new KafkaUser(scope, 'SourceUser', { cluster: this.cluster });
    allowSelection(user, 'topic', topics, ['Describe', 'DescribeConfigs', 'Read']);
    if (groups) allowSelection(user, 'group', groups, ['Describe']);
    return strimziEnd(this.cluster, user);
  }
}

class ExternalSource extends ReplicationSource {
  constructor(private readonly props: ExternalKafkaProps) {
    super();
  }

  /** @internal */
  public _resolve(scope: IConstruct): MirrorEnd {
    const { alias, bootstrapServers, trustedCertificatesSecretName, authentication } = this.props;
    if (!/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(alias)) {
      refuse(`${scope.node.path} source`, {
        code: 'Millrace.ReplicatorAliasInvalid',
        subject: 'alias',
        received: show(alias),
        allowed: "1-40 lower-case letters, digits or '-', beginning with a letter: names of topics begin with it",
        fix: 'give the cluster a short name',
      });
    }
    return {
      alias,
      bootstrapServers,
      tls: { trustedCertificates: trustedCertificatesSecretName ? [{ secretName: trustedCertificatesSecretName, pattern: '*.crt' }] : [] },
      authentication: authentication._spec,
    };
  }
}
