import { Resource, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct, IConstruct } from 'constructs';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { KafkaAcls } from './kafka-acls';
import type { IKafkaCluster } from './kafka-cluster';
import { KafkaUserGrants } from './kafka-user-grants';
import { KAFKA_USER_RULES, SECRET_PREFIX } from './kafka-user-rules';
import { ScramCredentials } from './scram-credentials';

const KAFKA_USER = Symbol.for('millrace.aws.KafkaUser');

/** A client of an MSK cluster that Kafka itself knows, by password or by certificate, and not IAM. */
export interface IKafkaUser extends IConstruct, iam.IGrantable {
  /** The cluster that knows the user. */
  readonly cluster: IKafkaCluster;
  /** Name in Kafka: of a password, or the distinguished name of a certificate. */
  readonly userName: string;
  /** What ACLs and quotas are given to, for example `User:reports`. */
  readonly principal: string;
  /**
   * Lets the user do operations on one resource; topics and their grants call it.
   *
   * @param resourceType `topic`, `group`, `transactionalId` or `cluster`.
   * @param name Name of the resource, or how it begins; `kafka-cluster` for the cluster.
   * @param patternType `literal` or `prefix`.
   * @param operations As Kafka names them, for example `Read`.
   */
  allow(resourceType: string, name: string, patternType: string, operations: string[]): void;
}

/** Properties of a Kafka user. */
export interface KafkaUserProps {
  /** The cluster; that of a user with a password is made in the same stack. */
  readonly cluster: IKafkaCluster;
  /**
   * Name of a user with a password: 1-64 letters, digits, `.`, `_`, `@` or `-`. Give this or `distinguishedName`. Changing it makes a new
   * user and secret.
   * @default - the user has a certificate
   */
  readonly userName?: string;
  /**
   * A secret with the JSON fields `username`, as above, and `password`: its name begins with `AmazonMSK_` and its key is a customer key.
   * @default - one is made, with a password of 32 characters
   */
  readonly secret?: secretsmanager.ISecret;
  /**
   * Distinguished name of the certificate of a user, as Java writes it: `CN=reports,O=Example`, no space after a comma.
   * @default - the user has a password
   */
  readonly distinguishedName?: string;
}

/** What identifies a user that is declared elsewhere. */
export interface KafkaUserAttributes {
  /** The cluster that knows the user. */
  readonly cluster: IKafkaCluster;
  /** Name in Kafka: of a password, or the distinguished name of a certificate. */
  readonly userName: string;
}

/**
 * A client of an MSK cluster with a password (SASL/SCRAM) or a certificate (mutual TLS), for clients that cannot speak IAM. Rights are given
 * to it as to any grantee: `topic.grants.produce(user)` becomes ACLs. A workload that acts as the user is given the way in with
 * `user.grants.connect(workload)`.
 *
 * A password lives in a secret of Secrets Manager under a customer key; a new password in it reaches the brokers within ten minutes, and
 * connections that are open stay. The secret stays when the user leaves the app, and MSK forgets the user.
 *
 * @throws Millrace.KafkaUserKindInvalid, Millrace.KafkaUserNameInvalid, Millrace.KafkaListenerOff, Millrace.KafkaUserForeignStack,
 * Millrace.KafkaSecretNameInvalid, Millrace.KafkaSecretKeyMissing, Millrace.KafkaAdminOnServerless, Millrace.TokenRefused
 */
export class KafkaUser extends Resource implements IKafkaUser {
  /** A user that is declared elsewhere, to grant it access. */
  public static fromKafkaUserAttributes(scope: Construct, id: string, attributes: KafkaUserAttributes): IKafkaUser {
    class Import extends Resource implements IKafkaUser {
      public readonly cluster = attributes.cluster;
      public readonly userName = attributes.userName;
      public readonly principal = `User:${attributes.userName}`;
      public readonly grantPrincipal: iam.IPrincipal = new iam.UnknownPrincipal({ resource: this });
      public allow(resourceType: string, name: string, patternType: string, operations: string[]): void {
        allowUser(this, resourceType, name, patternType, operations);
      }
    }
    return markUser(new Import(scope, id));
  }

  /** Whether something that access is granted to is a Kafka user, and gets ACLs rather than IAM statements. */
  public static isKafkaUser(x: any): x is IKafkaUser {
    return x !== null && typeof x === 'object' && KAFKA_USER in x;
  }

  /** The cluster that knows the user. */
  public readonly cluster: IKafkaCluster;
  /** Name in Kafka. */
  public readonly userName: string;
  /** What ACLs and quotas are given to. */
  public readonly principal: string;
  /** Secret with the password; none for a user with a certificate. */
  public readonly secret?: secretsmanager.ISecret;
  /** Who may act as this user. */
  public readonly grants: KafkaUserGrants;
  /** IAM does not know the user: a grant of anything but topics and groups is not done, and says so. */
  public readonly grantPrincipal: iam.IPrincipal;

  constructor(scope: Construct, id: string, props: KafkaUserProps) {
    super(scope, id);
    enforce(this.node.path, { ...props, user: this }, KAFKA_USER_RULES);
    this.cluster = props.cluster;
    this.userName = (props.userName ?? props.distinguishedName)!;
    this.principal = `User:${this.userName}`;
    this.grantPrincipal = new iam.UnknownPrincipal({ resource: this });
    this.grants = new KafkaUserGrants(this);
    markUser(this);
    if (props.userName !== undefined) {
      const credentials = ScramCredentials.of(props.cluster);
      this.secret = props.secret ?? this.makeSecret(props.cluster, credentials);
      credentials.add(this.secret);
    }
    requireAllocation(this);
  }

  /**
   * Lets the user do operations on one resource; topics and their grants call it.
   *
   * @param resourceType `topic`, `group`, `transactionalId` or `cluster`.
   * @param name Name of the resource, or how it begins; `kafka-cluster` for the cluster.
   * @param patternType `literal` or `prefix`.
   * @param operations As Kafka names them, for example `Read`.
   * @throws Millrace.KafkaAclInvalid
   */
  public allow(resourceType: string, name: string, patternType: string, operations: string[]): void {
    allowUser(this, resourceType, name, patternType, operations);
  }

  private makeSecret(cluster: IKafkaCluster, { encryptionKey, removalPolicy }: ScramCredentials): secretsmanager.Secret {
    const secret = new secretsmanager.Secret(this, 'Resource', {
      secretName: `${SECRET_PREFIX}${cluster.clusterName}_${this.userName}`,
      description: `Password of a user of the Kafka cluster ${cluster.clusterName}`,
      encryptionKey,
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ username: this.userName }),
        generateStringKey: 'password',
        // Passwords go into JAAS lines and URLs.
        excludePunctuation: true,
        passwordLength: 32,
      },
      removalPolicy,
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'AWS has no rotation function for passwords of MSK, and one that does not know the clients cuts off those that hold the old password',
    });
    return secret;
  }
}

function markUser<T extends IKafkaUser>(user: T): T {
  Object.defineProperty(user, KAFKA_USER, { value: true });
  return user;
}

/** Strimzi's words, which grants of both flavours use, in those of Kafka's protocol: `transactionalId` is `TRANSACTIONAL_ID`. */
const inKafkasWords = (word: string) => word.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase();

function allowUser(user: IKafkaUser, resourceType: string, name: string, patternType: string, operations: string[]): void {
  KafkaAcls.of(user.cluster, user.principal).allow({
    resourceType: inKafkasWords(resourceType),
    name,
    patternType: patternType === 'prefix' ? 'PREFIXED' : inKafkasWords(patternType),
    operations: operations.map(inKafkasWords),
  });
}
