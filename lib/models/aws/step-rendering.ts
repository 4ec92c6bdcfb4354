import type * as kms from 'aws-cdk-lib/aws-kms';
import { type ResolvedNetwork, vpcConfig } from './job-role';
import { executionUriOf, uriOf } from './location-rules';
import type { PipelineStep } from './pipeline-step';
import type { StepCompute } from './step-compute';
import type { StepInput } from './step-input';
import {
  type ConditionStepOptions,
  type JobStepOptions,
  ModelApproval,
  type ProcessingStepOptions,
  type RegisterModelStepOptions,
  type TrainingStepOptions,
} from './step-options';
import type { CreateModelStepOptions, TransformStepOptions } from './transform-options';

/** What all jobs of a pipeline share. */
export interface JobSurroundings {
  readonly roleArn: string;
  readonly network?: ResolvedNetwork;
  readonly encryptionKey?: kms.IKey;
  readonly tags: readonly { readonly Key: string; readonly Value: string }[];
}

type Json = Record<string, unknown>;

const DEFAULT_RUNTIME_SECONDS = 24 * 3600;
/** Longest time of a training, waiting included (SageMaker API reference, StoppingCondition). */
export const LONGEST_SECONDS = 28 * 24 * 3600;

/** Time after which a job is stopped. */
export function runtimeOf({ maxRuntime }: Pick<JobStepOptions, 'maxRuntime'>): number {
  return maxRuntime?.toSeconds() ?? DEFAULT_RUNTIME_SECONDS;
}

function instancesOf(compute: StepCompute, { encryptionKey }: JobSurroundings): Json {
  return {
    InstanceType: compute.instanceType,
    InstanceCount: compute.instances,
    VolumeSizeInGB: compute._volumeGib,
    ...(encryptionKey && !compute._hasLocalStorage ? { VolumeKmsKeyId: encryptionKey.keyArn } : {}),
  };
}

function optional(name: string, value: object | undefined): Json {
  return value && Object.keys(value).length > 0 ? { [name]: value } : {};
}

function keyOf({ encryptionKey }: JobSurroundings): Json {
  return encryptionKey ? { KmsKeyId: encryptionKey.keyArn } : {};
}

const entries = (inputs: { [name: string]: StepInput } = {}) => Object.entries(inputs).map(([name, { _uri }]) => ({ name, uri: _uri }));

/** A processing step. */
export function renderProcessing(stepName: string, options: ProcessingStepOptions, surroundings: JobSurroundings): Json {
  const outputs = Object.entries(options.outputs);
  const files = outputs.flatMap(([OutputName, { reports = {} }]) =>
    Object.entries(reports).map(([PropertyFileName, FilePath]) => ({ PropertyFileName, OutputName, FilePath })),
  );
  return {
    Arguments: {
      ProcessingResources: { ClusterConfig: instancesOf(options.compute, surroundings) },
      AppSpecification: {
        ImageUri: options.image.imageUri,
        ...optional('ContainerEntrypoint', options.entrypoint),
        ...optional('ContainerArguments', options.args),
      },
      RoleArn: surroundings.roleArn,
      ...optional(
        'ProcessingInputs',
        entries(options.inputs).map(({ name, uri }) => ({
          InputName: name,
          AppManaged: false,
          S3Input: { S3Uri: uri, LocalPath: `/opt/ml/processing/input/${name}`, S3DataType: 'S3Prefix', S3InputMode: 'File' },
        })),
      ),
      ProcessingOutputConfig: {
        ...keyOf(surroundings),
        Outputs: outputs.map(([name, { location }]) => ({
          OutputName: name,
          AppManaged: false,
          S3Output: {
            S3Uri: executionUriOf(location, stepName, name),
            LocalPath: `/opt/ml/processing/output/${name}`,
            S3UploadMode: 'EndOfJob',
          },
        })),
      },
      ...optional('Environment', options.environment),
      StoppingCondition: { MaxRuntimeInSeconds: runtimeOf(options) },
      NetworkConfig: {
        EnableInterContainerTrafficEncryption: true,
        EnableNetworkIsolation: !options.networkAccess,
        ...(surroundings.network ? { VpcConfig: vpcConfig(surroundings.network) } : {}),
      },
      Tags: surroundings.tags,
    },
    ...(files.length > 0 ? { PropertyFiles: files } : {}),
  };
}

/** A training step. */
export function renderTraining(stepName: string, options: TrainingStepOptions, surroundings: JobSurroundings): Json {
  const { checkpoints, spot, maxWait } = options;
  const runtime = runtimeOf(options);
  const wait = maxWait?.toSeconds() ?? Math.min(2 * runtime, LONGEST_SECONDS);
  return {
    Arguments: {
      AlgorithmSpecification: {
        TrainingImage: options.image.imageUri,
        TrainingInputMode: 'File',
        ...optional(
          'MetricDefinitions',
          Object.entries(options.metrics ?? {}).map(([Name, Regex]) => ({ Name, Regex })),
        ),
      },
      RoleArn: surroundings.roleArn,
      ...optional(
        'InputDataConfig',
        entries(options.inputs).map(({ name, uri }) => ({
          ChannelName: name,
          DataSource: { S3DataSource: { S3Uri: uri, S3DataType: 'S3Prefix', S3DataDistributionType: 'FullyReplicated' } },
        })),
      ),
      OutputDataConfig: { S3OutputPath: uriOf(options.output), ...keyOf(surroundings) },
      ResourceConfig: instancesOf(options.compute, surroundings),
      ...optional('HyperParameters', options.hyperparameters),
      ...optional('Environment', options.environment),
      StoppingCondition: { MaxRuntimeInSeconds: runtime, ...(spot ? { MaxWaitTimeInSeconds: wait } : {}) },
      ...(spot ? { EnableManagedSpotTraining: true } : {}),
      ...(checkpoints ? { CheckpointConfig: { S3Uri: executionUriOf(checkpoints, stepName), LocalPath: '/opt/ml/checkpoints' } } : {}),
      EnableInterContainerTrafficEncryption: true,
      EnableNetworkIsolation: !options.networkAccess,
      ...(surroundings.network ? { VpcConfig: vpcConfig(surroundings.network) } : {}),
      Tags: surroundings.tags,
    },
  };
}

/** A model for batch transforms. */
export function renderModel(options: CreateModelStepOptions, { roleArn, network, tags }: JobSurroundings): Json {
  return {
    Arguments: {
      ExecutionRoleArn: roleArn,
      PrimaryContainer: {
        Image: options.image.imageUri,
        ModelDataUrl: { Get: `Steps.${options.training.stepName}.ModelArtifacts.S3ModelArtifacts` },
        ...optional('Environment', options.environment),
      },
      EnableNetworkIsolation: !options.networkAccess,
      ...(network ? { VpcConfig: vpcConfig(network) } : {}),
      Tags: tags,
    },
  };
}

/** A batch transform. */
export function renderTransform(stepName: string, options: TransformStepOptions, surroundings: JobSurroundings): Json {
  const { compute, contentType, splitsLines = true } = options;
  const { encryptionKey, tags } = surroundings;
  return {
    Arguments: {
      ModelName: { Get: `Steps.${options.model.stepName}.ModelName` },
      TransformInput: {
        DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: options.input._uri } },
        ContentType: contentType,
        SplitType: splitsLines ? 'Line' : 'None',
      },
      TransformOutput: {
        S3OutputPath: executionUriOf(options.output, stepName),
        AssembleWith: splitsLines ? 'Line' : 'None',
        ...keyOf(surroundings),
      },
      TransformResources: {
        InstanceType: compute.instanceType,
        InstanceCount: compute.instances,
        ...(encryptionKey && !compute._hasLocalStorage ? { VolumeKmsKeyId: encryptionKey.keyArn } : {}),
      },
      Tags: tags,
    },
  };
}

/** A condition step. */
export function renderCondition({ conditions, then = [], otherwise = [] }: ConditionStepOptions, surroundings: JobSurroundings): Json {
  const steps = (list: readonly PipelineStep[]) => list.map((step) => step._render(surroundings));
  return {
    Arguments: {
      Conditions: conditions.map((condition) => condition._render()),
      IfSteps: steps(then),
      ElseSteps: steps(otherwise),
    },
  };
}

/** A registration. It has no tags: a version of a group takes those of the group, and SageMaker refuses others. */
export function renderRegistration(options: RegisterModelStepOptions): Json {
  return {
    Arguments: {
      ModelPackageGroupName: options.modelPackageGroupName,
      ModelApprovalStatus: options.approval ?? ModelApproval.PENDING,
      InferenceSpecification: {
        Containers: [
          {
            Image: options.image.imageUri,
            ModelDataUrl: { Get: `Steps.${options.training.stepName}.ModelArtifacts.S3ModelArtifacts` },
          },
        ],
        SupportedContentTypes: options.contentTypes,
        SupportedResponseMIMETypes: options.responseTypes,
        ...optional('SupportedRealtimeInferenceInstanceTypes', options.inferenceInstanceTypes),
      },
    },
  };
}

/** A failure. */
export function renderFail(message: string): Json {
  return { Arguments: { ErrorMessage: message } };
}
