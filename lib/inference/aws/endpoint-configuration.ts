import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import type { Construct } from 'constructs';
import type { EndpointHosting } from './endpoint-hosting';
import type { EndpointPlan, PlannedVariant } from './endpoint-plan';

const HEALTH_CHECK_SECONDS = 600;

/** Where an endpoint keeps what it takes and answers. */
export interface EndpointStores {
  /** `s3://` URI of captured traffic. */
  readonly captureUri?: string;
  /** `s3://` URI of the answers and failures of an asynchronous endpoint, without the last part. */
  readonly queueUri?: string;
}

/** The configuration of an endpoint, without a name of ours: a configuration that changes under its name is not taken over. */
export function endpointConfiguration(
  scope: Construct,
  plan: EndpointPlan,
  modelNames: { readonly [variant: string]: string },
  stores: EndpointStores,
): sagemaker.CfnEndpointConfig {
  const { hosting, variants } = plan;
  const { _instances: instances } = hosting;
  const render = (variant: PlannedVariant) => productionVariant(variant, modelNames[variant.name], hosting);
  const shadows = variants.filter(({ shadow }) => shadow);
  // eslint-disable-next-line awscdk/require-passing-this -- a function has no `this`
  return new sagemaker.CfnEndpointConfig(scope, 'Configuration', {
    productionVariants: variants.filter(({ shadow }) => !shadow).map(render),
    shadowProductionVariants: shadows.length > 0 ? shadows.map(render) : undefined,
    kmsKeyId: instances?.volume?.encryptionKey?.keyArn,
    metricsConfig: instances ? { enableEnhancedMetrics: true } : undefined,
    dataCaptureConfig: dataCapture(plan, stores),
    asyncInferenceConfig: asyncInference(plan, stores),
  });
}

function productionVariant(
  variant: PlannedVariant,
  modelName: string,
  hosting: EndpointHosting,
): sagemaker.CfnEndpointConfig.ProductionVariantProperty {
  const { _serverless: serverless, _instances: instances } = hosting;
  // A weight of 0 is a weight: SageMaker takes an absent one for 1.
  const common = { variantName: variant.name, modelName, initialVariantWeight: variant.weight };
  if (serverless) {
    return {
      ...common,
      serverlessConfig: {
        memorySizeInMb: serverless.memory.toMebibytes(),
        maxConcurrency: variant.replicas,
        provisionedConcurrency: serverless.provisionedConcurrency,
      },
    };
  }
  return {
    ...common,
    instanceType: variant.instanceType,
    initialInstanceCount: variant.replicas,
    routingConfig: { routingStrategy: 'LEAST_OUTSTANDING_REQUESTS' },
    volumeSizeInGb: instances?.volume?.size?.toGibibytes(),
    containerStartupHealthCheckTimeoutInSeconds: instances?.startup?.healthCheck?.toSeconds() ?? HEALTH_CHECK_SECONDS,
    modelDataDownloadTimeoutInSeconds: instances?.startup?.download?.toSeconds(),
  };
}

function dataCapture({ monitoring }: EndpointPlan, { captureUri }: EndpointStores) {
  if (monitoring.capturePercent === undefined || !captureUri) return undefined;
  return {
    enableCapture: true,
    initialSamplingPercentage: monitoring.capturePercent,
    destinationS3Uri: captureUri,
    captureOptions: [{ captureMode: 'Input' }, { captureMode: 'Output' }],
    // Readable as they are; everything else is kept in base64.
    captureContentTypeHeader: { csvContentTypes: ['text/csv'], jsonContentTypes: ['application/json'] },
  };
}

function asyncInference({ hosting, options }: EndpointPlan, { queueUri }: EndpointStores) {
  const { _asynchronous: asynchronous } = hosting;
  if (!asynchronous || !queueUri) return undefined;
  const { successTopic, errorTopic, maxConcurrentInvocations } = asynchronous;
  return {
    clientConfig: { maxConcurrentInvocationsPerInstance: maxConcurrentInvocations ?? Math.min(1000, options.demand.concurrencyPerReplica) },
    outputConfig: {
      s3OutputPath: `${queueUri}output/`,
      s3FailurePath: `${queueUri}failure/`,
      notificationConfig:
        successTopic || errorTopic ? { successTopic: successTopic?.topicArn, errorTopic: errorTopic?.topicArn } : undefined,
    },
  };
}
