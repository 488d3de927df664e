import { LRUCache } from 'lru-cache';
import { BoundedLog } from '../common/bounded-log.js';

const MINUTE_MS = 60_000;
const MOST_KEYS = 1_000;

/** Tells operations of what every request would repeat: once a minute for each key, and of ten keys at most. */
export class SeldomLog {
  private readonly bounded = new BoundedLog();
  private readonly lately = new LRUCache<string, true>({ max: MOST_KEYS, ttl: MINUTE_MS });

  warn(key: string, line: string): void {
    if (this.lately.has(key)) return;
    this.lately.set(key, true);
    this.bounded.write('warn', 'warnings about proxies', line);
  }
}
