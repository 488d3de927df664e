import { ConsoleLogger, Logger, type LoggerService } from '@nestjs/common';
import { type LogLevelName, logTo } from '../../common/log.js';

/** Sends the lines of this library to Nest's `Logger`, under the context `CertBoundAuth`. */
export function logToNest(): void {
  const logger = new Logger('CertBoundAuth');
  logTo({
    error: (line) => logger.error(line),
    warn: (line) => logger.warn(line),
    log: (line) => logger.log(line),
    debug: (line) => logger.debug(line),
    writes: (level) => writes(logger.localInstance, level),
  });
}

/**
 * Whether Nest's own logger writes this level. What an app has put in its place gets every line: its levels are its own.
 * @param logger `undefined` where the app logs nothing
 */
function writes(logger: LoggerService | undefined, level: LogLevelName): boolean {
  if (!(logger instanceof ConsoleLogger)) return logger !== undefined;
  return logger[level] !== ConsoleLogger.prototype[level] || logger.isLevelEnabled(level);
}
