import type { Refusal } from './oauth-error.js';

/** A refusal as HTTP. */
export interface RenderedRefusal {
  readonly status: number;
  /** `WWW-Authenticate`, or `Retry-After` where trying again is the remedy. */
  readonly headers: Readonly<Record<string, string>>;
  /** In the shape of Nest's own errors. */
  readonly body: { readonly statusCode: number; readonly error: string; readonly message: string };
}

/** The one place that renders a refusal: status, `WWW-Authenticate` (RFC 6750 §3), body. */
export function renderRefusal(refusal: Refusal, realm: string | undefined): RenderedRefusal {
  const message = describe(refusal);
  return {
    status: refusal.status,
    headers: refusal.status === 503 ? retryLater(refusal.retryAfter) : challenge(refusal, realm, message),
    body: { statusCode: refusal.status, error: refusal.code ?? phrase(refusal.status), message },
  };
}

/**
 * One sentence per error code and no more: which check failed would tell an attacker what to try next. The
 * characters are those that RFC 6750 §3 allows in `error_description`.
 */
function describe(refusal: Refusal): string {
  switch (refusal.code) {
    case 'invalid_request':
      return 'The request must carry exactly one access token, in the Authorization header';
    case 'invalid_token':
      return 'The access token is not valid, or not bound to the certificate that was presented';
    case 'insufficient_scope':
      return 'The access token does not have the scope that this resource needs';
    case undefined:
      return refusal.status === 401
        ? 'An access token is required'
        : 'The access token cannot be verified at the moment';
  }
}

function phrase(status: Refusal['status']): string {
  return status === 401 ? 'Unauthorized' : 'Service Unavailable';
}

function retryLater(seconds: number): Record<string, string> {
  return { 'Retry-After': String(seconds) };
}

function challenge(
  refusal: Exclude<Refusal, { status: 503 }>,
  realm: string | undefined,
  description: string,
): Record<string, string> {
  const parameters = [
    ...(realm === undefined ? [] : [parameter('realm', realm)]),
    ...(refusal.code === undefined ? [] : [parameter('error', refusal.code)]),
    ...(refusal.code === undefined ? [] : [parameter('error_description', description)]),
    ...(refusal.code === 'insufficient_scope' ? [parameter('scope', refusal.scope.join(' '))] : []),
  ];
  return { 'WWW-Authenticate': ['Bearer', parameters.join(', ')].join(' ').trim() };
}

/** A quoted-string (RFC 9110 §5.6.4). */
function parameter(name: string, value: string): string {
  return `${name}="${value.replaceAll(/["\\]/g, '\\$&')}"`;
}
