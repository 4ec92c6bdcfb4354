import type { AclBinding, KafkaAdminClient } from './kafka-admin-client';

/** One line as CloudFormation hands it over. */
function bindingsOf(properties: Record<string, any>): AclBinding[] {
  return (properties.Bindings ?? []).map((binding: Record<string, string>) => ({
    principal: binding.Principal,
    host: binding.Host,
    resourceType: binding.ResourceType,
    resourceName: binding.ResourceName,
    patternType: binding.PatternType,
    operation: binding.Operation,
    permission: binding.Permission,
  }));
}

function without(bindings: readonly AclBinding[], others: readonly AclBinding[]): AclBinding[] {
  const known = new Set(others.map(keyOf));
  return bindings.filter((binding) => !known.has(keyOf(binding)));
}

function keyOf(binding: AclBinding): string {
  return JSON.stringify([
    binding.principal,
    binding.host,
    binding.resourceType,
    binding.resourceName,
    binding.patternType,
    binding.operation,
    binding.permission,
  ]);
}

/** Adds the declared lines; Kafka ignores those it has. */
export async function createAcls(client: KafkaAdminClient, properties: Record<string, any>): Promise<void> {
  const bindings = bindingsOf(properties);
  if (bindings.length > 0) await client.createAcls(bindings);
}

/**
 * Adds what is declared now, then deletes exactly what was declared before and no longer is: a client that keeps its access never loses
 * it in between, and lines that others wrote stay.
 */
export async function updateAcls(
  client: KafkaAdminClient,
  properties: Record<string, any>,
  oldProperties: Record<string, any>,
): Promise<void> {
  await createAcls(client, properties);
  const removed = without(bindingsOf(oldProperties), bindingsOf(properties));
  if (removed.length > 0) await client.deleteAcls(removed);
}

/** Deletes the declared lines. */
export async function deleteAcls(client: KafkaAdminClient, properties: Record<string, any>): Promise<void> {
  const bindings = bindingsOf(properties);
  if (bindings.length > 0) await client.deleteAcls(bindings);
}
