import { LRUCache } from 'lru-cache';
import type { IntrospectionAnswer } from './introspection-client.js';
import {
  type DatedAnswer,
  SharedIntrospectionCache,
  type SharedIntrospectionCacheSettings,
} from './shared-introspection-cache.js';
import { readTokenShape } from '../jose/token-shape.js';

/** How long answers are kept. */
export interface AnswerCacheSettings {
  /** Seconds. */
  readonly ttl: number;
  /** Seconds. */
  readonly negativeTtl: number;
  readonly maxEntries: number;
  /** Seconds after which an answer is asked for anew while it still counts. @default when it counts no more */
  readonly renewAfter?: number;
  /** `undefined` where the instances of the API share nothing. */
  readonly shared: SharedIntrospectionCacheSettings | undefined;
}

interface Entry extends DatedAnswer {
  /** Milliseconds since the epoch. */
  readonly keptUntil: number;
}

/** The answers of one server: in this process, and where that is set up, shared with the other instances. */
export class AnswerCache {
  private readonly entries: LRUCache<string, Entry>;
  private readonly shared: SharedIntrospectionCache | undefined;

  /** @param scope what beside the token an answer depends on */
  constructor(
    private readonly settings: AnswerCacheSettings,
    scope: string,
  ) {
    const { maxEntries, shared } = settings;
    this.entries = new LRUCache({ max: maxEntries });
    this.shared = shared === undefined ? undefined : new SharedIntrospectionCache(shared, scope);
  }

  /** What this instance knows. @param key digest of scope and token */
  find(key: string): IntrospectionAnswer | undefined {
    const entry = this.entries.get(key);
    const now = Date.now();
    // By a clock that has been set back, an answer from the future would be kept for too long.
    return entry !== undefined && entry.answeredAt <= now && now < entry.keptUntil ? entry.answer : undefined;
  }

  /** Whether what this instance knows is to be asked for anew. */
  isDue(key: string): boolean {
    const { renewAfter } = this.settings;
    if (renewAfter === undefined) return false;
    const { answeredAt = Infinity } = this.entries.peek(key) ?? {};
    return Date.now() >= answeredAt + renewAfter * 1000;
  }

  /** What another instance has shared. This one then knows it too, until it is as old as any may become. */
  async findShared(key: string, token: string): Promise<IntrospectionAnswer | undefined> {
    const found = await this.shared?.get(token);
    const now = Date.now();
    // By the clock of this instance: what comes from its future would be kept for too long.
    if (found === undefined || found.answeredAt > now || now >= this.keptUntil(found)) return undefined;
    this.entries.set(key, { ...found, keptUntil: this.keptUntil(found) });
    return found.answer;
  }

  /** Keeps an answer that the server has just given, if it may be given again, and shares it. None before it counts any more. */
  keep(key: string, token: string, answer: IntrospectionAnswer): void {
    if (!answer.active && !answer.cacheable) {
      this.entries.delete(key);
      return;
    }
    const dated = { answer, answeredAt: Date.now() };
    const keptUntil = this.keptUntil(dated);
    this.entries.set(key, { ...dated, keptUntil });
    void this.shared?.set(token, dated, keptUntil);
  }

  /** Never past the end of the token, nor of the JWT that says so, whatever the settings say. */
  private keptUntil({ answer, answeredAt }: DatedAnswer): number {
    const { ttl, negativeTtl } = this.settings;
    // What the server says of how long, in seconds, shortens that, and never prolongs it.
    const { lifetime = Infinity } = answer;
    if (!answer.active) return answeredAt + Math.min(negativeTtl, lifetime) * 1000;
    const { exp } = answer.claims;
    const end = typeof exp === 'number' ? exp * 1000 : answeredAt;
    const kept = answeredAt + Math.min(ttl, lifetime) * 1000;
    return Math.min(kept, end, endOfSigned(answer.signed, answeredAt));
  }
}

/** Milliseconds since the epoch: a signed answer is handed on, and need not expire (RFC 9701 §5). */
function endOfSigned(signed: string | undefined, answeredAt: number): number {
  if (signed === undefined) return Infinity;
  const shape = readTokenShape(signed);
  if (shape.kind !== 'jwt') return answeredAt;
  const { exp = Infinity } = shape.payload;
  return typeof exp === 'number' ? exp * 1000 : answeredAt;
}
