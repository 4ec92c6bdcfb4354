import { createHash, createHmac } from 'crypto';
import { refuse } from '../../core/error';

/** Who signs the requests to Amazon Managed Service for Prometheus. */
export interface SigV4Options {
  readonly region: string;
  /** @default aps */
  readonly service?: string;
  /** @default - the usual chain: environment, profile, web identity, instance */
  readonly credentials?: AwsCredentials;
}

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A request as it is signed. */
export interface SignableRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/** Signs a request and gives its headers with the signature. */
export type RequestSigner = (request: SignableRequest, now?: Date) => Promise<Record<string, string>>;

const INSTALL = 'npm install --save-dev @smithy/signature-v4 @aws-sdk/credential-provider-node';

/** A signer; the packages it needs are loaded here. */
export function sigV4Signer(scope: string, options: SigV4Options): RequestSigner {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- an optional peer
  const { SignatureV4 } = load(scope, () => require('@smithy/signature-v4') as typeof import('@smithy/signature-v4'));
  const credentials =
    options.credentials ??
    load(scope, () =>
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- an optional peer
      (require('@aws-sdk/credential-provider-node') as typeof import('@aws-sdk/credential-provider-node')).defaultProvider(),
    );
  const signature = new SignatureV4({
    service: options.service ?? 'aps',
    region: options.region,
    credentials,
    sha256: Sha256,
    // Only S3 wants the hash of the body as a header.
    applyChecksum: false,
  });
  return async ({ method, url, headers, body }, signingDate) => {
    const query: Record<string, string> = Object.fromEntries(url.searchParams);
    const unsigned = { method, protocol: url.protocol, hostname: url.hostname, path: url.pathname, query, body };
    try {
      return (await signature.sign({ ...unsigned, headers: { ...headers, host: url.host } }, { signingDate })).headers;
    } catch (error) {
      return refuse(scope, {
        code: 'Millrace.PrometheusUnauthorized',
        subject: 'AWS credentials',
        received: (error as Error).message,
        allowed: 'credentials that may call aps:QueryMetrics',
        fix: 'log in, or set AWS_PROFILE',
      });
    }
  };
}

/** The hash of node:crypto in the shape the signer asks for. */
class Sha256 {
  private readonly hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  public update(chunk: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(bytesOf(chunk));
  }

  public async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }

  public reset(): void {
    // The signer makes a new one for each value.
  }
}

function bytesOf(value: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  return ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
}

function load<T>(scope: string, loader: () => T): T {
  try {
    return loader();
  } catch (error) {
    return refuse(scope, {
      code: 'Millrace.SigV4Missing',
      subject: 'sigv4',
      received: (error as Error).message.split('\n')[0],
      allowed: 'the packages that sign requests to AWS, optional peers of millrace',
      fix: INSTALL,
    });
  }
}
