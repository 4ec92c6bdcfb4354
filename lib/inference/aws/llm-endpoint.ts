import { Annotations, Duration, Names, Resource } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { requireAllocation } from '../../cost/applied-allocation';
import { ModelSource } from '../../models/model-source';
import type { EndpointDemand } from '../endpoint-demand';
import type { ILlmEndpoint, LlmEndpointOptions } from '../llm-endpoint';
import { resolveLlmMonitoring } from '../llm-monitoring-rules';
import { LlmScaling } from '../llm-scaling';
import type { LlmSizing } from '../llm-sizing';
import { Rollout } from '../rollout';
import { EndpointHosting } from './endpoint-hosting';
import type { EndpointNetwork } from './endpoint-network';
import type { EndpointStartup } from './hosting-options';
import type { LlmContainer } from './llm-container';
import { LLM_ENDPOINT_RULES, endpointScalingOf } from './llm-endpoint-rules';
import { ModelEndpoint } from './model-endpoint';
import type { ModelEndpointGrants } from './model-endpoint-grants';
import type { ModelEndpointMetrics } from './model-endpoint-metrics';

/** How long answers take, the whole of them and not the first token. */
export interface LlmAnswerTime {
  /** Mean, as a load test shows it at the concurrency of the sizing. */
  readonly mean: Duration;
  /** Time that 99 of 100 answers may take, at most 60 s; alarms and rollbacks stand on it. */
  readonly p99: Duration;
}

/** Properties of an endpoint for a language model on SageMaker. */
export interface LlmEndpointProps extends LlmEndpointOptions {
  /** The container that serves: its image in ECR. The files of the model lie at `s3://bucket/prefix/`, which the model's `uri` says. */
  readonly container: LlmContainer;
  /** How long answers take. */
  readonly answerTime: LlmAnswerTime;
  /**
   * How a new version takes over.
   * @default - instance by instance, a quarter at a time: of GPUs there are rarely enough for a second fleet
   */
  readonly rollout?: Rollout;
  /**
   * How long an instance may take to start.
   * @default - half an hour to fetch the files, half an hour to load them
   */
  readonly startup?: EndpointStartup;
  /**
   * Network that the containers may use.
   * @default - none: the containers are isolated; SageMaker fetches image and model for them
   */
  readonly network?: EndpointNetwork;
}

const NAME_LENGTH = 63;
const START = Duration.minutes(30);

/**
 * A language model on SageMaker: a `ModelEndpoint` on the instances of the sizing, whose container is told what the sizing counted with. It
 * rolls instance by instance, scales by requests in flight, and routes to the instance with the fewest.
 *
 * @throws Millrace.LlmEndpointInvalid, Millrace.LlmScalingInvalid, Millrace.LlmMonitoringInvalid, and what `ModelEndpoint` throws
 */
export class LlmEndpoint extends Resource implements ILlmEndpoint, ec2.IConnectable {
  /** Its name. */
  public readonly endpointName: string;
  /** Name under which requests ask for the model. */
  public readonly modelName: string;
  /** ARN of the endpoint. */
  public readonly endpointArn: string;
  /** The decided size. */
  public readonly sizing: LlmSizing;
  /** Access to the endpoint. */
  public readonly grants: ModelEndpointGrants;
  /** Metrics for alarms and dashboards. */
  public readonly metrics: ModelEndpointMetrics;
  /** Its alarms, to add actions to. */
  // eslint-disable-next-line awscdk/no-construct-in-public-property-of-construct -- actions are added to them, which IAlarm has no way to
  public readonly alarms: cloudwatch.Alarm[];
  /** Network of its containers; without a network nothing reaches them and they reach nothing. */
  public readonly connections: ec2.Connections;

  constructor(scope: Construct, id: string, props: LlmEndpointProps) {
    super(scope, id);
    const { sizing, container, answerTime, scaling = LlmScaling.fixed() } = props;
    enforce(this.node.path, { sizing, container, scaling }, LLM_ENDPOINT_RULES);
    const { alarms, errorPercent, windowMinutes } = resolveLlmMonitoring(this.node.path, props.monitoring);
    const { instanceType, model, zones } = sizing;
    const startup = { healthCheck: START, download: START, ...props.startup };
    const endpoint = new ModelEndpoint(this, 'Resource', {
      endpointName: props.endpointName ?? Names.uniqueResourceName(this, { maxLength: NAME_LENGTH, separator: '-' }).toLowerCase(),
      model: ModelSource.container({ image: container.image, modelUri: model.uri, environment: container._environment(sizing) }),
      demand: demandOf(sizing, answerTime),
      hosting: EndpointHosting.realTime({ instanceType: `ml.${instanceType}`, zones, startup, network: props.network })._ofReplicas(
        sizing.replicas,
      ),
      rollout: props.rollout ?? (sizing.replicas > 1 ? Rollout.rolling() : Rollout.allAtOnce()),
      scaling: endpointScalingOf(scaling),
      monitoring: { alarms, errorPercent, window: Duration.minutes(windowMinutes) },
    });
    // Which driver the instances have is for language models only, so an endpoint of any model has no property for it.
    const configuration = endpoint.node.findChild('Configuration') as sagemaker.CfnEndpointConfig;
    configuration.addPropertyOverride('ProductionVariants.0.InferenceAmiVersion', container.inferenceAmiVersion);
    this.endpointName = endpoint.endpointName;
    this.endpointArn = endpoint.endpointArn;
    this.modelName = model.name;
    this.sizing = sizing;
    this.grants = endpoint.grants;
    this.metrics = endpoint.metrics;
    this.alarms = endpoint.alarms;
    this.connections = endpoint.connections;
    const resource = endpoint.node.defaultChild as sagemaker.CfnEndpoint;
    this.node.defaultChild = resource;
    // The size that was decided, in place of the one that follows from it.
    recordSizing(resource, sizing);
    if (sizing.kvCache.copies > 1) {
      Annotations.of(this).addWarningV2(
        'Millrace.LlmKvCacheCopied',
        `${model.name} is split over ${sizing.tensorParallel} GPUs and has ${model.attention.kvHeads} KV heads: each value is kept ${sizing.kvCache.copies} times`,
      );
    }
    requireAllocation(this);
  }
}

/** What the replicas of the sizing serve with a zone lost: `replicas x concurrency x (zones - 1) / zones` in flight. */
function demandOf({ replicas, concurrencyPerReplica, zones }: LlmSizing, { mean, p99 }: LlmAnswerTime): EndpointDemand {
  const kept = zones > 1 ? (zones - 1) / zones : 1;
  const peakRequestsPerSecond = (replicas * concurrencyPerReplica * kept) / mean.toSeconds({ integral: false });
  return { peakRequestsPerSecond, latency: mean, p99, concurrencyPerReplica };
}
