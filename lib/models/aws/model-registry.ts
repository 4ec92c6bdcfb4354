import { Annotations, ArnFormat, type IResource, Names, Resource, Stack } from 'aws-cdk-lib';
import type * as ecr from 'aws-cdk-lib/aws-ecr';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import { removalPolicyOf } from '../../core/retention';
import { enforce } from '../../core/rule';
import { requireAllocation } from '../../cost/applied-allocation';
import type { IModelRegistry as IModelRegistryContract, ModelRegistryOptions } from '../model-registry';
import { ArtifactBucket, givenBucket, hasManagedKey, retentionOf, shareBucket } from './artifact-bucket';
import type { ArtifactStore } from './artifact-store';
import { ModelRegistryGrants } from './model-registry-grants';
import { ModelStatus, type ModelStatusEventOptions } from './model-status';
import { statusPattern } from './registry-events';
import { REGISTRY_RULES } from './registry-name-rules';
import { sharingStatements } from './version-arns';

/** The registry of one model in SageMaker, made here or imported. */
export interface IModelRegistry extends IModelRegistryContract, IResource {
  /** ARN of the model package group. */
  readonly registryArn: string;
  /** Bucket with the files of the versions, where it is known. */
  readonly artifactBucket?: s3.IBucket;
}

/** What identifies an existing registry. */
export interface ModelRegistryAttributes {
  /** ARN of the model package group; it may stand in another account. */
  readonly registryArn: string;
  /**
   * Bucket with the files of the versions; grants open it and its key.
   * @default - unknown: grants open the registry alone
   */
  readonly artifactBucket?: s3.IBucket;
}

/** Properties of a registry of one model in SageMaker. */
export interface ModelRegistryProps extends ModelRegistryOptions {
  /**
   * Where the files of the versions lie.
   * @default - a new bucket
   */
  readonly artifacts?: ArtifactStore;
}

/** What another account gets beside the versions and their files. */
export interface ModelRegistrySharing {
  /**
   * Repositories with the images of the versions, when they are not images of AWS.
   * @default - none
   */
  readonly imageRepositories?: ecr.IRepository[];
}

interface Sharing {
  readonly account: string;
  readonly own: string;
  readonly managedKey: boolean;
}

/**
 * The registry of one model in SageMaker: its versions, the bucket with their files, who may register, approve and deploy them, and events when
 * one is approved. Retained, because name and description replace it and its versions cannot be moved.
 *
 * Adopt an existing model package group with `cdk import` of the child `Resource`; keep its logical id when the construct is renamed.
 *
 * @throws Millrace.ModelRegistryInvalid, Millrace.ArtifactStoreInvalid, Millrace.TokenRefused
 */
export class ModelRegistry extends Resource implements IModelRegistry {
  /** Imports an existing registry, to deploy from it or to react to its approvals. */
  public static fromModelRegistryAttributes(scope: Construct, id: string, attributes: ModelRegistryAttributes): ImportedModelRegistry {
    // eslint-disable-next-line awscdk/require-passing-this -- a static factory has no `this`
    return new ImportedModelRegistry(scope, id, attributes);
  }

  /** Name of the model package group. */
  public readonly registryName: string;
  /** ARN of the model package group. */
  public readonly registryArn: string;
  /** Bucket with the files of the versions. */
  public readonly artifactBucket?: s3.IBucket;
  /** Access to the versions. */
  public readonly grants: ModelRegistryGrants;

  private readonly policy = new iam.PolicyDocument();

  constructor(scope: Construct, id: string, props?: ModelRegistryProps) {
    super(scope, id);
    const given = props ?? {};
    enforce(this.node.path, given, REGISTRY_RULES);
    this.registryName = given.registryName ?? Names.uniqueResourceName(this, { maxLength: 63, separator: '-' }).toLowerCase();
    const decision = retentionOf(this, given.removalPolicy);
    const store = given.artifacts ?? {};
    const group = new sagemaker.CfnModelPackageGroup(this, 'Resource', {
      modelPackageGroupName: this.registryName,
      modelPackageGroupDescription: given.description,
      modelPackageGroupPolicy: this.policy,
    });
    group.applyRemovalPolicy(removalPolicyOf(decision));
    this.registryArn = arnOf(this, this.registryName);
    this.artifactBucket = givenBucket(this, store) ?? new ArtifactBucket(this, 'Artifacts', { store, decision });
    this.grants = new ModelRegistryGrants(this, true);
    requireAllocation(this);
  }

  /**
   * Lets another account look at the versions, make models of them and read their files: the policy of the group, of the bucket, of its customer
   * key and of the repositories. That account then says which of its principals may, with the imported registry's grants. Nobody there can
   * register or approve.
   *
   * Warns Millrace.ModelSharingElsewhere for a bucket, key or repository that is imported: its policy is written where it is made.
   *
   * @throws Millrace.ModelSharingInvalid, Millrace.ModelArtifactsNotShareable
   */
  public shareWithAccount(accountId: string, sharing: ModelRegistrySharing = {}): void {
    const bucket = this.artifactBucket!;
    enforce<Sharing>(
      `${this.node.path} shareWithAccount`,
      { account: accountId, own: this.env.account, managedKey: hasManagedKey(bucket) },
      [
        {
          code: 'Millrace.ModelSharingInvalid',
          subject: 'accountId',
          value: ({ account }) => account,
          valid: (account: string, { own }) => /^\d{12}$/.test(account) && account !== own,
          allowed: 'the twelve digits of another account',
          fix: "use grants for principals of the registry's own account",
          tokens: 'refuse',
        },
        {
          code: 'Millrace.ModelArtifactsNotShareable',
          subject: 'artifacts.bucket',
          value: ({ managedKey }) => (managedKey ? 'a bucket with the key aws/s3' : undefined),
          valid: () => false,
          allowed: 'a bucket with a customer key or with the keys of S3: no other account can use aws/s3',
          fix: 'encrypt the bucket with a customer key and copy the files onto themselves',
        },
      ],
    );
    const principal = new iam.AccountPrincipal(accountId);
    this.policy.addStatements(...sharingStatements(this.registryArn, principal));
    const elsewhere = [
      ...shareBucket(bucket, principal),
      ...(sharing.imageRepositories ?? []).filter((each) => !sharedImages(each, principal)).map((each) => `repository ${each.node.path}`),
    ];
    for (const name of elsewhere) {
      const message = `${name} is imported: its own policy has to let account ${accountId} read it`;
      Annotations.of(this).addWarningV2('Millrace.ModelSharingElsewhere', message);
    }
  }

  /** Sends an event to a target each time a version is approved. */
  public onApproval(id: string, options: events.OnEventOptions): events.Rule {
    return this.onStatusChange(id, { ...options, statuses: [ModelStatus.APPROVED] });
  }

  /** Sends an event to a target each time the status of a version is set. */
  public onStatusChange(id: string, options: ModelStatusEventOptions): events.Rule {
    const { statuses, target, crossStackScope, ...rule } = options;
    const made = new events.Rule(crossStackScope ?? this, id, rule);
    made.addEventPattern(statusPattern(this.registryName, statuses));
    made.addTarget(target);
    return made;
  }
}

/**
 * A registry that exists already, in this account or another.
 *
 * @throws Millrace.ModelRegistryInvalid, Millrace.TokenRefused
 */
export class ImportedModelRegistry extends Resource implements IModelRegistry {
  /** Name of the model package group. */
  public readonly registryName: string;
  /** ARN of the model package group. */
  public readonly registryArn: string;
  /** Bucket with the files of the versions, where it is known. */
  public readonly artifactBucket?: s3.IBucket;
  /** Access to the versions: permissions of principals of this app's accounts. */
  public readonly grants: ModelRegistryGrants;

  constructor(scope: Construct, id: string, props: ModelRegistryAttributes) {
    enforce(`${scope.node.path}/${id}`, props, REGISTRY_RULES);
    super(scope, id, { environmentFromArn: props.registryArn });
    this.registryArn = props.registryArn;
    this.registryName = props.registryArn.split('/')[1];
    this.artifactBucket = props.artifactBucket;
    this.grants = new ModelRegistryGrants(this, false);
  }

  /** Sends an event to a target each time a version is approved; SageMaker tells of it in the account of the registry alone. */
  public onApproval(id: string, options: events.OnEventOptions): events.Rule {
    return this.onStatusChange(id, { ...options, statuses: [ModelStatus.APPROVED] });
  }

  /** Sends an event to a target each time the status of a version is set; SageMaker tells of it in the account of the registry alone. */
  public onStatusChange(id: string, options: ModelStatusEventOptions): events.Rule {
    const { statuses, target, crossStackScope, ...rule } = options;
    const made = new events.Rule(crossStackScope ?? this, id, rule);
    made.addEventPattern(statusPattern(this.registryName, statuses));
    made.addTarget(target);
    return made;
  }
}

function arnOf(scope: Construct, registryName: string): string {
  return Stack.of(scope).formatArn({
    service: 'sagemaker',
    resource: 'model-package-group',
    resourceName: registryName,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}

function sharedImages(repository: ecr.IRepository, principal: iam.IPrincipal): boolean {
  const actions = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];
  return repository.addToResourcePolicy(new iam.PolicyStatement({ principals: [principal], actions })).statementAdded;
}
