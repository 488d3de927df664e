import { isIPv4 } from 'node:net';
import { Agent, type Dispatcher, request } from 'undici';
import type { AuthorizationServerTlsOptions } from '../cert-bound-auth.options.js';
import { type OAuthError, outage } from '../challenge/oauth-error.js';

/** Limits and TLS of the calls to one authorization server, all resolved. */
export interface AuthorizationServerHttpSettings {
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Milliseconds, for a whole answer. */
  readonly timeout: number;
  /** Bytes. */
  readonly maxResponseSize: number;
  readonly allowLoopbackHttp: boolean;
  readonly tls: AuthorizationServerTlsOptions;
}

/** An answer of the authorization server, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  /** Media type in lower case, without parameters; empty where there is none. */
  readonly contentType: string;
  readonly body: string;
}

/** What is sent beside the URL. */
export interface HttpCall {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const CONNECTIONS = 64;

/**
 * Calls to one authorization server: connections kept alive, no redirects, time and size limited, `https:` only.
 * Every failure to get an answer is an outage (503), never a refusal.
 */
export class AuthorizationServerHttp {
  private readonly agent: Agent;

  constructor(private readonly settings: AuthorizationServerHttpSettings) {
    const { connectTimeout, timeout, maxResponseSize, tls } = settings;
    this.agent = new Agent({
      connections: CONNECTIONS,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      maxResponseSize,
      // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 has no say here.
      connect: {
        ...(tls as object),
        timeout: connectTimeout,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
      },
    });
  }

  /** Makes one call. @throws OAuthError 503 when no answer comes */
  async call(url: string, { method, headers, body }: HttpCall): Promise<HttpAnswer> {
    requireSecureUrl(url, this.settings.allowLoopbackHttp);
    try {
      const response = await request(url, {
        dispatcher: this.agent,
        method,
        headers,
        body: body ?? null,
        signal: AbortSignal.timeout(this.settings.timeout),
      });
      return {
        status: response.statusCode,
        contentType: mediaTypeOf(response),
        body: await response.body.text(),
      };
    } catch (cause) {
      throw unreachable(method, url, cause);
    }
  }

  /** Ends all connections, open calls with them. */
  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

/** Checks the URL of a call, which may come from the server's metadata. @throws OAuthError 503 */
function requireSecureUrl(url: string, allowLoopbackHttp: boolean): void {
  if (isAllowedUrl(url, allowLoopbackHttp)) return;
  throw outage('authorization_server_answer_invalid', {
    detail: `not an https: URL: ${JSON.stringify(url)}`,
  });
}

/** Whether a URL may be called: `https:`, or `http:` to a loopback address where that is allowed. */
export function isAllowedUrl(url: string, allowLoopbackHttp: boolean): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  // Credentials in a URL would reach the log.
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && allowLoopbackHttp && isLoopback(hostname));
}

function isLoopback(hostname: string): boolean {
  if (hostname === 'localhost' || hostname === '[::1]') return true;
  return isIPv4(hostname) && hostname.startsWith('127.');
}

function mediaTypeOf({ headers }: Dispatcher.ResponseData): string {
  return String(headers['content-type'] ?? '')
    .replace(/;.*/, '')
    .trim()
    .toLowerCase();
}

function unreachable(method: string, url: string, cause: unknown): OAuthError {
  return outage('authorization_server_unreachable', { detail: `${method} ${url}: ${String(cause)}`, cause });
}
