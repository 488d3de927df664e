import { type OAuthError, outage } from '../challenge/oauth-error.js';
import type { AuthorizationServerCall } from '../events/authorization-server-call.js';
import { CallNotSentError, ConnectionPool } from './connection-pool.js';
import type { HttpAnswer, HttpCall } from './http-call.js';
import { publishCall } from '../events/publish-call.js';
import { UnreadableBodyError } from './decode-body.js';
import { dispatcherFor } from './dispatcher.js';
import { invalidAnswer } from './invalid-answer.js';
import type { AuthorizationServerHttpSettings } from './http-settings.js';
import { isLoopback } from './loopback.js';
import { ServerConnection } from './server-connection.js';
import { isUndiciLoaded, loadUndici } from './undici.js';

/** Introspection calls under way and waiting: at most so many callers, and no more memory than theirs. */
const MOST_CALLS = 1_024;
/** Metadata, keys and probes, of which there are few, have connections of their own: introspection cannot keep them out. */
const FOR_DOCUMENTS = { connections: 2, calls: 16 };
/** Status lists, which may be large, and elsewhere: who serves them slowly must not keep the keys away. */
const FOR_STATUS_LISTS = { connections: 2, calls: 64 };

/**
 * Calls to one authorization server: connections kept alive and bounded, no redirects, time and size limited, `https:`
 * only. Every failure to get an answer is an outage (503), never a refusal. Each call is published on
 * `SERVER_CALL_CHANNEL`.
 */
export class AuthorizationServerHttp {
  private readonly introspection: ConnectionPool;
  private readonly documents: ConnectionPool;
  private readonly statusLists: ConnectionPool;

  constructor(
    readonly issuer: string,
    private readonly settings: AuthorizationServerHttpSettings,
  ) {
    const connect = (origin: string): ServerConnection =>
      new ServerConnection(origin, dispatcherFor(origin, settings), settings.maxResponseSize);
    this.introspection = new ConnectionPool(
      { connections: settings.maxConnections, calls: Math.max(MOST_CALLS, settings.maxConnections) },
      connect,
    );
    this.documents = new ConnectionPool(FOR_DOCUMENTS, connect);
    this.statusLists = new ConnectionPool(FOR_STATUS_LISTS, connect);
  }

  /** Makes one call. @throws OAuthError 503 when no answer comes */
  async call(url: string, call: HttpCall): Promise<HttpAnswer> {
    requireSecureUrl(url, this.settings.allowLoopbackHttp);
    if (!isUndiciLoaded()) await loadUndici();
    const begun = performance.now();
    try {
      const answer = await this.exchange(new URL(url), call);
      this.publish(call, 'answered', begun, answer.status);
      return answer;
    } catch (cause) {
      this.publish(call, cause instanceof CallNotSentError ? 'not-sent' : 'failed', begun);
      // What came cannot be read: the server is not down, it makes no sense.
      throw cause instanceof UnreadableBodyError
        ? invalidAnswer(`${call.method} ${url}`, cause.message, cause)
        : unreachable(call.method, url, cause);
    }
  }

  /** Ends all connections, open calls with them. */
  async close(): Promise<void> {
    const pools = [this.introspection, this.documents, this.statusLists];
    await Promise.all(pools.map(async (pool) => pool.close()));
  }

  private async exchange(url: URL, call: HttpCall): Promise<HttpAnswer> {
    return within(this.settings.timeout, async (signal) =>
      this.poolFor(call).use(url.origin, signal, async (connection) => connection.send(url, call, signal)),
    );
  }

  private poolFor({ purpose, isProbe }: HttpCall): ConnectionPool {
    if (purpose === 'status-list') return this.statusLists;
    return purpose === 'introspection' && isProbe !== true ? this.introspection : this.documents;
  }

  private publish(
    { purpose }: HttpCall,
    outcome: AuthorizationServerCall['outcome'],
    begun: number,
    status?: number,
  ): void {
    publishCall({ issuer: this.issuer, purpose, outcome, status, duration: performance.now() - begun });
  }
}

/** Gives work a signal that ends it. @param limit milliseconds */
async function within<T>(limit: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const late = new DOMException(`no whole answer within ${limit} ms`, 'TimeoutError');
  const timer = setTimeout(() => controller.abort(late), limit);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Checks the URL of a call, which may come from the server's metadata. @throws OAuthError 503 */
function requireSecureUrl(url: string, allowLoopbackHttp: boolean): void {
  if (isAllowedUrl(url, allowLoopbackHttp)) return;
  throw outage('authorization_server_answer_invalid', {
    detail: `not an https: URL: ${JSON.stringify(url)}`,
  });
}

// eslint-disable-next-line no-control-regex -- those are what is looked for
const CONTROL_OR_SPACE = /[\u0000-\u0020\u007f]/;

/** Whether a URL may be called: `https:`, or `http:` to a loopback address where that is allowed. */
export function isAllowedUrl(url: string, allowLoopbackHttp: boolean): boolean {
  // The parser of URLs would leave out what does not belong into one.
  if (CONTROL_OR_SPACE.test(url) || !URL.canParse(url)) return false;
  const { protocol, hostname, username, password } = new URL(url);
  // Credentials in a URL would reach the log.
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && allowLoopbackHttp && isLoopback(hostname));
}

const HTTP_HERE =
  'http: needs http.allowLoopbackHttp: true, which is for development: it is accepted to this machine only';
const HTTP_ELSEWHERE =
  "http: is refused, in a private network too: whoever is between could put keys of their own in the place of the server's. Serve it by https:, with the CA of its certificate in tls.ca";

/** What to do about a URL that would be right but for `http:`; `undefined` where more is wrong with it. */
export function remedyForHttp(url: string): string | undefined {
  if (!/^http:/i.test(url) || !isAllowedUrl(url.replace(/^http:/i, 'https:'), false)) return undefined;
  return isLoopback(new URL(url).hostname) ? HTTP_HERE : HTTP_ELSEWHERE;
}

function unreachable(method: string, url: string, cause: unknown): OAuthError {
  return outage('authorization_server_unreachable', {
    detail: `${method} ${url}: ${describe(cause)}`,
    cause,
  });
}

/** Of an `AggregateError`, which a refused connection to several addresses is, the code says more than the message. */
function describe(cause: unknown): string {
  return cause instanceof AggregateError && 'code' in cause
    ? `${cause.name}: ${String(cause.code)}`
    : String(cause);
}
