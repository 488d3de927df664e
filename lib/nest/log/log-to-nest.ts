import { isatty } from 'node:tty';
import { ConsoleLogger, Logger } from '@nestjs/common';
import { logTo } from '../../common/log.js';

/** Sends the lines of this library to Nest's `Logger`, under the context `CertBoundAuth`. */
export function logToNest(): void {
  logTo(new Logger('CertBoundAuth'));
}

/** The file descriptor of standard output. */
const STANDARD_OUTPUT = 1;

/** Sends them to the console, as a Nest app does that sets up no logger of its own: for a process without an app. */
export function logToConsole(): void {
  Logger.overrideLogger(new ConsoleLogger({ prefix: 'cert-bound-auth', colors: isatty(STANDARD_OUTPUT) }));
  logToNest();
}
