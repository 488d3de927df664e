import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import type { Confirmation } from '../decision.js';
import { invalidToken } from '../challenge/oauth-error.js';
import { isThumbprint } from '../client-certificate/certificate-thumbprint.js';
import { describeMalformedThumbprint } from './malformed-thumbprint.js';

/** Registered confirmation methods that nothing here can check (IANA "JWT Confirmation Methods"). */
const UNSUPPORTED_METHODS: readonly string[] = ['jwk', 'jwe', 'kid', 'jku', 'osc'];
const CERTIFICATE = 'x5t#S256';
const KEY = 'jkt';

/**
 * Reads the `cnf` claim of a token. Members that name no registered method are ignored (RFC 7800 §3.1).
 * @param dpop whether proofs of a key can be checked
 * @returns `undefined` for a token without `cnf`: it is bound to nothing; else at least one key
 * @throws OAuthError 401 `invalid_token` when it names a key that can't be checked, or nothing that can
 * @see RFC 7800 §3.1, RFC 8705 §3.1, RFC 9449 §6.1
 */
export function readConfirmation(
  claims: Readonly<Record<string, unknown>>,
  dpop: boolean,
): Confirmation | undefined {
  if (!Object.hasOwn(claims, 'cnf')) return requireBearer(claims);
  const { cnf } = claims as { readonly cnf: unknown };
  if (!isJsonObject(cnf)) {
    throw invalidToken('confirmation_malformed', { detail: 'cnf is not an object' });
  }
  const uncheckable = dpop ? UNSUPPORTED_METHODS : [...UNSUPPORTED_METHODS, KEY];
  const unsupported = uncheckable.find((method) => Object.hasOwn(cnf, method));
  if (unsupported !== undefined) {
    throw invalidToken('confirmation_unsupported', { detail: `cnf.${unsupported} cannot be checked` });
  }
  if (!Object.hasOwn(cnf, CERTIFICATE) && !Object.hasOwn(cnf, KEY)) {
    throw invalidToken('confirmation_unsupported', { detail: 'cnf names no method that can be checked' });
  }
  return {
    ...(Object.hasOwn(cnf, CERTIFICATE) ? { certificateThumbprint: readThumbprint(cnf, CERTIFICATE) } : {}),
    ...(Object.hasOwn(cnf, KEY) ? { jwkThumbprint: readThumbprint(cnf, KEY) } : {}),
  };
}

/** A token that its server calls a DPoP token is bound to a key, even if it does not say to which (RFC 9449 §6.2). */
function requireBearer(claims: JsonObject): undefined {
  const { token_type: type } = claims as { readonly token_type?: unknown };
  if (typeof type !== 'string' || type.toLowerCase() !== 'dpop') return undefined;
  throw invalidToken('confirmation_missing', { detail: 'its token_type is DPoP, but it has no cnf' });
}

function readThumbprint(cnf: JsonObject, name: string): string {
  const value = cnf[name];
  if (isThumbprint(value)) return value;
  const hint = describeMalformedThumbprint(value);
  throw invalidToken('confirmation_malformed', {
    detail: `cnf["${name}"] is not 43 characters of unpadded base64url${hint === undefined ? '' : `: ${hint}`}`,
  });
}
