import { ApiObject, Chart, Names } from 'cdk8s';
import { Construct } from 'constructs';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { NetworkBoundary } from '../../workloads/k8s/network-boundary';
import { ServiceIdentity } from '../../workloads/k8s/service-identity';
import { resolveMonitoring } from '../endpoint-monitoring-rules';
import { EndpointScaling } from '../endpoint-scaling';
import { EndpointSizing } from '../endpoint-sizing';
import { EndpointUpdateRules } from '../endpoint-update-rules';
import { KserveUpdateRules } from '../kserve-update-rules';
import type { IModelEndpoint, ModelEndpointOptions } from '../model-endpoint';
import { Rollout } from '../rollout';
import { EndpointAlerts } from './endpoint-alerts';
import { EndpointGrants } from './endpoint-grants';
import { EndpointMetrics } from './endpoint-metrics';
import type { EndpointPodOptions } from './endpoint-pods';
import { planScaling } from './endpoint-scaling-plan';
import { ensureServiceAccount } from './endpoint-service-account';
import type { RayClusterOptions, RayServeApp } from './ray-cluster-options';
import { rayExpressions } from './ray-metrics';
import { DASHBOARD_PORT, ENDPOINT_LABEL, METRICS_PORT, NODE_TYPE, SERVE_PORT } from './ray-names';
import { checkRayEndpoint, redisPort } from './ray-rules';
import { RayService, type RayServiceProps, movesInSteps } from './ray-service';

/** Properties of a model endpoint on Ray Serve. */
export interface RayEndpointProps extends ModelEndpointOptions {
  /** The application in the image. */
  readonly app: RayServeApp;
  /** Its workers, each of which runs one replica; the head has their identity. */
  readonly pods: EndpointPodOptions;
  /** The Ray cluster below it. */
  readonly cluster: RayClusterOptions;
}

const NAME_ROOM = 40;

/**
 * A model endpoint on Ray Serve (KubeRay 1.7), for models that are made of several steps or share GPUs. Any change but that of replicas makes a new
 * cluster: with a gateway class step by step, with one step of pods more than serve; without one at once, with twice the pods and GPUs for the time.
 * Without `cluster.faultTolerance` a lost head takes the endpoint along. KubeRay steps on whatever the alerts say: they tell who has to act.
 *
 * @throws Millrace.RayEndpointInvalid, Millrace.ModelSourceUnsupported, Millrace.EndpointMinReplicas, Millrace.EndpointScalingBelowDemand,
 * Millrace.EndpointRolloutUnsupported, Millrace.EndpointRolloutUnguarded, Millrace.DataCaptureUnsupported, Millrace.EndpointDemandInvalid,
 * Millrace.EndpointDemandDoesNotFit, Millrace.TokenRefused
 */
export class RayEndpoint extends Construct implements IModelEndpoint {
  /** Name of the RayService. */
  public readonly endpointName: string;
  /** Address in the cluster; nobody answers there when traffic moves through a gateway, whose address is its own. */
  public readonly url: string;
  /** The decided number of replicas. */
  public readonly sizing: EndpointSizing;
  /** Who may call it. */
  public readonly grants: EndpointGrants;
  /** What Prometheus knows of it. */
  public readonly metrics: EndpointMetrics;
  /** Labels of its pods, whichever cluster they are of. */
  public readonly podSelector: { [key: string]: string };
  /** Service account of its pods. */
  public readonly serviceAccountName: string;

  private readonly network: NetworkBoundary;
  private readonly labels: { [key: string]: string };

  constructor(scope: Construct, id: string, props: RayEndpointProps) {
    super(scope, id);
    const { namespace } = Chart.of(this);
    this.endpointName = props.endpointName ?? Names.toDnsLabel(this, { maxLen: NAME_ROOM });
    this.sizing = EndpointSizing.forDemand(props.demand);
    const monitoring = resolveMonitoring(this.node.path, props.monitoring);
    const identity = props.pods.identity ?? ServiceIdentity.serviceAccount(Names.toDnsLabel(this));
    this.serviceAccountName = identity.serviceAccountName;
    this.labels = { 'app.kubernetes.io/managed-by': 'millrace', 'app.kubernetes.io/name': this.endpointName };
    this.podSelector = { [ENDPOINT_LABEL]: this.endpointName };
    const input: RayServiceProps = {
      props,
      name: this.endpointName,
      labels: this.labels,
      serviceAccountName: this.serviceAccountName,
      sizing: this.sizing,
      plan: planScaling(props.scaling ?? EndpointScaling.concurrency(), this.sizing, true),
      rollout: props.rollout ?? (props.cluster.gatewayClassName ? Rollout.linear() : Rollout.allAtOnce()),
    };
    checkRayEndpoint(this.node.path, { ...input, monitoring });
    ensureServiceAccount(this, identity, 'Millrace.RayEndpointInvalid');
    const resource = new RayService(this, 'Resource', input);
    this.limitDisruption(input);
    this.network = this.makeNetwork(props, identity);
    this.url = `http://${this.endpointName}-serve-svc${namespace ? `.${namespace}` : ''}:${SERVE_PORT}`;
    this.grants = EndpointGrants._of({
      endpointName: this.endpointName,
      url: this.url,
      namespace,
      podSelector: this.podSelector,
      port: SERVE_PORT,
      isBehindGateway: movesInSteps(input.rollout),
      admit: (selector, from) => this.network.allowIngressFrom(selector, from),
    });
    const { selector, expressions } = rayExpressions(this.endpointName, props.app.deployment, namespace, `${monitoring.windowMinutes}m`);
    this.metrics = EndpointMetrics._of(expressions);
    new EndpointAlerts(this, 'Watch', {
      endpointName: this.endpointName,
      labels: this.labels,
      podSelector: this.podSelector,
      targetLabels: [ENDPOINT_LABEL, NODE_TYPE],
      port: 'metrics',
      metrics: this.metrics,
      selector,
      monitoring,
      p99Seconds: props.demand.p99.toSeconds({ integral: false }),
      concurrencyPerReplica: this.sizing.concurrencyPerReplica,
    });
    recordSizing(resource, this.sizing);
    registerUpdateRules(this, [...KserveUpdateRules.all(), ...EndpointUpdateRules.all()]);
    requireAllocation(this);
  }

  /** Lets every pod of a namespace call this one: that of the gateway through which traffic moves, above all. */
  public allowFromNamespace(namespaceName: string): void {
    this.network.allowIngressFromNamespace(namespaceName);
  }

  /** Kubernetes counts shares only for what it can scale, which a Ray cluster is not: a whole number has to stay. */
  private limitDisruption({ plan, props }: RayServiceProps): void {
    this.keep('WorkerBudget', 'worker', plan.minReplicas - 1);
    // A head that nobody can replace is not drained off its node; with its state in Redis the next one goes on.
    if (!props.cluster.faultTolerance) this.keep('HeadBudget', 'head', 1);
  }

  private keep(id: string, node: string, minAvailable: number): void {
    new ApiObject(this, id, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { labels: this.labels },
      spec: {
        minAvailable,
        selector: { matchLabels: { ...this.podSelector, [NODE_TYPE]: node } },
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
      },
    });
  }

  private makeNetwork({ cluster }: RayEndpointProps, identity: ServiceIdentity): NetworkBoundary {
    const { podSelector, labels } = this;
    const network = new NetworkBoundary(this, 'NetworkPolicy', { podSelector, port: SERVE_PORT, labels });
    network.allowAmong(podSelector);
    network.allowIngressFromNamespace(cluster.operatorNamespace ?? 'kuberay-operator', DASHBOARD_PORT, SERVE_PORT);
    network.allowIngressFromNamespace(cluster.prometheusNamespace ?? 'monitoring', METRICS_PORT);
    if (identity.usesPodIdentity) network.allowPodIdentityAgent();
    if (cluster.apiServerCidr) network.allowEgressToCidr(cluster.apiServerCidr, 443);
    if (cluster.downloadCidr) network.allowEgressToCidr(cluster.downloadCidr, 443);
    const { faultTolerance } = cluster;
    if (faultTolerance) network.allowEgressToCidr(faultTolerance.redisCidr, redisPort(faultTolerance.redisAddress)!);
    return network;
  }
}
