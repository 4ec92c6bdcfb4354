import type { LlmSizing } from '../llm-sizing';
import { type VllmArgument, vllmArguments } from '../vllm-arguments';

/** Which server is in the image. */
export enum LlmContainerKind {
  /** AWS' Deep Learning Container of vLLM for SageMaker. */
  VLLM = 'vllm',
  /** AWS' Large Model Inference container (DJL Serving). */
  LMI = 'lmi',
}

/** What the container asks of the instance. */
export interface LlmContainerOptions {
  /**
   * Image of the instances, which decides the version of NVIDIA's driver (SageMaker API, ProductionVariant, InferenceAmiVersion).
   * @default 'al2023-ami-sagemaker-inference-gpu-4-1' - driver 580, for containers up to CUDA 13.0; what SageMaker gives g5 and p4d by itself
   * is driver 470, on which no present container starts
   */
  readonly inferenceAmiVersion?: string;
}

const AMI = 'al2023-ami-sagemaker-inference-gpu-4-1';
/** Where SageMaker puts the files of a model. */
const FILES = '/opt/ml/model';

/** The container of a language model on SageMaker: its image in ECR, and how it is told what the sizing counted with. */
export class LlmContainer {
  /**
   * AWS' container of vLLM for SageMaker, for example `763104351884.dkr.ecr.<region>.amazonaws.com/vllm:<tag>`, or one of your own that reads
   * `SM_VLLM_*` as it does (AWS Deep Learning Containers, vLLM configuration).
   */
  public static vllm(image: string, options: LlmContainerOptions = {}): LlmContainer {
    return new LlmContainer(LlmContainerKind.VLLM, image, options.inferenceAmiVersion ?? AMI);
  }

  /**
   * AWS' container for large models with vLLM in it, `763104351884.dkr.ecr.<region>.amazonaws.com/djl-inference:<tag>`, which takes the
   * arguments of vLLM as `OPTION_*` (DJL Serving, vLLM engine user guide). How it batches is what its version does by default.
   */
  public static lmi(image: string, options: LlmContainerOptions = {}): LlmContainer {
    return new LlmContainer(LlmContainerKind.LMI, image, options.inferenceAmiVersion ?? AMI);
  }

  private constructor(
    /** Which server is in it. */
    public readonly kind: LlmContainerKind,
    /** Its image. */
    public readonly image: string,
    /** Image of the instances. */
    public readonly inferenceAmiVersion: string,
  ) {}

  /**
   * What the container is told.
   * @internal
   */
  public _environment(sizing: LlmSizing): { [name: string]: string } {
    const given: VllmArgument[] = [['served-model-name', sizing.model.name], ...vllmArguments(sizing)];
    if (this.kind === LlmContainerKind.LMI) return { HF_MODEL_ID: FILES, ...variables('OPTION_', given.map(asOption)) };
    return variables('SM_VLLM_', [['model', FILES], ...given]);
  }
}

/** What DJL Serving calls otherwise than vLLM does. */
const OPTIONS: Readonly<Record<string, string>> = {
  'tensor-parallel-size': 'tensor-parallel-degree',
  'max-num-seqs': 'max-rolling-batch-size',
  'max-num-batched-tokens': 'max-rolling-batch-prefill-tokens',
};

function asOption([name, value]: VllmArgument): VllmArgument {
  return [OPTIONS[name] ?? name, value];
}

function variables(prefix: string, given: readonly VllmArgument[]): { [name: string]: string } {
  return Object.fromEntries(given.map(([name, value]) => [prefix + name.toUpperCase().replace(/-/g, '_'), value]));
}
