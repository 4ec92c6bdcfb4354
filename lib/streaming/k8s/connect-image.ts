import { type Rule, enforce } from '../../core/rule';

/** Kinds of files in a plugin. */
export enum PluginArtifactType {
  JAR = 'jar',
  TGZ = 'tgz',
  ZIP = 'zip',
}

/** A file of a plugin, where the builder finds it. */
export interface PluginArtifact {
  /** URL of the file, over HTTPS. */
  readonly url: string;
  /** SHA-512 of the file in hexadecimal; the build fails for another file. */
  readonly sha512: string;
  /**
   * What the file is.
   * @default - from the end of the URL
   */
  readonly type?: PluginArtifactType;
}

const ENDINGS: readonly [RegExp, PluginArtifactType][] = [
  [/\.jar$/i, PluginArtifactType.JAR],
  [/\.(tgz|tar\.gz)$/i, PluginArtifactType.TGZ],
  [/\.zip$/i, PluginArtifactType.ZIP],
];

function typeOf({ url, type }: PluginArtifact): PluginArtifactType | undefined {
  return type ?? ENDINGS.find(([ending]) => ending.test(url))?.[1];
}

interface PluginInput {
  readonly name: string;
  readonly artifacts: PluginArtifact[];
}

function rules({ artifacts }: PluginInput): Rule<PluginInput>[] {
  return [
    {
      code: 'Millrace.ConnectPluginNameInvalid',
      subject: 'name',
      value: (plugin) => plugin.name,
      valid: (name: string) => /^[a-z0-9][-_a-z0-9]*[a-z0-9]$/.test(name),
      allowed: "lower-case letters, digits, '-' or '_', with a letter or digit at both ends (Strimzi: KafkaConnect)",
      fix: 'rename it',
    },
    {
      code: 'Millrace.ConnectPluginFileInvalid',
      subject: 'artifacts',
      value: (plugin) => plugin.artifacts,
      valid: (given: unknown[]) => given.length > 0,
      allowed: 'at least one file',
      fix: 'give the URL of the plugin',
    },
    ...artifacts.flatMap((artifact, index): Rule<PluginInput>[] => [
      {
        code: 'Millrace.ConnectPluginFileInvalid',
        subject: `artifacts[${index}].url`,
        value: () => artifact.url,
        valid: (url: string) => /^https:\/\/\S+$/.test(url) && typeOf(artifact) !== undefined,
        allowed: 'an https URL that ends in .jar, .tgz, .tar.gz or .zip, or one with a type',
        fix: 'correct it, or give type',
      },
      {
        code: 'Millrace.ConnectPluginHashInvalid',
        subject: `artifacts[${index}].sha512`,
        value: () => artifact.sha512 ?? null,
        valid: (hash: unknown) => typeof hash === 'string' && /^[0-9a-f]{128}$/i.test(hash),
        allowed: '128 hexadecimal digits',
        fix: 'take it from sha512sum of the file you trust',
      },
    ]),
  ];
}

/** The files of one plugin, which Strimzi's builder downloads; the library downloads nothing. */
export class ConnectPlugin {
  /**
   * A plugin from its files.
   *
   * @throws Millrace.ConnectPluginNameInvalid, Millrace.ConnectPluginFileInvalid, Millrace.ConnectPluginHashInvalid
   */
  public static fromUrls(name: string, artifacts: PluginArtifact[]): ConnectPlugin {
    const input = { name, artifacts };
    enforce(`ConnectPlugin ${name}`, input, rules(input));
    return new ConnectPlugin(name, artifacts);
  }

  private constructor(
    /** Name of the plugin. */
    public readonly name: string,
    private readonly artifacts: PluginArtifact[],
  ) {}

  /** @internal */
  public _render(): unknown {
    return {
      name: this.name,
      artifacts: this.artifacts.map((artifact) => ({
        type: typeOf(artifact),
        url: artifact.url,
        sha512sum: artifact.sha512.toLowerCase(),
      })),
    };
  }
}

/** An image that Strimzi builds and pushes. */
export interface ConnectBuild {
  /** The image it pushes, with its tag, in a registry of yours. */
  readonly image: string;
  /** What it puts in. */
  readonly plugins: ConnectPlugin[];
  /**
   * Secret of type `kubernetes.io/dockerconfigjson` with which it pushes.
   * @default - none
   */
  readonly pushSecretName?: string;
}

/** The image of the workers, with the plugins of the connectors in it. */
export class ConnectImage {
  /**
   * An image that exists, made from Strimzi's with the plugins added. Give its digest: a tag may be another image tomorrow.
   *
   * @throws Millrace.ConnectImageInvalid
   */
  public static fromRegistry(image: string): ConnectImage {
    checkImage(image);
    return new ConnectImage({ image });
  }

  /**
   * An image that Strimzi builds in the cluster.
   *
   * @throws Millrace.ConnectImageInvalid, Millrace.ConnectPluginMissing
   */
  public static fromPlugins(build: ConnectBuild): ConnectImage {
    checkImage(build.image);
    enforce('ConnectImage', build, [
      {
        code: 'Millrace.ConnectPluginMissing',
        subject: 'plugins',
        value: (input) => input.plugins,
        valid: (plugins: unknown[]) => plugins.length > 0,
        allowed: 'at least one plugin',
        fix: 'give the files of a connector with ConnectPlugin.fromUrls',
      },
    ]);
    const output = { type: 'docker', image: build.image, pushSecret: build.pushSecretName };
    return new ConnectImage({ build: { output, plugins: build.plugins.map((plugin) => plugin._render()) } });
  }

  private constructor(private readonly fields: Record<string, unknown>) {}

  /** @internal */
  public _render(): Record<string, unknown> {
    return this.fields;
  }
}

function checkImage(image: string): void {
  enforce('ConnectImage', { image }, [
    {
      code: 'Millrace.ConnectImageInvalid',
      subject: 'image',
      value: (input) => input.image,
      valid: (name: string) => /^[a-z0-9][\w.:/-]*(:[\w][\w.-]*|@sha256:[0-9a-f]{64})$/.test(name) && !/:latest$/.test(name),
      allowed: 'an image with a digest, or a tag other than latest: workers that restart would run whatever is there',
      fix: 'give the digest',
    },
  ]);
}
