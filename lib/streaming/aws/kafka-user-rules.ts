import { Stack, Token } from 'aws-cdk-lib';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';
import type { Rule } from '../../core/rule';
import { NOT_ON_SERVERLESS } from './kafka-admin-rules';
import type { IKafkaCluster } from './kafka-cluster';
import { KafkaListener } from './kafka-listener';
import { isMadeHere } from './scram-credentials';

/** How the name of every secret begins that MSK takes (MSK developer guide, Sign-in credentials authentication). */
export const SECRET_PREFIX = 'AmazonMSK_';

/** A user before it is made. */
export interface KafkaUserInput {
  readonly user: IConstruct;
  readonly cluster: IKafkaCluster;
  readonly userName?: string;
  readonly distinguishedName?: string;
  readonly secret?: secretsmanager.ISecret;
}

/** The name of a secret where it can be known at synth: that of the resource, as `secretName` of one that is made here is read from its ARN. */
function nameOf(secret: secretsmanager.ISecret): string | undefined {
  const made = secret.node.defaultChild as { name?: unknown } | undefined;
  const name = made && 'name' in made ? made.name : secret.secretName;
  return typeof name === 'string' && !Token.isUnresolved(name) ? name : undefined;
}

/** Rules for a user of either kind. */
export const KAFKA_USER_RULES: readonly Rule<KafkaUserInput>[] = [
  NOT_ON_SERVERLESS as Rule<KafkaUserInput>,
  {
    code: 'Millrace.KafkaUserKindInvalid',
    subject: 'userName, distinguishedName',
    value: (input) => [input.userName && 'userName', input.distinguishedName && 'distinguishedName'].filter(Boolean),
    valid: (given: string[]) => given.length === 1,
    allowed: 'either a userName (password) or a distinguishedName (certificate)',
    fix: 'give one of them',
  },
  {
    code: 'Millrace.KafkaUserNameInvalid',
    subject: 'userName',
    value: (input) => input.userName,
    valid: (name: string) => /^[\w.@-]{1,64}$/.test(name),
    allowed: "1-64 letters, digits, '.', '_', '@' or '-'",
    fix: 'rename it',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaUserNameInvalid',
    subject: 'distinguishedName',
    value: (input) => input.distinguishedName,
    valid: (name: string) => /^[A-Za-z][\w.]*=[^,\s][^,]*(,[A-Za-z][\w.]*=[^,\s][^,]*)*$/.test(name) && /(^|,)CN=/.test(name),
    allowed: "attributes with a CN, separated by ',' without space, and no 'User:' before them",
    fix: "write it as Java does, for example 'CN=reports,O=Example'",
    tokens: 'refuse',
  },
  {
    code: 'Millrace.KafkaListenerOff',
    subject: 'cluster',
    value: ({ cluster, distinguishedName }) =>
      cluster.clientAuthentication && !cluster.isServerless
        ? `${distinguishedName ? KafkaListener.MTLS : KafkaListener.SCRAM} beside ${cluster.clientAuthentication.listeners.join(', ')}`
        : undefined,
    valid: (_shown: string, { cluster, distinguishedName }) =>
      cluster.clientAuthentication!.listeners.includes(distinguishedName ? KafkaListener.MTLS : KafkaListener.SCRAM),
    allowed: 'a cluster that knows clients in that way',
    fix: ({ distinguishedName }) =>
      `give the cluster clientAuthentication: ClientAuthentication.iam().${distinguishedName ? 'withMtls([…])' : 'withScram()'}`,
  },
  {
    code: 'Millrace.KafkaUserForeignStack',
    subject: 'cluster',
    // MSK keeps one list of secrets a cluster, beside it: a user of another stack would make the two stacks wait for each other.
    value: ({ userName, cluster }) =>
      userName && !cluster.isServerless
        ? isMadeHere(cluster)
          ? `a cluster of stack ${Stack.of(cluster).node.path}`
          : 'an imported cluster'
        : undefined,
    valid: (_shown: string, { user, cluster }) => isMadeHere(cluster) && Stack.of(user) === Stack.of(cluster),
    allowed: 'a user with a password in the stack that makes its cluster',
    fix: 'make the user in that stack and use KafkaUser.fromKafkaUserAttributes here',
  },
  {
    code: 'Millrace.KafkaSecretNameInvalid',
    subject: 'secret',
    value: ({ secret }) => secret && (nameOf(secret) ?? 'a name that CloudFormation makes up'),
    valid: (name: string) => name.startsWith(SECRET_PREFIX),
    allowed: `a name that begins with ${SECRET_PREFIX}; MSK takes no other`,
    fix: `give the secret a secretName that begins with ${SECRET_PREFIX} (a changed name is a new secret), or leave it out`,
  },
  {
    code: 'Millrace.KafkaSecretKeyMissing',
    subject: 'secret',
    value: ({ secret }) => secret && (secret.encryptionKey ? 'a customer key' : 'the key that AWS manages, or an unknown one'),
    valid: (_shown: string, { secret }) => secret!.encryptionKey !== undefined,
    allowed: 'a customer key; MSK refuses a secret under aws/secretsmanager',
    fix: 'give the secret an encryptionKey; for an imported one Secret.fromSecretAttributes with its encryptionKey',
  },
];
