import { createHash } from 'crypto';
import type { Duration } from 'aws-cdk-lib';
import { ApiObject, Lazy, Names } from 'cdk8s';
import type { Construct } from 'constructs';
import { type Rule, isPositiveInteger } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import { appliedAllocation } from '../../cost/applied-allocation';
import type { PodSize } from '../../workloads/pod-size';
import { DNS_SUBDOMAIN } from '../../workloads/k8s/kubernetes-syntax';
import type { ServiceIdentity } from '../../workloads/k8s/service-identity';
import { Workload } from '../../workloads/k8s/workload';
import type { WorkloadKind } from '../../workloads/k8s/workload-kind';
import { isWholeSeconds } from '../../workloads/k8s/workload-rules';
import { WorkloadUpdateRules } from '../../workloads/workload-update-rules';
import { CHECKPOINT_VARIABLE, type ITrainingPipeline } from '../training-pipeline';
import { DASHBOARD_PORT, rayJobSpec, trainingContent } from './ray-job-spec';
import { TRAINING_KIND } from './training-kind';
import { SIZED_WORKER_RULES, sizedScheduling } from './sized-workers';
import type { TrainingExecution, TrainingWorkers } from './training-options';

/** Properties of a training on Kubernetes. */
export interface TrainingPipelineProps {
  /** Image with Ray and the code of the training, with a tag other than latest or a digest; its user is a number. */
  readonly image: string;
  /** What is run, for example `python /app/train.py`. */
  readonly entrypoint: string;
  /** The pods that train. */
  readonly workers: TrainingWorkers;
  /**
   * Size of the head, which runs the entry point and trains nothing.
   * @default - 1 core, 4 GiB
   */
  readonly head?: PodSize;
  /**
   * Where checkpoints are kept: `s3://bucket/prefix`. The pods find it in `CHECKPOINT_URI`, write there, and go on from there; so does a
   * changed training, which takes another prefix to begin anew.
   * @default - none are kept
   */
  readonly checkpointUri?: string;
  /**
   * How it runs and ends.
   * @default - for a day at most
   */
  readonly execution?: TrainingExecution;
  /**
   * Environment of all pods.
   * @default - empty
   */
  readonly environment?: { [name: string]: string };
  /**
   * Who the pods are, to Kubernetes and to AWS.
   * @default - a service account named as the training
   */
  readonly identity?: ServiceIdentity;
}

// KubeRay takes 47 characters (RayJob names); the hash takes nine.
const MAX_BASE_LENGTH = 38;
const HASH_LENGTH = 8;
const LONGEST_SECONDS = 28 * 24 * 3600;
const DAY_SECONDS = 24 * 3600;
const HEAD_SIZE = { cpuMillis: 1000, memoryBytes: 4 * 1024 ** 3 };

/**
 * A training on Kubernetes: a job on a Ray cluster of its own, made by KubeRay 1.2 or later and gone when it is done. The pods are restricted and
 * reach each other, the name service and what is opened with `allowToCidr` or `allowToPods`, such as the store of the data.
 *
 * KubeRay does not run a changed RayJob again, so its name ends with a hash of what it does: a changed training is a new object and runs, and an
 * unchanged one does not. The operator hands it in from another namespace: open that with `allowOperator`.
 *
 * @throws Millrace.TrainingJobInvalid, Millrace.TrainingSpotWithoutCheckpoint, Millrace.TokenRefused
 */
export class TrainingPipeline extends Workload implements ITrainingPipeline {
  private readonly baseName: string;
  private readonly render: (podLabels: { [key: string]: string }) => Record<string, unknown>;
  private readonly operatorNamespaces: string[] = [];

  constructor(scope: Construct, id: string, props: TrainingPipelineProps) {
    const { checkpointUri, execution = {} } = props;
    const scheduling = sizedScheduling(props.workers);
    const workers = { ...props.workers, scheduling, count: props.workers.count ?? props.workers.sizing?.instances };
    super(scope, id, {
      image: props.image,
      size: workers.size,
      container: {
        // The root of the file system is read-only, and libraries keep caches at home.
        environment: { HOME: '/tmp', ...props.environment, ...(checkpointUri ? { [CHECKPOINT_VARIABLE]: checkpointUri } : {}) },
      },
      scheduling,
      identity: props.identity,
    });
    this._begin({ ...props, size: workers.size, scheduling }, [...TRAINING_RULES, ...SIZED_WORKER_RULES]);
    const head = props.head ?? HEAD_SIZE;
    const hasCheckpoints = checkpointUri !== undefined;
    const { entrypoint } = props;
    this.render = (podLabels) =>
      rayJobSpec({ entrypoint, workers, head, execution, hasCheckpoints, podLabels, template: () => this._podTemplate() });
    this.baseName = dnsName(Names.toDnsLabel(this, { maxLen: MAX_BASE_LENGTH - 2 }));
    const queue: { [key: string]: string } = execution.queueName ? { 'kueue.x-k8s.io/queue-name': execution.queueName } : {};
    const job = new ApiObject(this, 'Resource', {
      apiVersion: 'ray.io/v1',
      kind: 'RayJob',
      metadata: { name: this.baseName, labels: { ...this._labels, ...this.podSelector, ...queue } },
      spec: Lazy.any({ produce: () => this.render(appliedAllocation(this)?.allocation.labels() ?? {}) }),
    });
    // cdk8s takes a name when an object is made, but this one follows from variables and secrets that are added until synthesis.
    for (const named of [job, job.metadata]) Object.defineProperty(named, 'name', { get: () => this.pipelineName, enumerable: true });
    this._finish(job);
    if (workers.sizing) recordSizing(job, workers.sizing);
    registerUpdateRules(this, WorkloadUpdateRules.all());
    this.openCluster();
  }

  /** Name of the RayJob as it stands now; it changes with what the training does. */
  public get pipelineName(): string {
    // Who pays does not count: a training is not run again for it.
    const content = JSON.stringify(trainingContent(this.render({})));
    return `${this.baseName}-${createHash('sha256').update(content).digest('hex').slice(0, HASH_LENGTH)}`;
  }

  /** Lets the operator ask the head how the job is: KubeRay reads its dashboard from the namespace that it stands in. */
  public allowOperator(namespaceName: string): void {
    if (!this.operatorNamespaces.includes(namespaceName)) this.operatorNamespaces.push(namespaceName);
  }

  /** @internal */
  protected get _kind(): WorkloadKind {
    return TRAINING_KIND;
  }

  /** Head, workers and the pod that hands the job in talk on many ports, some of which Ray chooses. */
  private openCluster(): void {
    const peers = [{ podSelector: { matchLabels: { ...this.podSelector } } }];
    const operator = () =>
      this.operatorNamespaces.map((name) => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } }));
    new ApiObject(this, 'ClusterPolicy', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { labels: { ...this._labels } },
      spec: Lazy.any({
        produce: () => ({
          podSelector: { matchLabels: { ...this.podSelector } },
          policyTypes: ['Ingress', 'Egress'],
          ingress: [
            { from: peers },
            ...(this.operatorNamespaces.length > 0 ? [{ from: operator(), ports: [{ protocol: 'TCP', port: DASHBOARD_PORT }] }] : []),
          ],
          egress: [{ to: peers }],
        }),
      }),
    });
  }
}

/** KubeRay makes services of the name, which begin with a letter. */
function dnsName(label: string): string {
  return /^[a-z]/.test(label) ? label : `t-${label}`;
}

const row = (
  subject: string,
  value: (props: TrainingPipelineProps) => unknown,
  valid: (value: never) => boolean,
  allowed: string,
  fix: string,
): Rule<TrainingPipelineProps> => ({ code: TRAINING_KIND.code, subject, value, valid, allowed, fix, tokens: 'refuse' });

const TRAINING_RULES: readonly Rule<TrainingPipelineProps>[] = [
  {
    code: 'Millrace.TrainingSpotWithoutCheckpoint',
    subject: 'checkpointUri',
    value: ({ workers, checkpointUri }) => (workers.spot ? checkpointUri !== undefined : undefined),
    valid: (kept: boolean) => kept,
    allowed: 'spot nodes with checkpoints: without them a lost node starts the training again',
    fix: 'give checkpointUri and write checkpoints to CHECKPOINT_URI, or drop workers.spot',
  },
  row(
    'entrypoint',
    (props) => props.entrypoint,
    (command: string) => command.trim() !== '',
    'a command',
    'name the program: python /app/train.py',
  ),
  row(
    'checkpointUri',
    (props) => props.checkpointUri,
    (uri: string) => /^[a-z][a-z0-9+-]*:\/\/[^\s/]+/.test(uri),
    'a URI with a scheme and a place: s3://bucket/prefix',
    'name a store outside of the pods',
  ),
  row(
    'workers.count',
    ({ workers }) => workers.count,
    (count: number) => isPositiveInteger(count) && count <= 256,
    'a whole number from 1 to 256',
    'leave it out for the replicas of the size',
  ),
  row(
    'execution.deadline',
    ({ execution }) => execution?.deadline,
    (deadline: Duration) => isWholeSeconds(deadline, 1, LONGEST_SECONDS),
    'whole seconds, up to 28 days',
    'use Duration.hours(…)',
  ),
  row(
    'execution.retries',
    ({ execution }) => execution?.retries,
    (count: number) => Number.isInteger(count) && count >= 0 && count <= 20,
    'a whole number from 0 to 20',
    'leave it out',
  ),
  row(
    'execution.keepFinished',
    ({ execution }) => execution?.keepFinished,
    (time: Duration) => isWholeSeconds(time, 0, DAY_SECONDS),
    'whole seconds, up to a day',
    'leave it out for five minutes',
  ),
  row(
    'execution.queueName',
    ({ execution }) => execution?.queueName,
    (name: string) => name.length <= 63 && DNS_SUBDOMAIN.test(name),
    'the name of a local queue of Kueue',
    'use a name that kubectl get localqueues lists',
  ),
];
