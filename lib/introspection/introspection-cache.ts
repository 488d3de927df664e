import { hash } from 'node:crypto';
import { AnswerCache, type AnswerCacheSettings } from './answer-cache.js';
import type { IntrospectionAnswer } from './introspection-client.js';

/** How long answers are kept; `undefined` where none are. */
export type IntrospectionCacheSettings = AnswerCacheSettings | undefined;

/** Asks about a token. */
export type Introspect = (token: string) => Promise<IntrospectionAnswer>;

/**
 * The answers of one server. Concurrent look-ups of one token are one call, and answers are kept where that is set up:
 * what this instance knows → what the others have shared → the server. Keys are digests: a token is not kept. Whatever a
 * caller gets is checked again by every rule that depends on time, policy or connection.
 */
export class IntrospectionAnswers {
  private readonly cache: AnswerCache | undefined;
  private readonly underWay = new Map<string, Promise<IntrospectionAnswer>>();

  /** @param scope what beside the token an answer depends on: the server and our client id there */
  constructor(
    private readonly introspect: Introspect,
    private readonly scope: string,
    settings: IntrospectionCacheSettings,
  ) {
    this.cache = settings === undefined ? undefined : new AnswerCache(settings, scope);
  }

  /** What is said of a token. @throws OAuthError 503 */
  readonly ask: Introspect = async (token) => {
    const key = this.keyOf(token);
    return this.cache?.find(key) ?? this.underWay.get(key) ?? this.share(key, this.lookUp(token, key));
  };

  /** Tells from now on whether an answer would be given again. */
  holder(token: string, answer: IntrospectionAnswer): () => boolean {
    const { cache } = this;
    if (cache === undefined) return () => false;
    const key = this.keyOf(token);
    return () => cache.find(key) === answer;
  }

  private keyOf(token: string): string {
    return hash('sha256', `${this.scope}\n${token}`);
  }

  private async lookUp(token: string, key: string): Promise<IntrospectionAnswer> {
    const known = await this.cache?.findShared(key, token);
    if (known !== undefined) return known;
    const answer = await this.introspect(token);
    this.cache?.keep(key, token, answer);
    return answer;
  }

  private async share(key: string, call: Promise<IntrospectionAnswer>): Promise<IntrospectionAnswer> {
    const done = (): boolean => this.underWay.delete(key);
    this.underWay.set(key, call);
    void call.then(done, done);
    return call;
  }
}
