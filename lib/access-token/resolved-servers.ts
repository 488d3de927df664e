import { LRUCache } from 'lru-cache';
import { isAllowedUrl } from '../authorization-server/authorization-server-http.js';
import type { BindingPolicy } from '../cert-bound-auth.options.js';
import { type OAuthError, outage } from '../challenge/oauth-error.js';
import { andThenWith, isPromise, type MaybePromise } from '../common/maybe-promise.js';
import { nameAndMessageOf } from '../common/message-of.js';
import { SeldomLog } from '../common/seldom-log.js';
import { answerWithin } from '../common/time-limit.js';
import { isJsonObject } from '../jose/json-object.js';
import { AuthorizationServer } from './authorization-server.js';
import type { AuthorizationServerRules } from './authorization-server-rules.js';
import { SettingsKeys } from './settings-key.js';

/** The app's word on the servers of its tenants, and how it is checked. */
export interface ServerResolver {
  /** The app's own: what it returns, or whether it throws, is not known. */
  readonly resolve: (issuer: string, request: object) => unknown;
  /** What the tokens of a server are decided by. @throws Error that says what is wrong with its options */
  readonly rulesOf: (options: unknown) => AuthorizationServerRules;
  /** The weakest that a server may have. */
  readonly binding: BindingPolicy;
}

/** Servers that are held at the same time: each has keys, metadata and connections. */
export const MOST_RESOLVED_SERVERS = 1_000;
const LONGEST_ISSUER = 2_048;
/** Milliseconds that a request waits at most. */
const LONGEST_WAIT_MS = 5_000;

/**
 * The authorization servers that the app names when a token of theirs comes. The app is asked on every request, for what it
 * says may depend on the request; what is built by its word is held, and found again by what it says.
 */
export class ResolvedServers {
  private readonly servers = new LRUCache<string, AuthorizationServer>({
    max: MOST_RESOLVED_SERVERS,
    dispose: (server, _, why) => this.dropped(server, why),
  });
  private readonly keys = new SettingsKeys();
  private readonly full = new SeldomLog('servers of resolveAuthorizationServer');

  constructor(private readonly resolver: ServerResolver) {}

  /** Those that are held at present. */
  get held(): readonly AuthorizationServer[] {
    return [...this.servers.values()];
  }

  /**
   * The server of an issuer, for this request. Nothing of the token decides where anybody is asked: that is the app's word alone.
   * @param issuer what the token claims, which nobody has verified
   * @returns `undefined` where the app knows none
   * @throws OAuthError 503 where the app cannot tell, or what it says is wrong
   */
  find(issuer: unknown, request: object): MaybePromise<AuthorizationServer | undefined> {
    if (!isUrlOfIssuer(issuer)) return undefined;
    return andThenWith(this.ask(issuer, request), this.serverOf, issuer);
  }

  /** Ends the connections to all of them. */
  async close(): Promise<void> {
    await Promise.all(this.held.map(async (server) => server.close()));
  }

  private ask(issuer: string, request: object): MaybePromise<unknown> {
    try {
      const answer = this.resolver.resolve(issuer, request);
      return isPromise(answer) ? inTime(answer) : answer;
    } catch (cause) {
      throw unresolved(`it threw ${nameAndMessageOf(cause)}`, cause);
    }
  }

  private readonly serverOf = (options: unknown, issuer: string): AuthorizationServer | undefined => {
    if (options === undefined) return undefined;
    if (!isJsonObject(options)) throw unresolved(`it returned ${kindOf(options)}`);
    if (options['issuer'] !== issuer) throw unresolved('it returned a server with another issuer');
    try {
      return this.heldOrBuilt(options, issuer);
    } catch (cause) {
      throw unresolved(`what it returned is wrong: ${nameAndMessageOf(cause)}`, cause);
    }
  };

  private heldOrBuilt(options: object, issuer: string): AuthorizationServer {
    const key = this.keys.keyOf(options);
    const server = this.servers.get(key) ?? this.build(key, options);
    // What it was when it was looked at first need not be what it was built of.
    if (server.settings.issuer === issuer) return server;
    throw new Error('it has changed to another issuer');
  }

  private build(key: string, options: object): AuthorizationServer {
    const server = new AuthorizationServer(this.resolver.rulesOf(options));
    this.servers.set(key, server);
    return server;
  }

  private dropped(server: AuthorizationServer, why: LRUCache.DisposeReason): void {
    if (why === 'evict') this.full.warn('', () => FULL);
    void server.close();
  }
}

const FULL = `resolveAuthorizationServer has named more than ${MOST_RESOLVED_SERVERS} servers, or the same with ever new functions or keys: those that were not used for the longest time are forgotten, and their keys fetched anew`;

/** What comes later, or is too late. */
async function inTime(answer: PromiseLike<unknown>): Promise<unknown> {
  try {
    return await answerWithin(Promise.resolve(answer), 'resolveAuthorizationServer', LONGEST_WAIT_MS);
  } catch (cause) {
    throw unresolved(`it rejected with ${nameAndMessageOf(cause)}`, cause);
  }
}

/** Only what can be the issuer of RFC 8414 §2: a short URL without query and fragment. */
function isUrlOfIssuer(issuer: unknown): issuer is string {
  return (
    typeof issuer === 'string' &&
    issuer.length <= LONGEST_ISSUER &&
    !/[?#]/.test(issuer) &&
    isAllowedUrl(issuer, true)
  );
}

function unresolved(detail: string, cause?: unknown): OAuthError {
  return outage('authorization_server_unresolved', {
    detail: `resolveAuthorizationServer: ${detail}`,
    cause,
  });
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : `a value of type ${typeof value}`;
}
