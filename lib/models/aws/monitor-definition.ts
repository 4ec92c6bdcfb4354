import type { CfnResource } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import type { ResolvedNetwork } from './job-role';
import { uriOf } from './location-rules';
import type { MonitorKind } from './monitor-kind';
import type { PredictionAttributes } from './monitor-options';
import type { StepCompute } from './step-compute';
import type { StorageLocation } from './storage-location';

/** What the jobs of a monitor have in common. */
export interface MonitorSurroundings {
  readonly endpointName: string;
  readonly imageUri: string;
  readonly roleArn: string;
  readonly reports: StorageLocation;
  readonly compute: StepCompute;
  readonly maxRuntimeSeconds: number;
  readonly intervalHours: number;
  readonly network?: ResolvedNetwork;
  readonly encryptionKey?: kms.IKey;
}

/** A job definition of any kind. */
export interface JobDefinition extends CfnResource {
  readonly attrJobDefinitionArn: string;
}

const INPUT = '/opt/ml/processing/input/endpoint';
const OUTPUT = '/opt/ml/processing/output';
const ENVIRONMENT = { publish_cloudwatch_metrics: 'Enabled' };

/**
 * The job definition of a monitor. It has no name of its own: every change replaces it, and SageMaker would not take the same name twice.
 */
export function makeDefinition(scope: Construct, kind: MonitorKind, surroundings: MonitorSurroundings): JobDefinition {
  const { _dataQuality: data, _modelQuality: quality, _bias: bias } = kind;
  if (data) return dataQuality(scope, kind, surroundings);
  if (quality) return modelQuality(scope, kind, surroundings);
  return bias ? modelBias(scope, kind, surroundings) : explainability(scope, kind, surroundings);
}

/* eslint-disable awscdk/require-passing-this -- functions have no `this` */
function dataQuality(scope: Construct, kind: MonitorKind, surroundings: MonitorSurroundings): JobDefinition {
  const { constraints, statistics } = kind._dataQuality!;
  return new sagemaker.CfnDataQualityJobDefinition(scope, 'Definition', {
    ...common(surroundings),
    dataQualityAppSpecification: { imageUri: surroundings.imageUri, environment: ENVIRONMENT },
    dataQualityBaselineConfig: {
      constraintsResource: { s3Uri: uriOf(constraints) },
      statisticsResource: { s3Uri: uriOf(statistics) },
    },
    dataQualityJobInput: { endpointInput: endpointInput(surroundings) },
    dataQualityJobOutputConfig: outputConfig(surroundings),
  });
}

function modelQuality(scope: Construct, kind: MonitorKind, surroundings: MonitorSurroundings): JobDefinition {
  const { constraints, groundTruth, problem, prediction, labelDelay } = kind._modelQuality!;
  const { featuresAttribute: _unused, ...attributes } = attributesOf(prediction);
  return new sagemaker.CfnModelQualityJobDefinition(scope, 'Definition', {
    ...common(surroundings),
    modelQualityAppSpecification: { imageUri: surroundings.imageUri, problemType: problem, environment: ENVIRONMENT },
    modelQualityBaselineConfig: { constraintsResource: { s3Uri: uriOf(constraints) } },
    modelQualityJobInput: {
      endpointInput: { ...endpointInput(surroundings), ...attributes, ...offsets(surroundings, labelDelay?.toHours()) },
      groundTruthS3Input: { s3Uri: uriOf(groundTruth) },
    },
    modelQualityJobOutputConfig: outputConfig(surroundings),
  });
}

function modelBias(scope: Construct, kind: MonitorKind, surroundings: MonitorSurroundings): JobDefinition {
  const { config, constraints, groundTruth, prediction, labelDelay } = kind._bias!;
  return new sagemaker.CfnModelBiasJobDefinition(scope, 'Definition', {
    ...common(surroundings),
    modelBiasAppSpecification: { imageUri: surroundings.imageUri, configUri: uriOf(config), environment: ENVIRONMENT },
    modelBiasBaselineConfig: { constraintsResource: { s3Uri: uriOf(constraints) } },
    modelBiasJobInput: {
      endpointInput: { ...endpointInput(surroundings), ...attributesOf(prediction), ...offsets(surroundings, labelDelay?.toHours()) },
      groundTruthS3Input: { s3Uri: uriOf(groundTruth) },
    },
    modelBiasJobOutputConfig: outputConfig(surroundings),
  });
}

function explainability(scope: Construct, kind: MonitorKind, surroundings: MonitorSurroundings): JobDefinition {
  const { config, constraints, prediction = {} } = kind._explainability!;
  const { probabilityThresholdAttribute: _unused, ...attributes } = attributesOf(prediction);
  return new sagemaker.CfnModelExplainabilityJobDefinition(scope, 'Definition', {
    ...common(surroundings),
    modelExplainabilityAppSpecification: { imageUri: surroundings.imageUri, configUri: uriOf(config), environment: ENVIRONMENT },
    modelExplainabilityBaselineConfig: { constraintsResource: { s3Uri: uriOf(constraints) } },
    modelExplainabilityJobInput: { endpointInput: { ...endpointInput(surroundings), ...attributes } },
    modelExplainabilityJobOutputConfig: outputConfig(surroundings),
  });
}
/* eslint-enable awscdk/require-passing-this */

function common({ compute, roleArn, maxRuntimeSeconds, network, encryptionKey }: MonitorSurroundings) {
  return {
    roleArn,
    jobResources: {
      clusterConfig: {
        instanceCount: compute.instances,
        instanceType: compute.instanceType,
        volumeSizeInGb: compute._volumeGib,
        ...(encryptionKey && !compute._hasLocalStorage ? { volumeKmsKeyId: encryptionKey.keyArn } : {}),
      },
    },
    networkConfig: {
      enableInterContainerTrafficEncryption: true,
      enableNetworkIsolation: false,
      ...(network
        ? {
            vpcConfig: {
              subnets: network.subnetIds,
              securityGroupIds: network.securityGroups.map(({ securityGroupId }) => securityGroupId),
            },
          }
        : {}),
    },
    stoppingCondition: { maxRuntimeInSeconds: maxRuntimeSeconds },
  };
}

function endpointInput({ endpointName }: MonitorSurroundings) {
  return { endpointName, localPath: INPUT, s3InputMode: 'File', s3DataDistributionType: 'FullyReplicated' };
}

function attributesOf({ inference, probability, probabilityThreshold, features }: PredictionAttributes) {
  return {
    inferenceAttribute: inference,
    probabilityAttribute: probability,
    probabilityThresholdAttribute: probabilityThreshold,
    featuresAttribute: features,
  };
}

/** The stretch that an execution looks at: as long as the interval, and so old that the labels are there. */
function offsets({ intervalHours }: MonitorSurroundings, delayHours: number | undefined) {
  if (!delayHours) return {};
  return { startTimeOffset: `-PT${delayHours + intervalHours}H`, endTimeOffset: `-PT${delayHours}H` };
}

function outputConfig({ reports, encryptionKey }: MonitorSurroundings) {
  return {
    ...(encryptionKey ? { kmsKeyId: encryptionKey.keyArn } : {}),
    monitoringOutputs: [{ s3Output: { localPath: OUTPUT, s3Uri: uriOf(reports), s3UploadMode: 'EndOfJob' } }],
  };
}
