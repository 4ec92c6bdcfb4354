import { type ApiObject, JsonPatch } from 'cdk8s';
import { Cpu } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { BatchJob } from '../../workloads/k8s/batch-job';
import { HealthCheck } from '../../workloads/k8s/health-check';
import { Service } from '../../workloads/k8s/service';
import { ServiceScaling } from '../../workloads/k8s/service-scaling';
import { PodSize } from '../../workloads/pod-size';
import { quantityOf } from '../../workloads/k8s/pod-template';
import type { MlflowConnectionPlan } from '../mlflow-connections';
import type { ModelRegistryProps } from './model-registry';

/** What the pods of MLflow are made from. */
export interface MlflowPods {
  readonly props: ModelRegistryProps;
  readonly size: PodSize;
  readonly workers: number;
  readonly connections: MlflowConnectionPlan;
}

const PORT = 5000;
const GIB = 1024 ** 3;
const DEFAULT_TEMPORARY_BYTES = 8 * GIB;
const SECRET_PATH = '/etc/mlflow-database';
// The images of MLflow name no user, and a restricted pod does not start as root.
const USER = 1000;
// From a file, because what stands in the environment of a pod is shown to whoever may read pods. exec, so that SIGTERM reaches MLflow.
const SERVE = 'MLFLOW_BACKEND_STORE_URI="$(cat "$1")"; export MLFLOW_BACKEND_STORE_URI; exec mlflow server';
const MIGRATE = 'exec mlflow db upgrade "$(cat "$1")"';
const SHARED = { HOME: '/tmp', PYTHONDONTWRITEBYTECODE: '1', MLFLOW_DISABLE_TELEMETRY: 'true' };

/* eslint-disable awscdk/require-passing-this -- the scope is the registry */

/** Two small replicas, where nothing is said. */
export function defaultSize(): PodSize {
  return fixedSize(500, 2, 2);
}

function fixedSize(millis: number, gibibytes: number, replicas: number): PodSize {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the unit alone, for who names no size; the room loads no CDK
  const { Size } = require('aws-cdk-lib') as typeof import('aws-cdk-lib');
  return PodSize.fixed({ cpu: Cpu.millis(millis), memory: Size.gibibytes(gibibytes), replicas });
}

/** The server: all of its settings by environment, but for the URI of the database. */
export function mlflowServer(scope: Construct, { props, size, workers, connections }: MlflowPods): Service {
  const { image, identity, server = {} } = props;
  const service = new Service(scope, 'Server', {
    image,
    size,
    identity,
    scaling: ServiceScaling.fixed(),
    scheduling: server.scheduling,
    // The one path for which MLflow asks no Host header that it knows.
    health: HealthCheck.http({ livenessPath: '/health', readinessPath: '/health' }),
    container: {
      port: PORT,
      command: command(SERVE, props),
      environment: {
        ...SHARED,
        MLFLOW_HOST: '0.0.0.0',
        MLFLOW_PORT: String(PORT),
        MLFLOW_WORKERS: String(workers),
        MLFLOW_SERVE_ARTIFACTS: 'true',
        MLFLOW_ARTIFACTS_DESTINATION: props.artifactUri,
        // Its jobs would have pools of connections of their own, and run models in these pods.
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
        MLFLOW_SQLALCHEMYSTORE_POOL_SIZE: String(connections.poolSize),
        MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW: String(connections.maxOverflow),
      },
    },
  });
  const sizeLimit = quantityOf(server.temporaryStorage?.toBytes() ?? DEFAULT_TEMPORARY_BYTES);
  finish(service, props).addJsonPatch(JsonPatch.replace('/spec/template/spec/volumes/0/emptyDir/sizeLimit', sizeLimit));
  return service;
}

/** The job that brings the schema of the database to the version of the image; the image is part of its name, so a new one runs it again. */
export function mlflowMigration(scope: Construct, props: ModelRegistryProps): BatchJob {
  const job = new BatchJob(scope, 'Migration', {
    image: props.image,
    size: fixedSize(250, 1, 1),
    scheduling: props.server?.scheduling,
    container: {
      command: command(MIGRATE, props),
      environment: { ...SHARED, MLFLOW_SQLALCHEMYSTORE_POOL_SIZE: '1', MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW: '1' },
    },
  });
  finish(job, props);
  return job;
}
/* eslint-enable awscdk/require-passing-this */

function command(script: string, { database }: ModelRegistryProps): string[] {
  return ['/bin/sh', '-ec', script, 'mlflow', `${SECRET_PATH}/${database.secretKey ?? 'uri'}`];
}

function finish(workload: Service | BatchJob, { database }: ModelRegistryProps): ApiObject {
  workload.mountSecret(database.secretName, SECRET_PATH);
  const resource = workload.node.defaultChild as ApiObject;
  resource.addJsonPatch(JsonPatch.add('/spec/template/spec/securityContext/runAsUser', USER));
  return resource;
}
