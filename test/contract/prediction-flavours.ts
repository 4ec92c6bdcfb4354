import { Size } from 'aws-cdk-lib';
import { Cpu } from 'cdk8s-plus-27';
import type { IConstruct } from 'constructs';
import type { Assembly } from '../../lib/core/assembly';
import { Sizing } from '../../lib/core/sizing';
import * as awsFeatures from '../../lib/features/aws';
import type { FeatureGroupOptions, IFeatureGroup } from '../../lib/features/feature-group';
import { FEATURE_SCHEMA_RECORD_KEY } from '../../lib/features/feature-schema-record';
import type { IFeatureStore } from '../../lib/features/feature-store';
import * as k8sFeatures from '../../lib/features/k8s';
import * as awsInference from '../../lib/inference/aws';
import type { EndpointSizing } from '../../lib/inference/endpoint-sizing';
import * as k8sInference from '../../lib/inference/k8s';
import { type IModelEndpoint, MODEL_INPUT_RECORD_KEY, type ModelEndpointOptions } from '../../lib/inference/model-endpoint';
import * as awsModels from '../../lib/models/aws';
import * as k8sModels from '../../lib/models/k8s';
import type { ITopic } from '../../lib/streaming/topic';
import { PodSize } from '../../lib/workloads/pod-size';
import { AWS as AWS_KAFKA, type Flavour as KafkaFlavour, KUBERNETES as KUBERNETES_KAFKA, type World } from './kafka-flavours';

/** The verbs and attributes that the classes of both flavours share; that they fit is checked by the compiler. */
export interface StoreContract extends IFeatureStore {
  addFeatureGroup(id: string, options: FeatureGroupOptions): GroupContract;
}
export interface GroupContract extends IFeatureGroup {
  readonly grants: { read(grantee: any): unknown; write(grantee: any): unknown; readOffline(grantee: any): unknown };
}
export interface EndpointContract extends IModelEndpoint {
  readonly sizing: EndpointSizing;
  readonly grants: { invoke(grantee: any): unknown };
  readonly metrics: object;
}

/** One flavour of the way from a topic to a prediction. */
export interface Flavour {
  readonly kafka: KafkaFlavour;
  readonly features: typeof awsFeatures | typeof k8sFeatures;
  readonly inference: typeof awsInference | typeof k8sInference;
  readonly models: typeof awsModels | typeof k8sModels;
  store(world: World, id: string, storeName?: string): StoreContract;
  /** Writes a topic to a group. */
  feed(world: World, id: string, topic: ITopic, cluster: IConstruct, group: GroupContract): void;
  endpoint(world: World, id: string, options: ModelEndpointOptions): EndpointContract;
  /** The records of feature schemas in a synthesis. */
  schemas(assembly: Assembly): unknown[];
  /** What is recorded with the endpoint. */
  recorded(assembly: Assembly): { readonly input: unknown; readonly sizing: any };
}

const SIZE = PodSize.fixed({ cpu: Cpu.millis(1000), memory: Size.gibibytes(1), replicas: 3 });

export const AWS: Flavour = {
  kafka: AWS_KAFKA,
  features: awsFeatures,
  inference: awsInference,
  models: awsModels,
  store: (world, id, storeName): StoreContract => new awsFeatures.FeatureStore(world.scope, id, { storeName }),
  feed: (world, id, topic, cluster, featureGroup) => {
    new awsFeatures.FeatureIngestion(world.scope, id, { topic, cluster: cluster as any, featureGroup: featureGroup as any });
  },
  endpoint: (world, id, options): EndpointContract =>
    new awsInference.ModelEndpoint(world.scope, id, {
      ...options,
      hosting: awsInference.EndpointHosting.realTime({ instanceType: 'ml.c7g.xlarge' }),
    }),
  schemas: (assembly) =>
    assembly.stacks.flatMap(({ resources }) => resources.map(({ metadata }) => metadata[FEATURE_SCHEMA_RECORD_KEY])).filter(Boolean),
  recorded: (assembly) => {
    const [{ metadata }] = assembly.stacks.flatMap(({ resources }) => resources.filter(({ type }) => type === 'AWS::SageMaker::Endpoint'));
    return { input: metadata[MODEL_INPUT_RECORD_KEY], sizing: metadata[Sizing.RECORD_KEY] };
  },
};

export const KUBERNETES: Flavour = {
  kafka: KUBERNETES_KAFKA,
  features: k8sFeatures,
  inference: k8sInference,
  models: k8sModels,
  store(world, id, storeName): StoreContract {
    const { FeastAddress, FeastOnlineStore, FeastRegistry, FeatureStore } = k8sFeatures;
    return new FeatureStore(world.scope, id, {
      storeName,
      registry: FeastRegistry.sql({ secretName: 'registry', addresses: [FeastAddress.cidr('10.20.48.0/24', 5432)] }),
      onlineStore: FeastOnlineStore.redis({ secretName: 'redis', addresses: [FeastAddress.cidr('10.20.49.0/24', 6379)] }),
      server: { size: SIZE },
    });
  },
  feed: (world, id, topic, cluster, featureGroup) => {
    const image = 'registry.example.com/fraud/feature-push:1.2.0';
    new k8sFeatures.FeaturePush(world.scope, id, { topic, cluster: cluster as any, featureGroup: featureGroup as any, image, size: SIZE });
  },
  endpoint: (world, id, options): EndpointContract => new k8sInference.ModelEndpoint(world.scope, id, { ...options, pods: { size: SIZE } }),
  schemas: (assembly) =>
    assembly.objects
      .flatMap(({ manifest }) => manifest.metadata?.annotations?.[FEATURE_SCHEMA_RECORD_KEY] ?? [])
      .map((record: string) => JSON.parse(record)),
  recorded: (assembly) => {
    // Beside the InferenceService, whose annotations KServe copies to the pods: a changed record would restart them.
    const service: any = assembly.objects
      .map(({ manifest }) => manifest)
      .find(({ metadata }) => metadata.annotations?.[MODEL_INPUT_RECORD_KEY]);
    const { annotations } = service.metadata;
    return { input: JSON.parse(annotations[MODEL_INPUT_RECORD_KEY]), sizing: JSON.parse(annotations[Sizing.RECORD_KEY]) };
  },
};
