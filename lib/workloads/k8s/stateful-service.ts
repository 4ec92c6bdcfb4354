import type { RemovalPolicy, Size } from 'aws-cdk-lib';
import { ApiObject, Lazy, Names } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { decideRetention, retentionAnnotations } from '../../core/retention';
import { registerUpdateRules } from '../../core/update-rule';
import { WorkloadUpdateRules } from '../workload-update-rules';
import { HealthCheck } from './health-check';
import { quantityOf } from './pod-template';
import { PORT_NAME } from './port-name';
import { statefulServiceRules } from './stateful-service-rules';
import type { VerticalMode } from './vertical-mode';
import { Workload, type WorkloadOptions } from './workload';
import { STATEFUL_SERVICE_KIND, type WorkloadKind } from './workload-kind';

/** In which order members start and stop. It cannot change later. */
export enum PodManagement {
  /** One after the other, each when the one before is ready. */
  ORDERED_READY = 'OrderedReady',
  /** All at once, for members that find each other by themselves. */
  PARALLEL = 'Parallel',
}

/** The members of a stateful service, each with a name and a volume of its own. */
export interface StatefulMembers {
  /** Volume of each member, in whole mebibytes. It cannot change later: neither grow nor shrink. */
  readonly storage: Size;
  /**
   * Storage class of the volumes. It cannot change later.
   * @default - the default class of the cluster
   */
  readonly storageClassName?: string;
  /**
   * Where the volume stands in the container.
   * @default '/data'
   */
  readonly mountPath?: string;
  /**
   * Members. Fewer members than before leave volumes behind, with what only they hold.
   * @default - the replicas of the size
   */
  readonly replicas?: number;
  /**
   * In which order members start and stop. It cannot change later.
   * @default PodManagement.ORDERED_READY
   */
  readonly podManagement?: PodManagement;
  /**
   * What becomes of the volumes when the StatefulSet is deleted. DESTROY needs the context key `millrace:destroyData` as well; then the data
   * is lost. Volumes of members that leave are always kept.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * A vertical autoscaler.
   * @default - none
   */
  readonly verticalAutoscaler?: VerticalMode;
}

/** Properties of a stateful service. */
export interface StatefulServiceProps extends WorkloadOptions {
  /** The members and their volumes. */
  readonly members: StatefulMembers;
  /**
   * How the container tells how it is.
   * @default - `/livez` and `/readyz` on the port
   */
  readonly health?: HealthCheck;
}

const CLAIM_NAME = 'data';
const DEFAULT_MOUNT_PATH = '/data';
// A StatefulSet labels its pods with its name and a hash of eleven characters, and a label has 63.
const MAX_NAME_LENGTH = 52;

/**
 * A service with state on Kubernetes: StatefulSet, headless Service, a volume for each member, disruption budget of one member, service
 * account and a network policy that lets members reach each other and denies everything not declared. Volumes are retained.
 *
 * @throws Millrace.StatefulServiceInvalid
 */
export class StatefulService extends Workload {
  /** Name of the headless Service: members are `<serviceName>-<n>.<serviceName>.<namespace>`. */
  public readonly serviceName: string;
  /** Port the container listens on. */
  public readonly port: number;

  constructor(scope: Construct, id: string, props: StatefulServiceProps) {
    super(scope, id, props);
    const { members } = props;
    const health = props.health ?? HealthCheck.http();
    const replicas = members.replicas ?? props.size.replicas;
    this._begin({ ...props, health, replicas }, statefulServiceRules());
    this.port = this._port!;
    const mountPath = members.mountPath ?? DEFAULT_MOUNT_PATH;
    this._takeMountPath('members.mountPath', mountPath);
    this.serviceName = Names.toDnsLabel(this, { maxLen: MAX_NAME_LENGTH });
    const retention = decideRetention(this, members.removalPolicy);
    const statefulSet = new ApiObject(this, 'Resource', {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: this.serviceName, labels: this._labels, annotations: retentionAnnotations(retention) },
      spec: Lazy.any({
        produce: () => ({
          replicas,
          serviceName: this.serviceName,
          selector: { matchLabels: { ...this.podSelector } },
          podManagementPolicy: members.podManagement ?? PodManagement.ORDERED_READY,
          updateStrategy: { type: 'RollingUpdate' },
          revisionHistoryLimit: 5,
          persistentVolumeClaimRetentionPolicy: { whenDeleted: retention.destroy ? 'Delete' : 'Retain', whenScaled: 'Retain' },
          template: this._podTemplate({ health, claim: { name: CLAIM_NAME, mountPath } }),
          volumeClaimTemplates: [
            {
              metadata: { name: CLAIM_NAME },
              spec: {
                accessModes: ['ReadWriteOnce'],
                ...(members.storageClassName ? { storageClassName: members.storageClassName } : {}),
                resources: { requests: { storage: quantityOf(members.storage.toBytes()) } },
              },
            },
          ],
        }),
      }),
    });
    new k8s.KubeService(this, 'Headless', {
      metadata: { name: this.serviceName, labels: this._labels },
      spec: {
        clusterIp: 'None',
        // Members find each other before they are ready, or they never would be.
        publishNotReadyAddresses: true,
        selector: { ...this.podSelector },
        ports: [{ name: PORT_NAME, port: this.port, targetPort: k8s.IntOrString.fromString(PORT_NAME), protocol: 'TCP' }],
      },
    });
    this._recommend(statefulSet, members.verticalAutoscaler, false);
    // One at a time: what needs a majority of three keeps it.
    this._limitDisruption(k8s.IntOrString.fromNumber(1));
    this._finish(statefulSet);
    this.allowFrom(this);
    registerUpdateRules(this, WorkloadUpdateRules.all());
  }

  /** @internal */
  protected get _kind(): WorkloadKind {
    return STATEFUL_SERVICE_KIND;
  }
}
