import { CustomResource, Duration, Lazy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { type Rule, enforce } from '../../core/rule';
import { KafkaAdmin, type KafkaAdminTarget } from './kafka-admin';
import { NOT_ON_SERVERLESS } from './kafka-admin-rules';

/** One thing that a principal may do something with. */
export interface KafkaAclResource {
  /** `TOPIC`, `GROUP`, `TRANSACTIONAL_ID` or `CLUSTER`. */
  readonly resourceType: string;
  /** Name, or what names begin with; `kafka-cluster` for the cluster. */
  readonly name: string;
  /**
   * `LITERAL` or `PREFIXED`.
   * @default LITERAL
   */
  readonly patternType?: string;
  /** Operations by Kafka's name, for example `READ`. */
  readonly operations: string[];
}

/** Properties of the access of a principal. */
export interface KafkaAclsProps {
  /** The cluster. */
  readonly cluster: KafkaAdminTarget;
  /** Who: `User:<name>` of a SCRAM user, `User:CN=…` of a client certificate. */
  readonly principal: string;
}

const CLUSTER_NAME = 'kafka-cluster';

// Kafka, AclEntry.supportedOperations.
const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  TOPIC: ['READ', 'WRITE', 'CREATE', 'DESCRIBE', 'DELETE', 'ALTER', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  GROUP: ['READ', 'DESCRIBE', 'DELETE'],
  TRANSACTIONAL_ID: ['DESCRIBE', 'WRITE'],
  CLUSTER: ['CREATE', 'CLUSTER_ACTION', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS', 'IDEMPOTENT_WRITE', 'ALTER', 'DESCRIBE'],
};

const PRINCIPAL_RULES: readonly Rule<KafkaAclsProps>[] = [
  {
    code: 'Millrace.KafkaAclPrincipalInvalid',
    subject: 'principal',
    value: ({ principal }) => principal,
    // MSK takes ACLs for IAM roles and ignores them (Amazon MSK Developer Guide, "IAM access control").
    valid: (principal: string) => /^User:[^*\s].*$/.test(principal) && !principal.startsWith('User:arn:'),
    allowed: "'User:' with the name of one SCRAM user or the distinguished name of one certificate; not everyone, and no IAM role",
    fix: 'name one user; access of IAM roles is granted with topic.grants',
    tokens: 'refuse',
  },
  NOT_ON_SERVERLESS,
];

const RESOURCE_RULES: readonly Rule<KafkaAclResource>[] = [
  {
    code: 'Millrace.KafkaAclInvalid',
    subject: 'resourceType',
    value: ({ resourceType }) => resourceType,
    valid: (type: string) => type in OPERATIONS,
    allowed: Object.keys(OPERATIONS).join(', '),
    fix: 'use one of them',
  },
  {
    code: 'Millrace.KafkaAclInvalid',
    subject: 'patternType',
    value: ({ patternType }) => patternType,
    valid: (pattern: string, { resourceType }) => pattern === 'LITERAL' || (pattern === 'PREFIXED' && resourceType !== 'CLUSTER'),
    allowed: 'LITERAL, or PREFIXED for what is not the cluster',
    fix: 'leave it out for LITERAL',
  },
  {
    code: 'Millrace.KafkaAclInvalid',
    subject: 'name',
    value: ({ name }) => name,
    valid: (name: string, { resourceType }) => (resourceType === 'CLUSTER' ? name === CLUSTER_NAME : /^[^*\s]+$/.test(name)),
    allowed: `a name or a prefix without '*', and '${CLUSTER_NAME}' for the cluster`,
    fix: 'name what the client uses',
  },
  {
    code: 'Millrace.KafkaAclInvalid',
    subject: 'operations',
    value: ({ operations }) => operations,
    valid: (operations: string[], { resourceType }) =>
      operations.length > 0 && operations.every((operation) => (OPERATIONS[resourceType] ?? [operation]).includes(operation)),
    allowed: ({ resourceType }) => `at least one of ${(OPERATIONS[resourceType] ?? []).join(', ')}; ALL is more than any client needs`,
    fix: 'name the operations of the client',
  },
];

/**
 * Everything one principal may do on a cluster, as Kafka's access control list: for clients with SCRAM or certificates, which IAM does not
 * know. One for each principal and cluster, so that two grants may share a line and either can go. A removed line is deleted exactly; what
 * others wrote into the list stays.
 *
 * @throws Millrace.KafkaAclPrincipalInvalid, Millrace.KafkaAclInvalid, Millrace.KafkaAdminOnServerless
 */
export class KafkaAcls extends Construct {
  /** The access of a principal on a cluster, made when first asked for. */
  public static of(cluster: KafkaAdminTarget, principal: string): KafkaAcls {
    const scope = KafkaAdmin.of(cluster);
    const id = `Acls-${principal}`.replace(/\//g, '|');
    // eslint-disable-next-line awscdk/require-passing-this -- one for each principal, wherever it is granted to
    return (scope.node.tryFindChild(id) as KafkaAcls | undefined) ?? new KafkaAcls(scope, id, { cluster, principal });
  }

  private readonly lines = new Map<string, Record<string, string>>();

  private readonly principal: string;

  private constructor(scope: Construct, id: string, props: KafkaAclsProps) {
    super(scope, id);
    this.principal = props.principal;
    enforce(this.node.path, props, PRINCIPAL_RULES);
    const admin = KafkaAdmin.of(props.cluster);
    const resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::MillraceKafkaAcls',
      serviceToken: admin.serviceToken,
      serviceTimeout: Duration.minutes(10),
      properties: { Bindings: Lazy.any({ produce: () => [...this.lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line) }) },
    });
    resource.node.addDependency(...admin.allowAcls());
  }

  /** Adds operations on one resource. */
  public allow(resource: KafkaAclResource): void {
    enforce(this.node.path, resource, RESOURCE_RULES);
    for (const operation of resource.operations) {
      const line = {
        Principal: this.principal,
        Host: '*',
        ResourceType: resource.resourceType,
        ResourceName: resource.name,
        PatternType: resource.patternType ?? 'LITERAL',
        Operation: operation,
        Permission: 'ALLOW',
      };
      this.lines.set(JSON.stringify(line), line);
    }
  }
}
