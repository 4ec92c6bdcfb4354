import type { Duration } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { type Rule, isPositiveInteger } from '../core/rule';
import { type ConnectorSettings, sorted } from './cdc-config';
import type { ConnectorOptions } from './connector';
import type { BoundConnector } from './connector-binding';
import { ConnectorKind } from './connector-config';
import { MYSQL_CONNECTOR } from './mysql-cdc';
import { POSTGRES_CONNECTOR } from './postgres-cdc';
import { StreamCatalog } from './stream-catalog';

/** Connectors that follow one log, with one task. */
const SINGLE_TASK = [MYSQL_CONNECTOR, POSTGRES_CONNECTOR, 'io.debezium.connector.mariadb.MariaDbConnector'];

/** Whether a connector follows one log, so that it has one task. */
export function hasOneTask(connectorClass: string): boolean {
  return SINGLE_TASK.includes(connectorClass);
}

/** Settings that follow from the options; a second place for them would contradict the first. */
const OWN_SETTINGS =
  /^(name|connector\.class|tasks\.max|topics|topics\.regex|errors\.tolerance|errors\.deadletterqueue\..*|consumer\.override\.group\.id)$/;

/** Names of settings that hold a secret. */
const SECRET_NAME = /(password|secret|\.token|credential|access\.key|sasl\.jaas\.config|api\.key)/i;

/** A reference to a config provider, whole or in part. */
const REFERENCE = /\$\{[^}]+\}/;

type ConnectorInput = ConnectorOptions & { readonly name: string };

/** Rules for what both flavours take, given the settings. */
export function connectorRules(settings: ConnectorSettings): Rule<ConnectorInput>[] {
  return [
    {
      code: 'Millrace.ConnectorNameInvalid',
      subject: 'connectorName',
      value: (input) => input.name,
      valid: (name: string) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name),
      allowed: "1-63 lower-case letters, digits or '-', with a letter or digit at both ends",
      fix: 'rename it',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.ConnectorClassInvalid',
      subject: 'config.connectorClass',
      value: (input) => input.config.connectorClass,
      valid: (name: string) => /^([A-Za-z_$][\w$]*\.)+[A-Za-z_$][\w$]*$/.test(name),
      allowed: 'the full name of a Java class',
      fix: 'copy it from the documentation of the plugin',
    },
    {
      code: 'Millrace.ConnectorTasksInvalid',
      subject: 'tasksMax',
      value: (input) => input.tasksMax,
      valid: (tasks: number, input) => isPositiveInteger(tasks) && (tasks === 1 || !hasOneTask(input.config.connectorClass)),
      allowed: (input) =>
        hasOneTask(input.config.connectorClass)
          ? '1: a database has one log, which Debezium follows with one task'
          : 'a whole number above zero',
      fix: 'leave it out for 1',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.ConnectorTopicsMissing',
      subject: 'topics',
      value: (input) => input.topics,
      valid: (topics: unknown[]) => topics.length > 0,
      allowed: 'at least one topic',
      fix: 'give the topics that it reads or writes; what it writes must exist, because brokers create no topics of their own',
    },
    {
      code: 'Millrace.ConnectorDeadLetterOfSource',
      subject: 'deadLetter',
      value: (input) => (input.config.kind === ConnectorKind.SOURCE ? input.deadLetter : undefined),
      valid: () => false,
      allowed: 'nothing for a source: Kafka Connect has dead-letter topics for sinks only',
      fix: 'drop it',
    },
    ...Object.keys(settings).map((name): Rule<ConnectorInput> => ({
      code: 'Millrace.ConnectorSettingReserved',
      subject: `config settings['${name}']`,
      value: () => name,
      valid: () => !OWN_SETTINGS.test(name),
      allowed: 'settings other than name, class, tasks, topics, group and dead letters, which follow from the options',
      fix: 'drop it, and use the option',
    })),
    ...Object.keys(settings).map((name): Rule<ConnectorInput> => ({
      code: 'Millrace.ConnectorSecretInSettings',
      subject: `config settings['${name}']`,
      // The value must not reach the message.
      value: () => (SECRET_NAME.test(name) && !isHarmless(name, settings[name]) ? 'a secret in plain text' : undefined),
      valid: () => false,
      allowed: 'a reference to a config provider: settings are readable in the template, the manifests and the API of the worker',
      // A reference that is written by hand names a secret which nobody lets the workers read.
      fix: 'keep the value in a secret and give Connector.secretReference(secret, key) with secrets on AWS, connectCluster.secretReference(name, key) on Kubernetes',
    })),
  ];
}

/** A reference, or the login module of AWS, which takes its credentials from the role. */
function isHarmless(name: string, value: string): boolean {
  return (
    REFERENCE.test(value) ||
    (name.endsWith('sasl.jaas.config') && /^software\.amazon\.msk\.auth\.iam\.IAMLoginModule required;$/.test(value))
  );
}

/** The settings of a connector with what follows from its options; `groupId` is the group of a sink. */
export function resolveConnector(
  options: ConnectorOptions,
  bound: BoundConnector,
  groupId: string,
  deadLetter?: { readonly topicName: string; readonly replicationFactor: number },
): ConnectorSettings {
  if (options.config.kind === ConnectorKind.SOURCE) return sorted(bound.settings);
  return sorted({
    ...bound.settings,
    topics: options.topics.map(({ topicName }) => topicName).join(','),
    // Where the group follows the connector's name, a replaced connector would begin anew.
    'consumer.override.group.id': groupId,
    ...(deadLetter
      ? {
          'errors.tolerance': 'all',
          'errors.deadletterqueue.topic.name': deadLetter.topicName,
          'errors.deadletterqueue.topic.replication.factor': String(deadLetter.replicationFactor),
          // Topic, offset, class and message of the failure: without them nobody can tell what is wrong with a record.
          'errors.deadletterqueue.context.headers.enable': 'true',
          'errors.log.enable': 'true',
          'errors.log.include.messages': 'false',
        }
      : { 'errors.tolerance': 'none' }),
  });
}

/** Name of the dead-letter topic; nothing where there is none. */
export function deadLetterTopicOf(options: ConnectorOptions, connectorName: string): string | undefined {
  if (options.config.kind === ConnectorKind.SOURCE || options.deadLetter?.enabled === false) return undefined;
  return options.deadLetter?.topicName ?? `${connectorName}.dlq`;
}

const DEAD_LETTER_DAYS = 14;

/** How long dead letters are kept. */
export function deadLetterRetention(options: ConnectorOptions): Duration {
  if (options.deadLetter?.retention) return options.deadLetter.retention;
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- both flavours have loaded it; a contract loads no framework at import
  const cdk = require('aws-cdk-lib') as typeof import('aws-cdk-lib');
  return cdk.Duration.days(DEAD_LETTER_DAYS);
}

/** Tells the catalogue what a connector reads and writes. */
export function recordConnector(construct: IConstruct, options: ConnectorOptions, name: string, clusterName: string): void {
  const { kind, connectorClass } = options.config;
  const topics = options.topics.map(({ topicName }) => ({ clusterName, topicName }));
  const dead = deadLetterTopicOf(options, name);
  const writes = kind === ConnectorKind.SOURCE ? topics : dead === undefined ? [] : [{ clusterName, topicName: dead }];
  const reads = kind === ConnectorKind.SINK ? topics : [];
  StreamCatalog.of(construct).connectors.push({ construct, name, kind, connectorClass, writes, reads });
}
