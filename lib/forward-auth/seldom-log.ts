import { LRUCache } from 'lru-cache';
import { log } from '../common/log.js';

const MINUTE_MS = 60_000;
const MOST_KEYS = 1_000;

/** Tells operations of what every request would repeat: once a minute for each key. */
export class SeldomLog {
  private readonly lately = new LRUCache<string, true>({ max: MOST_KEYS, ttl: MINUTE_MS });

  warn(key: string, line: string): void {
    if (this.lately.has(key)) return;
    this.lately.set(key, true);
    log.warn(line);
  }
}
