import { ApiObject, Chart, Names } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { refuse } from '../../core/error';
import { type Rule, enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { requireAllocation } from '../../cost/applied-allocation';
import type { PodSize } from '../pod-size';
import type { ContainerOptions } from './container-options';
import type { HealthCheck } from './health-check';
import { DisruptionBudget } from './disruption-budget';
import { HorizontalAutoscaler } from './horizontal-autoscaler';
import { withJvmHeap } from './jvm-environment';
import { NetworkBoundary } from './network-boundary';
import type { PodScheduling } from './pod-scheduling';
import { type FileMount, type PodTemplateInput, TMP_PATH, podTemplate } from './pod-template';
import { ScaledObject, TriggerAuthentication } from './scaled-object';
import type { ResolvedScaling } from './scaling-plan';
import { GPU_ISOLATION_ANNOTATION } from './scheduling-fields';
import { ServiceIdentity } from './service-identity';
import { VerticalAutoscaler } from './vertical-autoscaler';
import type { VerticalMode } from './vertical-mode';
import type { WorkloadKind } from './workload-kind';
import { CIDR_RULES, type WorkloadInput, environmentRules, podLabelRules, workloadRules } from './workload-rules';

/** What every workload takes. */
export interface WorkloadOptions {
  /** Container image with tag or digest. */
  readonly image: string;
  /** Size of each pod. */
  readonly size: PodSize;
  /**
   * What runs in the container.
   * @default - the image as it is
   */
  readonly container?: ContainerOptions;
  /**
   * Where the pods stand, and their GPUs.
   * @default - any node, spread over the zones, no GPU
   */
  readonly scheduling?: PodScheduling;
  /**
   * Who the pods are.
   * @default - a service account named as the workload
   */
  readonly identity?: ServiceIdentity;
}

/**
 * What `Service`, `Worker`, `StatefulService`, `BatchJob` and `CronJob` share: restricted pods with a service account, and a network policy
 * that denies everything not declared. It is the type to take where any of them will do; it is not for subclasses of your own.
 */
export abstract class Workload extends Construct {
  /** Service account of the pods. */
  public readonly serviceAccountName: string;
  /** The decided size. */
  public readonly sizing: PodSize;
  /** Labels that select the pods. */
  public readonly podSelector: { [key: string]: string };
  /** Namespace of the chart, when it has one. */
  public readonly namespace?: string;

  /**
   * Labels of every object of the workload.
   * @internal
   */
  protected readonly _labels: { [key: string]: string };
  private readonly options: WorkloadOptions;
  private readonly identity: ServiceIdentity;
  private readonly environment: Record<string, string>;
  private readonly podLabels: Record<string, string> = {};
  private readonly files: FileMount[] = [];
  private readonly taken = [TMP_PATH];
  private boundary?: NetworkBoundary;

  /** Defines what all workloads share. */
  constructor(scope: Construct, id: string, props: WorkloadOptions) {
    super(scope, id);
    this.options = props;
    this.sizing = props.size;
    this.environment = { ...props.container?.environment };
    this.namespace = Chart.of(this).namespace;
    const instance = Names.toLabelValue(this, { maxLen: 63 });
    this.podSelector = { 'app.kubernetes.io/instance': instance };
    this._labels = { 'app.kubernetes.io/managed-by': 'millrace', 'app.kubernetes.io/name': instance.replace(/-[0-9a-z]{8}$/, '') };
    this.identity = props.identity ?? ServiceIdentity.serviceAccount(Names.toDnsLabel(this));
    this.serviceAccountName = this.identity.serviceAccountName;
  }

  /**
   * Lets the pods of another workload call this one.
   *
   * @throws the code of this workload, when its container has no port
   */
  public allowFrom(client: Workload): void {
    const port = this.requirePort('allowFrom');
    this.network.allowIngressFrom(client.podSelector, client.namespace);
    client.network.allowEgressToPods(this.podSelector, port, this.namespace);
  }

  /**
   * Lets every pod of a namespace call this one, for example those of an ingress controller or of Prometheus.
   *
   * @throws the code of this workload, when its container has no port
   */
  public allowFromNamespace(namespaceName: string): void {
    this.requirePort('allowFromNamespace');
    this.network.allowIngressFromNamespace(namespaceName);
  }

  /**
   * Lets the pods call an address range, for example the brokers of a cluster on AWS.
   *
   * @throws Millrace.CidrInvalid
   */
  public allowToCidr(cidr: string, port: number): void {
    enforce(`${this.node.path} allowToCidr`, { cidr, port }, CIDR_RULES);
    this.network.allowEgressToCidr(cidr, port);
  }

  /** Lets the pods call other pods, for example the brokers of a cluster on Kubernetes. */
  public allowToPods(podSelector: { [key: string]: string }, port: number, namespace?: string): void {
    this.network.allowEgressToPods(podSelector, port, namespace);
  }

  /**
   * Labels the pods, and only them: selectors stay, so that the label can be added to a running workload.
   *
   * @throws the code of this workload, for a label that Kubernetes does not take
   */
  public addPodLabel(key: string, value: string): void {
    enforce(`${this.node.path} addPodLabel`, { key, value }, podLabelRules(this._kind.code, this.podSelector));
    this.podLabels[key] = value;
  }

  /**
   * Sets an environment variable of the container.
   *
   * @throws the code of this workload, for a name that Kubernetes does not take or a second heap of the JVM
   */
  public addEnvironment(name: string, value: string): void {
    enforce(`${this.node.path} addEnvironment`, {}, environmentRules(this._kind.code, { [name]: value }, this.hasJvmHeap));
    this.environment[name] = value;
  }

  /**
   * Mounts a secret as files below a path.
   *
   * @throws the code of this workload, for a path that is relative or taken
   */
  public mountSecret(secretName: string, mountPath: string): void {
    this._takeMountPath('mountSecret', mountPath);
    this.files.push({ volumeName: `secret-${this.files.length}`, source: { secret: { secretName } }, mountPath });
  }

  /**
   * Mounts a ConfigMap as files below a path.
   *
   * @throws the code of this workload, for a path that is relative or taken
   */
  public mountConfigMap(configMapName: string, mountPath: string): void {
    this._takeMountPath('mountConfigMap', mountPath);
    this.files.push({ volumeName: `config-${this.files.length}`, source: { configMap: { name: configMapName } }, mountPath });
  }

  /**
   * What its kind decides; a getter on the prototype, because the constructor reads it.
   * @internal
   */
  protected abstract get _kind(): WorkloadKind;

  /** @internal */
  protected get _port(): number | undefined {
    return this.options.container?.port ?? this._kind.defaultPort;
  }

  /**
   * Checks the workload with the rules of its kind, all at once, and makes what its pods need first.
   * @internal
   */
  protected _begin<P extends WorkloadInput>(input: P, rules: readonly Rule<P>[]): void {
    const { code } = this._kind;
    const environment = environmentRules(code, this.environment, this.hasJvmHeap);
    enforce(this.node.path, { ...input, port: this._port }, [...workloadRules(code), ...rules, ...environment]);
    this.makeServiceAccount();
  }

  /**
   * Records the size, closes the network and asks for an owner.
   * @internal
   */
  protected _finish(resource: ApiObject): void {
    recordSizing(resource, this.sizing);
    const { gpu } = this.options.scheduling ?? {};
    if (gpu) resource.metadata.addAnnotation(GPU_ISOLATION_ANNOTATION, gpu.isolation);
    this.boundary = new NetworkBoundary(this, 'NetworkPolicy', { podSelector: this.podSelector, port: this._port, labels: this._labels });
    if (this.identity.usesPodIdentity) this.boundary.allowPodIdentityAgent();
    requireAllocation(this);
  }

  /**
   * The autoscaler of a deployment, or none where its replicas are fixed, and one over its requests when asked for.
   * @internal
   */
  protected _scale(target: ApiObject, scaling: ResolvedScaling): void {
    const { plan } = scaling;
    const labels = this._labels;
    if (plan.by === 'cpu') new HorizontalAutoscaler(this, 'Autoscaler', { target, labels, scaling });
    if (plan.by === 'trigger') {
      const { trigger, limits } = plan;
      const spec = trigger.authentication;
      const authentication = spec && new TriggerAuthentication(this, 'TriggerAuthentication', { labels, spec });
      new ScaledObject(this, 'Autoscaler', { target, labels, scaling, trigger, limits, authentication });
    }
    this._recommend(target, plan.limits.verticalAutoscaler, plan.by === 'cpu');
    this._limitDisruption(k8s.IntOrString.fromString('25%'));
  }

  /** @internal */
  protected _recommend(target: ApiObject, mode: VerticalMode | undefined, scalesByCpu: boolean): void {
    if (!mode) return;
    const { cpuMillis, memoryBytes } = this.sizing;
    const size = { cpuMillis, memoryBytes, hasJvmHeap: this.hasJvmHeap };
    new VerticalAutoscaler(this, 'VerticalAutoscaler', { target, labels: this._labels, mode, scalesByCpu, ...size });
  }

  /** @internal */
  protected _limitDisruption(maxUnavailable: k8s.IntOrString): void {
    new DisruptionBudget(this, 'DisruptionBudget', { labels: this._labels, podSelector: this.podSelector, maxUnavailable });
  }

  /**
   * The pod as it stands now; to be called late.
   * @internal
   */
  protected _podTemplate(parts: Pick<PodTemplateInput, 'claim' | 'restartPolicy'> & { readonly health?: HealthCheck } = {}): object {
    const { image, container, scheduling } = this.options;
    const { preStopSeconds, drainSeconds, zoneSpread, spreadsByRollout } = this._kind;
    return podTemplate({
      image,
      command: container?.command,
      args: container?.args,
      port: this._port,
      size: this.sizing,
      environment: withJvmHeap(this.environment, container?.jvmHeap, this.sizing),
      files: this.files,
      serviceAccountName: this.serviceAccountName,
      selector: this.podSelector,
      labels: { ...this.podLabels, ...this._labels },
      preStopSeconds,
      drainSeconds: container?.drain?.toSeconds() ?? drainSeconds,
      scheduling: scheduling ?? {},
      zoneSpread,
      spreadsByRollout,
      ...parts,
    });
  }

  /** @internal */
  protected _takeMountPath(verb: string, mountPath: string): void {
    enforce(`${this.node.path} ${verb}`, { mountPath }, [
      {
        code: this._kind.code,
        subject: 'mountPath',
        value: (input) => input.mountPath,
        valid: (given: string) => given.startsWith('/') && !this.taken.includes(given),
        allowed: `an absolute path where nothing is mounted yet (mounted: ${this.taken.join(', ')})`,
        fix: 'choose another path; one workload acts as one Kafka user',
      },
    ]);
    this.taken.push(mountPath);
  }

  private get hasJvmHeap(): boolean {
    return this.options.container?.jvmHeap !== undefined;
  }

  /** Set by the end of the constructor of every kind, before any verb can be called. */
  private get network(): NetworkBoundary {
    return this.boundary!;
  }

  private requirePort(verb: string): number {
    return (
      this._port ??
      refuse(`${this.node.path} ${verb}`, {
        code: this._kind.code,
        subject: 'container.port',
        received: 'nothing',
        allowed: 'a workload whose container listens on a port',
        fix: 'give container.port, for example for metrics that Prometheus reads',
      })
    );
  }

  /** Workloads of a chart may share an identity; the object of that name stands in the chart once. */
  private makeServiceAccount(): void {
    const isOurs = (child: unknown): child is ApiObject =>
      ApiObject.isApiObject(child) && child.kind === 'ServiceAccount' && child.name === this.serviceAccountName;
    const taken = Chart.of(this).node.findAll().find(isOurs);
    const annotations = this.identity._annotations();
    if (!taken) {
      new k8s.KubeServiceAccount(this, 'ServiceAccount', {
        metadata: { name: this.serviceAccountName, ...(annotations ? { annotations } : {}) },
        automountServiceAccountToken: false,
      });
      return;
    }
    const { annotations: standing } = taken.metadata.toJson();
    const [role, other] = [annotations, standing].map((each) => each?.['eks.amazonaws.com/role-arn'] ?? 'none');
    if (role === other) return;
    refuse(this.node.path, {
      code: this._kind.code,
      subject: 'identity',
      received: `service account ${this.serviceAccountName} with the role ${role}, where ${taken.node.path} has ${other}`,
      allowed: 'one role for one service account',
      fix: 'share one ServiceIdentity, or name the service accounts apart',
    });
  }
}
