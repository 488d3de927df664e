import type { buildConnector, Client } from 'undici';
import type { AuthorizationServerHttpSettings } from './http-settings.js';

/** Explicit, so that --max-http-header-size has no say here. */
export const MAX_HEADER_BYTES = 16_384;

/** Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 has no say here. */
export const STRICT_TLS = { rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const;

/** The limits of what undici reads of an answer. */
export function limitsOf({ maxResponseSize }: AuthorizationServerHttpSettings): Client.Options {
  return {
    // One limit for the whole call stands above both: undici's are for parts of it, and up to a second late.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize,
    maxHeaderSize: MAX_HEADER_BYTES,
  };
}

/** TLS with the authorization server. */
export function tlsOf(settings: AuthorizationServerHttpSettings): buildConnector.BuildOptions {
  return { ...(settings.tls as object), timeout: patienceOf(settings), ...STRICT_TLS };
}

/** Milliseconds for a connection. Longer would keep it from the next caller when this one has gone. */
export function patienceOf({ connectTimeout, timeout }: AuthorizationServerHttpSettings): number {
  // Stryker disable next-line MethodExpression: a whole call has its limit anyhow
  return Math.min(connectTimeout, timeout);
}
