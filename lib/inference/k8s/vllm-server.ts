import type { Duration, Size } from 'aws-cdk-lib';

/** How vLLM reads the weights. */
export enum LlmLoadFormat {
  /** Files on a disk, as they are. */
  AUTO = 'auto',
  /** Streamed to the GPU by the Run:ai model streamer, which an image has with `vllm[runai]`; the only way for weights in a bucket. */
  RUNAI_STREAMER = 'runai_streamer',
}

/** The server in the pods. */
export interface VllmServerOptions {
  /** Image of vLLM with tag or digest, for example `vllm/vllm-openai:v0.18.1`. */
  readonly image: string;
  /**
   * Version of vLLM, 0.12.0 or later: switches and metrics depend on it.
   * @default - from the tag of the image
   */
  readonly version?: string;
  /**
   * How the weights are read.
   * @default - RUNAI_STREAMER for `s3://` and `gs://`, AUTO for others
   */
  readonly loadFormat?: LlmLoadFormat;
  /**
   * Name of a secret whose key `token` is a token of Hugging Face, for gated models. It is mounted as a file.
   * @default - none
   */
  readonly tokenSecretName?: string;
  /**
   * How long a replica may take to start: fetch, load, compile. Whole tens of seconds.
   * @default Duration.minutes(10)
   */
  readonly startupTimeout?: Duration;
  /**
   * Shared memory (`/dev/shm`), by which the processes of a replica talk. It counts as memory of the pod.
   * @default - 1 GiB with one GPU, 20 GiB with more
   */
  readonly sharedMemory?: Size;
  /**
   * More arguments of `vllm serve`, for example `--enable-auto-tool-choice`. None that the sizing decides.
   * @default - none
   */
  readonly args?: string[];
}
