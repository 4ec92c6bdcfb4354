import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { clusterScoped } from '../../workloads/k8s/cluster-scoped';

/** Properties of the access to the zones of nodes. */
export interface ConfluentRackAccessProps {
  readonly clusterName: string;
  readonly namespace: string;
}

const RBAC = 'rbac.authorization.k8s.io';

/** A service account for brokers that may read pods of its namespace and nodes, from which a broker learns its zone. */
export class ConfluentRackAccess extends Construct {
  /** Name of the service account. */
  public readonly serviceAccountName: string;

  constructor(scope: Construct, id: string, props: ConfluentRackAccessProps) {
    super(scope, id);
    const { clusterName, namespace } = props;
    this.serviceAccountName = `${clusterName}-kafka`;
    // Nodes and what binds to them belong to the whole of Kubernetes.
    const clusterWide = `${namespace}-${this.serviceAccountName}-zones`;
    const subjects = [{ kind: 'ServiceAccount', name: this.serviceAccountName, namespace }];
    const read = (resource: string) => [{ apiGroups: [''], resources: [resource], verbs: ['get', 'list'] }];
    new ApiObject(this, 'ServiceAccount', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: this.serviceAccountName } });
    const named = { metadata: { name: this.serviceAccountName } };
    new ApiObject(this, 'Role', { apiVersion: `${RBAC}/v1`, kind: 'Role', ...named, rules: read('pods') });
    new ApiObject(this, 'RoleBinding', {
      apiVersion: `${RBAC}/v1`,
      kind: 'RoleBinding',
      ...named,
      roleRef: roleRef('Role', this.serviceAccountName),
      subjects,
    });
    const metadata = { name: clusterWide };
    clusterScoped(new ApiObject(this, 'ClusterRole', { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata, rules: read('nodes') }));
    clusterScoped(
      new ApiObject(this, 'ClusterRoleBinding', {
        apiVersion: `${RBAC}/v1`,
        kind: 'ClusterRoleBinding',
        metadata,
        roleRef: roleRef('ClusterRole', clusterWide),
        subjects,
      }),
    );
  }
}

function roleRef(kind: string, name: string): object {
  return { apiGroup: RBAC, kind, name };
}
