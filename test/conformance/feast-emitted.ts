import * as fs from 'fs';
import * as path from 'path';
import { Bitrate, Duration, Size } from 'aws-cdk-lib';
import { Chart } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import { Assembly } from '../../lib/core/assembly';
import { App } from '../../lib/core/k8s/app';
import { CostAllocation } from '../../lib/cost/cost-allocation';
import { EventTime } from '../../lib/features/event-time';
import { FeatureType } from '../../lib/features/feature';
import { FeatureSchema, type FeatureSchemaProps } from '../../lib/features/feature-schema';
import { FeastAddress, FeastOnlineStore, FeastRegistry, FeaturePush, FeatureStore } from '../../lib/features/k8s';
import { KafkaCluster } from '../../lib/streaming/k8s';
import { Schema } from '../../lib/streaming/schema';
import { PodSize } from '../../lib/workloads/pod-size';

/** The records of the topic of cards. */
export const CARD_RECORD = {
  type: 'record',
  name: 'CardActivity',
  fields: [
    { name: 'cardId', type: 'string' },
    { name: 'authorizedAt', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'count10m', type: ['null', 'long'], default: null },
    { name: 'amount', type: 'double' },
    { name: 'declined', type: 'boolean' },
    { name: 'channel', type: { type: 'enum', name: 'Channel', symbols: ['POS', 'WEB'] } },
  ],
};
const MERCHANT_RECORD = {
  type: 'object',
  properties: { merchant: { type: 'integer' }, at: { type: 'number' }, risk: { type: 'number' } },
  required: ['merchant', 'at', 'risk'],
};

const CARD: FeatureSchemaProps = {
  name: 'card-activity',
  entityKey: 'card_id',
  eventTime: EventTime.timestamp('event_time', { source: 'authorizedAt' }),
  owner: 'fraud "ml" é 😀',
  ttl: Duration.days(30),
  freshness: Duration.seconds(60),
  features: [
    { name: 'card_id', type: FeatureType.STRING, source: 'cardId' },
    { name: 'count-10m', type: FeatureType.INTEGRAL, source: 'count10m', description: 'it\'s "ten" minutes\n\\ \u2028' },
    { name: 'amount', type: FeatureType.FRACTIONAL },
    { name: 'declined', type: FeatureType.INTEGRAL },
    { name: 'channel', type: FeatureType.STRING },
  ],
};
/** The groups as they are first, and as they become: one feature more, and two groups less. */
export const CARDS = new FeatureSchema(CARD);
export const GROWN_CARDS = new FeatureSchema({ ...CARD, features: [...CARD.features, { name: 'score', type: FeatureType.FRACTIONAL }] });
export const MERCHANTS = new FeatureSchema({
  name: 'merchant-risk',
  entityKey: 'merchant_id',
  eventTime: EventTime.epochSeconds('event_time', { source: 'at' }),
  owner: 'risk',
  ttl: Duration.days(60),
  features: [
    { name: 'merchant_id', type: FeatureType.INTEGRAL, source: 'merchant' },
    { name: 'risk', type: FeatureType.FRACTIONAL },
  ],
});
/** A group of the entity of cards that may be dropped, and one that may not. */
const ofCards = (name: string) =>
  new FeatureSchema({
    name,
    entityKey: 'card_id',
    eventTime: EventTime.epochMillis('event_time'),
    owner: 'risk',
    ttl: Duration.days(1),
    features: [
      { name: 'card_id', type: FeatureType.STRING },
      { name: 'value', type: FeatureType.STRING },
    ],
  });
export const DROPPED = ofCards('card-trial');
export const KEPT = ofCards('card-past');

/** What an app emits for Feast, as files and commands. */
export interface EmittedFeast {
  /** Files of each ConfigMap, by the path at which the job mounts it. */
  readonly mounts: { readonly [mountPath: string]: { readonly [file: string]: string } };
  readonly applyCommand: string[];
  readonly workerConfigs: { readonly [name: string]: number };
  readonly variables: { readonly [name: string]: string };
  /** Files of the pushes, by the name of the view. */
  readonly pushes: { readonly [view: string]: { readonly [file: string]: string } };
}

/** Synthesizes a store with groups. */
export function emit(folder: string, grown: boolean): EmittedFeast {
  const app = new App({ outdir: folder });
  app.node.setContext('millrace:destroyData', true);
  new CostAllocation({ team: 'fraud', service: 'features', costCenter: 'CC-1', environment: 'test' }).applyTo(app);
  const chart = new Chart(app, 'features', { namespace: 'features' });
  const addresses = [FeastAddress.cidr('10.0.0.0/16', 6379)];
  const store = new FeatureStore(chart, 'Store', {
    storeName: 'fraud_features',
    registry: FeastRegistry.sql({ secretName: 'registry', addresses }),
    onlineStore: FeastOnlineStore.redis({ secretName: 'redis', addresses }),
    server: { size: PodSize.fixed({ cpu: Cpu.millis(500), memory: Size.gibibytes(1) }) },
  });
  const cards = store.addFeatureGroup('Cards', { schema: grown ? GROWN_CARDS : CARDS });
  const pushed = [];
  if (!grown) {
    const merchants = store.addFeatureGroup('Merchants', { schema: MERCHANTS });
    store.addFeatureGroup('Kept', { schema: KEPT });
    // The value of the CDK, which cdk8s apps do not have to load.
    store.addFeatureGroup('Dropped', { schema: DROPPED, removalPolicy: 'destroy' as never });
    const cluster = new KafkaCluster(chart, 'Kafka', {
      demand: { peakIngress: Bitrate.mbps(80), partitions: 12 },
      clusterName: 'main',
      storageClassName: 'gp3',
    });
    const topics = [
      [cards, cluster.addTopic('Cards', { topicName: 'cards', deadLetter: true, schema: Schema.avro(JSON.stringify(CARD_RECORD)) })],
      [
        merchants,
        cluster.addTopic('Merchants', {
          topicName: 'merchants',
          deadLetter: true,
          schema: Schema.jsonSchema(JSON.stringify(MERCHANT_RECORD)),
        }),
      ],
    ] as const;
    const size = PodSize.fixed({ cpu: Cpu.millis(250), memory: Size.mebibytes(256) });
    for (const [featureGroup, topic] of topics) {
      const image = 'registry.example.com/push:1';
      pushed.push([
        featureGroup,
        new FeaturePush(chart, `Push${featureGroup.node.id}`, { featureGroup, topic, cluster, image, size }),
      ] as const);
    }
  }
  app.synth();
  const manifests = Assembly.fromDirectories({ manifests: app.outdir }).objects.map(({ manifest }) => manifest);
  const configMap = (name: string) => manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name)!.data;
  const mountsOf = (podSpec: any): EmittedFeast['mounts'] => {
    const volumes = new Map<string, any>(podSpec.volumes.map((volume: any) => [volume.name, volume]));
    const mounted = podSpec.containers[0].volumeMounts.filter(({ name }: any) => volumes.get(name).configMap);
    return Object.fromEntries(mounted.map(({ name, mountPath }: any) => [mountPath, configMap(volumes.get(name).configMap.name)]));
  };
  const job = manifests.find(({ kind, metadata }) => kind === 'Job' && metadata.name.includes('apply'))!.spec.template.spec;
  const { server } = manifests.find(({ kind }) => kind === 'FeatureStore')!.spec.services.onlineStore;
  const workerOf = (push: FeaturePush) =>
    manifests.find(
      ({ kind, spec }) =>
        kind === 'Deployment' &&
        spec.selector.matchLabels['app.kubernetes.io/instance'] === push.worker.podSelector['app.kubernetes.io/instance'],
    )!.spec.template.spec;
  return {
    mounts: mountsOf(job),
    applyCommand: job.containers[0].command,
    workerConfigs: server.workerConfigs,
    variables: Object.fromEntries((server.env ?? []).map(({ name, value }: any) => [name, value])),
    pushes: Object.fromEntries(pushed.map(([group, push]) => [group.featureGroupName, Object.values(mountsOf(workerOf(push)))[0]])),
  };
}

/** Writes files below a folder at the paths at which pods see them. */
export function writeMounts(root: string, mounts: EmittedFeast['mounts']): void {
  for (const [mountPath, files] of Object.entries(mounts)) {
    fs.rmSync(path.join(root, mountPath), { recursive: true, force: true });
    fs.mkdirSync(path.join(root, mountPath), { recursive: true });
    for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(root, mountPath, file), text);
  }
}
