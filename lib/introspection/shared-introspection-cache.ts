import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { messageOf } from '../common/message-of.js';
import { answerWithin } from '../common/time-limit.js';
import type { IntrospectionAnswer } from './introspection-client.js';
import type { IntrospectionStore } from '../cert-bound-auth.options.js';
import { isJsonObject, parseJsonObject } from '../jose/json-object.js';
import { open, seal } from './sealed-text.js';
import { log } from '../common/log.js';

/** Where answers are shared, and the secret that protects them there. */
export interface SharedIntrospectionCacheSettings {
  readonly store: IntrospectionStore;
  readonly secret: Uint8Array;
}

/** An answer, and when the authorization server gave it. */
export interface DatedAnswer {
  readonly answer: IntrospectionAnswer;
  /** Milliseconds since the epoch. */
  readonly answeredAt: number;
}

/** Milliseconds that a request waits for the store at most, whatever the store itself allows. */
const PATIENCE = 1_000;

const MINUTE = 60_000;
const INDEX_LABEL = 'nestjs-cert-bound-auth introspection key v1';
const ANSWER_LABEL = 'nestjs-cert-bound-auth introspection answer v1';

/**
 * Introspection answers that instances of an API leave each other in a store, which need not be trusted: keys are
 * keyed digests; values can be read and made only by who knows both the secret and the token, and only for this
 * token. How long an answer counts is for its reader to say. The store refuses nobody: whatever is wrong with it,
 * the authorization server is asked instead.
 */
export class SharedIntrospectionCache {
  private readonly secret: KeyObject;
  private readonly indexKey: Uint8Array;
  private silentUntil = 0;

  /** @param scope what beside the token an answer depends on: the server and our client id there */
  constructor(
    private readonly settings: SharedIntrospectionCacheSettings,
    private readonly scope: string,
  ) {
    this.secret = createSecretKey(settings.secret);
    this.indexKey = deriveKey(this.secret, '', INDEX_LABEL);
  }

  /** What is known of a token; `undefined` when that is nothing, or nothing that can be trusted. */
  async get(token: string): Promise<DatedAnswer | undefined> {
    try {
      const key = this.keyOf(token);
      const value = await answerWithin(this.read(key), 'the store', PATIENCE);
      return value === undefined ? undefined : readAnswer(open(value, this.answerKey(token), key));
    } catch (error) {
      this.warn('could not be read', error);
      return undefined;
    }
  }

  /**
   * Leaves an answer to the others. Nobody waits for it, so it never rejects.
   * @param keptUntil milliseconds since the epoch
   */
  async set(token: string, answer: DatedAnswer, keptUntil: number): Promise<void> {
    const ttlSeconds = Math.ceil((keptUntil - Date.now()) / 1000);
    if (ttlSeconds < 1) return;
    try {
      const key = this.keyOf(token);
      const value = seal(JSON.stringify(answer), this.answerKey(token), key);
      await this.settings.store.set(key, value, ttlSeconds);
    } catch (error) {
      this.warn('could not be written to', error);
    }
  }

  /** An async function: a store may throw at once. */
  private async read(key: string): Promise<string | undefined> {
    return this.settings.store.get(key);
  }

  private keyOf(token: string): string {
    return createHmac('sha256', this.indexKey).update(`${this.scope}\n${token}`).digest('base64url');
  }

  private answerKey(token: string): Uint8Array {
    return deriveKey(this.secret, token, ANSWER_LABEL);
  }

  /** At most once a minute: an outage concerns every request. */
  private warn(what: string, error: unknown): void {
    const now = Date.now();
    if (now < this.silentUntil) return;
    this.silentUntil = now + MINUTE;
    log.warn(`the shared introspection cache ${what}: ${withoutDigests(messageOf(error))}`);
  }
}

/** @see RFC 5869 */
function deriveKey(secret: KeyObject, salt: string, label: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, salt, label, 32));
}

/** @throws Error when it is not what `set` has written */
function readAnswer(text: string): DatedAnswer {
  const { answer, answeredAt } = parseJsonObject(text) ?? {};
  if (typeof answeredAt !== 'number' || !isAnswer(answer))
    throw new Error('it holds no introspection answer');
  return { answer, answeredAt };
}

function isAnswer(value: unknown): value is IntrospectionAnswer {
  if (!isJsonObject(value)) return false;
  const { active, claims, signed, cacheable, lifetime } = value;
  if (lifetime !== undefined && typeof lifetime !== 'number') return false;
  if (active !== true) return active === false && cacheable === true;
  return isJsonObject(claims) && (signed === undefined || typeof signed === 'string');
}

/** What a store says of an error may name the key, or hold the value. */
function withoutDigests(message: string): string {
  return message.replaceAll(/[\w-]{40,}/g, '…').slice(0, 300);
}
