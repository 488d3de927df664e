import type { JWK } from 'jose';
import type { JsonObject } from '../access-token/json-object.js';
import { readTokenShape } from '../access-token/token-shape.js';
import type { DpopAlgorithm } from '../cert-bound-auth.options.js';
import { invalidDpopProof, type OAuthError } from '../challenge/oauth-error.js';
import { readProofKey } from './proof-key.js';

/** A DPoP proof whose form is right (RFC 9449 §4.2). Nothing in it has been compared or verified. */
export interface DpopProof {
  /** Compact serialization. */
  readonly jwt: string;
  readonly algorithm: DpopAlgorithm;
  readonly jwk: JWK;
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  /** Seconds since the epoch. */
  readonly iat: number;
  readonly ath: string;
  readonly nonce: string | undefined;
}

/** What the form of a proof is checked by. */
export interface ProofForm {
  /** Characters. */
  readonly maxProofLength: number;
  readonly algorithms: readonly DpopAlgorithm[];
}

/** Characters. */
const MAX_JTI_LENGTH = 256;

/**
 * Reads the one proof of a request: its size, its form, its header, the types of its claims, in this order.
 * @param headers the values of `DPoP`, one for each time that it was sent
 * @throws OAuthError 401 `invalid_dpop_proof`
 * @see RFC 9449 §4.3, items 1 to 5 and 7
 */
export function readDpopProof(headers: readonly string[], form: ProofForm): DpopProof {
  const [jwt] = headers;
  if (jwt === undefined) throw invalidDpopProof('proof_missing', { detail: 'no DPoP header' });
  if (headers.length > 1) throw invalidDpopProof('proof_repeated', { detail: 'more than one DPoP header' });
  if (jwt.length > form.maxProofLength) throw invalidDpopProof('proof_too_large');

  const shape = readTokenShape(jwt);
  if (shape.kind !== 'jwt') throw malformed('it is no JWT');
  const { header, payload } = shape;
  return { jwt, ...readHeader(header, form.algorithms), ...readClaims(payload) };
}

function readHeader(
  header: JsonObject,
  algorithms: readonly DpopAlgorithm[],
): Pick<DpopProof, 'algorithm' | 'jwk'> {
  const { typ, alg, crit, jwk } = header as { readonly [name in 'typ' | 'alg' | 'crit' | 'jwk']: unknown };
  if (typ !== 'dpop+jwt') throw malformed('its typ is not dpop+jwt');
  const algorithm = algorithms.find((accepted) => accepted === alg);
  if (algorithm === undefined) throw invalidDpopProof('proof_algorithm_not_allowed');
  if (crit !== undefined) throw malformed('it has a crit header, of which nothing is supported');
  return { algorithm, jwk: readProofKey(jwk) };
}

function readClaims(claims: JsonObject): Pick<DpopProof, 'jti' | 'htm' | 'htu' | 'iat' | 'ath' | 'nonce'> {
  const jti = textOf(claims, 'jti');
  if (jti === '' || jti.length > MAX_JTI_LENGTH)
    throw malformed(`its jti is not 1 to ${MAX_JTI_LENGTH} long`);
  return {
    jti,
    htm: textOf(claims, 'htm'),
    htu: textOf(claims, 'htu'),
    iat: numberOf(claims, 'iat'),
    ath: textOf(claims, 'ath'),
    nonce: Object.hasOwn(claims, 'nonce') ? textOf(claims, 'nonce') : undefined,
  };
}

function textOf(claims: JsonObject, name: string): string {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  if (typeof value === 'string') return value;
  throw malformed(`its ${name} is no string`);
}

function numberOf(claims: JsonObject, name: string): number {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  // JSON has numbers that are infinite here; what is no number is none that is finite.
  if (Number.isFinite(value)) return value as number;
  throw malformed(`its ${name} is no number`);
}

function malformed(detail: string): OAuthError {
  return invalidDpopProof('proof_malformed', { detail: `the proof: ${detail}` });
}
