import { Token, TokenComparison } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { refuse } from '../../core/error';
import { grantFiles } from './artifact-bucket';
import type { IModelRegistry } from './model-registry';
import { READ_ACTIONS, versionArns } from './version-arns';

const APPROVAL_KEY = 'sagemaker:ModelApprovalStatus';

/**
 * Access to the versions of one model. A grant opens permission, files and key. Who registers cannot approve: the approval is the gate that
 * promotion trusts.
 *
 * A principal of another account needs `ModelRegistry.shareWithAccount` here and a grant of the imported registry there; each verb throws
 * Millrace.ModelRegistryGranteeForeign for it.
 */
export class ModelRegistryGrants {
  constructor(
    private readonly registry: IModelRegistry,
    /** Whether the registry is made in this app, which then knows what its account allows. */
    private readonly isOwner: boolean,
  ) {}

  /** Lets a principal look at the versions and read their files. */
  public read(grantee: iam.IGrantable): iam.Grant {
    this.refuseForeign('read', grantee);
    this.openFiles(grantee, 'read');
    return this.allow(grantee, READ_ACTIONS);
  }

  /** Lets a principal put files into the bucket and register versions of them, as a training pipeline does. None of them is approved yet. */
  public register(grantee: iam.IGrantable): iam.Grant {
    this.refuseForeign('register', grantee);
    this.openFiles(grantee, 'readWrite');
    return this.allow(grantee, READ_ACTIONS).combine(
      // True also without the key: a version that is registered without a status waits for its approval.
      this.allow(grantee, ['sagemaker:CreateModelPackage'], { StringNotEquals: { [APPROVAL_KEY]: 'Approved' } }),
    );
  }

  /** Lets a principal approve and reject versions, after looking at them and their files. */
  public approve(grantee: iam.IGrantable): iam.Grant {
    this.refuseForeign('approve', grantee);
    this.openFiles(grantee, 'read');
    return this.allow(grantee, READ_ACTIONS).combine(
      this.allow(grantee, ['sagemaker:UpdateModelPackage'], {
        StringEquals: { [APPROVAL_KEY]: ['Approved', 'Rejected', 'PendingManualApproval'] },
      }),
    );
  }

  /** Lets a principal make models of the versions, as the role of a deployment does. The role of the model itself needs `read`. */
  public deploy(grantee: iam.IGrantable): iam.Grant {
    this.refuseForeign('deploy', grantee);
    return this.allow(grantee, [...READ_ACTIONS, 'sagemaker:CreateModel']);
  }

  private openFiles(grantee: iam.IGrantable, access: 'read' | 'readWrite'): void {
    const { artifactBucket } = this.registry;
    if (artifactBucket) grantFiles(artifactBucket, grantee, access);
  }

  private allow(grantee: iam.IGrantable, actions: string[], conditions?: { [operator: string]: { [key: string]: unknown } }): iam.Grant {
    const { registryArn } = this.registry;
    return iam.Grant.addToPrincipal({ grantee, actions, resourceArns: [registryArn, versionArns(registryArn)], conditions });
  }

  /** An imported registry is granted in the account of its user; what its owner lets in is the owner's word. */
  private refuseForeign(verb: string, grantee: iam.IGrantable): void {
    const { principalAccount } = grantee.grantPrincipal;
    if (!this.isOwner || principalAccount === undefined) return;
    if (Token.compareStrings(this.registry.env.account, principalAccount) !== TokenComparison.DIFFERENT) return;
    refuse(`${this.registry.node.path} grants.${verb}`, {
      code: 'Millrace.ModelRegistryGranteeForeign',
      subject: 'grantee',
      received: `a principal of account ${principalAccount}`,
      allowed: `a principal of the registry's account ${this.registry.env.account}`,
      fix: 'shareWithAccount here, and grant it in its own account: ModelRegistry.fromModelRegistryAttributes(…).grants',
    });
  }
}
