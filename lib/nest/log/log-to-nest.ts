import { Logger } from '@nestjs/common';
import { logTo } from '../../common/log.js';

/** Sends the lines of this library to Nest's `Logger`, under the context `CertBoundAuth`. */
export function logToNest(): void {
  logTo(new Logger('CertBoundAuth'));
}
