import { Aws, Names, Resource, Stack, Validations } from 'aws-cdk-lib';
import type { RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import { removalPolicyOf } from '../../core/retention';
import { type Rule, enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { IModelRegistry } from '../model-registry';
import { ArtifactBucket, givenBucket, grantFiles, retentionOf } from './artifact-bucket';
import type { ArtifactStore } from './artifact-store';
import { MlflowRegistryGrants } from './mlflow-registry-grants';
import { wildcardId } from './version-arns';

/** Properties of MLflow on SageMaker. */
export interface MlflowRegistryProps {
  /**
   * Name: 1-256 letters, digits and `-`. A new name is a new, empty MLflow.
   * @default - derived from the construct path
   */
  readonly registryName?: string;
  /**
   * Where the files of runs and models lie, below `mlflow/`.
   * @default - a new bucket
   */
  readonly artifacts?: ArtifactStore;
  /**
   * Whether each model that is registered in MLflow gets a model package group of SageMaker, and each of its versions a package there. None of
   * them is approved by that.
   * @default false
   */
  readonly registersInSageMaker?: boolean;
  /**
   * When SageMaker maintains it each week: `Tue:03:30`, in UTC.
   * @default - SageMaker chooses
   */
  readonly weeklyMaintenanceStart?: string;
  /**
   * What becomes of it when it leaves the app. DESTROY also needs the context key `millrace:destroyData`.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

const RULES: readonly Rule<MlflowRegistryProps>[] = [
  {
    code: 'Millrace.MlflowRegistryInvalid',
    subject: 'registryName',
    value: (props) => props.registryName,
    valid: (name: string) => /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}$/.test(name),
    allowed: '1-256 letters, digits and -, a letter or digit at both ends',
    fix: 'name it after the team',
    tokens: 'refuse',
  },
  {
    code: 'Millrace.MlflowRegistryInvalid',
    subject: 'weeklyMaintenanceStart',
    value: (props) => props.weeklyMaintenanceStart,
    valid: (time: string) => /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun):([01]\d|2[0-3]):[0-5]\d$/.test(time),
    allowed: 'a day and a time in UTC: Tue:03:30',
    fix: 'leave it out',
  },
];
const APPROVAL_KEY = 'sagemaker:ModelApprovalStatus';

/**
 * MLflow as SageMaker runs it (an MLflow App): experiments, runs and registered models, with a bucket for their files. Nobody reaches it
 * without IAM. Retained: name and role replace it, and what it knows cannot be moved.
 *
 * @throws Millrace.MlflowRegistryInvalid, Millrace.ArtifactStoreInvalid, Millrace.TokenRefused
 */
export class MlflowRegistry extends Resource implements IModelRegistry {
  /** Name of the MLflow App. */
  public readonly registryName: string;
  /** ARN of the MLflow App, which is also the tracking URI of its clients. */
  public readonly appArn: string;
  /** Bucket with the files of runs and models. */
  public readonly artifactBucket: s3.IBucket;
  /** Access to it. */
  public readonly grants: MlflowRegistryGrants;

  constructor(scope: Construct, id: string, props?: MlflowRegistryProps) {
    super(scope, id);
    const given = props ?? {};
    enforce(this.node.path, given, RULES);
    this.registryName = given.registryName ?? Names.uniqueResourceName(this, { maxLength: 256, separator: '-' });
    const decision = retentionOf(this, given.removalPolicy);
    const store = given.artifacts ?? {};
    this.artifactBucket = givenBucket(this, store) ?? new ArtifactBucket(this, 'Artifacts', { store, decision });
    const role = this.makeRole(given.registersInSageMaker ?? false);
    const app = new sagemaker.CfnMlflowApp(this, 'Resource', {
      name: this.registryName,
      artifactStoreUri: this.artifactBucket.s3UrlForObject('mlflow'),
      roleArn: role.roleArn,
      modelRegistrationMode: given.registersInSageMaker ? 'AutoModelRegistrationEnabled' : 'AutoModelRegistrationDisabled',
      weeklyMaintenanceWindowStart: given.weeklyMaintenanceStart,
    });
    // Its first requests come as soon as it exists, and need the policy of the role.
    app.node.addDependency(role);
    // A kept app works with the role it has, and another one would replace it when it is imported again.
    for (const kept of [app, role, role.node.findChild('DefaultPolicy') as iam.Policy]) kept.applyRemovalPolicy(removalPolicyOf(decision));
    this.appArn = app.attrArn;
    this.grants = new MlflowRegistryGrants(this);
    requireAllocation(this);
  }

  private makeRole(registers: boolean): iam.Role {
    const role = new iam.Role(this, 'Role', {
      description: `MLflow ${this.registryName}`,
      assumedBy: new iam.ServicePrincipal('sagemaker.amazonaws.com', {
        // A role is passed within its account only, so a service that does not name the source has no other to be confused with.
        conditions: { StringEqualsIfExists: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    });
    grantFiles(this.artifactBucket, role, 'readWrite');
    if (registers) this.allowRegistration(role);
    return role;
  }

  /** Its groups are named after models that nobody knows yet, so the permission is one for all groups of the account and region. */
  private allowRegistration(role: iam.Role): void {
    const resources = ['model-package-group', 'model-package'].map((resource) =>
      Stack.of(this).formatArn({ service: 'sagemaker', resource, resourceName: '*' }),
    );
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['sagemaker:CreateModelPackageGroup', 'sagemaker:DescribeModelPackageGroup', 'sagemaker:AddTags'],
        resources,
      }),
    );
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['sagemaker:CreateModelPackage', 'sagemaker:UpdateModelPackage'],
        resources,
        // Whoever may log a run must not be able to approve a version.
        conditions: { StringNotEquals: { [APPROVAL_KEY]: 'Approved' } },
      }),
    );
    const reason = 'MLflow names a group after each model that is registered, and the models are not known yet';
    Validations.of(role).acknowledge(...resources.map((arn) => ({ id: wildcardId(arn), reason })));
  }
}
