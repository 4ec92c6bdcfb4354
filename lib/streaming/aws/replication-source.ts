import { Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';
import type { IKafkaCluster } from './kafka-cluster';
import { type ResolvedSource, mskEnd, offerToReplicators, regionOf } from './replication-end';

/** How a replicator signs in to a cluster that is not on MSK. */
export enum SelfManagedAuthentication {
  /** SASL/SCRAM with SHA-256; the secret has `username`, `password` and, for a private authority, `certificate`. */
  SCRAM_SHA256 = 'SHA256',
  /** SASL/SCRAM with SHA-512; the secret has the same keys. */
  SCRAM_SHA512 = 'SHA512',
  /** A client certificate; the secret has `certificate` and `privateKey`. */
  MTLS = 'MTLS',
}

/** A Kafka cluster that is not on MSK, 2.8.1 or later, with TLS. */
export interface SelfManagedKafkaProps {
  /** Cluster id, as `kafka-cluster.sh cluster-id` prints it. */
  readonly clusterId: string;
  /** `host:port` separated by commas. */
  readonly bootstrapServers: string;
  /** Network from which the cluster is reached. */
  readonly vpc: ec2.IVpc;
  /**
   * Subnets of that network, at least two.
   * @default - private subnets with egress
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /** How the replicator signs in. */
  readonly authentication: SelfManagedAuthentication;
  /** Credentials; a secret of another account or with a key of its own needs a key policy for the replicator's role. */
  readonly secret: secretsmanager.ISecret;
  /**
   * Secret with the certificate of a private authority that signed the brokers' certificates.
   * @default - a public authority signed them
   */
  readonly rootCertificate?: secretsmanager.ISecret;
}

/** The cluster that a replicator reads from. */
export abstract class ReplicationSource {
  /**
   * An MSK cluster of this account, in this Region or another. In another Region it must have multi-VPC connectivity for IAM and a cluster
   * policy that lets `kafka.amazonaws.com` connect (MSK developer guide, "Network requirements" of MSK Replicator); one of this app gets the
   * policy by itself.
   */
  public static fromCluster(cluster: IKafkaCluster): ReplicationSource {
    return new MskSource(cluster);
  }

  /** A Kafka cluster that is not on MSK; the target must have Express brokers. */
  public static fromKafka(props: SelfManagedKafkaProps): ReplicationSource {
    return new SelfManagedSource(props);
  }

  /** @internal */
  public abstract _resolve(scope: IConstruct, securityGroupId: string): ResolvedSource;
}

class MskSource extends ReplicationSource {
  constructor(private readonly cluster: IKafkaCluster) {
    super();
  }

  /** @internal */
  public _resolve(scope: IConstruct, securityGroupId: string): ResolvedSource {
    const isCrossRegion = regionOf(this.cluster) !== Stack.of(scope).region;
    if (isCrossRegion) offerToReplicators(scope, this.cluster);
    return {
      name: this.cluster.clusterName,
      clusterArn: this.cluster.clusterArn,
      // Across Regions the source is reached by PrivateLink, and security groups of the other Region are not taken.
      cluster: mskEnd(scope, this.cluster, isCrossRegion ? undefined : [securityGroupId]),
      connections: isCrossRegion ? undefined : this.cluster.connections,
      ports: [],
      secrets: [],
      key: this.cluster.encryptionKey,
      isCrossRegion,
      construct: this.cluster,
    };
  }
}

class SelfManagedSource extends ReplicationSource {
  constructor(private readonly props: SelfManagedKafkaProps) {
    super();
  }

  /** @internal */
  public _resolve(_scope: IConstruct, securityGroupId: string): ResolvedSource {
    const { clusterId, bootstrapServers, vpc, vpcSubnets, authentication, secret, rootCertificate } = this.props;
    return {
      name: clusterId,
      clusterId,
      cluster: {
        apacheKafkaCluster: { apacheKafkaClusterId: clusterId, bootstrapBrokerString: bootstrapServers },
        clientAuthentication:
          authentication === SelfManagedAuthentication.MTLS
            ? { mtls: { secretArn: secret.secretArn } }
            : { saslScram: { mechanism: authentication, secretArn: secret.secretArn } },
        encryptionInTransit: { encryptionType: 'TLS', rootCaCertificate: rootCertificate?.secretArn },
        vpcConfig: { subnetIds: vpc.selectSubnets(vpcSubnets).subnetIds, securityGroupIds: [securityGroupId] },
      },
      // Credentials are read over HTTPS from the same network.
      ports: [...portsOf(bootstrapServers), ec2.Port.HTTPS],
      secrets: [secret, ...(rootCertificate ? [rootCertificate] : [])],
      isCrossRegion: false,
    };
  }
}

function portsOf(bootstrapServers: string): ec2.Port[] {
  if (Token.isUnresolved(bootstrapServers)) return [ec2.Port.allTcp()];
  const ports = new Set(bootstrapServers.split(',').map((server) => Number(server.trim().split(':').pop())));
  return [...ports].map((port) => ec2.Port.tcp(port));
}
