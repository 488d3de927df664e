import type { IncomingMessage } from 'node:http';
import { EndpointRefusal } from './endpoint-answer.js';

/** What a server on loopback is called by those who mean it. */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1'] as const;

/**
 * Refuses what a page of somebody else makes a browser send: under a name that was rebound to loopback (`Host`), or across
 * origins (`Origin`, which browsers send with every POST). Programs such as curl send no `Origin`.
 * @throws EndpointRefusal 421 or 403
 */
export function requireOwnOrigin({ headers }: IncomingMessage, port: number): void {
  const hosts = LOOPBACK_NAMES.map((name) => `${name}:${port}`);
  if (!hosts.includes(headers.host?.toLowerCase() ?? '')) {
    throw new EndpointRefusal(421, 'invalid_request', `this server answers to ${hosts.join(' and ')} only`);
  }
  const { origin } = headers;
  if (origin !== undefined && !hosts.some((host) => origin === `https://${host}`)) {
    throw new EndpointRefusal(403, 'invalid_request', 'this server answers no page of another origin');
  }
}

/**
 * A form of our own page: only a browser has a reason to send it.
 * @throws EndpointRefusal 403
 */
export function requireBrowser({ headers }: IncomingMessage): void {
  if (headers.origin === undefined) {
    throw new EndpointRefusal(403, 'invalid_request', 'the form has no Origin: programs ask /token');
  }
}
