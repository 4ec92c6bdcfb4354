import type { KafkaAdminClient, QuotaEntity } from './kafka-admin-client';

interface DeclaredQuota {
  readonly entity: QuotaEntity;
  /** By Kafka's name: `producer_byte_rate`, `consumer_byte_rate` in bytes a second a broker, `request_percentage`. */
  readonly limits: Readonly<Record<string, number>>;
}

function quotaOf(properties: Record<string, any>): DeclaredQuota {
  const limits = Object.entries<unknown>(properties.Limits ?? {}).map(([name, value]) => [name, Number(value)] as const);
  return { entity: { user: properties.User, clientId: properties.ClientId }, limits: Object.fromEntries(limits) };
}

function sameEntity(a: QuotaEntity, b: QuotaEntity): boolean {
  return a.user === b.user && a.clientId === b.clientId;
}

/** Sets the declared limits. */
export async function createQuota(client: KafkaAdminClient, properties: Record<string, any>): Promise<void> {
  const { entity, limits } = quotaOf(properties);
  await client.alterQuota(entity, { set: limits, remove: [] });
}

/** Sets the limits declared now and removes those that no longer are, first for the new entity, then for the former one. */
export async function updateQuota(
  client: KafkaAdminClient,
  properties: Record<string, any>,
  oldProperties: Record<string, any>,
): Promise<void> {
  const quota = quotaOf(properties);
  const former = quotaOf(oldProperties);
  if (!sameEntity(quota.entity, former.entity)) {
    await createQuota(client, properties);
    return deleteQuota(client, oldProperties);
  }
  const remove = Object.keys(former.limits).filter((name) => !(name in quota.limits));
  await client.alterQuota(quota.entity, { set: quota.limits, remove });
}

/** Removes the declared limits; others of the same entity stay. */
export async function deleteQuota(client: KafkaAdminClient, properties: Record<string, any>): Promise<void> {
  const { entity, limits } = quotaOf(properties);
  await client.alterQuota(entity, { set: {}, remove: Object.keys(limits) });
}
