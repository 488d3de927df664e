import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { IntrospectionAnswer } from './introspection-client.js';

/** How long answers are kept; `undefined` where none are. */
export type IntrospectionCacheSettings =
  | {
      /** Seconds. */
      readonly ttl: number;
      /** Seconds. */
      readonly negativeTtl: number;
      readonly maxEntries: number;
    }
  | undefined;

/** Asks about a token. */
export type Introspect = (token: string) => Promise<IntrospectionAnswer>;

interface Entry {
  readonly answer: IntrospectionAnswer;
  /** Milliseconds since the epoch. */
  readonly keptUntil: number;
}

/**
 * Keeps answers and makes concurrent look-ups of one token one call. Keys are digests: a token is not kept.
 * Whatever a caller gets is checked again by every rule that depends on time, policy or connection.
 * @param scope what beside the token an answer depends on: the server and our client id there
 */
export function cachedIntrospection(
  introspect: Introspect,
  scope: string,
  settings: IntrospectionCacheSettings,
): Introspect {
  const entries =
    settings === undefined ? undefined : new LRUCache<string, Entry>({ max: settings.maxEntries });
  const underWay = new Map<string, Promise<IntrospectionAnswer>>();

  const ask = async (token: string, key: string): Promise<IntrospectionAnswer> => {
    const answer = await introspect(token);
    if (settings !== undefined && (answer.active || answer.cacheable))
      entries?.set(key, { answer, keptUntil: keptUntil(answer, settings) });
    return answer;
  };

  const share = (key: string, call: Promise<IntrospectionAnswer>): Promise<IntrospectionAnswer> => {
    const done = (): boolean => underWay.delete(key);
    underWay.set(key, call);
    void call.then(done, done);
    return call;
  };

  return async (token) => {
    const key = hash('sha256', `${scope}\n${token}`, 'base64url');
    const entry = entries?.get(key);
    if (entry !== undefined && Date.now() < entry.keptUntil) return entry.answer;
    return underWay.get(key) ?? share(key, ask(token, key));
  };
}

/** Never past the token's own end, whatever the settings say. */
function keptUntil(answer: IntrospectionAnswer, settings: NonNullable<IntrospectionCacheSettings>): number {
  const now = Date.now();
  if (!answer.active) return now + settings.negativeTtl * 1000;
  const { exp } = answer.claims;
  const end = typeof exp === 'number' ? exp * 1000 : now;
  return Math.min(now + settings.ttl * 1000, end);
}
