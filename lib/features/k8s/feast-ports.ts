/** What listens in the pods of a feature store. */
export type FeastServerKind = 'online' | 'offline' | 'registry' | 'metrics';

/** Ports of the containers that the operator makes, without TLS (feast-operator, services_types.go). */
export const FEAST_PORTS: Readonly<Record<FeastServerKind, number>> = { online: 6566, offline: 8815, registry: 6570, metrics: 8000 };
