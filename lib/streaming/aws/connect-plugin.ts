import { createHash } from 'crypto';
import * as fs from 'fs';
import { Names, Resource } from 'aws-cdk-lib';
import * as kafkaconnect from 'aws-cdk-lib/aws-kafkaconnect';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import * as assets from 'aws-cdk-lib/aws-s3-assets';
import type { Construct, IConstruct } from 'constructs';
import { requireAllocation } from '../../cost/applied-allocation';
import { type Rule, enforce } from '../../core/rule';

/** The files of a connector as MSK Connect knows them. */
export interface IConnectPlugin extends IConstruct {
  /** ARN of the custom plugin. */
  readonly pluginArn: string;
  /** Its revision. */
  readonly pluginRevision: number;
}

/** What identifies an existing plugin. */
export interface ConnectPluginAttributes {
  /** ARN of the custom plugin. */
  readonly pluginArn: string;
  /**
   * Its revision.
   * @default 1: plugins are never changed
   */
  readonly pluginRevision?: number;
}

/** A file on this computer. */
export interface PluginFileOptions {
  /** SHA-256 of the file in hexadecimal, from where you got it. The file is checked against it at synth. */
  readonly sha256: string;
}

/** A file in S3. */
export interface PluginObjectOptions {
  /** SHA-256 of the object in hexadecimal. It names the plugin; the object itself is not read at synth. */
  readonly sha256: string;
  /**
   * Version of the object.
   * @default - the one that is current when the plugin is made
   */
  readonly objectVersion?: string;
}

interface PluginSource {
  readonly file: string;
  readonly sha256: string;
  readonly actual?: string;
}

const PLUGIN_RULES: readonly Rule<PluginSource>[] = [
  {
    code: 'Millrace.ConnectPluginFileInvalid',
    subject: 'file',
    value: (source) => source.file,
    valid: (file: string) => /\.(jar|zip)$/i.test(file),
    allowed: 'a .jar or .zip, which is what MSK Connect takes',
    fix: 'pack the files of the connector, and those of config providers and converters that it needs, into one zip',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.ConnectPluginHashInvalid',
    subject: 'sha256',
    value: (source) => source.sha256 ?? null,
    valid: (hash: unknown) => typeof hash === 'string' && /^[0-9a-f]{64}$/i.test(hash),
    allowed: '64 hexadecimal digits',
    fix: 'take it from sha256sum of the file you trust',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.ConnectPluginHashMismatch',
    subject: 'sha256',
    value: (source) => (source.actual === undefined ? undefined : source.sha256),
    valid: (hash: string, source) => hash.toLowerCase() === source.actual,
    allowed: (source) => `the hash of the file, ${source.actual}`,
    fix: 'find out why the file is another one before you run its code beside your data',
  },
];

interface PluginProps {
  readonly bucketArn: string;
  readonly key: string;
  readonly sha256: string;
  /** @default - the current one */
  readonly objectVersion?: string;
}

/**
 * The files of a connector for MSK Connect, as you give them: the library downloads nothing. A plugin is never changed; its name ends in a part
 * of the hash, so that another file makes another plugin beside this one.
 */
export class ConnectPlugin extends Resource implements IConnectPlugin {
  /**
   * A file on this computer, uploaded with the assets of the app.
   *
   * @throws Millrace.ConnectPluginFileInvalid, Millrace.ConnectPluginHashInvalid, Millrace.ConnectPluginHashMismatch
   */
  public static fromAsset(scope: Construct, id: string, file: string, options: PluginFileOptions): ConnectPlugin {
    const actual = createHash('sha256').update(fs.readFileSync(file)).digest('hex');
    enforce(`${scope.node.path}/${id}`, { file, sha256: options.sha256, actual }, PLUGIN_RULES);
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    const asset = new assets.Asset(scope, `${id}File`, { path: file });
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ConnectPlugin(scope, id, { bucketArn: asset.bucket.bucketArn, key: asset.s3ObjectKey, sha256: options.sha256 });
  }

  /**
   * An object in S3.
   *
   * @throws Millrace.ConnectPluginFileInvalid, Millrace.ConnectPluginHashInvalid
   */
  public static fromBucket(scope: Construct, id: string, bucket: s3.IBucket, key: string, options: PluginObjectOptions): ConnectPlugin {
    enforce(`${scope.node.path}/${id}`, { file: key, sha256: options.sha256 }, PLUGIN_RULES);
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ConnectPlugin(scope, id, { bucketArn: bucket.bucketArn, key, ...options });
  }

  /** A plugin that exists already. */
  public static fromConnectPluginAttributes(scope: Construct, id: string, attributes: ConnectPluginAttributes): IConnectPlugin {
    class Import extends Resource implements IConnectPlugin {
      public readonly pluginArn = attributes.pluginArn;
      public readonly pluginRevision = attributes.pluginRevision ?? 1;
    }
    return new Import(scope, id);
  }

  /** ARN of the custom plugin. */
  public readonly pluginArn: string;
  /** Its revision. */
  public readonly pluginRevision: number;

  private constructor(scope: Construct, id: string, props: PluginProps) {
    super(scope, id);
    const base = Names.uniqueResourceName(this, { maxLength: 100, separator: '-', allowedSpecialCharacters: '-' });
    const location = [props.sha256.toLowerCase(), props.objectVersion ?? ''].join(' ');
    const plugin = new kafkaconnect.CfnCustomPlugin(this, 'Resource', {
      name: `${base}-${createHash('sha256').update(location).digest('hex').slice(0, 8)}`,
      contentType: /\.jar$/i.test(props.key) ? 'JAR' : 'ZIP',
      location: { s3Location: { bucketArn: props.bucketArn, fileKey: props.key, objectVersion: props.objectVersion } },
    });
    this.pluginArn = plugin.attrCustomPluginArn;
    // A plugin has the one it was made with: nothing but its tags changes. Its attribute is a number, which no other stack could import.
    this.pluginRevision = 1;
    requireAllocation(this);
  }
}
