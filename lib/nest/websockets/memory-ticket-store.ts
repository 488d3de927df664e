import type { WebSocketTicketStore } from '../../cert-bound-auth.options.js';

interface Kept {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** Most tickets at once: a few kilobytes each. */
const MOST_TICKETS = 20_000;

/** Keeps tickets in this process. */
export class MemoryTicketStore implements WebSocketTicketStore {
  private readonly kept = new Map<string, Kept>();

  /** @throws Error when it is full: nobody's ticket is dropped for another */
  async put(key: string, value: string, ttlSeconds: number): Promise<void> {
    const now = Date.now();
    this.forget(now);
    if (this.kept.size >= MOST_TICKETS) throw new Error(`there are ${MOST_TICKETS} unused tickets`);
    this.kept.set(key, { value, until: now + ttlSeconds * 1000 });
  }

  async take(key: string): Promise<string | undefined> {
    const found = this.kept.get(key);
    this.kept.delete(key);
    return found !== undefined && Date.now() < found.until ? found.value : undefined;
  }

  /** All live equally long: those that are over stand in front. */
  private forget(now: number): void {
    for (const [key, { until }] of this.kept) {
      if (now < until) return;
      this.kept.delete(key);
    }
  }
}
