import type { Duration } from 'aws-cdk-lib';

/** What a language model must serve. */
export interface LlmDemand {
  /** Tokens of a prompt, mean. */
  readonly inputTokens: number;
  /** Tokens of an answer, mean. */
  readonly outputTokens: number;
  /**
   * Requests a second at peak. How long each takes comes from a benchmark.
   * @default - `concurrentSequences` says what is in flight; one of the two is needed
   */
  readonly requestsPerSecond?: number;
  /**
   * Requests in flight at peak, where that is what one knows, for example the seats of an assistant.
   * @default - from `requestsPerSecond` and a benchmark
   */
  readonly concurrentSequences?: number;
  /**
   * Longest prompt and answer together that is served, tokens. Longer ones are refused by the server.
   * @default - what the model was trained for
   */
  readonly contextLength?: number;
  /**
   * Time until the first token within which 99 of 100 answers begin: the promise to callers.
   * @default - nothing is promised
   */
  readonly timeToFirstToken?: Duration;
}

/** What a load test of the model on one instance has shown. Nothing else says how fast a model is, so the library has no figures of its own. */
export interface LlmBenchmark {
  /** EC2 instance type that was measured, for example `g6e.12xlarge`. */
  readonly instanceType: string;
  /** Tokens of answers a second that one replica makes at that concurrency. */
  readonly tokensPerSecond: number;
  /** Requests in flight on the replica meanwhile. */
  readonly concurrency: number;
  /**
   * GPUs of the instance that were used.
   * @default - all
   */
  readonly tensorParallel?: number;
  /**
   * Time until the first token, the 99th percentile of the test.
   * @default - not measured; a promise of it then cannot be checked, and the time counts as none
   */
  readonly timeToFirstToken?: Duration;
  /** Where the figures come from: a report, a commit, a date. It stands in the reason of the sizing. */
  readonly source: string;
}
