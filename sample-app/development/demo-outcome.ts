import type { HttpsResponse } from './https-client.js';

/** An answer in short, to compare: `200`, `401 invalid_token`, `503 Retry-After`. */
export function outcomeOf({ status, headers }: HttpsResponse): string {
  if (status === 401 || status === 403) return `${status} ${errorOf(headers['www-authenticate'])}`;
  if (status === 503 && headers['retry-after'] !== undefined) return `${status} Retry-After`;
  return String(status);
}

/** The error code of a challenge, or its schemes where it has none: no credentials, no error (RFC 6750 §3.1). */
function errorOf(challenge: string | undefined): string {
  if (challenge === undefined) return 'without challenge';
  return /error="([^"]+)"/.exec(challenge)?.[1] ?? inShort(challenge);
}

/** An answer as it came: the status, and the header that explains a refusal, in short. */
export function describeAnswer({ status, headers }: HttpsResponse): string {
  const challenge = headers['www-authenticate'];
  if (challenge !== undefined) return `${status} ${inShort(challenge)}`;
  const retryAfter = headers['retry-after'];
  return retryAfter === undefined ? String(status) : `${status} Retry-After: ${retryAfter}`;
}

/** A challenge without its prose, and without the algorithms of proofs. */
function inShort(challenge: string): string {
  return challenge.replaceAll(/,? (?:error_description|algs)="[^"]*"/g, '');
}
