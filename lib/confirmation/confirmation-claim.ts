import type { Confirmation } from '../access-token/verified-access-token.js';
import { invalidToken } from '../challenge/oauth-error.js';
import { isThumbprint } from './certificate-thumbprint.js';

/** Registered confirmation methods that nothing here can check (IANA "JWT Confirmation Methods"). */
const UNSUPPORTED_METHODS = ['jwk', 'jwe', 'kid', 'jku', 'osc', 'jkt'] as const;

/**
 * Reads the `cnf` claim of a token. Members that name no registered method are ignored (RFC 7800 §3.1).
 * @returns `undefined` for a token without `cnf`: it is bound to nothing
 * @throws OAuthError 401 `invalid_token` when it names a key that can't be checked, or nothing that can
 * @see RFC 7800 §3.1, RFC 8705 §3.1
 */
export function readConfirmation(claims: Readonly<Record<string, unknown>>): Confirmation | undefined {
  if (!Object.hasOwn(claims, 'cnf')) return undefined;
  const { cnf } = claims as { readonly cnf: unknown };
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf)) {
    throw invalidToken('confirmation_malformed', { detail: 'cnf is not an object' });
  }
  const unsupported = UNSUPPORTED_METHODS.find((method) => Object.hasOwn(cnf, method));
  if (unsupported !== undefined) {
    throw invalidToken('confirmation_unsupported', { detail: `cnf.${unsupported} cannot be checked` });
  }
  if (!Object.hasOwn(cnf, 'x5t#S256')) {
    throw invalidToken('confirmation_unsupported', { detail: 'cnf names no method that can be checked' });
  }
  return { certificateThumbprint: readThumbprint((cnf as Readonly<Record<string, unknown>>)['x5t#S256']) };
}

function readThumbprint(value: unknown): string {
  if (isThumbprint(value)) return value;
  throw invalidToken('confirmation_malformed', {
    detail: 'cnf["x5t#S256"] is not 43 characters of unpadded base64url',
  });
}
