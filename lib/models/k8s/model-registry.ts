import { Construct } from 'constructs';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { BatchJob } from '../../workloads/k8s/batch-job';
import type { Service } from '../../workloads/k8s/service';
import type { ServiceIdentity } from '../../workloads/k8s/service-identity';
import { mlflowConnectionPlan } from '../mlflow-connections';
import type { IModelRegistry } from '../model-registry';
import type { MlflowDatabase } from './mlflow-database';
import { MLFLOW_RULES } from './mlflow-rules';
import type { MlflowServer } from './mlflow-server';
import { defaultSize, mlflowMigration, mlflowServer } from './mlflow-workloads';
import { ModelRegistryGrants } from './model-registry-grants';

/** Properties of a model registry on Kubernetes. */
export interface ModelRegistryProps {
  /** Image with tag or digest that has MLflow 3, psycopg2 and boto3: `ghcr.io/mlflow/mlflow:v<version>-full`, from 3.17. */
  readonly image: string;
  /** What keeps the runs and the registered models. */
  readonly database: MlflowDatabase;
  /** Where their files lie: `s3://bucket/prefix`. Clients send them through the server and need no access to the bucket. */
  readonly artifactUri: string;
  /**
   * Who the pods are to AWS; the role reads and writes the bucket: `bucket.grantReadWrite(podIdentity)`.
   * @default - a service account without access to AWS
   */
  readonly identity?: ServiceIdentity;
  /**
   * Host names under which browsers reach it, beside those of the Service. Others are refused, and so are pages of other origins.
   * @default - none
   */
  readonly hosts?: string[];
  /**
   * How it runs.
   * @default - two replicas of two workers
   */
  readonly server?: MlflowServer;
}

const POSTGRES_PORT = 5432;
const DEFAULT_CONNECTIONS = 90;
const DEFAULT_WORKERS = 2;

/**
 * A model registry on Kubernetes: the server of MLflow over a Postgres database and a bucket, both of which stand outside and are backed up
 * there. A job brings the schema of the database to the version of the image; until it has, new pods do not start and the old ones go on.
 * Take a backup before a new version, as MLflow asks for.
 *
 * MLflow has no users here, and its port speaks plain HTTP: the network policy lets in the workloads that are granted, and the namespace of
 * an ingress only with `allowFromNamespace`. Put a proxy that knows people and speaks TLS before its pages.
 *
 * @throws Millrace.ModelRegistryServerInvalid, Millrace.ModelRegistryConnectionsDoNotFit, Millrace.ServiceInvalid, Millrace.CidrInvalid,
 * Millrace.TokenRefused
 */
export class ModelRegistry extends Construct implements IModelRegistry {
  /** Name of the Service object. */
  public readonly registryName: string;
  /** Where clients in the cluster find it. */
  public readonly trackingUri: string;
  /** Most connections to the database at once, during a rollout. */
  public readonly databaseConnections: number;
  /** Access to it. */
  public readonly grants: ModelRegistryGrants;

  /** @internal */
  public readonly _server: Service;
  private readonly migration: BatchJob;

  constructor(scope: Construct, id: string, props: ModelRegistryProps) {
    super(scope, id);
    const { database, server = {} } = props;
    const size = server.size ?? defaultSize();
    enforce(this.node.path, { ...props, replicas: size.replicas }, MLFLOW_RULES);
    const workers = server.workers ?? DEFAULT_WORKERS;
    const maxConnections = database.maxConnections ?? DEFAULT_CONNECTIONS;
    const connections = mlflowConnectionPlan(this.node.path, { replicas: size.replicas, workers, maxConnections });
    this._server = mlflowServer(this, { props, size, workers, connections });
    this.migration = mlflowMigration(this, props);
    for (const cidr of database.networks ?? []) this.allowToDatabase(cidr, database.port ?? POSTGRES_PORT);
    this.registryName = this._server.serviceName;
    const { namespace } = this._server;
    this.trackingUri = `http://${this.registryName}${namespace ? `.${namespace}` : ''}`;
    this.closeToOtherHosts(props.hosts ?? [], namespace);
    this.databaseConnections = connections.total;
    this.grants = new ModelRegistryGrants(this);
    requireAllocation(this);
  }

  /**
   * Lets every pod of a namespace call it, for example those of an ingress controller. They may do all that MLflow can.
   */
  public allowFromNamespace(namespaceName: string): void {
    this._server.allowFromNamespace(namespaceName);
  }

  /**
   * Lets the server call an address range, for example the endpoint of S3 on port 443.
   *
   * @throws Millrace.CidrInvalid
   */
  public allowToCidr(cidr: string, port: number): void {
    this._server.allowToCidr(cidr, port);
  }

  /** Lets the server and the migration call a database that runs in the cluster. */
  public allowToPods(podSelector: { [key: string]: string }, port: number, namespace?: string): void {
    this._server.allowToPods(podSelector, port, namespace);
    this.migration.allowToPods(podSelector, port, namespace);
  }

  private allowToDatabase(cidr: string, port: number): void {
    this._server.allowToCidr(cidr, port);
    this.migration.allowToCidr(cidr, port);
  }

  /** MLflow compares the Host header with whole names, and the origin of a writing page with whole origins, its own not excepted. */
  private closeToOtherHosts(hosts: string[], namespace: string | undefined): void {
    const name = this.registryName;
    const inCluster = namespace
      ? [name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`]
      : [name];
    this._server.addEnvironment('MLFLOW_SERVER_ALLOWED_HOSTS', [...inCluster, ...hosts].join(','));
    // Empty is as good as unset, and then pages of localhost alone may write.
    if (hosts.length > 0)
      this._server.addEnvironment('MLFLOW_SERVER_CORS_ALLOWED_ORIGINS', hosts.map((host) => `https://${host}`).join(','));
  }
}
