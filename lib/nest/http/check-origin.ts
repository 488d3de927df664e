import type { IncomingMessage } from 'node:http';
import { BoundedLog } from '../../common/bounded-log.js';
import { quoted } from '../../common/quoted.js';
import type { BeforeApp } from './before-app.js';
import { refuseAtOnce } from './refuse-at-once.js';

/** Whether a request comes from no page, or from one that may call. */
export type OriginCheck = (request: IncomingMessage) => boolean;

/** What a page is told that may not call. */
export const ORIGIN_REFUSED = 'This origin may not call';

const refusals = new BoundedLog();

/**
 * Tells the requests of pages of other origins, and logs them: a name that leads to this machine, or to a private network, makes a
 * browser send them. A request without `Origin` is no page's.
 * @param allowed origins; `undefined` for every one
 */
export function originCheck(allowed: readonly string[] | undefined): OriginCheck {
  if (allowed === undefined) return () => true;
  const origins = new Set(allowed.map((origin) => origin.toLowerCase()));
  return ({ headers: { origin } }) => {
    if (origin === undefined || origins.has(origin.toLowerCase())) return true;
    const what = 'refused status=403 reason=origin_not_allowed';
    refusals.write('warn', what, `${what}: ${quoted(origin)} is none of allowedOrigins`);
    return false;
  };
}

/** Refuses what this check does not pass. */
export function refusePages(mayCall: OriginCheck): BeforeApp {
  return (request, response) => {
    if (mayCall(request)) return false;
    refuseAtOnce(response, 403, ORIGIN_REFUSED);
    return true;
  };
}
