import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import {
  type ResolvedNetwork,
  acknowledge,
  allow,
  grantImages,
  grantJobKey,
  grantNetwork,
  grantPassing,
  grantRead,
  grantTelemetry,
  grantWrite,
} from './job-role';
import type { PipelineStep } from './pipeline-step';
import type { StorageLocation } from './storage-location';

interface MadeKind {
  readonly type: PipelineStep['_parts']['type'];
  readonly resource: string;
  readonly name: string;
  /** Whether it runs, writes logs and can be stopped. */
  readonly isJob: boolean;
}

const MADE_KINDS: readonly MadeKind[] = [
  { type: 'Training', resource: 'training-job', name: 'TrainingJob', isJob: true },
  { type: 'Processing', resource: 'processing-job', name: 'ProcessingJob', isJob: true },
  { type: 'Transform', resource: 'transform-job', name: 'TransformJob', isJob: true },
  { type: 'Model', resource: 'model', name: 'Model', isJob: false },
];

/** Lets the role of a pipeline do what its steps need, and no more. */
export function grantSteps(role: iam.Role, steps: readonly PipelineStep[], network?: ResolvedNetwork, key?: kms.IKey): void {
  const parts = steps.map(({ _parts }) => _parts);
  for (const location of distinct(parts.flatMap(({ reads }) => reads))) grantRead(role, location);
  for (const location of distinct(parts.flatMap(({ writes }) => writes))) grantWrite(role, location);
  const images = parts.flatMap((each) => each.images);
  if (images.length > 0) grantImages(role, images);
  const kinds = MADE_KINDS.filter(({ type }) => parts.some((each) => each.type === type));
  for (const kind of kinds) grantMaking(role, kind);
  if (kinds.length > 0) {
    const names = kinds.filter(({ isJob }) => isJob).map(({ name }) => `${name}s`);
    grantTelemetry(
      role,
      names,
      names.map((name) => `/aws/sagemaker/${name}`),
    );
    grantPassing(role);
    grantNetwork(role, network);
    grantJobKey(role, key);
  }
  for (const group of new Set(parts.flatMap(({ modelPackageGroupName }) => modelPackageGroupName ?? []))) {
    const approves = parts.some((each) => each.modelPackageGroupName === group && each.approves);
    grantRegistration(role, group, approves);
  }
}

function distinct(locations: readonly StorageLocation[]): StorageLocation[] {
  return locations.filter(
    ({ bucket, prefix }, index) => locations.findIndex((other) => other.bucket === bucket && other.prefix === prefix) === index,
  );
}

/** SageMaker names what a pipeline makes `pipelines-<execution>-<step>-<random>`. */
function grantMaking(role: iam.Role, { resource, name, isJob }: MadeKind): void {
  const made = Stack.of(role).formatArn({ service: 'sagemaker', resource, resourceName: 'pipelines-*' });
  const stop = isJob ? [`sagemaker:Stop${name}`] : [];
  allow(role, [`sagemaker:Create${name}`, `sagemaker:Describe${name}`, ...stop, 'sagemaker:AddTags'], [made]);
  acknowledge(role, [made], 'SageMaker names what a pipeline makes');
}

/** The role is that of the containers, too: code of a training must not register a version as approved unless a step does. */
function grantRegistration(role: iam.Role, groupName: string, approves: boolean): void {
  const arn = (resource: string, resourceName: string) => Stack.of(role).formatArn({ service: 'sagemaker', resource, resourceName });
  const [group, versions] = [arn('model-package-group', groupName), arn('model-package', `${groupName}/*`)];
  allow(role, ['sagemaker:DescribeModelPackageGroup'], [group]);
  allow(role, ['sagemaker:DescribeModelPackage'], [versions]);
  acknowledge(role, [versions], 'the versions of one model, which are numbers that are not known yet');
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: ['sagemaker:CreateModelPackage'],
      resources: [group, versions],
      ...(approves ? {} : { conditions: { StringNotEquals: { 'sagemaker:ModelApprovalStatus': 'Approved' } } }),
    }),
  );
}
