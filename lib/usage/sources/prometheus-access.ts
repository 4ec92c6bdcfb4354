import * as fs from 'fs';
import type { RequestOptions } from 'https';
import { refuse } from '../../core/error';
import type { SigV4Options } from './sigv4';

/** Where a Prometheus-compatible API is and how to get in. A secret is named by its file or variable, never given by value. */
export interface PrometheusAccess {
  /** The address before `/api/v1`, for example https://mimir.example.com/prometheus. */
  readonly url: string;
  readonly bearerTokenFile?: string;
  /** Name of the environment variable. */
  readonly bearerTokenVariable?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  /** Name of the environment variable. */
  readonly passwordVariable?: string;
  /** Files in PEM. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Further headers, for example X-Scope-OrgID. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For Amazon Managed Service for Prometheus. */
  readonly sigv4?: SigV4Options;
}

const HEADER_NAME = /^[A-Za-z][\w-]{0,39}$/;

/** The name that a header given as `NAME=VALUE` or `NAME: VALUE` begins with; nothing else of it may be shown. */
export function headerNameIn(text: string): string | undefined {
  const name = text.split(/[:=]/, 1)[0];
  return name !== text && HEADER_NAME.test(name) ? `'${name}'` : undefined;
}

/** Checks the address and gives the one of an endpoint. */
export function endpointOf(scope: string, access: PrometheusAccess, endpoint: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(access.url);
  } catch {
    // Refused below.
  }
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username || url.password) {
    return invalid(
      scope,
      'url',
      // What cannot be read may hold a password anywhere, so nothing of it is shown.
      !url ? 'text that is no url' : url.username || url.password ? 'a url with a password' : 'a url of another scheme',
      'an http or https address without credentials',
      'for example https://prometheus.example.com; name the password by its file or variable',
    );
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/${endpoint}`;
  return url;
}

/** The headers that say who asks. */
export function authorizationOf(scope: string, access: PrometheusAccess): Record<string, string> {
  const token = secretOf(scope, 'bearer token', access.bearerTokenFile, access.bearerTokenVariable);
  const password = secretOf(scope, 'password', access.passwordFile, access.passwordVariable);
  const ways = [token, access.username, access.sigv4].filter((way) => way !== undefined).length;
  if (ways > 1) {
    invalid(scope, 'credentials', `${ways} kinds`, 'one of bearer token, user name and SigV4', 'leave the others out');
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(access.headers ?? {})) {
    if (!/^[\w-]+$/.test(name) || /[^\t\x20-\x7e]/.test(value)) {
      invalid(
        scope,
        'headers',
        headerNameIn(`${name}=`) ?? 'a name that is none',
        'a name of letters, digits and -, and a value of one line',
        'correct the header',
      );
    }
    headers[name.toLowerCase()] = value;
  }
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  if (access.username !== undefined) {
    headers.authorization = `Basic ${Buffer.from(`${access.username}:${password ?? ''}`).toString('base64')}`;
  }
  return headers;
}

/** The certificates, read from their files. */
export function tlsOf(scope: string, { tls }: PrometheusAccess): Pick<RequestOptions, 'ca' | 'cert' | 'key'> {
  if (!tls) return {};
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    invalid(scope, 'tls', tls.cert ? 'a certificate without its key' : 'a key without its certificate', 'both or none', 'name both files');
  }
  const read = (name: string, path: string | undefined) => (path === undefined ? undefined : fileOf(scope, name, path));
  return { ca: read('ca', tls.ca), cert: read('cert', tls.cert), key: read('key', tls.key) };
}

function secretOf(scope: string, name: string, file: string | undefined, variable: string | undefined): string | undefined {
  if (file === undefined && variable === undefined) return undefined;
  const secret = file === undefined ? process.env[variable!] : fileOf(scope, name, file);
  const text = secret?.trim();
  if (!text || /[^\x21-\x7e]/.test(text)) {
    const place = file === undefined ? `the environment variable ${variable}` : file;
    return invalid(scope, name, text ? 'more than one word' : `nothing in ${place}`, 'one word', 'write it there, without quotes');
  }
  return text;
}

function fileOf(scope: string, name: string, path: string): string {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch (error) {
    return invalid(scope, name, (error as Error).message, 'a file that can be read', 'correct the path or its permissions');
  }
}

function invalid(scope: string, subject: string, received: string, allowed: string, fix: string): never {
  return refuse(scope, { code: 'Millrace.PrometheusAccessInvalid', subject, received, allowed, fix });
}
