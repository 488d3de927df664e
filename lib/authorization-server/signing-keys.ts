import { createSecretKey } from 'node:crypto';
import type { JSONWebKeySet, JWK } from 'jose';
import { outage } from '../challenge/oauth-error.js';
import type { MaybePromise } from '../common/maybe-promise.js';
import type { AuthorizationServerHttp } from './authorization-server-http.js';
import { parseJsonObject } from '../jose/json-object.js';
import { type KeySet, PublishedKeys, singleKey } from './key-set.js';
import { isWithin, RefreshedValue, type RefreshHealth, type RefreshRules } from './refreshed-value.js';

/** The public keys of one authorization server. They come from its configuration or metadata, never from a token. */
export interface SigningKeys {
  /** The keys as known, or a promise where they must be fetched first. @throws OAuthError 503, by the promise */
  current(): MaybePromise<KeySet>;
  /** Whether what is known may serve at this moment. Nobody waits for this, and it fetches in the background only. */
  serve(): boolean;
  /**
   * Fetches the keys again because none fits a token.
   * @param tried the keys that were tried
   * @returns `undefined` when there is nothing new, or it is too soon after a fetch that brought nothing new
   * @throws OAuthError 503
   */
  renew(tried: KeySet): Promise<KeySet | undefined>;
  /** Fetches the keys again because someone says so. @throws OAuthError 503 */
  refresh(): Promise<void>;
  health(): KeysHealth;
}

/** What verifying a signature needs of them. */
export type KeysToVerifyWith = Pick<SigningKeys, 'current' | 'renew'>;

/**
 * The same keys, with something done before anybody has to wait for them to be fetched.
 * @param before may throw, and then nothing is fetched
 */
export function askedFor(keys: SigningKeys, before: () => void): KeysToVerifyWith {
  if (keys.health().state === 'fixed') return keys;
  return {
    current: () => {
      if (!keys.serve()) before();
      return keys.current();
    },
    renew: async (tried) => {
      before();
      return keys.renew(tried);
    },
  };
}

/** How the keys are doing; `fixed` where they are configured. */
export type KeysHealth = { readonly state: 'fixed' } | RefreshHealth;

/** Keys that the configuration holds; they never change, whatever becomes of the object that they came in. */
export function fixedSigningKeys(jwks: JSONWebKeySet): SigningKeys {
  return unchanging(PublishedKeys.from(structuredClone(jwks.keys)));
}

/** A secret shared with the server. */
export function sharedSecret(secret: Uint8Array): SigningKeys {
  return unchanging(singleKey(createSecretKey(secret)));
}

function unchanging(keys: KeySet): SigningKeys {
  return {
    current: () => keys,
    serve: () => true,
    renew: async () => undefined,
    refresh: async () => undefined,
    health: () => ({ state: 'fixed' }),
  };
}

// Short, for it also delays a key that is new indeed: whoever sends unknown keys must not lock that one out.
const COOL_DOWN_MS = 2_000;

/** Keys behind a URL: fetched when first needed, before they are too old, and when a token names an unknown one. */
export class RemoteSigningKeys implements SigningKeys {
  private readonly published: RefreshedValue<PublishedKeys>;
  /** When a fetch brought nothing new; milliseconds since the epoch. */
  // Stryker disable next-line UnaryOperator: no moment is within a time of either
  private inVainAt = -Infinity;

  /** @param name for the log */
  constructor(
    name: string,
    http: AuthorizationServerHttp,
    url: () => MaybePromise<string>,
    rules: RefreshRules,
  ) {
    this.published = new RefreshedValue(
      name,
      async (previous) => (await fetchKeys(http, url)).replacing(previous),
      rules,
    );
  }

  current(): MaybePromise<KeySet> {
    return this.published.get();
  }

  serve(): boolean {
    return this.published.serve();
  }

  async renew(tried: KeySet): Promise<KeySet | undefined> {
    // Another request may have fetched them since.
    if (this.published.known !== undefined && this.published.known !== tried) return this.published.known;
    // One that is under way may have begun before the key was published: by itself it settles nothing.
    const underWay = await this.published.underWay();
    if (underWay !== undefined && underWay !== tried) return underWay;
    if (isWithin(COOL_DOWN_MS, this.inVainAt)) return undefined;
    const renewed = await this.published.fetchUnlessPausing();
    if (renewed !== tried) return renewed;
    // Only a fetch in vain counts: keys that change quickly are no reason to refuse the newest.
    this.inVainAt = Date.now();
    return undefined;
  }

  async refresh(): Promise<void> {
    await this.published.fetchNow();
  }

  health(): KeysHealth {
    return this.published.health();
  }
}

/** Whoever publishes more does not publish the keys of one server. */
const MOST_KEYS = 1_000;

async function fetchKeys(
  http: AuthorizationServerHttp,
  locate: () => MaybePromise<string>,
): Promise<PublishedKeys> {
  return PublishedKeys.from(await fetchKeyMembers(http, await locate()));
}

/** The members of a JWK Set, as they are published. @throws OAuthError 503 when there is none */
export async function fetchKeyMembers(http: AuthorizationServerHttp, url: string): Promise<readonly JWK[]> {
  const answer = await http.call(url, {
    method: 'GET',
    purpose: 'keys',
    headers: { accept: 'application/jwk-set+json, application/json' },
  });
  const members = answer.status === 200 ? parseJsonObject(answer.body)?.['keys'] : undefined;
  if (!Array.isArray(members)) throw invalid(`GET ${url}: status ${answer.status}, no JWK Set`);
  if (members.length > MOST_KEYS) throw invalid(`GET ${url}: more than ${MOST_KEYS} keys`);
  return members as JWK[];
}

function invalid(detail: string): Error {
  return outage('authorization_server_answer_invalid', { detail });
}
