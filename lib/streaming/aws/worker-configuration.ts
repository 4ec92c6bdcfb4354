import { createHash } from 'crypto';
import { Fn, Lazy, Resource, Stack } from 'aws-cdk-lib';
import * as kafkaconnect from 'aws-cdk-lib/aws-kafkaconnect';
import type { Construct } from 'constructs';

/** What the settings of a worker are made of. */
export interface WorkerConfigurationProps {
  /** Begins its name. */
  readonly connectorName: string;
  /** Topic for the positions of a source. @default - one that MSK Connect makes for this very connector */
  readonly offsetTopicName?: string;
  /** Whether settings may refer to Secrets Manager. */
  readonly secrets: boolean;
}

/** First part of a SHA-256 over what a value will be in the template: enough to tell one configuration from the next. */
export function shortHash(scope: Construct, value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(Stack.of(scope).resolve(value)))
    .digest('hex')
    .slice(0, 8);
}

/** Name of the config provider for Secrets Manager in references. */
export const SECRETS_PROVIDER = 'secretsmanager';

/** The settings of the workers of a connector. They are never changed: other settings make another configuration under another name. */
export class WorkerConfiguration extends Resource {
  public readonly arn: string;
  public readonly revision: number;
  public readonly settings: { [name: string]: string };

  constructor(scope: Construct, id: string, props: WorkerConfigurationProps) {
    super(scope, id);
    this.settings = {
      // Required; every connector of ours states its own.
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      ...(props.offsetTopicName === undefined ? {} : { 'offset.storage.topic': props.offsetTopicName }),
      ...(props.secrets
        ? {
            'config.providers': SECRETS_PROVIDER,
            [`config.providers.${SECRETS_PROVIDER}.class`]: 'com.amazonaws.kafka.config.providers.SecretsManagerConfigProvider',
            [`config.providers.${SECRETS_PROVIDER}.param.region`]: Stack.of(this).region,
          }
        : {}),
    };
    const lines = Object.entries(this.settings).map(([name, value]) => `${name}=${value}\n`);
    const configuration = new kafkaconnect.CfnWorkerConfiguration(this, 'Resource', {
      name: Lazy.string({ produce: () => `${props.connectorName}-${shortHash(this, lines)}` }),
      propertiesFileContent: Fn.base64(lines.join('')),
    });
    this.arn = configuration.attrWorkerConfigurationArn;
    this.revision = configuration.attrRevision;
  }
}
