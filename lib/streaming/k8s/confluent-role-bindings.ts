import { ApiObject, Lazy } from 'cdk8s';
import type { Construct } from 'constructs';
import type { IConfluentCluster } from './confluent-cluster';
import type { IConfluentSchemaRegistry } from './confluent-schema-registry';

/** One resource, or all whose names begin alike, as a role binding names them. */
export interface ResourcePattern {
  /** `Topic`, `Group`, `TransactionalId` or `Subject`. */
  readonly resourceType: string;
  readonly name: string;
  readonly patternType: 'LITERAL' | 'PREFIXED';
}

/** The role bindings of one principal: an object for each role, on the cluster or on its Schema Registry, with all resources that it is for. */
export class ConfluentRoleBindings {
  private readonly roles = new Map<string, Map<string, ResourcePattern>>();

  constructor(
    private readonly scope: Construct,
    private readonly cluster: IConfluentCluster,
    private readonly principal: string,
  ) {}

  /** Adds a resource to a role; of the Schema Registry where one is given, of Kafka otherwise. */
  public allow(role: string, pattern: ResourcePattern, registry?: IConfluentSchemaRegistry): void {
    const id = registry ? `${role}-${registry.principal}` : role;
    const patterns = this.roles.get(id) ?? this.addRole(id, role, registry);
    const { resourceType, name, patternType } = pattern;
    patterns.set(`${resourceType}/${name}/${patternType}`, { name, patternType, resourceType });
  }

  private addRole(id: string, role: string, registry?: IConfluentSchemaRegistry): Map<string, ResourcePattern> {
    const patterns = new Map<string, ResourcePattern>();
    this.roles.set(id, patterns);
    new ApiObject(this.scope, id, {
      apiVersion: 'platform.confluent.io/v1beta1',
      kind: 'ConfluentRolebinding',
      metadata: { namespace: this.cluster.namespace },
      spec: {
        principal: { type: 'user', name: this.principal },
        role,
        clustersScopeByIds: registry && { schemaRegistryClusterId: registry.schemaRegistryId },
        resourcePatterns: Lazy.any({
          produce: () => [...patterns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pattern]) => pattern),
        }),
        kafkaRestClassRef: { name: this.cluster.restClassName },
      },
    });
    return patterns;
  }
}
