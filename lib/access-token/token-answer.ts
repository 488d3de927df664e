import { invalidAnswer } from '../authorization-server/invalid-answer.js';
import { OAuthError } from '../challenge/oauth-error.js';
import type { SigningKeys } from '../authorization-server/signing-keys.js';
import { messageOf } from '../common/message-of.js';
import type { JsonObject } from '../jose/json-object.js';
import { readTokenShape } from '../jose/token-shape.js';
import { type JwtRules, verifyJwt } from './jwt-verifier.js';

/** What says that the JWT is none of the server's. All else that is wrong with it is what the server says of the token. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'signature_invalid',
  'key_unknown',
  'key_unusable',
  'algorithm_not_allowed',
  'critical_header_unsupported',
  'token_malformed',
  'issuer_mismatch',
]);

/**
 * Verifies an answer of introspection that is the access token itself, as a JWT: Keycloak's `jwt` beside its answer, Curity's
 * phantom token. It is verified as any JWT access token of the server is. What ties it to the token that was asked about is
 * the connection that it came on.
 * @returns the members of an introspection answer
 * @throws OAuthError 503: a JWT that can't be trusted says nothing about the token; 401 for what it says against it
 */
export async function verifyTokenAnswer(
  jwt: string,
  rules: JwtRules,
  keys: SigningKeys,
): Promise<JsonObject> {
  const shape = readTokenShape(jwt);
  if (shape.kind !== 'jwt') throw invalid('it is no signed JWT');
  try {
    await verifyJwt(jwt, shape, rules, keys);
  } catch (cause) {
    if (!(cause instanceof OAuthError)) throw cause;
    throw UNTRUSTED.has(cause.reason) ? invalid(messageOf(cause), cause) : cause;
  }
  return { active: true, ...shape.payload };
}

function invalid(detail: string, cause?: unknown): OAuthError {
  return invalidAnswer('the JWT of the introspection answer', detail, cause);
}
