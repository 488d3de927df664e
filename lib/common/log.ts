/** How loud a line is, the loudest first. */
export const LOG_LEVELS = ['error', 'warn', 'log', 'debug'] as const;
export type LogLevelName = (typeof LOG_LEVELS)[number];

/** Where lines for operations go: Nest's `Logger`, once a module of this library is loaded. */
export interface Log {
  error(line: string): void;
  warn(line: string): void;
  log(line: string): void;
  debug(line: string): void;
  /** Whether it writes lines of this level: others need not be rendered. @default it may */
  writes?(level: LogLevelName): boolean;
}

/** Without a framework: to standard error, but for what only a developer wants to see. */
const standardError: Log = {
  error: (line) => process.stderr.write(`ERROR ${line}\n`),
  warn: (line) => process.stderr.write(`WARN ${line}\n`),
  log: (line) => process.stderr.write(`LOG ${line}\n`),
  debug: () => undefined,
  writes: (level) => level !== 'debug',
};

let target = standardError;

/** Sends every line of this process to another log from now on. */
export function logTo(log: Log): void {
  target = log;
}

/** The log of this process. */
export const log: Required<Log> = {
  error: (line) => target.error(line),
  warn: (line) => target.warn(line),
  log: (line) => target.log(line),
  debug: (line) => target.debug(line),
  writes: (level) => target.writes?.(level) ?? true,
};
