import { ApiObject, Names } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import type { Construct, IConstruct } from 'constructs';
import { refuse } from '../../core/error';
import { BatchJob } from '../../workloads/k8s/batch-job';
import type { ContainerOptions } from '../../workloads/k8s/container-options';
import { CronJob } from '../../workloads/k8s/cron-job';
import type { Workload } from '../../workloads/k8s/workload';
import { PodSize } from '../../workloads/pod-size';
import { sha256 } from '../../streaming/schema-text';
import type { FeatureSchema } from '../feature-schema';
import { APPLY_SCRIPT, MATERIALIZE_SCRIPT } from './apply-script';
import type { FeastAddress } from './feast-address';
import type { FeastSecretOptions } from './feast-secret';
import { FEAST_IMAGE, POOL_VARIABLE, TTL_VARIABLE } from './feast-pool';
import type { FeatureStoreProps } from './feature-store';

const STORE_FILES = '/etc/millrace/feast/store';
const GROUP_FILES = '/etc/millrace/feast/groups';
const SECRET_FILES = '/etc/millrace/feast/secrets';
const WORK = '/tmp/feast';
// One process reads the registry and writes one definition after the other.
const JOB_CONNECTIONS = 2;
/** Version of the format of keys in online stores (feast-operator, SerializationVersion). */
const KEY_SERIALIZATION = 3;
const HASH_LENGTH = 8;
const MAX_NAME_LENGTH = 50;

/** A group as the jobs know it. */
export interface DefinedGroup extends IConstruct {
  readonly schema: FeatureSchema;
  readonly namespace?: string;
}

/** Where everything of a store is reached: its registry, the newest values and the history. */
export function addressesOf({ registry, onlineStore, offlineStore }: FeatureStoreProps): FeastAddress[] {
  const all = [...registry._addresses, ...onlineStore._settings.addresses, ...(offlineStore?._settings.addresses ?? [])];
  // Several of them may share a database or a subnet.
  return [...new Map(all.map((address) => [JSON.stringify(address), address])).values()];
}

/** A ConfigMap of files whose name changes with them, so that a job that mounts it runs again. */
export function filesConfigMap(
  scope: Construct,
  id: string,
  data: { [file: string]: string },
  annotations?: { [key: string]: string },
): ApiObject {
  const hash = sha256(JSON.stringify(data)).slice(0, HASH_LENGTH);
  // eslint-disable-next-line awscdk/require-passing-this, awscdk/no-variable-construct-id -- a function that makes an object has neither
  return new ApiObject(scope, id, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: `${Names.toDnsLabel(scope, { maxLen: MAX_NAME_LENGTH, extra: id === 'Resource' ? undefined : [id] })}-${hash}`,
      annotations,
    },
    data,
    immutable: true,
  });
}

/** The jobs of a feature store. They stand with the first group: to apply nothing would be to define nothing. */
export class FeastJobs {
  private readonly groups = new Map<string, DefinedGroup>();
  private readonly secrets: readonly (readonly [section: string, settings: FeastSecretOptions, key: string])[];
  private apply?: BatchJob;

  constructor(
    private readonly store: Construct & { readonly namespace?: string },
    private readonly props: FeatureStoreProps,
    private readonly project: string,
  ) {
    const { registry, onlineStore, offlineStore } = props;
    this.secrets = [
      ...(registry._settings ? [['registry', registry._settings, registry._settings.secretKey ?? 'sql'] as const] : []),
      ['online_store', onlineStore._settings, onlineStore._settings.secretKey ?? onlineStore.storeType],
      ...(offlineStore
        ? [['offline_store', offlineStore._settings, offlineStore._settings.secretKey ?? offlineStore.storeType] as const]
        : []),
    ];
  }

  /** Takes a group and the ConfigMap with its definitions. */
  public add(group: DefinedGroup, configMapName: string): void {
    this.check(group);
    this.groups.set(group.schema.name, group);
    this.apply ??= this.make();
    this.apply.mountConfigMap(configMapName, `${GROUP_FILES}/${group.schema.name}`);
  }

  /** The longest TTL of the groups, in seconds; 0 where one of them keeps its records for ever. */
  public get longestTtlSeconds(): number {
    const ttls = [...this.groups.values()].map(({ schema }) => schema.ttl?.toSeconds() ?? Infinity);
    const longest = Math.max(0, ...ttls);
    return Number.isFinite(longest) ? longest : 0;
  }

  private check(group: DefinedGroup): void {
    const { name, entityKey } = group.schema;
    const other = this.groups.get(name);
    if (other) {
      refuse(group.node.path, {
        code: 'Millrace.FeatureGroupTwice',
        subject: 'schema.name',
        received: `'${name}', which ${other.node.path} has already`,
        allowed: 'one group of a name in a feature store',
        fix: 'rename one of them',
      });
    }
    if (group.namespace !== this.store.namespace) {
      refuse(group.node.path, {
        code: 'Millrace.FeatureGroupNamespace',
        subject: 'scope',
        received: `a group in ${group.namespace ?? 'the default namespace'}`,
        allowed: `the namespace of its store, ${this.store.namespace ?? 'the default namespace'}: the job that applies it mounts its definition`,
        fix: 'make the group in a chart of that namespace',
      });
    }
    const typeOf = ({ schema }: DefinedGroup) => schema.features.find((feature) => feature.name === entityKey)?.type;
    const rival = [...this.groups.values()].find((each) => each.schema.entityKey === entityKey && typeOf(each) !== typeOf(group));
    if (!rival) return;
    refuse(group.node.path, {
      code: 'Millrace.FeatureEntityTypeDiffers',
      subject: 'schema.entityKey',
      received: `'${entityKey}' of type ${typeOf(group)}, which in ${rival.schema.name} is ${typeOf(rival)}`,
      allowed: 'one type of an entity in a feature store',
      fix: 'give both features one type, or the entity another name',
    });
  }

  private make(): BatchJob {
    const files = filesConfigMap(this.store, 'JobFiles', {
      'apply.py': APPLY_SCRIPT,
      'materialize.py': MATERIALIZE_SCRIPT,
      'store.json': JSON.stringify(this.settings(), undefined, 2),
    });
    const { server, identity, materialization } = this.props;
    const image = server.image ?? FEAST_IMAGE;
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- the unit alone, for who has a store; the room loads no CDK
    const { Size } = require('aws-cdk-lib') as typeof import('aws-cdk-lib');
    const job = new BatchJob(this.store, 'Apply', {
      image,
      size: PodSize.fixed({ cpu: Cpu.millis(250), memory: Size.gibibytes(1), replicas: 1 }),
      container: this.container('apply.py', [`${STORE_FILES}/store.json`, GROUP_FILES, WORK]),
      identity,
      // The stores may come up in the same apply.
      execution: { retries: 10 },
    });
    this.connect(job, files.name);
    if (!materialization) return job;
    const cron = new CronJob(this.store, 'Materialization', {
      image,
      size: materialization.size,
      schedule: materialization.schedule,
      container: this.container('materialize.py', [`${STORE_FILES}/store.json`, WORK]),
      identity,
    });
    this.connect(cron, files.name);
    return job;
  }

  private container(script: string, args: string[]): ContainerOptions {
    return {
      command: ['python', `${STORE_FILES}/${script}`, ...args],
      // The folder of the image cannot be written to.
      environment: { HOME: '/tmp', [POOL_VARIABLE]: String(JOB_CONNECTIONS), [TTL_VARIABLE]: '0', PYTHONDONTWRITEBYTECODE: '1' },
    };
  }

  private connect(job: Workload, filesName: string): void {
    job.mountConfigMap(filesName, STORE_FILES);
    for (const [section, { secretName }] of this.secrets) job.mountSecret(secretName, `${SECRET_FILES}/${section}`);
    for (const address of addressesOf(this.props)) address._open(job);
  }

  /** `feature_store.yaml` without what the secrets hold. */
  private settings(): object {
    const { registry, onlineStore, offlineStore } = this.props;
    return {
      project: this.project,
      provider: 'local',
      entity_key_serialization_version: KEY_SERIALIZATION,
      registry: registry._path ? { registry_type: 'file', path: registry._path } : { registry_type: 'sql' },
      online_store: { type: onlineStore.storeType },
      offline_store: { type: offlineStore?.storeType ?? 'dask' },
      secrets: Object.fromEntries(this.secrets.map(([section, , key]) => [section, `${SECRET_FILES}/${section}/${key}`])),
    };
  }
}
