import { BoundedLog } from '../../common/bounded-log.js';
import { quoted } from '../../common/quoted.js';
import { refuseAtOnce } from './refuse-at-once.js';
import type { BeforeApp } from './before-app.js';

const refusals = new BoundedLog();

/**
 * Refuses requests of pages of other origins: a name that leads to this machine, or to a private network, makes a browser send
 * them. A request without `Origin` is no page's.
 */
export function checkOrigin(allowed: readonly string[]): BeforeApp {
  const origins = new Set(allowed.map((origin) => origin.toLowerCase()));
  return (request, response) => {
    const { origin } = request.headers;
    if (origin === undefined || origins.has(origin.toLowerCase())) return false;
    const what = 'refused status=403 reason=origin_not_allowed';
    refusals.write('warn', what, `${what}: ${quoted(origin)} is none of allowedOrigins`);
    refuseAtOnce(response, 403, 'This origin may not call');
    return true;
  };
}
