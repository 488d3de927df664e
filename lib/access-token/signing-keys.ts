import { createSecretKey } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, type JWK, type LocalJWKSet } from 'jose';
import { outage } from '../challenge/oauth-error.js';
import type { AuthorizationServerHttp } from './authorization-server-http.js';
import { isJsonObject, parseJsonObject } from './json-object.js';
import type { VerificationKeys } from './verify-signature.js';

/** The public keys of one authorization server. They come from its configuration or metadata, never from a token. */
export interface SigningKeys {
  /** The keys as known; fetched when that was too long ago. @throws OAuthError 503 */
  current(): Promise<VerificationKeys>;
  /**
   * Fetches the keys again because none fits a token.
   * @param tried the keys that were tried
   * @returns `undefined` when it is too soon after a fetch that brought nothing new
   * @throws OAuthError 503
   */
  renew(tried: VerificationKeys): Promise<VerificationKeys | undefined>;
}

/** Keys that the configuration holds; they never change. */
export function fixedSigningKeys(jwks: JSONWebKeySet): SigningKeys {
  const keys = createLocalJWKSet({ keys: jwks.keys.filter((key) => isPublicSigningKey(key)) });
  return { current: async () => keys, renew: async () => undefined };
}

/** A secret shared with the server. */
export function sharedSecret(secret: Uint8Array): SigningKeys {
  const key = createSecretKey(secret);
  return { current: async () => key, renew: async () => undefined };
}

const MAX_AGE_MS = 600_000;
// Short, for it also delays a key that is new indeed: whoever sends unknown keys must not lock that one out.
const COOL_DOWN_MS = 2_000;

interface FetchedKeys {
  readonly keys: LocalJWKSet;
  /** The key set as text, to tell whether a fetch brought anything new. */
  readonly content: string;
  readonly at: number;
}

/** Keys behind a URL: fetched when first needed, when ten minutes old, and when a token names an unknown one. */
export class RemoteSigningKeys implements SigningKeys {
  private fetched: FetchedKeys | undefined;
  private pending: Promise<FetchedKeys> | undefined;
  private coolsDownUntil = 0;

  constructor(
    private readonly http: AuthorizationServerHttp,
    private readonly url: () => Promise<string>,
  ) {}

  async current(): Promise<LocalJWKSet> {
    if (this.fetched !== undefined && Date.now() - this.fetched.at < MAX_AGE_MS) return this.fetched.keys;
    return (await this.fetch()).keys;
  }

  async renew(tried: VerificationKeys): Promise<VerificationKeys | undefined> {
    // Another request may have fetched them since.
    if (this.fetched !== undefined && this.fetched.keys !== tried) return this.fetched.keys;
    if (Date.now() < this.coolsDownUntil) return undefined;
    const before = this.fetched?.content;
    const { keys, content } = await this.fetch();
    // Only a fetch in vain counts: keys that change quickly are no reason to refuse the newest.
    if (content === before) this.coolsDownUntil = Date.now() + COOL_DOWN_MS;
    return keys;
  }

  /** Concurrent needs share one fetch. */
  private async fetch(): Promise<FetchedKeys> {
    this.pending ??= fetchKeys(this.http, this.url)
      .then((fetched) => (this.fetched = fetched))
      .finally(() => {
        this.pending = undefined;
      });
    return this.pending;
  }
}

async function fetchKeys(http: AuthorizationServerHttp, locate: () => Promise<string>): Promise<FetchedKeys> {
  const url = await locate();
  const answer = await http.call(url, {
    method: 'GET',
    headers: { accept: 'application/jwk-set+json, application/json' },
  });
  const members = answer.status === 200 ? parseJsonObject(answer.body)?.['keys'] : undefined;
  if (!Array.isArray(members)) {
    throw outage('authorization_server_answer_invalid', {
      detail: `GET ${url}: status ${answer.status}, no JWK Set`,
    });
  }
  const keys = members.filter((key): key is JWK => isPublicSigningKey(key));
  const content = keys
    .map((key) => JSON.stringify(key))
    .toSorted()
    .join();
  return { keys: createLocalJWKSet({ keys }), content, at: Date.now() };
}

/** Private and symmetric keys do not belong into a JWK Set; one that is there must not hide the others. */
export function isPublicSigningKey(key: unknown): boolean {
  return (
    isJsonObject(key) &&
    (key['kty'] === 'RSA' || key['kty'] === 'EC' || key['kty'] === 'OKP') &&
    !Object.hasOwn(key, 'd')
  );
}
