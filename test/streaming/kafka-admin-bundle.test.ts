import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';
import { createHash, createHmac } from 'crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { mskIamToken } from '../../lib/streaming/aws/admin-function/msk-iam-token';

const ROOT = path.resolve(__dirname, '../..');
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

/** SHA-256 for the signer of the AWS SDK. */
class Sha256 {
  private readonly hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string);
  }
  public update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(data as string);
  }
  public async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }
  public reset(): void {}
}

/** The same request, presigned by the AWS SDK as aws-msk-iam-sasl-signer-js does it. */
async function signedBySdk(region: string, credentials: typeof CREDENTIALS & { sessionToken?: string }, now: Date) {
  const hostname = `kafka.${region}.amazonaws.com`;
  const signer = new SignatureV4({ service: 'kafka-cluster', region, credentials, sha256: Sha256 as never, applyChecksum: false });
  const { query } = await signer.presign(
    {
      method: 'GET',
      protocol: 'https',
      hostname,
      path: '/',
      headers: { host: hostname },
      query: { Action: 'kafka-cluster:Connect' },
    } as never,
    { expiresIn: 900, signingDate: now },
  );
  return query;
}

describe('the token of MSK IAM', () => {
  const decode = (token: string) => new URL(Buffer.from(token, 'base64url').toString('utf8'));

  test('is a presigned request to connect, for 900 seconds', () => {
    const url = decode(mskIamToken('eu-west-1', { ...CREDENTIALS, sessionToken: 'a/b+c==' }, new Date('2026-03-01T12:34:56.789Z')));
    expect(url.origin + url.pathname).toBe('https://kafka.eu-west-1.amazonaws.com/');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      Action: 'kafka-cluster:Connect',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIDEXAMPLE/20260301/eu-west-1/kafka-cluster/aws4_request',
      'X-Amz-Date': '20260301T123456Z',
      'X-Amz-Expires': '900',
      'X-Amz-Security-Token': 'a/b+c==',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
      'User-Agent': 'millrace-kafka-admin',
    });
  });

  test('has no padding, which the brokers would not take', () => {
    expect(mskIamToken('us-east-1', CREDENTIALS, new Date(0))).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  test('is signed as the AWS SDK signs it, whatever the credentials', async () => {
    const text = fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom(..."abcXYZ019/+=!*()'~._-") });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('eu-west-1', 'us-gov-west-1', 'ap-southeast-2'),
        fc.record({ accessKeyId: text, secretAccessKey: text, sessionToken: text }, { requiredKeys: ['accessKeyId', 'secretAccessKey'] }),
        fc.date({ min: new Date('2000-01-01'), max: new Date('2099-01-01'), noInvalidDate: true }),
        async (region, credentials, now) => {
          const ours = Object.fromEntries(decode(mskIamToken(region, credentials, now)).searchParams);
          const { 'User-Agent': _agent, ...signed } = ours;
          expect(signed).toEqual(await signedBySdk(region, credentials, now));
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('the bundle of the admin function', () => {
  const folder = path.join(ROOT, 'lib/streaming/aws/admin-function/bundle');

  test('is what its sources and the locked packages make of it', () => {
    const script =
      "import('./scripts/bundle-functions.mjs').then(async (module) => console.log(JSON.stringify(await module.bundleFiles('kafkaAdmin'))))";
    const fresh = JSON.parse(execFileSync(process.execPath, ['-e', script], { cwd: ROOT, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 }));
    const stale = Object.entries(fresh).filter(([name, text]) => fs.readFileSync(path.join(folder, name), 'utf8') !== text);
    expect(stale.map(([name]) => `${name} is stale: run node scripts/bundle-functions.mjs`)).toEqual([]);
    expect(fs.readdirSync(folder).sort()).toEqual(Object.keys(fresh).sort());
  });

  test('is small, names nothing that would have to be installed, and loads', () => {
    const file = path.join(folder, 'index.mjs');
    expect(fs.statSync(file).size).toBeLessThan(700_000);
    const text = fs.readFileSync(file, 'utf8');
    const named = [...text.matchAll(/(?:\bfrom|\bimport)\s*"([^"]+)"/g)].map(([, name]) => name);
    expect(named.filter((name) => !/^node:|^(crypto|fs|module|tty|util|os|net|tls)$/.test(name))).toEqual([]);
    const script = `import(${JSON.stringify(file)}).then((module) => console.log(typeof module.handler))`;
    expect(execFileSync(process.execPath, ['-e', script], { cwd: '/', encoding: 'utf8' }).trim()).toBe('function');
  });

  test('carries the licence of each package in it', () => {
    const licences = fs.readFileSync(path.join(folder, 'LICENSES.txt'), 'utf8');
    expect(licences).toContain('@platformatic/kafka 2.12.1 (Apache-2.0)');
    expect([...licences.matchAll(/^\S+ \d+\.\d+\.\d+ \((.*)\)$/gm)].map(([, licence]) => licence)).not.toContain('undefined');
  });
});
