import { type Log, type LogLevelName, LOG_LEVELS } from '../common/log.js';

/** Characters that wait at most: more are written at once. */
const MOST_WAITING = 65_536;

/**
 * The log of `serve`: to standard output, errors to standard error, a line each. What is for developers only waits for the
 * end of this turn of Node's event loop, and is then written at once: whoever causes many such lines causes one write. Nothing
 * waits behind a louder line, so that the order is right.
 */
export class ServeLog implements Log {
  private readonly rank: number;
  private waiting = '';

  /** @param level of the lines that are written, and with them those that are louder */
  constructor(level: LogLevelName) {
    this.rank = LOG_LEVELS.indexOf(level);
  }

  writes(level: LogLevelName): boolean {
    return LOG_LEVELS.indexOf(level) <= this.rank;
  }

  error(line: string): void {
    this.write('error', line, process.stderr);
  }

  warn(line: string): void {
    this.write('warn', line, process.stdout);
  }

  log(line: string): void {
    this.write('log', line, process.stdout);
  }

  debug(line: string): void {
    if (!this.writes('debug')) return;
    if (this.waiting === '') setImmediate(() => this.flush());
    this.waiting += render('debug', line);
    if (this.waiting.length > MOST_WAITING) this.flush();
  }

  /** Writes what waits. */
  flush(): void {
    if (this.waiting === '') return;
    process.stdout.write(this.waiting);
    this.waiting = '';
  }

  private write(level: LogLevelName, line: string, stream: NodeJS.WriteStream): void {
    this.flush();
    if (this.writes(level)) stream.write(render(level, line));
  }
}

function render(level: LogLevelName, line: string): string {
  return `[cert-bound-auth] ${process.pid} ${new Date().toISOString()} ${level.toUpperCase()} ${line}\n`;
}
