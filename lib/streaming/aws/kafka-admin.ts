import * as path from 'path';
import { Duration, Fn, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as cr from 'aws-cdk-lib/custom-resources';
import { Construct, DependencyGroup, type IConstruct, type IDependable } from 'constructs';
import { requireAllocation } from '../../cost/applied-allocation';
import { refuse } from '../../core/error';
import { type Rule, enforce } from '../../core/rule';
import { IAM_PORT } from './kafka-cluster';

/** What the admin function has to know of a cluster; a cluster made here or imported fits. */
export interface KafkaAdminTarget extends IConstruct, ec2.IConnectable {
  readonly clusterArn: string;
  /** Servers of the IAM listener, `host:port` separated by commas. */
  readonly bootstrapServers: string;
  readonly vpc?: ec2.IVpc;
  /** @default - private subnets of `vpc` */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /** MSK Serverless has neither access control lists nor quotas for clients. @default false */
  readonly isServerless?: boolean;
}

/** The bundle that scripts/bundle-functions.mjs makes; it stands beside the sources and in the package alike. */
const BUNDLE = path.join(__dirname, 'admin-function', 'bundle');

/** What the function may do with a topic that it looks after (Amazon MSK Developer Guide, "Semantics of IAM authorization policy actions"). */
const TOPIC_ACTIONS = [
  'kafka-cluster:AlterTopic',
  'kafka-cluster:AlterTopicDynamicConfiguration',
  'kafka-cluster:CreateTopic',
  'kafka-cluster:DescribeTopic',
  'kafka-cluster:DescribeTopicDynamicConfiguration',
];
const ACL_ACTIONS = ['kafka-cluster:AlterCluster', 'kafka-cluster:DescribeCluster'];
const QUOTA_ACTIONS = ['kafka-cluster:AlterClusterDynamicConfiguration', 'kafka-cluster:DescribeClusterDynamicConfiguration'];

/** A managed policy holds 6,144 characters and a role ten of them (IAM User Guide, "IAM and AWS STS quotas"); one holds the network. */
const POLICY_CHARACTERS = 5_500;
const POLICIES = 9;
/** The longest `arn:<partition>:kafka:<region>:<account>:topic/<cluster>/<uuid>/`, with quotes and comma. */
const ARN_CHARACTERS = 170;

const TARGET_RULES: readonly Rule<KafkaAdminTarget>[] = [
  {
    code: 'Millrace.KafkaAdminNetworkUnknown',
    subject: 'cluster.vpc',
    value: (cluster) => cluster.vpc ?? null,
    valid: (vpc: unknown) => vpc !== null,
    allowed: 'a cluster whose network is known: the function that makes topics, access lists and quotas stands in it',
    fix: 'give vpc to fromKafkaClusterAttributes',
  },
  {
    code: 'Millrace.KafkaClusterConnectionsUnknown',
    subject: 'cluster.connections',
    value: (cluster) => cluster.connections.securityGroups.length,
    valid: (groups: number) => groups > 0,
    allowed: 'a cluster whose security groups are known, because the function has to be let in',
    fix: 'give securityGroups to fromKafkaClusterAttributes',
  },
];

const admins = new WeakMap<IConstruct, KafkaAdmin>();

/** Properties of the admin function. */
export interface KafkaAdminProps {
  /** The cluster it looks after. */
  readonly cluster: KafkaAdminTarget;
}

/** The topics that one managed policy names. */
interface TopicPolicy {
  readonly dependable: IDependable;
  readonly statement: iam.PolicyStatement;
  characters: number;
}

/**
 * The function that does on a cluster what CloudFormation has no type for: topics of MSK Serverless, access control lists and quotas. One
 * a cluster, made when first needed, in the brokers' subnets, with a way to the brokers and to nothing else: it signs its own token, and the
 * CDK's custom-resource framework, which stands outside of the network, talks to CloudFormation. So it works in isolated subnets too.
 *
 * Its code is in the package (admin-function/, bundled); a deploy installs nothing. No reserved concurrency: what it does may be done at
 * once, and reserving would take from the account's own.
 *
 * @throws Millrace.KafkaAdminNetworkUnknown, Millrace.KafkaClusterConnectionsUnknown
 */
export class KafkaAdmin extends Construct {
  /** The admin function of a cluster. */
  public static of(cluster: KafkaAdminTarget): KafkaAdmin {
    const admin = admins.get(cluster) ?? new KafkaAdmin(cluster, 'KafkaAdmin', { cluster });
    admins.set(cluster, admin);
    return admin;
  }

  /** Token for custom resources of the admin function. */
  public readonly serviceToken: string;
  private readonly cluster: KafkaAdminTarget;
  private readonly role: iam.Role;
  private readonly topicPolicies: TopicPolicy[] = [];
  private readonly quotas = new Map<string, string>();
  private readonly way = new DependencyGroup();
  private acls?: iam.Policy;
  private quotaPolicy?: iam.Policy;

  private constructor(scope: Construct, id: string, props: KafkaAdminProps) {
    super(scope, id);
    const { cluster } = props;
    enforce(this.node.path, cluster, TARGET_RULES);
    this.cluster = cluster;
    const logGroup = new logs.LogGroup(this, 'Log', {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    this.role = this.makeRole(logGroup);
    const handler = new lambda.Function(this, 'Resource', {
      description: 'Topics, access control lists and quotas of a Kafka cluster',
      code: lambda.Code.fromAsset(BUNDLE),
      handler: 'index.handler',
      // What the bundle was tested with, and the newest that Lambda has.
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: 256,
      // Twice the time for which the handler keeps trying.
      timeout: Duration.minutes(5),
      role: this.role,
      logGroup,
      vpc: cluster.vpc,
      vpcSubnets: cluster.vpcSubnets,
      securityGroups: [this.openNetwork(cluster.vpc!)],
      environment: { BOOTSTRAP_SERVERS: cluster.bootstrapServers },
    });
    this.serviceToken = this.makeProvider(handler, logGroup).serviceToken;
    requireAllocation(this);
  }

  /** Lets the function make and alter a topic; returns what must be there before the topic. */
  public allowTopic(topicName: string): IDependable[] {
    const characters = ARN_CHARACTERS + topicName.length;
    const last = this.topicPolicies.at(-1);
    const policy = last && last.characters + characters <= POLICY_CHARACTERS ? last : this.addTopicPolicy();
    policy.characters += characters;
    policy.statement.addResources(this.topicArn(topicName));
    return [this.way, policy.dependable];
  }

  /** Lets the function delete a topic. The policy stands beside the topic: it has to be there still when the topic is being removed. */
  public allowDeletion(scope: Construct, topicName: string): IDependable {
    return this.allow(scope, 'Deletion', ['kafka-cluster:DeleteTopic', 'kafka-cluster:DescribeTopic'], this.topicArn(topicName));
  }

  /** Lets the function read and write access control lists; returns what must be there before one. */
  public allowAcls(): IDependable[] {
    this.acls ??= this.allow(this, 'AclAccess', ACL_ACTIONS, this.cluster.clusterArn);
    return [this.way, this.acls];
  }

  /** Lets the function read and write quotas of clients; returns what must be there before one. */
  public allowQuota(construct: IConstruct, entity: string): IDependable[] {
    const other = this.quotas.get(entity);
    if (other !== undefined) {
      refuse(construct.node.path, {
        code: 'Millrace.KafkaQuotaTwice',
        subject: 'user and clientId',
        received: `${entity}, as in ${other}`,
        allowed: 'one quota for each user and client id of a cluster: removing one would remove the limits of the other',
        fix: 'give all limits to one of them',
      });
    }
    this.quotas.set(entity, construct.node.path);
    this.quotaPolicy ??= this.allow(this, 'QuotaAccess', QUOTA_ACTIONS, this.cluster.clusterArn);
    return [this.way, this.quotaPolicy];
  }

  private allow(scope: Construct, id: string, actions: string[], resource: string): iam.Policy {
    // eslint-disable-next-line awscdk/require-passing-this -- beside what it is for, which goes with it
    return new iam.Policy(scope, id, {
      roles: [this.role],
      statements: [new iam.PolicyStatement({ actions, resources: [resource] })],
    });
  }

  private addTopicPolicy(): TopicPolicy {
    if (this.topicPolicies.length === POLICIES) {
      refuse(this.node.path, {
        code: 'Millrace.KafkaAdminTopicsTooMany',
        subject: 'topics of the cluster',
        received: `more topics than ${POLICIES} IAM policies can name`,
        allowed: `about ${POLICIES * Math.floor(POLICY_CHARACTERS / (ARN_CHARACTERS + 20))} topics on one cluster, each named to the admin function`,
        fix: 'spread them over more clusters',
      });
    }
    const statement = new iam.PolicyStatement({ actions: TOPIC_ACTIONS });

    const policy = new iam.ManagedPolicy(this, `Topics${this.topicPolicies.length}`, { roles: [this.role], statements: [statement] });
    const added = { dependable: policy, statement, characters: 0 };
    this.topicPolicies.push(added);
    return added;
  }

  /** `arn:<p>:kafka:<region>:<account>:cluster/<name>/<uuid>` with `topic` in place of `cluster` and the name at its end. */
  private topicArn(topicName: string): string {
    const parts = Fn.split(':cluster/', this.cluster.clusterArn);
    return Fn.join('', [Fn.select(0, parts), ':topic/', Fn.select(1, parts), '/', topicName]);
  }

  private makeRole(logGroup: logs.LogGroup): iam.Role {
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      managedPolicies: [iam.ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSLambdaENIManagementAccess')],
    });
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaENIManagementAccess]',
      reason: 'Lambda needs network interfaces in the VPC, for which there are no narrower permissions; the policy has these and no others',
    });
    role.addToPolicy(new iam.PolicyStatement({ actions: ['kafka-cluster:Connect'], resources: [this.cluster.clusterArn] }));
    logGroup.grants.write(role);
    return role;
  }

  /** A way from the function to the brokers, and no other. Both rules stand here, so that what the function makes can wait for them. */
  private openNetwork(vpc: ec2.IVpc): ec2.SecurityGroup {
    const group = new ec2.SecurityGroup(this, 'SecurityGroup', { vpc, description: 'Kafka admin function', allowAllOutbound: false });
    const port = { ipProtocol: 'tcp', fromPort: IAM_PORT, toPort: IAM_PORT, description: 'Kafka admin function with IAM' };
    this.cluster.connections.securityGroups.forEach(({ securityGroupId: brokers }, index) => {
      const out = new ec2.CfnSecurityGroupEgress(this, `Egress${index}`, {
        ...port,
        groupId: group.securityGroupId,
        destinationSecurityGroupId: brokers,
      });

      const into = new ec2.CfnSecurityGroupIngress(this, `Ingress${index}`, {
        ...port,
        groupId: brokers,
        sourceSecurityGroupId: group.securityGroupId,
      });
      this.way.add(out, into);
    });
    return group;
  }

  private makeProvider(handler: lambda.Function, logGroup: logs.LogGroup): cr.Provider {
    const role = new iam.Role(this, 'FrameworkRole', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grants.write(role);
    role.addToPolicy(
      new iam.PolicyStatement({ actions: ['lambda:GetFunction', 'lambda:InvokeFunction'], resources: [handler.functionArn] }),
    );
    // Kept from the policies of the framework, which would also allow every version of the function.
    const frameworkOnEventRole = role.withoutPolicyUpdates();
    return new cr.Provider(this, 'Provider', { onEventHandler: handler, frameworkOnEventRole, logGroup });
  }
}
