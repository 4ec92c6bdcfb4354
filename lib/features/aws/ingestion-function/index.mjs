// Entry of the ingestion function: what a Lambda function has in its environment, handed to the handler.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ingestionHandler } from './ingestion-handler.ts';

// Loaded as CommonJS modules: the SDK of the runtime is found by NODE_PATH, which import statements do not follow.
const load = createRequire(import.meta.url);

function surroundings() {
  const { FEATURE_GROUP_NAME, FAILURE_BUCKET, PARALLEL_WRITES, REPORTS_ITEMS } = process.env;
  const mapping = JSON.parse(readFileSync(new URL('mapping.json', import.meta.url), 'utf8'));
  const { SageMakerFeatureStoreRuntimeClient, PutRecordCommand } = load('@aws-sdk/client-sagemaker-featurestore-runtime');
  const { GlueClient, GetSchemaVersionCommand } = load('@aws-sdk/client-glue');
  const { S3Client, PutObjectCommand } = load('@aws-sdk/client-s3');
  // A request that hangs would take the whole batch with it: the SDK waits for ever unless it is told.
  const within = (requestTimeout) => ({
    requestHandler: { connectionTimeout: 2_000, requestTimeout, socketTimeout: requestTimeout, throwOnRequestTimeout: true },
  });
  // The handler tries again itself, for as long as the invocation has.
  const store = new SageMakerFeatureStoreRuntimeClient({ maxAttempts: 1, ...within(5_000) });
  const glue = new GlueClient(within(3_000));
  const s3 = new S3Client(within(4_000));
  return {
    mapping,
    featureGroupName: FEATURE_GROUP_NAME,
    reportsItems: REPORTS_ITEMS === 'true',
    parallelWrites: Number(PARALLEL_WRITES),
    putRecord: async (values) => {
      await store.send(new PutRecordCommand({ FeatureGroupName: FEATURE_GROUP_NAME, Record: values }));
    },
    findSchema: async (versionId) => {
      try {
        return (await glue.send(new GetSchemaVersionCommand({ SchemaVersionId: versionId }))).SchemaDefinition;
      } catch (error) {
        if (error.name === 'EntityNotFoundException') return undefined;
        throw error;
      }
    },
    keep: async (name, body) => {
      await s3.send(new PutObjectCommand({ Bucket: FAILURE_BUCKET, Key: name, Body: body, ContentType: 'application/jsonl' }));
    },
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    now: () => Date.now(),
    random: () => Math.random(),
    // Not console.log: the runtime would put a time and a request id before it, and CloudWatch would find no metrics.
    print: (line) => process.stdout.write(`${line}\n`),
  };
}

let handle;

export const handler = (event, context) => {
  handle ??= ingestionHandler(surroundings());
  return handle(event, context);
};
