import type { JsonObject } from '../jose/json-object.js';
import { decodeObject, decodePayload } from '../jose/token-shape.js';
import type { DpopAlgorithm } from '../cert-bound-auth.options.js';
import { invalidDpopProof } from '../challenge/oauth-error.js';
import { malformedProof } from './malformed-proof.js';
import { type ProofHeader, readProofHeader } from './proof-header.js';
import type { ProofKeys } from './proof-keys.js';

/** A DPoP proof whose form is right (RFC 9449 §4.2). Nothing in it has been compared or verified. */
export interface DpopProof {
  /** Compact serialization. */
  readonly jwt: string;
  readonly header: ProofHeader;
  readonly claims: ProofClaims;
}

/** What a proof says of the request that it was made for. */
export interface ProofClaims {
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
  /** Those that have verified a proof before. */
  readonly keys: ProofKeys;
}

/** Characters. */
const MAX_JTI_LENGTH = 256;

/**
 * Reads the one proof of a request: its size, its form, its header, the types of its claims, in this order.
 * @param headers the values of `DPoP`, one for each time that it was sent
 * @param thumbprint of the key that the proof must be by, which is not compared here
 * @throws OAuthError 401 `invalid_dpop_proof`
 * @see RFC 9449 §4.3, items 1 to 5 and 7
 */
export function readDpopProof(headers: readonly string[], form: ProofForm, thumbprint: string): DpopProof {
  const [jwt] = headers;
  if (jwt === undefined) throw invalidDpopProof('proof_missing', { detail: 'no DPoP header' });
  if (headers.length > 1) throw invalidDpopProof('proof_repeated', { detail: 'more than one DPoP header' });
  if (jwt.length > form.maxProofLength) throw invalidDpopProof('proof_too_large');

  const parts = jwt.split('.', 4);
  if (parts.length !== 3) throw malformedProof('it is no JWT');
  const [header, payload, signature] = parts as [string, string, string];
  const claims = decodePayload(payload, signature);
  if (claims === undefined) throw malformedProof('it is no JWT');
  return { jwt, header: headerOf(header, form, thumbprint), claims: readClaims(claims) };
}

/** Read once for all the proofs that a client makes with its key. */
function headerOf(text: string, { keys, algorithms }: ProofForm, thumbprint: string): ProofHeader {
  const known = keys.find(text, thumbprint);
  if (known !== undefined) return known;
  const header = decodeObject(text);
  if (header === undefined) throw malformedProof('it is no JWT');
  return readProofHeader(header, algorithms);
}

function readClaims(claims: JsonObject): ProofClaims {
  const jti = textOf(claims, 'jti');
  if (jti === '' || jti.length > MAX_JTI_LENGTH)
    throw malformedProof(`its jti is not 1 to ${MAX_JTI_LENGTH} long`);
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
  throw malformedProof(`its ${name} is no string`);
}

function numberOf(claims: JsonObject, name: string): number {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  // JSON has numbers that are infinite here; what is no number is none that is finite.
  if (Number.isFinite(value)) return value as number;
  throw malformedProof(`its ${name} is no number`);
}
