import type { PodSize } from '../../workloads/pod-size';
import { quantityOf } from '../../workloads/k8s/pod-template';
import type { TrainingExecution, TrainingWorkers } from './training-options';

type Json = Record<string, any>;

/** What a RayJob is made of. */
export interface RayJobParts {
  readonly entrypoint: string;
  readonly workers: TrainingWorkers;
  readonly head: Pick<PodSize, 'cpuMillis' | 'memoryBytes'>;
  readonly execution: TrainingExecution;
  readonly hasCheckpoints: boolean;
  /** Labels of the allocation: KubeRay has three pod templates, which nothing else labels. */
  readonly podLabels: { readonly [key: string]: string };
  /** The pod of a worker as it stands now. */
  readonly template: () => object;
}

/** Port of the dashboard, at which jobs are handed in. */
export const DASHBOARD_PORT = 8265;
const CAPACITY_TYPE = 'karpenter.sh/capacity-type';
const DEFAULT_DEADLINE_SECONDS = 24 * 3600;
const DEFAULT_KEPT_SECONDS = 300;
const RETRIES_WITH_CHECKPOINTS = 3;
// Ray puts its sessions there, and what does not fit into memory.
const TMP_SIZE = '20Gi';

/** Spec of a RayJob (ray.io/v1). Its cluster goes when it is done; jobs run on workers alone. */
export function rayJobSpec(parts: RayJobParts): Json {
  const { execution, workers, head, podLabels } = parts;
  const template = () => labelled(parts.template(), podLabels);
  const count = workers.count ?? workers.size.replicas;
  return {
    entrypoint: parts.entrypoint,
    submissionMode: 'K8sJobMode',
    shutdownAfterJobFinishes: true,
    ttlSecondsAfterFinished: execution.keepFinished?.toSeconds() ?? DEFAULT_KEPT_SECONDS,
    backoffLimit: execution.retries ?? (parts.hasCheckpoints ? RETRIES_WITH_CHECKPOINTS : 0),
    activeDeadlineSeconds: execution.deadline?.toSeconds() ?? DEFAULT_DEADLINE_SECONDS,
    rayClusterSpec: {
      enableInTreeAutoscaling: false,
      headGroupSpec: {
        rayStartParams: { 'dashboard-host': '0.0.0.0', 'num-cpus': '0' },
        template: plainPod(template(), 'ray-head', head, workers.spot, [
          { name: 'gcs-server', containerPort: 6379, protocol: 'TCP' },
          { name: 'dashboard', containerPort: DASHBOARD_PORT, protocol: 'TCP' },
          { name: 'client', containerPort: 10001, protocol: 'TCP' },
        ]),
      },
      workerGroupSpecs: [
        {
          groupName: 'workers',
          replicas: count,
          minReplicas: count,
          maxReplicas: count,
          rayStartParams: {},
          template: workerPod(template(), workers),
        },
      ],
    },
    submitterPodTemplate: plainPod(template(), 'ray-job-submitter', undefined, workers.spot, undefined, 'Never'),
  };
}

/** What makes a training another one; how long it is kept does not. */
export function trainingContent({ ttlSecondsAfterFinished: _kept, ...spec }: Json): Json {
  return spec;
}

function labelled(template: Json, labels: RayJobParts['podLabels']): Json {
  return { ...template, metadata: { ...template.metadata, labels: { ...template.metadata.labels, ...labels } } };
}

function workerPod(template: Json, { spot }: TrainingWorkers): Json {
  const pod = ownPod(template, 'ray-worker');
  if (spot) pod.spec.nodeSelector = { ...pod.spec.nodeSelector, [CAPACITY_TYPE]: 'spot' };
  else pod.metadata.annotations = { ...pod.metadata.annotations, ...KEEP };
  return pod;
}

/** A pod without GPUs, on nodes that are not taken away: without it the whole training is lost. */
function plainPod(
  template: Json,
  name: string,
  size?: RayJobParts['head'],
  spot?: boolean,
  ports?: object[],
  restartPolicy?: string,
): Json {
  const pod = ownPod(template, name);
  const { spec } = pod;
  const [container] = spec.containers;
  const memory = size ? quantityOf(size.memoryBytes) : '512Mi';
  container.resources = { requests: { cpu: size ? `${size.cpuMillis}m` : '250m', memory }, limits: { memory } };
  if (ports) container.ports = ports;
  delete spec.nodeSelector;
  if (spot) spec.nodeSelector = { [CAPACITY_TYPE]: 'on-demand' };
  if (spec.tolerations) {
    spec.tolerations = spec.tolerations.filter(({ key }: Json) => key !== 'nvidia.com/gpu');
    if (spec.tolerations.length === 0) delete spec.tolerations;
  }
  if (restartPolicy) spec.restartPolicy = restartPolicy;
  // Its GPUs went with the resources, and so does what is said about them.
  pod.metadata.annotations = { ...KEEP };
  return pod;
}

const KEEP = { 'karpenter.sh/do-not-disrupt': 'true' };

/** The pod of a workload as a part of Ray: workers talk to each other all the time, so they stand together. */
function ownPod(template: Json, name: string): Json {
  const { topologySpreadConstraints, ...spec } = template.spec;
  const { labelSelector } = topologySpreadConstraints[0];
  const term = { labelSelector, topologyKey: 'topology.kubernetes.io/zone' };
  const [container] = spec.containers;
  return {
    metadata: { ...template.metadata },
    spec: {
      ...spec,
      affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }] } },
      containers: [{ ...container, name }],
      volumes: spec.volumes.map((volume: Json) => (volume.name === 'tmp' ? { name: 'tmp', emptyDir: { sizeLimit: TMP_SIZE } } : volume)),
    },
  };
}
