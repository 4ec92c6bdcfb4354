import { ApiObject, Chart, Names } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { CostAllocation } from '../../cost/cost-allocation';
import { DisruptionBudget } from '../../workloads/k8s/disruption-budget';
import { GpuRequest } from '../../workloads/k8s/gpu-request';
import { NetworkBoundary } from '../../workloads/k8s/network-boundary';
import type { PodScheduling } from '../../workloads/k8s/pod-scheduling';
import { ServiceIdentity } from '../../workloads/k8s/service-identity';
import { CIDR_RULES } from '../../workloads/k8s/workload-rules';
import { KserveUpdateRules } from '../kserve-update-rules';
import type { ILlmEndpoint, LlmEndpointOptions } from '../llm-endpoint';
import { resolveLlmMonitoring } from '../llm-monitoring-rules';
import { LlmScaling, LlmScalingKind } from '../llm-scaling';
import type { LlmSizing } from '../llm-sizing';
import { vllmVersionOf } from '../vllm-arguments';
import { ensureServiceAccount } from './endpoint-service-account';
import { LlmAlerts } from './llm-alerts';
import { LlmEndpointGrants } from './llm-endpoint-grants';
import { INSTANCE_TYPE_LABEL, LLM_ENDPOINT_CODE, LLM_ENDPOINT_RULES, type LlmEndpointInput } from './llm-endpoint-rules';
import { LlmInferencePool } from './llm-inference-pool';
import { LlmInferenceService, LlmLocalModelCache } from './llm-inference-service';
import { LlmMetrics } from './llm-metrics';
import { LlmModelCache, LlmModelCacheKind } from './llm-model-cache';
import type { LlmPodOptions } from './llm-pods';
import { LlmScaledObject } from './llm-scaled-object';
import { LlmServing, LlmServingKind } from './llm-serving';
import { LlmDeployment, LlmLeaderWorkerSet, type LlmWorkloadProps, ROLE_LABEL } from './llm-workload';
import { VLLM_PORT, VLLM_PORT_NAME } from './vllm-pod';
import type { VllmServerOptions } from './vllm-server';

/** Properties of an endpoint for a language model. */
export interface LlmEndpointProps extends LlmEndpointOptions {
  /** The server in the pods. */
  readonly server: VllmServerOptions;
  /**
   * What serves the model.
   * @default LlmServing.deployment()
   */
  readonly serving?: LlmServing;
  /**
   * What keeps the files of the model from being fetched at every start.
   * @default LlmModelCache.none()
   */
  readonly modelCache?: LlmModelCache;
  /**
   * The pods.
   * @default - on nodes of the instance type of the sizing, spread over the zones
   */
  readonly pods?: LlmPodOptions;
}

const NAME_LENGTH = 43;
const TARGET_LABEL = 'app.kubernetes.io/instance';

/**
 * A language model on Kubernetes behind the API of OpenAI: vLLM with what the sizing counted with, probes that wait for the weights, a
 * drain, a disruption budget, spread over zones, a network policy that denies everything not declared, and alerts. Needs Kubernetes 1.30, the
 * device plugin of NVIDIA, the Prometheus operator, and KEDA 2.17 where it scales.
 *
 * Nothing is open by itself: `allowToCidr` lets the pods fetch the files of a model that is not on a claim, and `allowFromNamespace` lets
 * Prometheus read them.
 *
 * @throws Millrace.LlmEndpointInvalid, Millrace.LlmScalingInvalid, Millrace.LlmGpuMismatch, Millrace.VllmVersionUnknown,
 * Millrace.LlmMonitoringInvalid
 */
export class LlmEndpoint extends Construct implements ILlmEndpoint {
  /** Its name. */
  public readonly endpointName: string;
  /** Name under which requests ask for the model. */
  public readonly modelName: string;
  /** Address for clients of OpenAI, for example `http://chat.llm/v1`. */
  public readonly baseUrl: string;
  /** The decided size. */
  public readonly sizing: LlmSizing;
  /** Who may ask. */
  public readonly grants: LlmEndpointGrants;
  /** What vLLM measures. */
  public readonly metrics: LlmMetrics;
  /** Labels that select the pods. */
  public readonly podSelector: { [key: string]: string };
  /** Namespace of the chart, when it has one. */
  public readonly namespace?: string;

  private readonly boundary: NetworkBoundary;

  constructor(scope: Construct, id: string, props: LlmEndpointProps) {
    super(scope, id);
    const input = this.inputOf(props);
    enforce(this.node.path, input, LLM_ENDPOINT_RULES);
    const monitoring = resolveLlmMonitoring(this.node.path, props.monitoring);
    const { endpointName, sizing, serving } = input;
    this.endpointName = endpointName;
    this.modelName = sizing.model.name;
    this.sizing = sizing;
    this.namespace = Chart.of(this).namespace;
    this.podSelector = { [TARGET_LABEL]: endpointName };
    const labels = { 'app.kubernetes.io/managed-by': 'millrace', 'app.kubernetes.io/name': endpointName };
    const identity = input.pods.identity ?? ServiceIdentity.serviceAccount(endpointName);
    ensureServiceAccount(this, identity, LLM_ENDPOINT_CODE);
    const isKserve = serving.kind === LlmServingKind.KSERVE;
    const workload = this.makeWorkload({
      input,
      // KServe sets the name of its service on its pods itself.
      labels: isKserve ? { 'app.kubernetes.io/managed-by': 'millrace' } : labels,
      owner: () => CostAllocation.of(this)?.labels() ?? {},
      podSelector: this.podSelector,
      serviceAccountName: identity.serviceAccountName,
      scheduling: schedulingOf(input),
      isScaled: input.scaling.kind !== LlmScalingKind.FIXED,
    });
    recordSizing(workload, sizing);
    this.baseUrl = isKserve ? this.kserveUrl(serving._kserve?.tls) : this.makeService(labels, serving.kind);
    new DisruptionBudget(this, 'DisruptionBudget', {
      labels,
      podSelector: this.podSelector,
      // Each takes minutes to come back.
      maxUnavailable: k8s.IntOrString.fromNumber(1),
    });
    this.boundary = new NetworkBoundary(this, 'NetworkPolicy', { podSelector: this.podSelector, port: VLLM_PORT, labels });
    if (identity.usesPodIdentity) this.boundary.allowPodIdentityAgent();
    this.openWays(input, labels);
    const series = `${isKserve ? 'llm_isvc_name' : TARGET_LABEL.replace(/\W/g, '_')}="${endpointName}"`;
    const selector = this.namespace ? `namespace="${this.namespace}",${series}` : series;
    this.metrics = LlmMetrics._of({ selector, prefix: isKserve ? 'kserve_' : '', window: `${monitoring.windowMinutes}m` });
    new LlmAlerts(this, 'Monitoring', {
      endpointName,
      labels,
      // KServe reads its pods itself.
      read: isKserve ? undefined : { podSelector: this.servingPods(serving.kind), targetLabel: TARGET_LABEL },
      metrics: this.metrics,
      selector,
      monitoring,
      timeToFirstTokenSeconds: sizing.timeToFirstToken?.toSeconds({ integral: false }),
    });
    if (input.scaling._waiting) {
      const { minReplicas, maxReplicas } = input;
      const query = this.metrics.waitingRequests().expression;
      new LlmScaledObject(this, 'Autoscaler', {
        target: workload,
        labels,
        waiting: input.scaling._waiting,
        minReplicas,
        maxReplicas,
        query,
      });
    }
    this.grants = LlmEndpointGrants._of({
      baseUrl: this.baseUrl,
      namespace: this.namespace,
      podSelector: this.podSelector,
      admit: (podSelector, namespace) => this.boundary.allowIngressFrom(podSelector, namespace),
    });
    requireAllocation(this);
    registerUpdateRules(this, KserveUpdateRules.all());
  }

  /** Lets every pod of a namespace reach the pods, for example those of Prometheus or of a gateway of one's own. */
  public allowFromNamespace(namespaceName: string): void {
    this.boundary.allowIngressFromNamespace(namespaceName);
  }

  /**
   * Lets the pods call an address range, for example to fetch the files of the model.
   *
   * @throws Millrace.CidrInvalid
   */
  public allowToCidr(cidr: string, port: number): void {
    enforce(`${this.node.path} allowToCidr`, { cidr, port }, CIDR_RULES);
    this.boundary.allowEgressToCidr(cidr, port);
  }

  private inputOf(props: LlmEndpointProps): LlmEndpointInput {
    const { sizing, server, scaling = LlmScaling.fixed(), pods = {} } = props;
    const isFixed = scaling.kind === LlmScalingKind.FIXED;
    const minReplicas = isFixed ? sizing.replicas : (scaling.limits.minReplicas ?? Math.min(sizing.zones, sizing.replicas));
    const maxReplicas = isFixed ? minReplicas : (scaling.limits.maxReplicas ?? 2 * Math.max(minReplicas, sizing.replicas));
    return {
      endpointName: props.endpointName ?? Names.toDnsLabel(this, { maxLen: NAME_LENGTH }),
      sizing,
      server,
      serving: props.serving ?? LlmServing.deployment(),
      scaling,
      modelCache: props.modelCache ?? LlmModelCache.none(),
      pods,
      version: vllmVersionOf(server.version ?? server.image),
      minReplicas,
      maxReplicas,
      fallbackReplicas: scaling._waiting?.fallbackReplicas,
      scheduling: pods.scheduling,
    };
  }

  private makeWorkload(props: LlmWorkloadProps): ApiObject {
    const { kind } = props.input.serving;
    if (kind === LlmServingKind.DEPLOYMENT) return new LlmDeployment(this, 'Resource', props);
    if (kind === LlmServingKind.MULTI_NODE) return new LlmLeaderWorkerSet(this, 'Resource', props);
    if (props.input.modelCache.kind === LlmModelCacheKind.KSERVE_LOCAL_MODEL) new LlmLocalModelCache(this, 'ModelCache', props);
    return new LlmInferenceService(this, 'Resource', props);
  }

  private servingPods(kind: LlmServingKind): { [key: string]: string } {
    return kind === LlmServingKind.MULTI_NODE ? { ...this.podSelector, [ROLE_LABEL]: 'leader' } : this.podSelector;
  }

  private makeService(labels: { [key: string]: string }, kind: LlmServingKind): string {
    // A group has a service of its own under its name, by which its pods find each other.
    const name = kind === LlmServingKind.MULTI_NODE ? `${this.endpointName}-leader` : this.endpointName;
    new k8s.KubeService(this, 'ClusterIp', {
      metadata: { name, labels },
      spec: {
        selector: this.servingPods(kind),
        ports: [{ name: VLLM_PORT_NAME, port: 80, targetPort: k8s.IntOrString.fromString(VLLM_PORT_NAME), protocol: 'TCP' }],
      },
    });
    return `http://${[name, this.namespace].filter(Boolean).join('.')}/v1`;
  }

  /** The service that KServe makes over the pods. */
  private kserveUrl(tls = false): string {
    return `${tls ? 'https' : 'http'}://${[`${this.endpointName}-kserve-workload-svc`, this.namespace].filter(Boolean).join('.')}:${VLLM_PORT}/v1`;
  }

  private openWays({ serving, endpointName, sizing }: LlmEndpointInput, labels: { [key: string]: string }): void {
    const { _routing: routing, _kserve: kserve } = serving;
    if (routing) {
      this.boundary.allowIngressFromNamespace(routing.proxyNamespace);
      this.boundary.allowIngressFrom(routing.endpointPicker.podSelector);
      new LlmInferencePool(this, 'Pool', { endpointName, labels, podSelector: this.podSelector, routing });
    }
    if (kserve?.gatewayName) {
      const proxies = kserve.proxyNamespace ?? kserve.gatewayNamespace ?? this.namespace;
      if (proxies) this.boundary.allowIngressFromNamespace(proxies);
      const scheduler = { 'app.kubernetes.io/component': 'llminferenceservice-router-scheduler', 'app.kubernetes.io/name': endpointName };
      this.boundary.allowIngressFrom(scheduler);
    }
    if (sizing.nodes > 1) this.openGroup(labels);
  }

  /** The pods of a group talk on ports that they choose themselves; policies add up, so this one opens only that. */
  private openGroup(labels: { [key: string]: string }): void {
    const own = { podSelector: { matchLabels: { ...this.podSelector } } };
    new ApiObject(this, 'GroupNetworkPolicy', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { labels },
      spec: { ...own, policyTypes: ['Ingress', 'Egress'], ingress: [{ from: [own] }], egress: [{ to: [own] }] },
    });
  }
}

/** Nodes of the instance type that the sizing counted with, unless the GPU is named itself. */
function schedulingOf({ pods, sizing }: LlmEndpointInput): PodScheduling {
  const { scheduling = {} } = pods;
  const model = scheduling.gpu?.model;
  const nodeSelector = { ...scheduling.nodeSelector, ...(model ? {} : { [INSTANCE_TYPE_LABEL]: sizing.instanceType }) };
  return { ...scheduling, nodeSelector, gpu: GpuRequest.whole(sizing.tensorParallel, model) };
}
