import { ApiObject, Chart, Lazy, Names } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { recordSizing } from '../../core/sizing';
import { requireAllocation } from '../../cost/applied-allocation';
import { type PodSize, TARGET_CPU_UTILISATION } from '../pod-size';
import { NetworkBoundary } from './network-boundary';
import { PORT_NAME, type SecretMount, TMP_PATH, podTemplate } from './pod-template';
import { ServiceIdentity } from './service-identity';
import { CIDR_RULES, SERVICE_RULES, environmentRules, podLabelRules } from './service-rules';

/** How many replicas a service has. */
export interface ServiceScaling {
  /**
   * Fewest replicas.
   * @default 3: one a zone
   */
  readonly minReplicas?: number;
  /**
   * Most replicas.
   * @default - twice those of the size at peak
   */
  readonly maxReplicas?: number;
}

/** Where a service tells how it is. */
export interface ServiceHealth {
  /**
   * Path that fails only when a restart would help.
   * @default '/livez'
   */
  readonly livenessPath?: string;
  /**
   * Path that fails while no traffic should come.
   * @default '/readyz'
   */
  readonly readinessPath?: string;
}

/** Properties of a service. */
export interface ServiceProps {
  /** Container image with tag or digest. */
  readonly image: string;
  /** Size of each pod. */
  readonly size: PodSize;
  /**
   * Port the container listens on; the service listens on 80.
   * @default 8080
   */
  readonly port?: number;
  /**
   * Replicas.
   * @default - from 3 to twice the size's replicas, at 60 % CPU
   */
  readonly scaling?: ServiceScaling;
  /**
   * Health endpoints.
   * @default - `/livez` and `/readyz` on the port
   */
  readonly health?: ServiceHealth;
  /**
   * Environment of the container.
   * @default - empty
   */
  readonly environment?: { [name: string]: string };
  /**
   * Who the pods are.
   * @default - a service account named as the service
   */
  readonly identity?: ServiceIdentity;
}

const DEFAULT_PORT = 8080;
const SERVICE_PORT = 80;
const DEFAULT_MIN_REPLICAS = 3;

/**
 * A service on Kubernetes: Deployment, Service, autoscaler, disruption budget, service account and a network policy that denies everything
 * not declared. Pod Security "restricted"; valid on Kubernetes 1.30 to 1.36.
 *
 * @throws Millrace.ServiceInvalid
 */
export class Service extends Construct {
  /** Name of the Service object: reachable as `http://<name>.<namespace>`. */
  public readonly serviceName: string;
  /** Service account of the pods. */
  public readonly serviceAccountName: string;
  /** Port the container listens on. */
  public readonly port: number;
  /** The decided size. */
  public readonly sizing: PodSize;
  /** Labels that select the pods. */
  public readonly podSelector: { [key: string]: string };
  /** Namespace of the chart, when it has one. */
  public readonly namespace?: string;

  private readonly boundary: NetworkBoundary;
  private readonly environment: Record<string, string>;
  private readonly podLabels: Record<string, string> = {};
  private readonly secrets: SecretMount[] = [];

  constructor(scope: Construct, id: string, props: ServiceProps) {
    super(scope, id);
    const minReplicas = props.scaling?.minReplicas ?? Math.min(DEFAULT_MIN_REPLICAS, props.size.replicas);
    const maxReplicas = props.scaling?.maxReplicas ?? Math.max(minReplicas, props.size.replicas) * 2;
    this.port = props.port ?? DEFAULT_PORT;
    enforce(this.node.path, { ...props, minReplicas, maxReplicas, port: this.port }, [
      ...SERVICE_RULES,
      ...environmentRules(Object.keys(props.environment ?? {})),
    ]);
    this.sizing = props.size;
    this.environment = { ...props.environment };
    this.namespace = Chart.of(this).namespace;
    const instance = Names.toLabelValue(this, { maxLen: 63 });
    this.podSelector = { 'app.kubernetes.io/instance': instance };
    const labels = { 'app.kubernetes.io/managed-by': 'millrace', 'app.kubernetes.io/name': instance.replace(/-[0-9a-z]{8}$/, '') };

    const identity = props.identity ?? ServiceIdentity.serviceAccount(Names.toDnsLabel(this));
    this.serviceAccountName = identity.serviceAccountName;
    this.makeServiceAccount();

    // A plain ApiObject, because the classes of cdk8s-plus-27 drop fields younger than Kubernetes 1.27, such as the preStop sleep.
    const deployment = new ApiObject(this, 'Resource', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { labels },
      spec: Lazy.any({
        produce: () => ({
          // No replicas: the autoscaler owns them, and an apply must not set them back.
          selector: { matchLabels: { ...this.podSelector } },
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
          revisionHistoryLimit: 5,
          template: podTemplate({
            image: props.image,
            port: this.port,
            size: props.size,
            environment: this.environment,
            secrets: this.secrets,
            serviceAccountName: this.serviceAccountName,
            selector: this.podSelector,
            labels: { ...this.podLabels, ...labels },
            livenessPath: props.health?.livenessPath ?? '/livez',
            readinessPath: props.health?.readinessPath ?? '/readyz',
          }),
        }),
      }),
    });
    recordSizing(deployment, props.size);
    const service = new k8s.KubeService(this, 'ClusterIp', {
      metadata: { name: Names.toDnsLabel(this), labels },
      spec: {
        selector: { ...this.podSelector },
        ports: [{ name: PORT_NAME, port: SERVICE_PORT, targetPort: k8s.IntOrString.fromString(PORT_NAME), protocol: 'TCP' }],
      },
    });
    this.serviceName = service.name;
    this.scale(deployment, labels, minReplicas, maxReplicas);
    this.boundary = new NetworkBoundary(this, 'NetworkPolicy', { podSelector: this.podSelector, port: this.port, labels });
    if (identity.usesPodIdentity) this.boundary.allowPodIdentityAgent();
    requireAllocation(this);
  }

  /** Lets the pods of another service call this one. */
  public allowFrom(client: Service): void {
    this.boundary.allowIngressFrom(client.podSelector, client.namespace);
    client.boundary.allowEgressToPods(this.podSelector, this.port, this.namespace);
  }

  /** Lets every pod of a namespace call this one, for example those of an ingress controller or of Prometheus. */
  public allowFromNamespace(namespaceName: string): void {
    this.boundary.allowIngressFromNamespace(namespaceName);
  }

  /** Lets the pods call an address range, for example the brokers of a cluster on AWS. */
  public allowToCidr(cidr: string, port: number): void {
    enforce(`${this.node.path} allowToCidr`, { cidr, port }, CIDR_RULES);
    this.boundary.allowEgressToCidr(cidr, port);
  }

  /** Lets the pods call other pods, for example the brokers of a cluster on Kubernetes. */
  public allowToPods(podSelector: { [key: string]: string }, port: number, namespace?: string): void {
    this.boundary.allowEgressToPods(podSelector, port, namespace);
  }

  /**
   * Labels the pods, and only them: selectors stay, so that the label can be added to a running service.
   *
   * @throws Millrace.ServiceInvalid
   */
  public addPodLabel(key: string, value: string): void {
    enforce(`${this.node.path} addPodLabel`, { key, value }, podLabelRules(this.podSelector));
    this.podLabels[key] = value;
  }

  /**
   * Sets an environment variable of the container.
   *
   * @throws Millrace.ServiceInvalid
   */
  public addEnvironment(name: string, value: string): void {
    enforce(`${this.node.path} addEnvironment`, {}, environmentRules([name]));
    this.environment[name] = value;
  }

  /**
   * Mounts a secret as files below a path.
   *
   * @throws Millrace.ServiceInvalid
   */
  public mountSecret(secretName: string, mountPath: string): void {
    const taken = [TMP_PATH, ...this.secrets.map((secret) => secret.mountPath)];
    enforce(`${this.node.path} mountSecret`, { mountPath }, [
      {
        code: 'Millrace.ServiceInvalid',
        subject: 'mountPath',
        value: (input) => input.mountPath,
        valid: (given: string) => given.startsWith('/') && !taken.includes(given),
        allowed: `an absolute path where nothing is mounted yet (mounted: ${taken.join(', ')})`,
        fix: 'choose another path; one service acts as one Kafka user',
      },
    ]);
    this.secrets.push({ volumeName: `secret-${this.secrets.length}`, secretName, mountPath });
  }

  /** Services of a chart may share an identity; the object of that name stands in the chart once. */
  private makeServiceAccount(): void {
    const taken = Chart.of(this)
      .node.findAll()
      .some((child) => ApiObject.isApiObject(child) && child.kind === 'ServiceAccount' && child.name === this.serviceAccountName);
    if (taken) return;
    new k8s.KubeServiceAccount(this, 'ServiceAccount', {
      metadata: { name: this.serviceAccountName },
      automountServiceAccountToken: false,
    });
  }

  private scale(deployment: ApiObject, labels: { [key: string]: string }, minReplicas: number, maxReplicas: number): void {
    new k8s.KubeHorizontalPodAutoscalerV2(this, 'Autoscaler', {
      metadata: { labels },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment.name },
        minReplicas,
        maxReplicas,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: TARGET_CPU_UTILISATION } } },
        ],
        behavior: {
          scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 100, periodSeconds: 30 }] },
          scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }] },
        },
      },
    });
    new k8s.KubePodDisruptionBudget(this, 'DisruptionBudget', {
      metadata: { labels },
      spec: {
        maxUnavailable: k8s.IntOrString.fromString('25%'),
        selector: { matchLabels: { ...this.podSelector } },
        // A pod that never becomes ready must not keep a node from being drained.
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
      },
    });
  }
}
