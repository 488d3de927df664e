import { createHash } from 'node:crypto';
import { importPublic, thumbprintOf } from './oracle-jwk.js';
import { isSignedBy, type Jws, readJws, requireNoExtension, typeOf } from './oracle-jws.js';
import { normalTarget } from './oracle-target.js';
import { type Observation, valuesOf } from './observation.js';
import type { DpopPolicy } from './policy.js';
import { type Members, membersOf, must, textOf } from './verdict.js';

/** What the API has seen and said before. */
export interface Memory {
  /** Proofs that were accepted: until when, in milliseconds since the epoch, by key and `jti`. */
  readonly used: Map<string, number>;
  /** Nonces that it has given out: when last. */
  readonly nonces: Map<string, number>;
}

/**
 * Judges the proof of a request, check by check of RFC 9449 §4.3.
 * @param expected `cnf.jkt`
 * @throws MustRefuse
 */
export function judgeProof(
  seen: Observation,
  token: string,
  expected: unknown,
  policy: DpopPolicy,
  memory: Memory,
): void {
  const values = valuesOf(seen, 'dpop');
  must(values.length === 1, 'RFC 9449 §4.3, 1: one DPoP header');
  const [text = ''] = values;
  must(text.length <= policy.maxLength, 'docs/dpop.md: maxProofLength');
  const proof = readJws(text);
  const thumbprint = judgeSigner(proof, policy);
  const jti = judgeRequest(proof.payload, seen, token, policy);
  judgeFreshness(proof.payload, seen.now, policy, memory);
  must(thumbprint === expected, 'RFC 9449 §4.3, 12: not the key of the token');
  const until = memory.used.get(`${thumbprint} ${jti}`);
  must(until === undefined || seen.now > until, 'RFC 9449 §11.1: used before');
}

/** Checks 4 to 7. @returns the thumbprint of the key */
function judgeSigner(proof: Jws, policy: DpopPolicy): string {
  const { header } = proof;
  must(typeOf(header) === 'dpop+jwt', 'RFC 9449 §4.3, 4: typ');
  must(policy.algorithms.includes(textOf(header, 'alg')), 'RFC 9449 §4.3, 5: alg');
  requireNoExtension(withoutB64(header));
  const jwk = membersOf(header.get('jwk'));
  must(jwk !== undefined, 'RFC 9449 §4.2: jwk');
  const key = importPublic(jwk);
  must(isSignedBy(proof, key), 'RFC 9449 §4.3, 6: the signature');
  return thumbprintOf(key);
}

/** `b64` without `crit` is a member that may be ignored, when what was signed is base64url all the same. */
function withoutB64(header: Members): Members {
  return new Map([...header].filter(([name]) => name !== 'b64'));
}

/** Checks 3, 8, 9 and 11. @returns the `jti` */
function judgeRequest(claims: Members, seen: Observation, token: string, policy: DpopPolicy): string {
  must(claims.get('htm') === seen.method, 'RFC 9449 §4.3, 8: htm');
  const htu = claims.get('htu');
  must(typeof htu === 'string', 'RFC 9449 §4.2: htu');
  const targets = policy.bases.map((base) => normalTarget(base + pathOf(seen.target)));
  must(targets.includes(normalTarget(htu) ?? 'none'), 'RFC 9449 §4.3, 9: htu');
  const digest = createHash('sha256').update(token, 'latin1').digest('base64url');
  must(claims.get('ath') === digest, 'RFC 9449 §4.3, 11: ath');
  const jti = claims.get('jti');
  must(typeof jti === 'string', 'RFC 9449 §4.2: jti');
  return jti;
}

/** Octets that a path may not hold were sent all the same: they are compared encoded. */
function pathOf(target: string): string {
  const [path = ''] = target.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#]/, 1);
  return path.replaceAll(
    /[^\x21-\x7e]|["<>\\^`{|}]/g,
    (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** Checks 10 and 11. */
function judgeFreshness(claims: Members, now: number, policy: DpopPolicy, memory: Memory): void {
  const iat = claims.get('iat');
  must(typeof iat === 'number' && Number.isFinite(iat), 'RFC 9449 §4.2: iat');
  if (policy.nonce !== 'instead-of-iat') {
    const age = now / 1000 - iat;
    must(age <= policy.lifetime + policy.skew && -age <= policy.skew, 'RFC 9449 §4.3, 11: iat');
  }
  if (policy.nonce === 'off') return;
  const given = memory.nonces.get(textOf(claims, 'nonce'));
  must(
    typeof claims.get('nonce') === 'string' && given !== undefined,
    'RFC 9449 §4.3, 10: a nonce of the server',
  );
  must(now - given <= policy.nonceLifetime * 1000, 'RFC 9449 §8: a nonce that is still good');
}

/** Remembers what an acceptance used up. */
export function rememberProof(seen: Observation, policy: DpopPolicy, memory: Memory): void {
  const proof = readJws(valuesOf(seen, 'dpop')[0] ?? '');
  const jwk = membersOf(proof.header.get('jwk')) ?? new Map<string, unknown>();
  const iat = Number(proof.payload.get('iat'));
  const freshFor =
    policy.nonce === 'instead-of-iat' ? seen.now / 1000 + policy.nonceLifetime : iat + policy.lifetime;
  const key = `${thumbprintOf(importPublic(jwk))} ${textOf(proof.payload, 'jti')}`;
  memory.used.set(key, (freshFor + policy.skew) * 1000);
}
