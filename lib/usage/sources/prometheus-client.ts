import * as http from 'http';
import * as https from 'https';
import { setTimeout as sleep } from 'timers/promises';
import { refuse, show } from '../../core/error';
import { type PrometheusAccess, authorizationOf, endpointOf, tlsOf } from './prometheus-access';
import { type RequestSigner, sigV4Signer } from './sigv4';

/** How long and how often to ask. */
export interface PrometheusLimits {
  /** @default 60 */
  readonly timeoutSeconds?: number;
  /** Attempts after the first. @default 5 */
  readonly retries?: number;
  /** Wait before the first retry; it doubles each time. @default 500 */
  readonly backoffMillis?: number;
  /** @default 32 MiB */
  readonly maxResponseBytes?: number;
  /** Take answers that a server calls partial. @default false */
  readonly allowPartial?: boolean;
}

/** One series of an answer: its labels and its samples as time and value. */
export interface PrometheusSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** The server, or the limit on answers here, says that the question is too large: ask for less time. */
export class AnswerTooLarge extends Error {}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

/** An attempt ends with an answer, which may say no, or without one. */
type Attempt = { readonly answer: Answer; readonly content?: ApiContent } | { readonly failure: Error };

interface ApiContent {
  readonly status?: string;
  readonly error?: string;
  readonly errorType?: string;
  readonly warnings?: string[];
  readonly data?: { resultType?: string; result?: any[] };
}

const MOST_BACKOFF_MS = 30_000;
const MOST_RETRY_AFTER_MS = 120_000;
const TOO_LARGE =
  /too many samples|maximum resolution|11,000 points|exceeded? the (maximum|limit)|max[- ]?(samples|series|chunks|query[- ]length)|err-mimir-max|maxSamplesPerQuery|maxSeries|query timed out|limit .*(exceeded|violated)|too large/i;
const SCOPE = 'usage pull';

/** A client of `/api/v1/query` and `/api/v1/query_range`. */
export class PrometheusClient {
  /** What servers said beside their answers. */
  public readonly notices = new Set<string>();
  private readonly headers: Record<string, string>;
  private readonly agent: http.Agent;
  private readonly signer?: RequestSigner;
  private readonly limits: Required<PrometheusLimits>;

  /** @throws Millrace.PrometheusAccessInvalid, Millrace.SigV4Missing */
  constructor(
    private readonly access: PrometheusAccess,
    limits: PrometheusLimits = {},
  ) {
    const url = endpointOf(SCOPE, access, 'query');
    this.headers = authorizationOf(SCOPE, access);
    const tls = tlsOf(SCOPE, access);
    this.agent = url.protocol === 'https:' ? new https.Agent({ keepAlive: true, ...tls }) : new http.Agent({ keepAlive: true });
    if (access.sigv4) this.signer = sigV4Signer(SCOPE, access.sigv4);
    const defaults = { timeoutSeconds: 60, retries: 5, backoffMillis: 500, maxResponseBytes: 32 * 1024 * 1024, allowPartial: false };
    this.limits = { ...defaults, ...Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)) };
  }

  /** Values from `start` to `end`, both included, a step apart. */
  public async queryRange(query: string, start: number, end: number, step: number, signal?: AbortSignal): Promise<PrometheusSeries[]> {
    const result = await this.ask('query_range', { query, start: String(start), end: String(end), step: String(step) }, 'matrix', signal);
    return result.map(({ metric, values }) => ({ metric, values }));
  }

  /** Values at one time. */
  public async query(query: string, time: number, signal?: AbortSignal): Promise<PrometheusSeries[]> {
    const result = await this.ask('query', { query, time: String(time) }, 'vector', signal);
    return result.map(({ metric, value }) => ({ metric, values: [value] }));
  }

  /** Ends idle connections. */
  public close(): void {
    this.agent.destroy();
  }

  private async ask(endpoint: string, parameters: Record<string, string>, type: string, signal?: AbortSignal): Promise<any[]> {
    const url = endpointOf(SCOPE, this.access, endpoint);
    const body = new URLSearchParams({ ...parameters, timeout: `${this.limits.timeoutSeconds}s` }).toString();
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      const attempted = await this.send(url, body, signal).then(
        (answer): Attempt => ({ answer, content: contentOf(answer) }),
        (failure: Error): Attempt => ({ failure }),
      );
      signal?.throwIfAborted();
      if ('failure' in attempted) {
        if (attempted.failure instanceof AnswerTooLarge) throw attempted.failure;
      } else {
        const { answer, content } = attempted;
        if (answer.status === 200 && content?.status === 'success') return this.resultOf(url, content, type);
        const said = content?.error ?? answer.text.slice(0, 2000);
        if (answer.status !== 429 && answer.status >= 400 && TOO_LARGE.test(said)) throw new AnswerTooLarge(said.slice(0, 200));
        if (answer.status !== 429 && answer.status < 500) this.refuseAnswer(url, answer, content);
      }
      if (attempt >= this.limits.retries) this.refuseUnreachable(url, attempted, attempt + 1);
      await sleep(this.waitFor(attempt, attempted), undefined, { signal });
    }
  }

  private async send(url: URL, body: string, signal?: AbortSignal): Promise<Answer> {
    const { timeoutSeconds, maxResponseBytes } = this.limits;
    const plain = { ...this.headers, accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
    const headers = this.signer ? await this.signer({ method: 'POST', url, headers: plain, body }) : plain;
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'https:' ? https : http).request(url, { method: 'POST', headers, agent: this.agent, signal });
      const fail = (error: Error) => {
        clearTimeout(timer);
        reject(error);
        request.destroy();
      };
      // Not the socket's idle timeout: a server that sends a byte now and then would never end.
      const timer = setTimeout(() => fail(new Error(`no complete answer within ${timeoutSeconds} s`)), timeoutSeconds * 1000);
      request.on('error', fail);
      request.once('response', (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > maxResponseBytes) fail(new AnswerTooLarge(`an answer of more than ${maxResponseBytes} bytes`));
          else chunks.push(chunk);
        });
        response.on('error', fail);
        response.once('end', () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') });
        });
      });
      request.end(body);
    });
  }

  private resultOf(url: URL, content: ApiContent, type: string): any[] {
    // Remarks about the query itself are no sign of missing samples.
    const partial = (content.warnings ?? []).filter((warning) => !/^PromQL (info|warning)/i.test(warning));
    for (const warning of content.warnings ?? []) this.notices.add(warning);
    if (partial.length > 0 && !this.limits.allowPartial) {
      refuse(SCOPE, {
        code: 'Millrace.PrometheusPartial',
        subject: url.origin,
        received: partial.slice(0, 3).join('; '),
        allowed: 'an answer without warnings, because a store that is missing looks like a workload that uses less',
        fix: 'repair the store that the warning names, or allow partial answers',
      });
    }
    if (content.data?.resultType !== type || !Array.isArray(content.data.result)) {
      return this.refused(url, `a result of type ${show(content.data?.resultType)}`, `a ${type}`);
    }
    return content.data.result;
  }

  private waitFor(attempt: number, attempted: Attempt): number {
    const after = 'answer' in attempted ? attempted.answer.headers['retry-after'] : undefined;
    if (after !== undefined) {
      const millis = /^\d+$/.test(after) ? Number(after) * 1000 : Date.parse(after) - Date.now();
      if (Number.isFinite(millis)) return Math.min(MOST_RETRY_AFTER_MS, Math.max(0, millis));
    }
    const longest = Math.min(MOST_BACKOFF_MS, this.limits.backoffMillis * 2 ** attempt);
    // Jitter: many clients that failed together must not come back together.
    return longest * (0.5 + Math.random() / 2);
  }

  private refuseAnswer(url: URL, answer: Answer, content: ApiContent | undefined): never {
    const said = content?.error ?? answer.text.replace(/\s+/g, ' ').trim().slice(0, 200);
    if (answer.status === 401 || answer.status === 403) {
      return refuse(SCOPE, {
        code: 'Millrace.PrometheusUnauthorized',
        subject: url.origin,
        received: `status ${answer.status}${said ? `, '${said}'` : ''}`,
        allowed: 'credentials that may query',
        fix: 'check the bearer token, the user name and password, the client certificate or the AWS role, and the tenant header',
      });
    }
    const redirect = answer.headers.location ? `, redirect to ${placeOf(answer.headers.location, url)}` : '';
    return this.refused(url, `status ${answer.status}${redirect}${said ? `, '${said}'` : ''}`, 'an answer of the Prometheus API');
  }

  private refused(url: URL, received: string, allowed: string): never {
    return refuse(SCOPE, {
      code: 'Millrace.PrometheusRefused',
      subject: `${url.origin}${url.pathname}`,
      received,
      allowed,
      fix: 'check the url with the path before /api/v1, and the matchers',
    });
  }

  private refuseUnreachable(url: URL, attempted: Attempt, attempts: number): never {
    return refuse(SCOPE, {
      code: 'Millrace.PrometheusUnreachable',
      subject: url.origin,
      received: `${'failure' in attempted ? reasonOf(attempted.failure) : `status ${attempted.answer.status}`} in each of ${attempts} attempts`,
      allowed: `an answer within ${this.limits.timeoutSeconds} s`,
      fix: 'check the address and the server, or raise the timeout',
    });
  }
}

function contentOf(answer: Answer): ApiContent | undefined {
  try {
    const content: unknown = JSON.parse(answer.text);
    return typeof content === 'object' && content !== null ? content : undefined;
  } catch {
    return undefined;
  }
}

/** An address without what may be secret in it. */
function placeOf(location: string, base: URL): string {
  try {
    const { host, protocol, pathname } = new URL(location, base);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return 'text that is no url';
  }
}

function reasonOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  // Of several addresses that were tried, Node gives only the code.
  return (error.message || code || 'a connection error').replace(/\s+/g, ' ').trim();
}
