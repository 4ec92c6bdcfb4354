import { refuse } from '../core/error';

/** What decides how many connections to its database an MLflow server may keep. */
export interface MlflowConnectionDemand {
  /** Pods. */
  readonly replicas: number;
  /** Processes that answer requests in each. */
  readonly workers: number;
  /** What the database grants to MLflow. */
  readonly maxConnections: number;
}

/** The pools of connections of an MLflow server. */
export interface MlflowConnectionPlan {
  /** Connections that a pool keeps. */
  readonly poolSize: number;
  /** Connections that a pool opens beside them when it is busy. */
  readonly maxOverflow: number;
  /** Most connections at once, during a rollout. */
  readonly total: number;
}

// Tracking and model registry have a pool each in every process (MLflow 3.18, SqlAlchemyStore of both).
const POOLS = 2;
// The process that starts the workers checks the schema with each pool, and keeps that connection.
const OF_STARTER = POOLS;
// Pods that drain do not count as surge: a rollout can have a second set of them.
const GENERATIONS = 2;
const OF_MIGRATION = 1;
// MLflow takes 0 for nothing said, and SQLAlchemy then opens ten.
const MAX_OVERFLOW = 1;
// More than a process has threads for its requests' queries: a larger pool would only hold connections.
const LARGEST_POOL = 10;

function totalOf({ replicas, workers }: MlflowConnectionDemand, poolSize: number): number {
  return GENERATIONS * replicas * (OF_STARTER + workers * POOLS * (poolSize + MAX_OVERFLOW)) + OF_MIGRATION;
}

/**
 * The largest pools with which pods x (2 + workers x 2 x (pool + 1)) + 1, with twice the replicas as pods, stays within the connections.
 *
 * @throws Millrace.ModelRegistryConnectionsDoNotFit
 */
export function mlflowConnectionPlan(path: string, demand: MlflowConnectionDemand): MlflowConnectionPlan {
  const { replicas, workers, maxConnections } = demand;
  for (let poolSize = LARGEST_POOL; poolSize >= 1; poolSize -= 1) {
    const total = totalOf(demand, poolSize);
    if (total <= maxConnections) return { poolSize, maxOverflow: MAX_OVERFLOW, total };
  }
  return refuse(path, {
    code: 'Millrace.ModelRegistryConnectionsDoNotFit',
    subject: 'database.maxConnections',
    received: `${maxConnections} for ${replicas} replicas of ${workers} workers`,
    allowed: `at least ${totalOf(demand, 1)}: each worker has two pools of two connections, and a rollout has two sets of pods`,
    fix: 'raise the limit of the database role, put a connection pooler before the database, or take fewer workers',
  });
}
