import { ApiObject, Chart, Lazy, Names } from 'cdk8s';
import { Construct } from 'constructs';
import { refuse } from '../../core/error';
import { decideRetention, retentionAnnotations } from '../../core/retention';
import { type Rule, enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { SynthesisFiles } from '../../core/synthesis-file';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { CostAllocation } from '../../cost/cost-allocation';
import { NetworkBoundary } from '../../workloads/k8s/network-boundary';
import type { ServiceIdentity } from '../../workloads/k8s/service-identity';
import type { Workload } from '../../workloads/k8s/workload';
import { FeastUpdateRules } from '../feast-update-rules';
import { FeatureUpdateRules } from '../feature-update-rules';
import type { FeatureStoreOptions, IFeatureStore } from '../feature-store';
import { FeastJobs, addressesOf } from './feast-jobs';
import type { FeastMaterialization } from './feast-materialization';
import type { FeastOfflineStore } from './feast-offline-store';
import type { FeastOnlineStore } from './feast-online-store';
import { FEAST_PORTS, type FeastServerKind } from './feast-ports';
import type { FeastRegistry } from './feast-registry';
import { secretRules } from './feast-secret-rules';
import { FEAST_IMAGE, poolOf, serverRules } from './feast-pool';
import type { FeastServerOptions } from './feast-server';
import { FeatureStoreMetrics } from './feature-store-metrics';
import { featureStoreSpec } from './feature-store-spec';
import { type FeastFeatureGroupOptions, FeatureGroup } from './feature-group';

/** Properties of a feature store of Feast. */
export interface FeatureStoreProps extends FeatureStoreOptions {
  /** Where it keeps its definitions. */
  readonly registry: FeastRegistry;
  /** Where it keeps the newest values. */
  readonly onlineStore: FeastOnlineStore;
  /**
   * Where it finds history.
   * @default - none: it serves what is pushed, and there is nothing to train on
   */
  readonly offlineStore?: FeastOfflineStore;
  /** The servers. */
  readonly server: FeastServerOptions;
  /**
   * Who the jobs are that apply definitions and fill the online store; on AWS they make and drop tables of DynamoDB.
   * @default - a service account without access to AWS
   */
  readonly identity?: ServiceIdentity;
  /**
   * Filling of the online store from the offline store, by the clock.
   * @default - none: values come by pushes
   */
  readonly materialization?: FeastMaterialization;
}

// The operator makes services named `feast-<name>-registry`, of 63 characters at most.
const MAX_NAME_LENGTH = 48;

const RULES: readonly Rule<FeatureStoreProps>[] = [
  {
    code: 'Millrace.FeatureStoreNameInvalid',
    subject: 'storeName',
    value: (props) => props.storeName,
    valid: (name: string) => /^[a-z][a-z0-9_]*[a-z0-9]$|^[a-z]$/.test(name) && name.length <= MAX_NAME_LENGTH,
    allowed: `1-${MAX_NAME_LENGTH} lower-case letters, digits or _, with a letter first and no _ last: the operator makes names of services of it`,
    fix: 'shorten it, or leave it out',
    tokens: 'refuse',
  },
  ...secretRules<FeatureStoreProps>('registry', (props) => props.registry._settings),
  ...secretRules<FeatureStoreProps>('onlineStore', (props) => props.onlineStore._settings),
  ...secretRules<FeatureStoreProps>('offlineStore', (props) => props.offlineStore?._settings),
  {
    code: 'Millrace.FeastAddressMissing',
    subject: 'registry.addresses',
    value: (props) => (props.registry._path === undefined ? undefined : props.registry._addresses.length),
    valid: (count: number) => count > 0,
    allowed: 'at least one address: the network policy of the servers lets them nowhere else',
    fix: 'give FeastAddress.cidr(…) of the endpoint of S3',
  },
  {
    code: 'Millrace.FeastRegistryInvalid',
    subject: 'registry.path',
    value: (props) => props.registry._path,
    valid: (path: string) => /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/[A-Za-z0-9!_.*'()/-]+$/.test(path),
    allowed: 's3://<bucket>/<key>',
    fix: 'name the object in a bucket of your own',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.FeastMaterializationInvalid',
    subject: 'materialization',
    value: (props) => (props.materialization ? (props.offlineStore ?? null) : undefined),
    valid: (store: unknown) => store !== null,
    allowed: 'a store with an offline store: there is nothing else to fill from',
    fix: 'give offlineStore, or leave materialization out',
  },
  ...serverRules<FeatureStoreProps>(({ onlineStore: { _connections, _poolSize }, server }) => ({
    connections: _connections,
    poolSize: _poolSize,
    server,
  })),
];

/**
 * A feature store of Feast, run by its operator 0.66: two servers or more that answer reads and take pushes, with a disruption budget and a
 * network policy that denies everything not declared; a job that applies the definitions of its feature groups whenever they change; and, by
 * the clock, one that fills the online store. The stores themselves exist; their settings stand in secrets that you make.
 *
 * Inside of the cluster the servers speak plain HTTP and ask for no password: the network policy decides who reaches them. The operator gives
 * no way to harden a container: in a namespace that enforces Pod Security "restricted" its pods are refused, and "baseline" takes them.
 *
 * Adopt an existing one by giving its project as `storeName`, where the object has the same name with `-` for `_`; an apply takes it over.
 *
 * @throws Millrace.FeatureStoreNameInvalid, Millrace.FeastSecretMissing, Millrace.FeastAddressMissing, Millrace.FeastRegistryInvalid,
 * Millrace.FeastMaterializationInvalid, Millrace.FeastServerInvalid, Millrace.FeastPoolDoesNotFit, Millrace.TokenRefused
 */
export class FeatureStore extends Construct implements IFeatureStore {
  /** Image of the servers and of the jobs, where none is given: that of the operator's own version. */
  public static readonly IMAGE = FEAST_IMAGE;

  /** Name of the Feast project. */
  public readonly storeName: string;
  /** Name of the FeatureStore object. */
  public readonly resourceName: string;
  /** Namespace of the servers. */
  public readonly namespace?: string;
  /** Address of the online server. */
  public readonly url: string;
  /** Labels of the servers' pods. */
  public readonly podSelector: { [key: string]: string };
  /** Service account of the servers, which the operator makes; associate a role with it for DynamoDB, S3 or Athena. */
  public readonly serviceAccountName: string;
  /** Connections of each worker to the online store, where that counts them. */
  public readonly poolSize?: number;
  /** What the online server tells Prometheus, through the ServiceMonitor that the operator makes. */
  public readonly metrics: FeatureStoreMetrics;

  private readonly props: FeatureStoreProps;
  private readonly jobs: FeastJobs;
  private readonly boundaries = new Map<FeastServerKind, NetworkBoundary>();
  private readonly open = new Set<string>();

  constructor(scope: Construct, id: string, props: FeatureStoreProps) {
    super(scope, id);
    enforce(this.node.path, props, RULES);
    this.props = props;
    this.resourceName = props.storeName?.replace(/_/g, '-') ?? Names.toDnsLabel(this, { maxLen: MAX_NAME_LENGTH });
    this.storeName = props.storeName ?? this.resourceName.replace(/-/g, '_');
    this.namespace = Chart.of(this).namespace;
    this.podSelector = { 'feast.dev/name': this.resourceName };
    this.serviceAccountName = `feast-${this.resourceName}`;
    this.url = `http://feast-${this.resourceName}-online${this.namespace ? `.${this.namespace}.svc` : ''}`;
    this.metrics = new FeatureStoreMetrics(this.resourceName, this.namespace);
    this.poolSize = poolOf({ connections: props.onlineStore._connections, poolSize: props.onlineStore._poolSize, server: props.server });
    const resource = new ApiObject(this, 'Resource', {
      apiVersion: 'feast.dev/v1',
      kind: 'FeatureStore',
      metadata: { name: this.resourceName, annotations: retentionAnnotations(decideRetention(this, props.removalPolicy)) },
      spec: Lazy.any({
        produce: () =>
          featureStoreSpec(props, {
            project: this.storeName,
            podSelector: this.podSelector,
            poolSize: this.poolSize,
            keyTtlSeconds: props.onlineStore.storeType === 'redis' ? this.jobs.longestTtlSeconds : undefined,
            labels: CostAllocation.of(this)?.labels(),
            servesHistory: this.boundaries.has('offline'),
          }),
      }),
    });
    recordSizing(resource, props.server.size);
    const boundary = this.boundaryOf('online');
    for (const address of addressesOf(props))
      address._open({
        allowToPods: (selector, port, namespace) => boundary.allowEgressToPods(selector, port, namespace),
        allowToCidr: (cidr, port) => boundary.allowEgressToCidr(cidr, port),
      });
    if (usesAws(props)) boundary.allowPodIdentityAgent();
    this.jobs = new FeastJobs(this, props, this.storeName);
    requireAllocation(this);
    registerUpdateRules(this, [...FeastUpdateRules.all(), ...FeatureUpdateRules.all()]);
  }

  /** Adds a feature group: a feature view with its entity and its sources. */
  public addFeatureGroup(id: string, options: FeastFeatureGroupOptions): FeatureGroup {
    return new FeatureGroup(this, id, { ...options, store: this });
  }

  /** Lets every pod of a namespace read and write online values, for clients that another app makes. */
  public allowFromNamespace(namespaceName: string): void {
    this.boundaryOf('online').allowIngressFromNamespace(namespaceName);
  }

  /** Lets every pod of a namespace, for example that of Prometheus, read the metrics of the online server on port 8000. */
  public allowMetricsFromNamespace(namespaceName: string): void {
    this.boundaryOf('metrics').allowIngressFromNamespace(namespaceName);
  }

  /** @internal */
  public get _onlineStore(): FeastOnlineStore {
    return this.props.onlineStore;
  }

  /** @internal */
  public get _offlineStore(): FeastOfflineStore | undefined {
    return this.props.offlineStore;
  }

  /**
   * Takes the definitions of a group: its files, and the ConfigMap in which they reach the job.
   * @internal
   */
  public _define(group: FeatureGroup, files: { [file: string]: string }, configMapName: string): void {
    this.jobs.add(group, configMapName);
    for (const [file, source] of Object.entries(files)) {
      SynthesisFiles.of(this).add(`features/${this.storeName}/${file}`, () => source);
    }
  }

  /**
   * Opens the way from a workload to a server, once.
   * @internal
   */
  public _connect(workload: Workload, server: FeastServerKind): void {
    const key = `${workload.node.path} ${server}`;
    if (this.open.has(key)) return;
    this.open.add(key);
    this.boundaryOf(server).allowIngressFrom(workload.podSelector, workload.namespace);
    workload.allowToPods(this.podSelector, FEAST_PORTS[server], this.namespace);
  }

  /**
   * Gives a workload the settings of a client, which the operator writes, and the way to the servers that they name.
   * @internal
   */
  public _connectClient(workload: Workload): void {
    if (!this.props.offlineStore) {
      refuse(`${this.node.path} grants.readOffline`, {
        code: 'Millrace.FeastHistoryMissing',
        subject: 'offlineStore',
        received: 'nothing',
        allowed: 'a store with an offline store',
        fix: 'give the feature store an offlineStore',
      });
    }
    if (workload.namespace !== this.namespace) {
      refuse(`${this.node.path} grants.readOffline`, {
        code: 'Millrace.FeastClientNamespace',
        subject: 'workload',
        received: `a workload in ${workload.namespace ?? 'the default namespace'}`,
        allowed: `one in ${this.namespace ?? 'the default namespace'}: the operator keeps the settings of clients in a ConfigMap there`,
        fix: 'move the workload to the namespace of the feature store',
      });
    }
    const key = `${workload.node.path} client`;
    if (this.open.has(key)) return;
    this.open.add(key);
    for (const server of ['registry', 'offline', 'online'] as const) this._connect(workload, server);
    workload.mountConfigMap(`feast-${this.resourceName}-client`, CLIENT_FILES);
    workload.addEnvironment('FEAST_FS_YAML_FILE_PATH', `${CLIENT_FILES}/feature_store.yaml`);
  }

  private boundaryOf(server: FeastServerKind): NetworkBoundary {
    const known = this.boundaries.get(server);
    if (known) return known;
    const name = server === 'online' ? 'NetworkPolicy' : `${server[0].toUpperCase()}${server.slice(1)}NetworkPolicy`;
    const labels = { 'app.kubernetes.io/managed-by': 'millrace' };
    const boundary = new NetworkBoundary(this, name, { podSelector: this.podSelector, port: FEAST_PORTS[server], labels });
    this.boundaries.set(server, boundary);
    return boundary;
  }
}

/** Where a client finds its settings. */
const CLIENT_FILES = '/etc/feast';

/** Whether the servers call AWS with a role of their own. */
function usesAws({ registry, onlineStore, offlineStore }: FeatureStoreProps): boolean {
  const types = [onlineStore.storeType, offlineStore?.storeType];
  return registry._path !== undefined || ['dynamodb', 'athena', 'redshift'].some((type) => types.includes(type));
}
