import type { Rule } from '../../core/rule';
import { EndpointScaling } from '../endpoint-scaling';
import { type LlmScaling, LlmScalingKind } from '../llm-scaling';
import type { LlmSizing } from '../llm-sizing';
import type { LlmContainer } from './llm-container';

/** What an endpoint for a language model is checked by; the rest is for `ModelEndpoint` to check. */
export interface LlmEndpointInput {
  readonly sizing: LlmSizing;
  readonly container: LlmContainer;
  readonly scaling: LlmScaling;
}

const CODE = 'Millrace.LlmEndpointInvalid';

/** Rules for a language model on SageMaker. */
export const LLM_ENDPOINT_RULES: readonly Rule<LlmEndpointInput>[] = [
  {
    code: CODE,
    subject: 'sizing.nodes',
    value: ({ sizing }) => sizing.nodes,
    valid: (nodes: number) => nodes === 1,
    allowed: '1: an endpoint of SageMaker holds a copy of a model on one instance',
    fix: 'leave maxNodes of the sizing out, use a larger instance, or inference.k8s.LlmEndpoint',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'sizing.sharedNodes',
    value: ({ sizing }) => [sizing.hourlyPrice / sizing.replicas, sizing._type.hourly],
    valid: ([replica, instance]: number[]) => replica > instance - 1e-6,
    allowed: 'a whole instance for each replica',
    fix: 'leave sharedNodes and tensorParallel of the sizing out',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'sizing.concurrencyPerReplica',
    value: ({ sizing }) => sizing.concurrencyPerReplica,
    valid: (concurrency: number) => concurrency <= 1024,
    allowed: 'at most 1024 requests at a time on an instance',
    fix: 'state a concurrency that a load test has shown',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'model.uri',
    value: ({ sizing }) => sizing.model.uri,
    valid: (uri: string) => /^s3:\/\/[^/]+\/.*\/$/.test(uri),
    allowed: 's3://bucket/prefix/ with a / at its end: isolated containers fetch nothing themselves',
    fix: 'copy the files to a bucket: model.storedAt("s3://…/")',
    tokens: 'refuse',
  },
  {
    code: CODE,
    subject: 'container.inferenceAmiVersion',
    value: ({ container }) => container.inferenceAmiVersion,
    valid: (version: string) => /^al2(023)?-ami-sagemaker-inference-gpu-\d+(-\d+)?$/.test(version),
    allowed: 'a GPU image of SageMaker: al2-ami-sagemaker-inference-gpu-… or al2023-ami-sagemaker-inference-gpu-…',
    fix: 'leave it out for driver 580',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.LlmScalingInvalid',
    subject: 'scaling',
    value: ({ scaling }) => scaling.kind,
    valid: (kind: LlmScalingKind) => kind === LlmScalingKind.CONCURRENCY || kind === LlmScalingKind.FIXED,
    allowed: 'concurrency or fixed on SageMaker',
    fix: 'use LlmScaling.concurrency(); what waits is known on Kubernetes only',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.LlmScalingInvalid',
    subject: 'scaling.minReplicas',
    value: ({ scaling, sizing }) =>
      sizing.timeToFirstToken
        ? scaling.kind === LlmScalingKind.FIXED
          ? sizing.replicas
          : (scaling.limits.minReplicas ?? Math.min(sizing.zones, sizing.replicas))
        : undefined,
    valid: (least: number) => least >= 2,
    allowed: 'at least 2 where a time to the first token is promised: one that starts takes minutes',
    fix: 'raise minReplicas or the replicas of the sizing, or promise nothing',
    tokens: 'refuse',
  },
];

/** The scaling of the endpoint below. */
export function endpointScalingOf({ kind, limits }: LlmScaling): EndpointScaling {
  return kind === LlmScalingKind.FIXED ? EndpointScaling.fixed() : EndpointScaling.concurrency(limits);
}
