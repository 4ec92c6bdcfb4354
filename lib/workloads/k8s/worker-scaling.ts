import { isPositiveInteger } from '../../core/rule';
import type { KafkaScalerAuthentication } from './kafka-scaler-authentication';
import { prometheusTrigger } from './prometheus-query';
import type { FixedScalingOptions, MetricScalingLimits, PrometheusScalingOptions } from './scaling-limits';
import type { ScalingPlan, ScalingTrigger, TriggerRule } from './scaling-plan';

/** Scaling by the lag of a consumer group. */
export interface KafkaLagScalingOptions extends MetricScalingLimits {
  /** `host:port` of the brokers, with commas between; KEDA's operator calls them, so their network must let its pods in. */
  readonly bootstrapServers: string;
  /** Consumer group of the worker. */
  readonly consumerGroup: string;
  /** Topic that it reads. */
  readonly topic: string;
  /** Partitions of the topic: more replicas would idle. */
  readonly partitions: number;
  /** Records that one replica may have before it, over all its partitions. */
  readonly lagThreshold: number;
  /**
   * How KEDA's operator authenticates.
   * @default - not at all, and unencrypted
   */
  readonly authentication?: KafkaScalerAuthentication;
}

/** Scaling by the length of a queue. */
export interface SqsQueueScalingOptions extends MetricScalingLimits {
  /** URL of the queue: `https://sqs.<region>.amazonaws.com/<account>/<name>`. */
  readonly queueUrl: string;
  /** Messages that one replica may have before it, those in flight counted. */
  readonly messagesPerReplica: number;
}

const QUEUE_URL = /^https:\/\/sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/\d{12}\/[\w-]{1,80}(\.fifo)?$/;

/** By what a worker gets replicas. */
export class WorkerScaling {
  /** By the lag of a Kafka consumer group, with KEDA; never beyond the partitions. */
  public static kafkaLag(options: KafkaLagScalingOptions): WorkerScaling {
    return new WorkerScaling({ by: 'trigger', trigger: kafkaTrigger(options), limits: options });
  }

  /** By the length of an SQS queue, with KEDA; the AWS identity of KEDA's operator needs `sqs:GetQueueAttributes`. */
  public static sqsQueue(options: SqsQueueScalingOptions): WorkerScaling {
    return new WorkerScaling({ by: 'trigger', trigger: sqsTrigger(options), limits: options });
  }

  /** By a Prometheus query, with KEDA. */
  public static prometheus(options: PrometheusScalingOptions): WorkerScaling {
    return new WorkerScaling({ by: 'trigger', trigger: prometheusTrigger(options), limits: options });
  }

  /** Always the same number of replicas. */
  public static fixed(options: FixedScalingOptions = {}): WorkerScaling {
    return new WorkerScaling({ by: 'nothing', limits: options });
  }

  private constructor(
    /** @internal */
    public readonly _plan: ScalingPlan,
  ) {}
}

function kafkaTrigger(options: KafkaLagScalingOptions): ScalingTrigger {
  const name = (subject: 'topic' | 'consumerGroup'): TriggerRule => ({
    subject: `scaling.${subject}`,
    value: options[subject],
    valid: (given: string) => /^[A-Za-z0-9._-]{1,249}$/.test(given),
    allowed: 'one name: letters, digits, ., _ or -',
    fix: 'use the name as it stands in Kafka',
  });
  return {
    type: 'kafka',
    metadata: {
      bootstrapServers: options.bootstrapServers,
      consumerGroup: options.consumerGroup,
      topic: options.topic,
      lagThreshold: String(options.lagThreshold),
      allowIdleConsumers: 'false',
      ...options.authentication?._metadata,
    },
    authentication: options.authentication?._spec,
    mostUsefulReplicas: options.partitions,
    rules: [
      {
        subject: 'scaling.bootstrapServers',
        value: options.bootstrapServers,
        valid: (servers: string) => servers.split(',').every((server) => /^[A-Za-z0-9.-]+:\d{1,5}$/.test(server)),
        allowed: 'host:port, with commas between',
        fix: 'use the bootstrapServers of the cluster',
      },
      name('consumerGroup'),
      name('topic'),
      ...(['partitions', 'lagThreshold'] as const).map((subject) => ({
        subject: `scaling.${subject}`,
        value: options[subject],
        valid: isPositiveInteger,
        allowed: 'a whole number above zero',
        fix: subject === 'partitions' ? 'use the partitions of the topic' : 'use the records that one replica handles in a few seconds',
      })),
    ],
  };
}

function sqsTrigger(options: SqsQueueScalingOptions): ScalingTrigger {
  return {
    type: 'aws-sqs-queue',
    metadata: {
      queueURL: options.queueUrl,
      queueLength: String(options.messagesPerReplica),
      awsRegion: QUEUE_URL.exec(options.queueUrl)?.[1] ?? '',
      // What is in flight is still being worked on, by a replica that would otherwise be counted as idle.
      scaleOnInFlight: 'true',
    },
    authentication: { podIdentity: { provider: 'aws', identityOwner: 'keda' } },
    rules: [
      {
        subject: 'scaling.queueUrl',
        value: options.queueUrl,
        valid: (url: string) => QUEUE_URL.test(url),
        allowed: 'https://sqs.<region>.amazonaws.com/<account>/<name>, known at synth',
        fix: 'copy it from the output of the stack that makes the queue',
      },
      {
        subject: 'scaling.messagesPerReplica',
        value: options.messagesPerReplica,
        valid: isPositiveInteger,
        allowed: 'a whole number above zero',
        fix: 'use the messages that one replica handles in a few seconds',
      },
    ],
  };
}
