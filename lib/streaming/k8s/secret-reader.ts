import { ApiObject, Lazy } from 'cdk8s';
import { Construct } from 'constructs';

/** What the right to read some secrets is made of. */
export interface SecretReaderProps {
  readonly serviceAccountName: string;
  /** @default - that of the chart */
  readonly namespace?: string;
}

/** The right of workers to read the secrets to which settings refer, by their names and no other. */
export class SecretReader extends Construct {
  /** Name of the config provider in references. */
  public static readonly PROVIDER = 'secrets';
  private readonly names = new Set<string>();
  private readonly namespace?: string;

  constructor(scope: Construct, id: string, props: SecretReaderProps) {
    super(scope, id);
    this.namespace = props.namespace;
    const { namespace } = props;
    const role = new ApiObject(this, 'Resource', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { namespace },
      // An empty list of names would mean every secret, an empty list of rules means none.
      rules: Lazy.any({
        produce: () =>
          this.names.size === 0 ? [] : [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'], resourceNames: [...this.names].sort() }],
      }),
    });
    new ApiObject(this, 'Binding', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.name },
      subjects: [{ kind: 'ServiceAccount', name: props.serviceAccountName, ...(namespace ? { namespace } : {}) }],
    });
  }

  /** A reference that Strimzi's config provider resolves (`<namespace>/<secret>`, or the secret alone for its own namespace). */
  public reference(secretName: string, key: string): string {
    this.names.add(secretName);
    return `\${${SecretReader.PROVIDER}:${this.namespace ? `${this.namespace}/` : ''}${secretName}:${key}}`;
  }
}
