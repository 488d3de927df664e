import type { LoggerService } from '@nestjs/common';

/** Counts what is logged by its level. */
export class LineCounter implements LoggerService {
  readonly counts: Record<string, number> = {};

  log = this.count('log');
  error = this.count('error');
  warn = this.count('warn');
  debug = this.count('debug');
  verbose = this.count('verbose');
  fatal = this.count('fatal');

  private count(level: string): () => void {
    return () => {
      this.counts[level] = (this.counts[level] ?? 0) + 1;
    };
  }
}
