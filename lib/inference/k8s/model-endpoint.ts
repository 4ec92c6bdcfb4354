import { ApiObject, Chart, Names } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { recordSizing } from '../../core/sizing';
import { registerUpdateRules } from '../../core/update-rule';
import { requireAllocation } from '../../cost/applied-allocation';
import { DisruptionBudget } from '../../workloads/k8s/disruption-budget';
import { NetworkBoundary } from '../../workloads/k8s/network-boundary';
import { PORT_NAME } from '../../workloads/k8s/port-name';
import { prometheusTrigger } from '../../workloads/k8s/prometheus-query';
import { ScaledObject } from '../../workloads/k8s/scaled-object';
import { ServiceIdentity } from '../../workloads/k8s/service-identity';
import { TARGET_CPU_UTILISATION } from '../../workloads/pod-size';
import { resolveMonitoring } from '../endpoint-monitoring-rules';
import { EndpointScaling } from '../endpoint-scaling';
import { EndpointSizing } from '../endpoint-sizing';
import { EndpointUpdateRules } from '../endpoint-update-rules';
import { KserveUpdateRules } from '../kserve-update-rules';
import { type IModelEndpoint, MODEL_INPUT_RECORD_KEY, type ModelEndpointOptions } from '../model-endpoint';
import { Rollout } from '../rollout';
import { EndpointAlerts } from './endpoint-alerts';
import type { EndpointCandidate } from './endpoint-candidate';
import { expressionsOf } from './endpoint-expressions';
import { EndpointGrants } from './endpoint-grants';
import { EndpointMetrics } from './endpoint-metrics';
import type { EndpointPodOptions } from './endpoint-pods';
import type { EndpointPrometheus } from './endpoint-prometheus';
import { type EndpointInput, checkEndpoint, collectorOf } from './endpoint-rules';
import { planScaling } from './endpoint-scaling-plan';
import { ensureServiceAccount } from './endpoint-service-account';
import type { EndpointServing } from './endpoint-serving';
import { InferenceService } from './inference-service';
import { ImportedModelEndpoint, type ModelEndpointAttributes } from './imported-model-endpoint';
import { AGENT_PORT, SERVING_PORT, appLabel, directServiceName, predictorLabels, predictorName } from './kserve-names';

/** Properties of a model endpoint on KServe. */
export interface ModelEndpointProps extends ModelEndpointOptions {
  /** Its pods, those of a candidate included. */
  readonly pods: EndpointPodOptions;
  /**
   * How the pods serve.
   * @default - on port 8080, probed at the paths of the open inference protocol
   */
  readonly serving?: EndpointServing;
  /**
   * A new version beside the model.
   * @default - none
   */
  readonly candidate?: EndpointCandidate;
  /**
   * Where Prometheus stands and what it is told.
   * @default - in the namespace `monitoring`; replicas follow the CPU
   */
  readonly prometheus?: EndpointPrometheus;
}

const CODE = 'Millrace.ModelEndpointInvalid';
const DIRECT_PORT = 80;
const NAME_ROOM = 40;

/**
 * A model endpoint on KServe (0.20, mode Standard) with what KServe leaves out: probes at the pace of a model, a drain, a disruption budget, a
 * spread over zones, restricted pods, a network policy that denies everything not declared, and alerts. Needs the Prometheus operator, and KEDA
 * when replicas follow the requests. KServe rolls back nothing by itself: alerts tell who has to.
 *
 * @throws Millrace.ModelEndpointInvalid, Millrace.ModelSourceUnsupported, Millrace.EndpointMinReplicas, Millrace.EndpointScalingBelowDemand,
 * Millrace.EndpointScalingUnseen, Millrace.EndpointRolloutUnsupported, Millrace.EndpointCandidateInvalid, Millrace.EndpointRolloutUnguarded,
 * Millrace.DataCaptureUnsupported, Millrace.EndpointDemandInvalid, Millrace.EndpointDemandDoesNotFit, Millrace.TokenRefused
 */
export class ModelEndpoint extends Construct implements IModelEndpoint {
  /** Imports an existing endpoint, to call it. */
  public static fromModelEndpointAttributes(scope: Construct, id: string, attributes: ModelEndpointAttributes): ImportedModelEndpoint {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedModelEndpoint(scope, id, attributes);
  }

  /** Name of the InferenceService. */
  public readonly endpointName: string;
  /** Address of the model in the cluster, past the gateway. */
  public readonly url: string;
  /** The decided number of replicas. */
  public readonly sizing: EndpointSizing;
  /** Who may call it. */
  public readonly grants: EndpointGrants;
  /** What Prometheus knows of it. */
  public readonly metrics: EndpointMetrics;
  /** Labels of its pods, those of the candidate included. */
  public readonly podSelector: { [key: string]: string };
  /** Service account of its pods. */
  public readonly serviceAccountName: string;

  private readonly network: NetworkBoundary;
  private readonly labels: { [key: string]: string };

  constructor(scope: Construct, id: string, props: ModelEndpointProps) {
    super(scope, id);
    const { namespace } = Chart.of(this);
    this.endpointName = props.endpointName ?? Names.toDnsLabel(this, { maxLen: NAME_ROOM });
    this.sizing = EndpointSizing.forDemand(props.demand);
    const plan = planScaling(props.scaling ?? EndpointScaling.concurrency(), this.sizing, props.prometheus?.serverAddress !== undefined);
    const input: EndpointInput = {
      props,
      name: this.endpointName,
      namespace,
      sizing: this.sizing,
      plan,
      monitoring: resolveMonitoring(this.node.path, props.monitoring),
      rollout: props.rollout ?? Rollout.rolling(),
    };
    checkEndpoint(this.node.path, input);
    this.labels = { 'app.kubernetes.io/managed-by': 'millrace', 'app.kubernetes.io/name': this.endpointName };
    this.podSelector = predictorLabels(this.endpointName);
    const identity = props.pods.identity ?? ServiceIdentity.serviceAccount(Names.toDnsLabel(this));
    this.serviceAccountName = identity.serviceAccountName;
    ensureServiceAccount(this, identity, CODE);
    new InferenceService(this, 'Resource', { ...input, labels: this.labels, serviceAccountName: this.serviceAccountName });
    this.metrics = EndpointMetrics._of(expressionsOf(this.series(input)));
    this.makeAutoscaler(input);
    new DisruptionBudget(this, 'DisruptionBudget', {
      labels: this.labels,
      podSelector: this.podSelector,
      maxUnavailable: k8s.IntOrString.fromString('25%'),
    });
    this.network = this.makeNetwork(input, identity);
    const trafficPort = this.trafficPort(input);
    const direct = this.makeDirectService(input, trafficPort);
    this.url = `http://${direct.name}${namespace ? `.${namespace}` : ''}`;
    this.grants = EndpointGrants._of({
      endpointName: this.endpointName,
      url: this.url,
      namespace,
      podSelector: this.podSelector,
      port: trafficPort,
      admit: (selector, from) => this.network.allowIngressFrom(selector, from),
    });
    this.watch(input);
    recordSizing(direct, this.sizing);
    registerUpdateRules(this, [...KserveUpdateRules.all(), ...EndpointUpdateRules.all()]);
    requireAllocation(this);
  }

  /** Lets every pod of a namespace call this one: that of the gateway which KServe routes through, above all. */
  public allowFromNamespace(namespaceName: string): void {
    this.network.allowIngressFromNamespace(namespaceName);
  }

  /** KServe would make a ScaledObject of its own, without a fallback and with a lost metric taken for no load. */
  private makeAutoscaler({ props, plan }: EndpointInput): void {
    const serverAddress = props.prometheus?.serverAddress;
    if (!serverAddress || plan.by === 'nothing' || plan.by === 'cpu') return;
    const { minReplicas, maxReplicas } = plan;
    const model = EndpointMetrics._of(
      expressionsOf({
        ...this.matching([appLabel(this.endpointName, props.serving?.promotedCandidate)]),
        window: '1m',
        names: props.prometheus?.names,
      }),
    );
    const query = plan.by === 'inFlight' ? model._load() : model._perMinute();
    const limits = {};
    const trigger = prometheusTrigger({ serverAddress, query, threshold: plan.target });
    new ScaledObject(this, 'Autoscaler', {
      target: { apiVersion: 'apps/v1', kind: 'Deployment', name: predictorName(this.endpointName, props.serving?.promotedCandidate) },
      labels: this.labels,
      scaling: {
        plan: { by: 'trigger', trigger, limits },
        minReplicas,
        maxReplicas,
        targetUtilisation: TARGET_CPU_UTILISATION,
        fallbackReplicas: Math.min(maxReplicas, this.sizing.replicas),
      },
      trigger,
      limits,
    });
  }

  private makeNetwork(input: EndpointInput, identity: ServiceIdentity): NetworkBoundary {
    const { props, monitoring } = input;
    const { serving = {}, prometheus = {} } = props;
    const network = new NetworkBoundary(this, 'NetworkPolicy', {
      podSelector: this.podSelector,
      port: this.trafficPort(input),
      labels: this.labels,
    });
    network.allowIngressFromNamespace(prometheus.namespace ?? 'monitoring', serving.port ?? SERVING_PORT);
    if (identity.usesPodIdentity) network.allowPodIdentityAgent();
    if (serving.downloadCidr) network.allowEgressToCidr(serving.downloadCidr, 443);
    const collector = collectorOf(monitoring.captureDestination ?? '');
    if (collector) network.allowEgressToPods({}, collector.port, collector.namespace);
    return network;
  }

  /** KServe's own Service is headless in some installations, and then its port is not the one it says. Records about the model stand here. */
  private makeDirectService({ props, rollout }: EndpointInput, targetPort: number): ApiObject {
    const { candidate, model } = props;
    const { kind, percent, bakeSeconds } = rollout;
    return new ApiObject(this, 'Direct', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: directServiceName(this.endpointName),
        labels: this.labels,
        annotations: {
          ...(model.input ? { [MODEL_INPUT_RECORD_KEY]: JSON.stringify(model.input._signature) } : {}),
          // KServe knows no bake: whoever raises the share of the candidate reads it here.
          ...(candidate ? { 'millrace.io/rollout': JSON.stringify({ kind, percent, bakeSeconds }) } : {}),
        },
      },
      spec: {
        selector: { ...this.podSelector, app: appLabel(this.endpointName, props.serving?.promotedCandidate) },
        ports: [{ name: PORT_NAME, port: DIRECT_PORT, targetPort, protocol: 'TCP' }],
      },
    });
  }

  private watch(input: EndpointInput): void {
    const { props, monitoring } = input;
    new EndpointAlerts(this, 'Watch', {
      endpointName: this.endpointName,
      labels: this.labels,
      podSelector: this.podSelector,
      targetLabels: ['app'],
      port: PORT_NAME,
      metrics: this.metrics,
      selector: this.matching([appLabel(this.endpointName, props.serving?.promotedCandidate)]).selector,
      monitoring,
      p99Seconds: props.demand.p99.toSeconds({ integral: false }),
      concurrencyPerReplica: this.sizing.concurrencyPerReplica,
    });
  }

  private series({ props, monitoring }: EndpointInput) {
    const parts = [props.serving?.promotedCandidate, ...(props.candidate ? [props.candidate.name] : [])];
    const apps = parts.map((part) => appLabel(this.endpointName, part));
    return { ...this.matching(apps), window: `${monitoring.windowMinutes}m`, names: props.prometheus?.names };
  }

  private matching(apps: string[]) {
    const { namespace } = Chart.of(this);
    const app = apps.length === 1 ? `app="${apps[0]}"` : `app=~"${apps.map((each) => each.replace('.', '[.]')).join('|')}"`;
    return { selector: namespace ? `namespace="${namespace}",${app}` : app, by: 'app' };
  }

  private trafficPort({ props, monitoring }: EndpointInput): number {
    return monitoring.capturePercent === undefined ? (props.serving?.port ?? SERVING_PORT) : AGENT_PORT;
  }
}
