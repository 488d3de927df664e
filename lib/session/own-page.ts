import type { IncomingMessage } from 'node:http';
import { notAllowed, type OAuthError } from '../challenge/oauth-error.js';
import { headerValues } from '../request/header-values.js';
import type { SessionSettings } from './session-settings.js';

/** Methods that change nothing (RFC 9110 §9.2.1), as long as handlers keep to that. */
const SAFE: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS']);

type OwnPageRules = Pick<SessionSettings, 'csrfHeader' | 'origins'>;

/**
 * Refuses what a page of another site could make a browser send: it would bring the cookie, and the client certificate. What
 * changes nothing passes, unless it opens a WebSocket, which that page could read.
 * @throws OAuthError 403
 */
export function requireOwnPage(request: IncomingMessage, rules: OwnPageRules): void {
  const sites = headerValues(request, 'sec-fetch-site');
  if (sites.includes('cross-site')) throw foreign('Sec-Fetch-Site is cross-site');
  const opensSocket = isHandshake(request);
  if (SAFE.has(request.method) && !opensSocket) return;
  if (isOwnPage(sites, request, rules)) return;
  if (opensSocket && isOwnOrigin(request, rules)) return;
  throw foreign(`neither Sec-Fetch-Site: same-origin nor ${rules.csrfHeader} came with it`);
}

/** Whether a request says by itself that it is from a page of this origin, or was made by a program. */
export function saysOwnPage(request: IncomingMessage, rules: OwnPageRules): boolean {
  return isOwnPage(headerValues(request, 'sec-fetch-site'), request, rules);
}

function isOwnPage(
  sites: readonly string[],
  request: IncomingMessage,
  { csrfHeader }: OwnPageRules,
): boolean {
  if (sites.length > 0 && sites.every((site) => site === 'same-origin')) return true;
  if (sites.includes('cross-site')) return false;
  // No page can send it to another origin that does not allow it (Fetch §4.8).
  return headerValues(request, csrfHeader.toLowerCase()).some((value) => value !== '');
}

/** A proxy may take `Upgrade` away when it asks, but not what only a WebSocket has. */
function isHandshake(request: IncomingMessage): boolean {
  return headerValues(request, 'upgrade').length > 0 || headerValues(request, 'sec-websocket-key').length > 0;
}

/** Not every browser sends fetch metadata with a handshake, but each sends its `Origin`. */
function isOwnOrigin(request: IncomingMessage, { origins }: OwnPageRules): boolean {
  const [origin, ...others] = headerValues(request, 'origin').map((value) => value.toLowerCase());
  if (origin === undefined || others.length > 0) return false;
  const hosts = headerValues(request, 'host');
  return (
    origins.some((own) => own.toLowerCase() === origin) ||
    (hosts.length === 1 && origin === `https://${hosts[0]?.toLowerCase()}`)
  );
}

function foreign(detail: string): OAuthError {
  return notAllowed('session_foreign_page', { detail });
}
