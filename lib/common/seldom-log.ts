import { LRUCache } from 'lru-cache';
import { BoundedLog } from './bounded-log.js';

const MINUTE_MS = 60_000;
const MOST_KEYS = 1_000;

/** Tells operations of what every request would repeat: once a minute for each key, and of ten keys at most. */
export class SeldomLog {
  private readonly bounded = new BoundedLog();
  private readonly lately = new LRUCache<string, true>({ max: MOST_KEYS, ttl: MINUTE_MS });

  /** @param kind what the line says that counts those left out: no caller can make it up */
  constructor(private readonly kind: string) {}

  /** @param line rendered only where it is written */
  warn(key: string, line: () => string): void {
    if (this.lately.has(key)) return;
    // Stryker disable next-line BooleanLiteral: what counts is that there is a value
    this.lately.set(key, true);
    this.bounded.write('warn', this.kind, line());
  }
}
