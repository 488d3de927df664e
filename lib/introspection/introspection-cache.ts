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
    const known = this.cache?.find(key);
    if (known === undefined) return this.underWay.get(key) ?? this.share(key, this.lookUp(token, key));
    if (this.cache?.isDue(key) === true) this.renewUnseen(token, key);
    return known;
  };

  /** Tells from now on whether an answer would be given again, and nothing done beside. It does not keep the token. */
  holder(token: string, answer: IntrospectionAnswer): () => boolean {
    const { cache } = this;
    if (cache === undefined) return () => false;
    const key = this.keyOf(token);
    return () => cache.find(key) === answer && !cache.isDue(key);
  }

  private keyOf(token: string): string {
    return hash('sha256', `${this.scope}\n${token}`);
  }

  private async lookUp(token: string, key: string): Promise<IntrospectionAnswer> {
    const known = await this.cache?.findShared(key, token);
    if (known !== undefined) return known;
    return this.askServer(token, key);
  }

  private async askServer(token: string, key: string): Promise<IntrospectionAnswer> {
    const answer = await this.introspect(token);
    this.cache?.keep(key, token, answer);
    return answer;
  }

  /** Nobody waits for it, and where it fails the last answer counts as long as it does. */
  private renewUnseen(token: string, key: string): void {
    if (this.underWay.has(key)) return;
    this.share(key, this.askServer(token, key)).catch(() => undefined);
  }

  private async share(key: string, call: Promise<IntrospectionAnswer>): Promise<IntrospectionAnswer> {
    const done = (): boolean => this.underWay.delete(key);
    this.underWay.set(key, call);
    void call.then(done, done);
    return call;
  }
}
