import { LRUCache } from 'lru-cache';
import { log } from './log.js';

const MINUTE_MS = 60_000;
/** Lines of one kind within a minute. */
const MOST_LINES = 10;
/** Kinds that are told apart. */
const MOST_KINDS = 1_000;

/** A minute in the life of one kind of line. */
interface Minute {
  /** Milliseconds since the epoch. */
  readonly since: number;
  lines: number;
  /** How many lines were left out. */
  leftOut: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Lines that a caller can cause: of each kind ten within a minute, and behind it one line that says how many more there would
 * have been. So nobody can fill the log, or bury in it what matters.
 */
export class BoundedLog {
  private readonly minutes = new LRUCache<string, Minute>({
    max: MOST_KINDS,
    dispose: (minute, kind) => this.tell(kind, minute),
  });

  /** @param kind by which lines are counted, and which the line says that counts them: no caller can make it up */
  write(level: 'error' | 'warn', kind: string, line: string): void {
    const minute = this.minuteOf(kind);
    if (minute.lines < MOST_LINES) {
      minute.lines += 1;
      log[level](line);
      return;
    }
    minute.leftOut += 1;
    // It keeps no process alive.
    minute.timer ??= setTimeout(
      () => this.minutes.delete(kind),
      minute.since + MINUTE_MS - Date.now(),
    ).unref();
  }

  private minuteOf(kind: string): Minute {
    const known = this.minutes.get(kind);
    const now = Date.now();
    // By a clock that has been set back a minute would last for longer.
    if (known !== undefined && known.since <= now && now < known.since + MINUTE_MS) return known;
    const minute: Minute = { since: now, lines: 0, leftOut: 0, timer: undefined };
    this.minutes.set(kind, minute);
    return minute;
  }

  private tell(kind: string, { leftOut, timer }: Minute): void {
    clearTimeout(timer);
    if (leftOut > 0) log.warn(`lines left out within a minute: ${leftOut} (${kind})`);
  }
}
