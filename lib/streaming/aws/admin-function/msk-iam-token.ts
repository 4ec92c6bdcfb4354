import { createHash, createHmac } from 'crypto';

/** Credentials of the function, as Lambda puts them into its environment. */
export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const SERVICE = 'kafka-cluster';
const LIFETIME_SECONDS = 900;

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest();
}

/** RFC 3986, which AWS signs by: `encodeURIComponent` leaves five characters alone that have to be encoded. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * The OAUTHBEARER token of MSK IAM: a URL that asks for `kafka-cluster:Connect`, presigned with AWS Signature Version 4 for 900 seconds,
 * in base64url. Format as in aws-msk-iam-sasl-signer-js; nothing is sent to AWS to make it.
 */
export function mskIamToken(region: string, credentials: SigningCredentials, now: Date): string {
  const host = `kafka.${region}.amazonaws.com`;
  const timestamp = now.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = timestamp.slice(0, 8);
  const scope = `${day}/${region}/${SERVICE}/aws4_request`;
  const query = Object.entries({
    Action: 'kafka-cluster:Connect',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${credentials.accessKeyId}/${scope}`,
    'X-Amz-Date': timestamp,
    'X-Amz-Expires': String(LIFETIME_SECONDS),
    ...(credentials.sessionToken ? { 'X-Amz-Security-Token': credentials.sessionToken } : {}),
    'X-Amz-SignedHeaders': 'host',
  })
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&');
  const request = ['GET', '/', query, `host:${host}`, '', 'host', sha256('')].join('\n');
  const key = [day, region, SERVICE, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', timestamp, scope, sha256(request)].join('\n')).toString('hex');
  // The client's name is not signed; MSK writes it into its logs.
  const url = `https://${host}/?${query}&X-Amz-Signature=${signature}&User-Agent=millrace-kafka-admin`;
  return Buffer.from(url, 'utf8').toString('base64url');
}
