import type { ClaimPath } from '../cert-bound-auth.options.js';
import { invalidToken, type InvalidTokenReason } from '../challenge/oauth-error.js';
import type { SignatureAlgorithm } from '../jose/jws-signature.js';
import { andThen, type MaybePromise } from '../common/maybe-promise.js';
import { checkClaims, type ClaimRules, isAbsent } from '../claims/check-claims.js';
import { knownIssuer } from '../claims/known-issuers.js';
import { quoted } from '../common/quoted.js';
import { claimAt, textOfPath } from '../claims/claim-at.js';
import type { JsonObject } from '../jose/json-object.js';
import { normalizeType } from '../jose/media-type.js';
import type { KeyGroup } from '../authorization-server/key-set.js';
import type { KeysToVerifyWith } from '../authorization-server/signing-keys.js';
import { acceptedAlgorithm, verifySignature } from '../authorization-server/verify-signature.js';
import { wordOf } from './token-word.js';

/** What a JWT access token of one issuer must be. */
export interface JwtRules {
  readonly algorithms: readonly SignatureAlgorithm[];
  /** Media types in lower case, without the `application/` prefix; `undefined` stands for a token without one. */
  readonly types: readonly (string | undefined)[];
  readonly claims: ClaimRules;
  /** One of these shows that a token is an access token, where neither its header nor its own word says so. */
  readonly recognizedBy: readonly ClaimPath[];
}

/** Claims that a JWT access token must have beside `iss`, `aud` and `exp` (RFC 9068 §2.2). */
export const RFC9068_REQUIRED_CLAIMS: readonly string[] = ['sub', 'client_id', 'iat', 'jti'];

/** The header and payload of a token that has the shape of a JWT: nothing in them is believed yet. */
export interface UnverifiedJwt {
  readonly header: JsonObject;
  readonly payload: JsonObject;
}

/**
 * Verifies a JWT access token with the keys of one issuer: header, signature, claims.
 * @returns the keys that verified it
 * @throws OAuthError 401 `invalid_token`; 503 when the keys can't be had
 * @see RFC 9068 §4, RFC 8725 §3
 */
export function verifyJwt(
  token: string,
  { header, payload }: UnverifiedJwt,
  rules: JwtRules,
  keys: KeysToVerifyWith,
): MaybePromise<KeyGroup> {
  const { type, algorithm } = readHeader(header, rules);
  return andThen(verifySignature({ jws: token, algorithm, kid: header['kid'] }, keys), (verifiedWith) => {
    checkClaims(payload, rules.claims, Date.now() / 1000);
    checkKind(payload, type, rules);
    return verifiedWith;
  });
}

/** The header is looked at before any key is: it decides nothing but whether to go on. */
function readHeader(
  header: JsonObject,
  rules: JwtRules,
): { readonly type: string | undefined; readonly algorithm: SignatureAlgorithm } {
  const type = readType(header, rules);
  const algorithm = readAlgorithm(header, rules);
  refuseExtensions(header);
  return { type, algorithm };
}

/** @throws OAuthError 401 `invalid_token` for a type that is not accepted */
export function readType(header: JsonObject, { types, claims }: JwtRules): string | undefined {
  const type = typeOf(header);
  if (!types.includes(type)) refuse('token_type_mismatch', otherType(type, types, claims.issuer));
  return type;
}

/** @throws OAuthError 401 `invalid_token` for an algorithm that is not accepted */
export function readAlgorithm(
  header: JsonObject,
  { algorithms }: Pick<JwtRules, 'algorithms'>,
): SignatureAlgorithm {
  return (
    acceptedAlgorithm(header['alg'], algorithms) ??
    refuse('algorithm_not_allowed', `alg is ${quoted(header['alg'])}`)
  );
}

/**
 * No extension is understood here (RFC 7515 §4.1.11); `b64` would change what was signed (RFC 7797).
 * @throws OAuthError 401 `invalid_token`
 */
export function refuseExtensions(header: JsonObject): void {
  for (const extension of ['crit', 'b64']) {
    if (Object.hasOwn(header, extension)) refuse('critical_header_unsupported', `${extension} in the header`);
  }
}

/** Whether it is an access token, where its header does not say so. @throws OAuthError 401 `invalid_token` */
export function checkKind(
  claims: JsonObject,
  type: string | undefined,
  { recognizedBy }: Pick<JwtRules, 'recognizedBy'>,
): void {
  if (type !== 'at+jwt') refuseOtherTokens(claims, isTyped(type) ? undefined : recognizedBy);
}

/** Says too which preset accepts the types of such a server, where its issuer tells which one it is. */
function otherType(type: string | undefined, types: JwtRules['types'], issuer: string): string {
  const expected = types.map((each) => (each === undefined ? 'none' : JSON.stringify(each))).join(' or ');
  const preset = type === undefined || type === 'jwt' ? knownIssuer(issuer)?.preset : undefined;
  const hint = preset === undefined ? '' : `: ${preset}() is made for the tokens of such an issuer`;
  return `typ is ${quoted(type)}, expected ${expected}${hint}`;
}

/** Media types ignore case, and `application/` may be left out (RFC 7515 §4.1.9). */
function typeOf(header: JsonObject): string | undefined {
  const { typ } = header as { readonly typ?: unknown };
  if (typ === undefined) return undefined;
  return typeof typ === 'string' ? normalizeType(typ) : refuse('token_malformed', 'typ is not a string');
}

/** Whether the header says more than that it is a JWT: then it was configured as the type of access tokens. */
function isTyped(type: string | undefined): boolean {
  return type !== undefined && type !== 'jwt';
}

/** What no access token has (OpenID Connect Core §3.3.2.11, FAPI 1.0 part 2 §5.1). */
const ID_TOKEN_CLAIMS = ['at_hash', 'c_hash', 's_hash'] as const;

/**
 * Where the header does not say what a token is, its claims must not say that it is another one (RFC 8725 §3.12). A `nonce`
 * alone is weak evidence, for access tokens of Keycloak and ForgeRock have one too: their own word counts for more.
 * @param signs without its own word, one of these must be there: an ID token need not have any claim that tells it
 */
function refuseOtherTokens(claims: JsonObject, signs: readonly ClaimPath[] | undefined): void {
  const word = wordOf(claims);
  if (word !== undefined && word.kind !== 'access-token') {
    refuse(
      word.kind === 'id-token' ? 'token_is_id_token' : 'token_type_mismatch',
      `its ${word.claim} claim is ${word.value}`,
    );
  }
  const claim = ID_TOKEN_CLAIMS.find((name) => Object.hasOwn(claims, name));
  if (claim !== undefined) refuse('token_is_id_token', `it has ${claim}`);
  if (word !== undefined) return;
  if (Object.hasOwn(claims, 'nonce')) {
    refuse('token_is_id_token', 'it has nonce, and does not say that it is an access token');
  }
  if (signs !== undefined) requireSign(claims, signs);
}

/** Such claims are in access tokens as well, but mostly in ID tokens (OpenID Connect Core §2, Front-Channel Logout §3). */
const USUAL_ID_TOKEN_CLAIMS = ['azp', 'sid', 'auth_time', 'acr', 'amr'] as const;

function requireSign(claims: JsonObject, signs: readonly ClaimPath[]): void {
  if (signs.some((path) => !isAbsent(claimAt(claims, path)))) return;
  const isLikeIdToken = USUAL_ID_TOKEN_CLAIMS.some((name) => Object.hasOwn(claims, name));
  const expected = ['its own word', ...signs.map((path) => textOfPath(path))].join(', ');
  refuse(
    isLikeIdToken ? 'token_is_id_token' : 'token_type_mismatch',
    `nothing shows that it is an access token (jwt.recognizedBy: ${expected})`,
  );
}

function refuse(reason: InvalidTokenReason, detail: string): never {
  throw invalidToken(reason, { detail });
}
