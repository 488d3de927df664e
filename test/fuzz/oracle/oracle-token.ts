import { isDeepStrictEqual } from 'node:util';
import { isSignedBy, type Jws, readJws, requireNoExtension, typeOf } from './oracle-jws.js';
import type { Introspected } from './observation.js';
import type { IssuerPolicy, Policy } from './policy.js';
import { type Members, membersOf, must, MustRefuse } from './verdict.js';

/** A token that is right, apart from who holds it. */
export interface RightToken {
  readonly issuer: string;
  readonly claims: Members;
}

/**
 * Judges a token by RFC 9068 §4, RFC 7519 §7.2 and RFC 7662 §2.2.
 * @param now seconds since the epoch
 * @throws MustRefuse
 */
export function judgeToken(
  token: string,
  policy: Policy,
  introspected: Introspected | undefined,
  now: number,
): RightToken {
  must(token.split('.').length !== 5 || !isJose(token), 'RFC 9068 §4: encrypted, and no key to decrypt it');
  if (isJose(token)) return judgeJwt(readJws(token), policy, introspected, now);
  const server = policy.issuers.find(({ introspection }) => introspection !== undefined);
  must(server !== undefined, 'RFC 7662: nobody to ask about an opaque token');
  return { issuer: server.issuer, claims: judgeAnswer(introspected, server, policy, now) };
}

/** Whether the first part of a token is the header of a JOSE object: what is none is opaque. */
function isJose(token: string): boolean {
  const parts = token.split('.');
  if (parts.length !== 3 && parts.length !== 5) return false;
  try {
    readJws(`${parts[0]}.e30.`);
    return true;
  } catch (error) {
    if (error instanceof MustRefuse) return false;
    throw error;
  }
}

function judgeJwt(jws: Jws, policy: Policy, introspected: Introspected | undefined, now: number): RightToken {
  const { header, payload } = jws;
  const server = policy.issuers.find(({ issuer }) => issuer === payload.get('iss'));
  must(server !== undefined, 'RFC 9068 §4: iss is exactly an issuer');
  judgeHeader(header, server);
  judgeSignature(jws, server);
  judgeClaims(payload, policy, now);
  if (typeOf(header) !== 'at+jwt') refuseIdToken(payload);
  const claims =
    server.introspection?.tokens === 'all'
      ? together(payload, judgeAnswer(introspected, server, policy, now))
      : payload;
  must(claims.has('aud'), 'RFC 9068 §2.2: aud is required');
  for (const name of server.requiredClaims) {
    must(claims.get(name) !== undefined && claims.get(name) !== null, `RFC 9068 §2.2: ${name} is required`);
  }
  return { issuer: server.issuer, claims };
}

/** RFC 7662 §2.2: the answer may add what the JWT leaves out. */
function together(payload: Members, answer: Members): Members {
  judgeAgreement(payload, answer);
  const claims = new Map([...answer, ...payload].filter(([name]) => name !== 'active'));
  if (payload.has('aud') && answer.has('aud')) {
    const said = audiencesOf(answer);
    claims.set(
      'aud',
      audiencesOf(payload).filter((value) => said.includes(value)),
    );
  }
  if (payload.has('scope') && answer.has('scope')) {
    const said = scopesOf(answer.get('scope'));
    claims.set(
      'scope',
      scopesOf(payload.get('scope')).filter((scope) => said.includes(scope)),
    );
  }
  return claims;
}

/** RFC 8693 §4.2, and as an array; anything else is no scope. */
function scopesOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'string' ? value.split(' ') : [];
}

function judgeHeader(header: Members, server: IssuerPolicy): void {
  const type = typeOf(header);
  must(type !== undefined && server.types.includes(type), 'RFC 9068 §4: typ');
  requireNoExtension(header);
  must(
    header.get('kid') === undefined || typeof header.get('kid') === 'string',
    'RFC 7515 §4.1.4: kid is a string',
  );
}

/** RFC 9068 §4, RFC 8725 §3.1: a key of this issuer, for this algorithm, and the one that is named. */
function judgeSignature(jws: Jws, server: IssuerPolicy): void {
  const algorithm = jws.header.get('alg');
  const named = jws.header.get('kid');
  const candidates = server.keys.filter(
    ({ kid, algorithms }) =>
      algorithms.some((name) => name === algorithm) && (named === undefined || kid === named),
  );
  must(candidates.length > 0, 'RFC 8725 §3.1: no key of the issuer for this alg and kid');
  must(
    candidates.some(({ key }) => isSignedBy(jws, key)),
    'RFC 7515 §5.2: the signature does not verify',
  );
}

/** What holds for claims wherever they come from. */
function judgeClaims(claims: Members, { audience, clockTolerance }: Policy, now: number): void {
  if (claims.has('aud')) must(audiencesOf(claims).includes(audience), 'RFC 7519 §4.1.3: aud');
  const exp = timeOf(claims, 'exp');
  must(exp !== undefined && now < exp + clockTolerance, 'RFC 7519 §4.1.4: expired, or no exp');
  const nbf = timeOf(claims, 'nbf');
  must(nbf === undefined || nbf <= now + clockTolerance, 'RFC 7519 §4.1.5: not before nbf');
  timeOf(claims, 'iat');
  for (const name of ['sub', 'client_id', 'jti']) {
    const value = claims.get(name);
    must(value === undefined || typeof value === 'string', `RFC 7519 §4.1, RFC 8693 §4.3: ${name}`);
  }
}

/** RFC 7519 §4.1.3: a string, or an array of strings. */
function audiencesOf(claims: Members): readonly string[] {
  const aud = claims.get('aud');
  const all: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return all.map((value) => {
    must(typeof value === 'string', 'RFC 7519 §4.1.3: aud is a string, or an array of strings');
    return value;
  });
}

/** RFC 7519 §2, NumericDate: a number; what no number can hold is no date. */
function timeOf(claims: Members, name: string): number | undefined {
  const value = claims.get(name);
  if (value === undefined) return undefined;
  must(typeof value === 'number' && Number.isFinite(value), `RFC 7519 §2: ${name} is a NumericDate`);
  return value;
}

/** RFC 8725 §3.12: what looks like an ID token is none of ours; a nonce alone proves none where the token says what it is. */
function refuseIdToken(claims: Members): void {
  for (const name of ['at_hash', 'c_hash']) must(!claims.has(name), `RFC 8725 §3.12: ${name}`);
  must(claims.get('typ') !== 'ID' && claims.get('token_use') !== 'id', 'RFC 8725 §3.12: an ID token');
  must(!claims.has('nonce') || namesAccessToken(claims), 'RFC 8725 §3.12: nonce');
}

function namesAccessToken(claims: Members): boolean {
  const words = ['typ', 'token_type', 'token_use', 'tokenName'].map((name) => claims.get(name));
  return words.some(
    (word) => typeof word === 'string' && /^(?:bearer|dpop|at\+jwt|access(?:_token)?)$/i.test(word),
  );
}

/** RFC 7662 §2.2. */
function judgeAnswer(
  introspected: Introspected | undefined,
  server: IssuerPolicy,
  policy: Policy,
  now: number,
): Members {
  const json = introspected?.kind === 'json' ? membersOf(introspected.json) : undefined;
  must(json !== undefined, 'RFC 7662 §2.2: no answer');
  const answer = withoutEmpty(json);
  must(answer.get('active') === true, 'RFC 7662 §2.2: not active');
  must(!answer.has('iss') || answer.get('iss') === server.issuer, 'RFC 7662 §2.2: of another issuer');
  must(answer.has('aud') || server.introspection?.audience === 'if-present', 'RFC 7662 §4: no aud');
  judgeClaims(answer, policy, now);
  return answer;
}

/** Optional members that are empty say nothing (invariant 15). */
function withoutEmpty(answer: Members): Members {
  const optional = new Set(['iss', 'aud', 'nbf', 'iat', 'sub', 'jti', 'client_id']);
  const isEmpty = (value: unknown): boolean =>
    value === null || value === '' || (Array.isArray(value) && value.length === 0);
  return new Map([...answer].filter(([name, value]) => !optional.has(name) || !isEmpty(value)));
}

/** RFC 7662 §2.2: an answer is about another token that differs in `cnf`, or lacks it, or in what names the token. */
function judgeAgreement(jwt: Members, answer: Members): void {
  must(isSameConfirmation(jwt.get('cnf'), answer.get('cnf')), 'RFC 7662: another cnf');
  must(!answer.has('iss') || answer.get('iss') === jwt.get('iss'), 'RFC 7662: another iss');
  for (const name of ['jti', 'sub', 'client_id']) {
    must(
      !answer.has(name) || !jwt.has(name) || answer.get(name) === jwt.get(name),
      `RFC 7662: another ${name}`,
    );
  }
}

function isSameConfirmation(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other) || isDeepStrictEqual(plain(one), plain(other));
}

/** As JSON: where a value comes from does not matter. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
