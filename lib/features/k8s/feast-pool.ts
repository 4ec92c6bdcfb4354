import { type Rule, isPositiveInteger } from '../../core/rule';
import type { FeastServerOptions } from './feast-server';

/** Connections to a store of which Feast may have a share. */
export interface PoolInput {
  readonly connections?: number;
  readonly poolSize?: number;
  readonly server: FeastServerOptions;
}

/** Image of the servers and of the jobs, with the version of the operator. */
export const FEAST_IMAGE = 'quay.io/feastdev/feature-server:0.66.0';
/** Environment variable with the connections of a worker to the online store. */
export const POOL_VARIABLE = 'FEAST_ONLINE_MAX_CONN';
/** Environment variable with the seconds after which Redis deletes an entity; 0 is never. */
export const TTL_VARIABLE = 'FEAST_KEY_TTL_SECONDS';

const MIB = 1024 ** 2;
const MEMORY_PER_WORKER = 256 * MIB;
// The rest is for jobs, for migrations and for the pods that a rollout has more (Feast, online server performance tuning).
const SHARE = 0.7;

/** Worker processes of a pod. */
export function workersOf({ workers, size }: FeastServerOptions): number {
  return workers ?? Math.floor((2 * size.cpuMillis) / 1000) + 1;
}

/** Replicas at the most. */
export function mostReplicasOf({ maxReplicas, size }: FeastServerOptions): number {
  return maxReplicas ?? size.replicas;
}

/** Connections of each worker, such that all workers of the most replicas stay within the share of the store. */
export function poolOf({ connections, poolSize, server }: PoolInput): number | undefined {
  if (poolSize !== undefined) return poolSize;
  return connections === undefined ? undefined : Math.floor((connections * SHARE) / (mostReplicasOf(server) * workersOf(server)));
}

/** Rules for the servers and for the pool of their workers. */
export function serverRules<P>(of: (props: P) => PoolInput): Rule<P>[] {
  const server = (props: P) => of(props).server;
  const all = (props: P) => mostReplicasOf(server(props)) * workersOf(server(props));
  return [
    {
      code: 'Millrace.FeastServerInvalid',
      subject: 'server.size',
      value: (props) => server(props).size.replicas,
      valid: (replicas: number) => replicas >= 2,
      allowed: 'at least 2 replicas: with one every restart stops the reads',
      fix: 'give the size 2 replicas or more',
    },
    {
      code: 'Millrace.FeastServerInvalid',
      subject: 'server.maxReplicas',
      value: (props) => server(props).maxReplicas,
      valid: (most: number, props) => isPositiveInteger(most) && most > server(props).size.replicas && most <= 100,
      allowed: (props) => `above the ${server(props).size.replicas} of the size, up to 100`,
      fix: 'leave it out for replicas that stay',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.FeastServerInvalid',
      subject: 'server.workers',
      value: (props) => server(props).workers,
      valid: (workers: number) => isPositiveInteger(workers) && workers <= 64,
      allowed: '1-64',
      fix: 'leave it out for two a vCPU and one more',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.FeastServerInvalid',
      subject: 'server.size',
      value: (props) => server(props).size.memoryBytes,
      valid: (bytes: number, props) => bytes >= workersOf(server(props)) * MEMORY_PER_WORKER,
      allowed: (props) =>
        `${workersOf(server(props)) * 256} MiB: ${workersOf(server(props))} workers of 256 MiB, each with the whole registry`,
      fix: 'raise the memory, or give fewer workers',
    },
    ...(['workerConnections', 'maxRequests'] as const).map((subject): Rule<P> => ({
      code: 'Millrace.FeastServerInvalid',
      subject: `server.${subject}`,
      value: (props) => server(props)[subject],
      valid: (count: number) => isPositiveInteger(count) && count >= 100,
      allowed: 'a whole number from 100',
      fix: 'leave it out',
      tokens: 'refuse',
    })),
    {
      code: 'Millrace.FeastPoolDoesNotFit',
      subject: 'onlineStore.connections',
      value: (props) => of(props).connections,
      valid: (connections: number, props) => isPositiveInteger(connections) && poolOf(of(props))! >= 1,
      allowed: (props) =>
        `at least ${Math.ceil(all(props) / SHARE)}: ${all(props)} workers at maxReplicas with a connection each, in ${SHARE * 100} % of them`,
      fix: 'raise max_connections, put a pooler between, or lower maxReplicas or workers',
      tokens: 'refuse',
    },
    {
      code: 'Millrace.FeastPoolDoesNotFit',
      subject: 'onlineStore.poolSize',
      value: (props) => of(props).poolSize,
      valid: (poolSize: number, props) => isPositiveInteger(poolSize) && all(props) * poolSize <= (of(props).connections ?? Infinity),
      allowed: (props) =>
        `from 1 to ${Math.floor((of(props).connections ?? 0) / all(props))}: ${all(props)} workers at maxReplicas share ${of(props).connections} connections`,
      fix: 'leave it out for the share of each worker',
      tokens: 'refuse',
    },
  ];
}
