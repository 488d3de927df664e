import type { LoggerService } from '@nestjs/common';

/** A line that an app logged. */
export interface LogLine {
  readonly level: 'log' | 'error' | 'warn' | 'debug' | 'verbose' | 'fatal';
  readonly text: string;
  readonly context: unknown;
}

/** How the table of entrances begins. */
export const TABLE = 'the entrances of this app';

/** Keeps what an app logs. */
export class RecordingLogger implements LoggerService {
  readonly lines: LogLine[] = [];

  log = this.record('log');
  error = this.record('error');
  warn = this.record('warn');
  debug = this.record('debug');
  verbose = this.record('verbose');
  fatal = this.record('fatal');

  /** The lines of this module, but for the table of entrances that each app writes at boot. */
  get ours(): readonly LogLine[] {
    return this.lines.filter(({ context, text }) => context === 'CertBoundAuth' && !text.startsWith(TABLE));
  }

  private record(level: LogLine['level']): (message: unknown, ...rest: unknown[]) => void {
    return (message, ...rest) => this.lines.push({ level, text: String(message), context: rest.at(-1) });
  }
}
