import type { JWK } from 'jose';
import { isBase64url } from '../jose/token-shape.js';
import { isJsonObject, type JsonObject } from '../jose/json-object.js';
import { invalidDpopProof, type OAuthError } from '../challenge/oauth-error.js';

/** Members of private and symmetric keys (RFC 7518 §6). */
const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;

/** Base64url characters of a coordinate: it has its full length (RFC 7518 §6.2.1.2, RFC 8037 §2). */
const COORDINATE_LENGTH: Readonly<Record<string, number>> = {
  'P-256': 43,
  'P-384': 64,
  'P-521': 88,
  Ed25519: 43,
};

// Base64url characters of 512 and of 4 bytes. With a large exponent one signature would cost as much as thirty.
const MAX_MODULUS_LENGTH = 683;
const MAX_EXPONENT_LENGTH = 6;

/**
 * Reads the `jwk` of a proof: a public key, in its one canonical form, that costs no more than usual.
 * @throws OAuthError 401 `invalid_dpop_proof`
 * @see RFC 9449 §4.2, §4.3 item 7
 */
export function readProofKey(jwk: unknown): JWK {
  if (!isJsonObject(jwk)) {
    throw invalidDpopProof('proof_malformed', { detail: 'the proof: its jwk is no object' });
  }
  if (SECRET_MEMBERS.some((member) => Object.hasOwn(jwk, member))) throw unusable('has private members');
  if (jwk['kty'] === 'RSA' ? isTooCostly(jwk) : !hasFullCoordinates(jwk)) {
    throw unusable('is of no curve that is known, is not in canonical form, or is too large');
  }
  return jwk;
}

function isTooCostly({ n, e }: JsonObject): boolean {
  return isLonger(n, MAX_MODULUS_LENGTH) || isLonger(e, MAX_EXPONENT_LENGTH);
}

function isLonger(value: unknown, length: number): boolean {
  return typeof value !== 'string' || value.length > length;
}

/** One key must have one spelling, or it would have several thumbprints. */
function hasFullCoordinates({ kty, crv, x, y }: JsonObject): boolean {
  const length =
    typeof crv === 'string' && Object.hasOwn(COORDINATE_LENGTH, crv) ? COORDINATE_LENGTH[crv] : undefined;
  const coordinates = kty === 'EC' ? [x, y] : [x];
  return coordinates.every(
    (coordinate) => typeof coordinate === 'string' && coordinate.length === length && isBase64url(coordinate),
  );
}

function unusable(detail: string): OAuthError {
  return invalidDpopProof('proof_key_unusable', { detail: `the jwk of the proof ${detail}` });
}
