import type { IncomingMessage } from 'node:http';

/** Whether a browser asks if it may send a request: it never sends credentials with that, and gets no body (Fetch §3.3.4). */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}
