import { enforce, type Rule } from '../core/rule';
import type { ModelInput } from './model-input';

/** What kind of thing is served. */
export enum ModelSourceKind {
  /** A container with its own server, and the files of the model beside it. */
  CONTAINER = 'container',
  /** An approved version of SageMaker's registry. */
  MODEL_PACKAGE = 'modelPackage',
  /** Files of a format that a serving runtime of KServe knows. */
  FORMAT = 'format',
}

/** A model in a container. */
export interface ContainerModelOptions {
  /** Container image with tag or digest. */
  readonly image: string;
  /**
   * Where the files of the model lie: `s3://bucket/prefix/`, or on SageMaker also one `model.tar.gz`. They stand below `/opt/ml/model` on
   * SageMaker and below `/mnt/models` on KServe.
   * @default - in the image
   */
  readonly modelUri?: string;
  /**
   * Environment of the container.
   * @default - empty
   */
  readonly environment?: { [name: string]: string };
  /**
   * What the model takes.
   * @default - unknown: nothing is checked
   */
  readonly input?: ModelInput;
}

/** A model by its version in SageMaker's registry. */
export interface ModelPackageOptions {
  /** ARN of the version: `arn:aws:sagemaker:<region>:<account>:model-package/<group>/<version>`. */
  readonly modelPackageArn: string;
  /**
   * Environment of its containers, beside what the version says.
   * @default - empty
   */
  readonly environment?: { [name: string]: string };
  /**
   * What the model takes.
   * @default - unknown: nothing is checked
   */
  readonly input?: ModelInput;
}

/** A model by its format. */
export interface FormatModelOptions {
  /** Format as the runtimes of KServe name it: `xgboost`, `sklearn`, `lightgbm`, `onnx`, `huggingface`. */
  readonly format: string;
  /** Where the files of the model lie: `s3://`, `gs://`, `pvc://`, `hf://`, `https://`. */
  readonly modelUri: string;
  /**
   * Serving runtime.
   * @default - the one that KServe chooses for the format
   */
  readonly runtime?: string;
  /**
   * Environment of the runtime's container.
   * @default - empty
   */
  readonly environment?: { [name: string]: string };
  /**
   * What the model takes.
   * @default - unknown: nothing is checked
   */
  readonly input?: ModelInput;
}

interface SourceFields {
  readonly kind: ModelSourceKind;
  readonly image?: string;
  readonly modelUri?: string;
  readonly modelPackageArn?: string;
  readonly format?: string;
  readonly runtime?: string;
  readonly environment?: { [name: string]: string };
  readonly input?: ModelInput;
}

const SOURCE_RULES: readonly Rule<SourceFields>[] = [
  {
    code: 'Millrace.ModelSourceInvalid',
    subject: 'image',
    value: (source) => source.image,
    valid: (image: string) =>
      /^[\w.\-/]+(:\d+\/[\w.\-/]+)?(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/.test(image) && /[:@][^/]+$/.test(image) && !/:latest$/.test(image),
    allowed: 'an image with a tag other than latest, or a digest',
    fix: 'name the version that was tested: registry/repository:tag',
  },
  {
    code: 'Millrace.ModelSourceInvalid',
    subject: 'modelUri',
    value: (source) => source.modelUri,
    valid: (uri: string) => /^[a-z][a-z0-9+-]*:\/\/[^\s/]+/.test(uri),
    allowed: 'a URI with a scheme and a place: s3://bucket/prefix/',
    fix: 'name the version of the model in the path: a new model is a new place',
  },
  {
    code: 'Millrace.ModelSourceInvalid',
    subject: 'modelPackageArn',
    value: (source) => source.modelPackageArn,
    valid: (arn: string) => /^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:model-package\/[\w-]+\/\d+$/.test(arn),
    allowed: 'the ARN of one version: arn:aws:sagemaker:<region>:<account>:model-package/<group>/<version>',
    fix: 'name the version, not the group',
  },
  {
    code: 'Millrace.ModelSourceInvalid',
    subject: 'format',
    value: (source) => source.format,
    valid: (format: string) => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(format),
    allowed: 'a format as a serving runtime names it: xgboost, sklearn, lightgbm, onnx, huggingface',
    fix: 'look it up: kubectl get clusterservingruntimes',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.ModelSourceInvalid',
    subject: 'environment',
    value: (source) => (source.environment ? Object.keys(source.environment) : undefined),
    valid: (names: string[]) => names.every((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)),
    allowed: 'names of variables: letters, digits and _, no digit first',
    fix: 'rename the variable',
  },
];

/**
 * What an endpoint serves, with the input that it takes.
 *
 * Each factory throws Millrace.ModelSourceInvalid.
 */
export class ModelSource {
  /** A container with its own server; both flavours serve it. */
  public static container(options: ContainerModelOptions): ModelSource {
    return new ModelSource({ kind: ModelSourceKind.CONTAINER, ...options });
  }

  /** An approved version of SageMaker's registry; SageMaker serves it. */
  public static modelPackage(options: ModelPackageOptions): ModelSource {
    return new ModelSource({ kind: ModelSourceKind.MODEL_PACKAGE, ...options });
  }

  /** Files of a known format; KServe serves them. */
  public static format(options: FormatModelOptions): ModelSource {
    return new ModelSource({ kind: ModelSourceKind.FORMAT, ...options });
  }

  /** What kind of thing is served. */
  public readonly kind: ModelSourceKind;
  /** What the model takes. */
  public readonly input?: ModelInput;
  /** @internal */
  public readonly _image?: string;
  /** @internal */
  public readonly _modelUri?: string;
  /** @internal */
  public readonly _modelPackageArn?: string;
  /** @internal */
  public readonly _format?: string;
  /** @internal */
  public readonly _runtime?: string;
  /** @internal */
  public readonly _environment: { readonly [name: string]: string };

  private constructor(source: SourceFields) {
    enforce(`ModelSource.${source.kind}`, source, SOURCE_RULES);
    this.kind = source.kind;
    this.input = source.input;
    this._image = source.image;
    this._modelUri = source.modelUri;
    this._modelPackageArn = source.modelPackageArn;
    this._format = source.format;
    this._runtime = source.runtime;
    this._environment = { ...source.environment };
  }
}
