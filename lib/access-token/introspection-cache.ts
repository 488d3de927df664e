import { hash } from 'node:crypto';
import { AnswerCache, type AnswerCacheSettings } from './answer-cache.js';
import type { IntrospectionAnswer } from './introspection-client.js';

/** How long answers are kept; `undefined` where none are. */
export type IntrospectionCacheSettings = AnswerCacheSettings | undefined;

/** Asks about a token. */
export type Introspect = (token: string) => Promise<IntrospectionAnswer>;

/**
 * Keeps answers and makes concurrent look-ups of one token one call: what this instance knows → what the others
 * have shared → the server. Keys are digests: a token is not kept. Whatever a caller gets is checked again by every
 * rule that depends on time, policy or connection.
 * @param scope what beside the token an answer depends on: the server and our client id there
 */
export function cachedIntrospection(
  introspect: Introspect,
  scope: string,
  settings: IntrospectionCacheSettings,
): Introspect {
  const cache = settings === undefined ? undefined : new AnswerCache(settings, scope);
  const underWay = new Map<string, Promise<IntrospectionAnswer>>();

  const lookUp = async (token: string, key: string): Promise<IntrospectionAnswer> => {
    const known = await cache?.findShared(key, token);
    if (known !== undefined) return known;
    const answer = await introspect(token);
    cache?.keep(key, token, answer);
    return answer;
  };

  const share = (key: string, call: Promise<IntrospectionAnswer>): Promise<IntrospectionAnswer> => {
    const done = (): boolean => underWay.delete(key);
    underWay.set(key, call);
    void call.then(done, done);
    return call;
  };

  return async (token) => {
    const key = hash('sha256', `${scope}\n${token}`);
    return cache?.find(key) ?? underWay.get(key) ?? share(key, lookUp(token, key));
  };
}
