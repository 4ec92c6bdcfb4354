import { ApiObject, Names } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { deploymentSpec } from './deployment-spec';
import { HealthCheck } from './health-check';
import { PORT_NAME } from './port-name';
import { resolveScaling, scalingRules } from './scaling-plan';
import { ServiceScaling } from './service-scaling';
import { Workload, type WorkloadOptions } from './workload';
import { SERVICE_KIND, type WorkloadKind } from './workload-kind';

/** Properties of a service. */
export interface ServiceProps extends WorkloadOptions {
  /**
   * How the container tells how it is.
   * @default - `/livez` and `/readyz` on the port
   */
  readonly health?: HealthCheck;
  /**
   * By what it gets replicas.
   * @default - from 3 to twice the size's replicas, at 60 % CPU
   */
  readonly scaling?: ServiceScaling;
}

const SERVICE_PORT = 80;
const DEFAULT_MIN_REPLICAS = 3;

/**
 * A service on Kubernetes: Deployment, Service, autoscaler, disruption budget, service account and a network policy that denies everything
 * not declared. Pod Security "restricted"; valid on Kubernetes 1.30 to 1.36.
 *
 * @throws Millrace.ServiceInvalid
 */
export class Service extends Workload {
  /** Name of the Service object: reachable as `http://<name>.<namespace>`. */
  public readonly serviceName: string;
  /** Port the container listens on. */
  public readonly port: number;

  constructor(scope: Construct, id: string, props: ServiceProps) {
    super(scope, id, props);
    const scaling = resolveScaling((props.scaling ?? ServiceScaling.cpu())._plan, props.size, DEFAULT_MIN_REPLICAS);
    const health = props.health ?? HealthCheck.http();
    this._begin({ ...props, health }, scalingRules(SERVICE_KIND.code, scaling, 1));
    this.port = this._port!;
    // A plain ApiObject, because the classes of cdk8s-plus-27 drop fields younger than Kubernetes 1.27, such as the preStop sleep.
    const deployment = new ApiObject(this, 'Resource', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { labels: this._labels },
      spec: deploymentSpec(scaling, this.podSelector, () => this._podTemplate({ health })),
    });
    const service = new k8s.KubeService(this, 'ClusterIp', {
      metadata: { name: Names.toDnsLabel(this), labels: this._labels },
      spec: {
        selector: { ...this.podSelector },
        ports: [{ name: PORT_NAME, port: SERVICE_PORT, targetPort: k8s.IntOrString.fromString(PORT_NAME), protocol: 'TCP' }],
      },
    });
    this.serviceName = service.name;
    this._scale(deployment, scaling);
    this._finish(deployment);
  }

  /** @internal */
  protected get _kind(): WorkloadKind {
    return SERVICE_KIND;
  }
}
