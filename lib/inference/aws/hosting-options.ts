import type { Duration, Size } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { ModelSource } from '../../models/model-source';
import type { EndpointNetwork } from './endpoint-network';

/** The volume of an instance. Types with NVMe volumes of their own take neither size nor key: their hardware encrypts them. */
export interface EndpointVolume {
  /**
   * Size, 1-512 GiB (SageMaker API, ProductionVariant).
   * @default - what SageMaker gives the instance type
   */
  readonly size?: Size;
  /**
   * Key for it.
   * @default - a key that SageMaker makes and throws away with the instance
   */
  readonly encryptionKey?: kms.IKey;
}

/** How long an instance may take to start. */
export interface EndpointStartup {
  /**
   * Until the container answers `/ping`, 60-3600 seconds (SageMaker API, ProductionVariant).
   * @default Duration.minutes(10)
   */
  readonly healthCheck?: Duration;
  /**
   * Until the files of the model are there, 60-3600 seconds (SageMaker API, ProductionVariant).
   * @default - that of SageMaker
   */
  readonly download?: Duration;
}

/** What every endpoint on instances takes. */
export interface InstanceHostingOptions {
  /** Instance type: `ml.c7g.xlarge`. A change of a variant that scales fails; the update guard says how to get there. */
  readonly instanceType: string;
  /**
   * Zones that the instances stand in, 1-6. The others carry the peak when one is lost; 1 is for what may go away.
   * @default 3
   */
  readonly zones?: number;
  /**
   * What is kept free for bursts, 1-4.
   * @default 4/3
   */
  readonly headroom?: number;
  /**
   * Network that the containers may use.
   * @default - none: the containers are isolated; SageMaker fetches image and model for them
   */
  readonly network?: EndpointNetwork;
  /**
   * Volume of each instance.
   * @default - that of the instance type
   */
  readonly volume?: EndpointVolume;
  /**
   * How long an instance may take to start.
   * @default - ten minutes until it answers
   */
  readonly startup?: EndpointStartup;
  /**
   * Name of the first variant. It never changes: guardrails need the same name before and after.
   * @default 'AllTraffic'
   */
  readonly variantName?: string;
}

/** A further model behind the same endpoint, with a share of the traffic. */
export interface ModelVariant {
  /** Its name, which never changes. */
  readonly variantName: string;
  /** What it serves. */
  readonly model: ModelSource;
  /** Its traffic is this, divided by the sum of all weights. 0 is none: it answers only those who name it. */
  readonly weight: number;
  /**
   * Instance type.
   * @default - that of the endpoint
   */
  readonly instanceType?: string;
  /**
   * Instances.
   * @default - its share of the sizing, at least one in each zone
   */
  readonly replicas?: number;
}

/** A model that gets a copy of the traffic, and whose answers nobody gets. */
export interface ShadowVariant {
  /** Its name, which never changes. */
  readonly variantName: string;
  /** What it serves. */
  readonly model: ModelSource;
  /**
   * Share of the requests that it gets a copy of, 1-100 percent.
   * @default 100
   */
  readonly samplePercent?: number;
  /**
   * Instance type.
   * @default - that of the endpoint
   */
  readonly instanceType?: string;
  /**
   * Instances.
   * @default - its share of the sizing
   */
  readonly replicas?: number;
}

/** How an endpoint answers at once, on instances. */
export interface RealTimeHostingOptions extends InstanceHostingOptions {
  /**
   * Weight of the first variant beside those in `variants`.
   * @default 1
   */
  readonly weight?: number;
  /**
   * Further models with a share of the traffic.
   * @default - none
   */
  readonly variants?: ModelVariant[];
  /**
   * A model that gets a copy of the traffic; not together with `variants`.
   * @default - none
   */
  readonly shadow?: ShadowVariant;
}

/** How an endpoint works off a queue, on instances. */
export interface AsynchronousHostingOptions extends InstanceHostingOptions {
  /**
   * Bucket with the requests, below `<endpoint>/input/`, and the answers, below `<endpoint>/output/` and `<endpoint>/failure/`.
   * @default - one of its own, encrypted and retained
   */
  readonly bucket?: s3.IBucket;
  /**
   * Topic that hears of answers.
   * @default - none
   */
  readonly successTopic?: sns.ITopic;
  /**
   * Topic that hears of failures.
   * @default - none
   */
  readonly errorTopic?: sns.ITopic;
  /**
   * Requests that SageMaker sends one instance at a time, 1-1000.
   * @default - the concurrency of the demand
   */
  readonly maxConcurrentInvocations?: number;
}

/** How an endpoint answers without instances. */
export interface ServerlessHostingOptions {
  /** Memory, 1024-6144 MiB in steps of 1024; processors follow it (SageMaker API, ProductionVariantServerlessConfig). */
  readonly memory: Size;
  /**
   * Requests at a time, 1-200; more are refused by SageMaker.
   * @default - what the demand has in flight at peak, a third more
   */
  readonly maxConcurrency?: number;
  /**
   * Requests at a time that are answered without a cold start, at most `maxConcurrency`.
   * @default - none: the first requests wait for a cold start
   */
  readonly provisionedConcurrency?: number;
  /**
   * Name of the variant. It never changes.
   * @default 'AllTraffic'
   */
  readonly variantName?: string;
}
