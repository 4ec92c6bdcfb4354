// Entry of the admin function: what a Lambda function has in its environment, handed to the handler.
import { adminHandler } from './admin-handler.ts';
import { mskIamToken } from './msk-iam-token.ts';
import { connect } from './platformatic-client.mjs';

function token() {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION } = process.env;
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, sessionToken: AWS_SESSION_TOKEN };
  return mskIamToken(AWS_REGION, credentials, new Date());
}

export const handler = adminHandler({
  connect: async () => connect(process.env.BOOTSTRAP_SERVERS, token),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  now: () => Date.now(),
  log: (line) => console.log(line),
});
