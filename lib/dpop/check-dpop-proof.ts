import { hash } from 'node:crypto';
import type { DpopAlgorithm, ReplayStore } from '../cert-bound-auth.options.js';
import {
  invalidDpopProof,
  invalidToken,
  type OAuthError,
  outage,
  tooManyRequests,
  useDpopNonce,
} from '../challenge/oauth-error.js';
import { equalInConstantTime } from '../common/equal-in-constant-time.js';
import { andThen, type MaybePromise } from '../common/maybe-promise.js';
import { quoted, quotedList } from '../common/quoted.js';
import { messageOf } from '../common/message-of.js';
import { answerWithin } from '../common/time-limit.js';
import { headerValues } from '../request/header-values.js';
import { type HttpRequest, rawRequestOf, requestPathOf } from '../request/http-request.js';
import type { DpopNonces } from './dpop-nonces.js';
import { type ProofClaims, readDpopProof } from './dpop-proof.js';
import { answersAtOnce } from './memory-replay-store.js';
import type { ProofHeader } from './proof-header.js';
import type { ProofKeys } from './proof-keys.js';
import { TooManyProofsError } from './replay-store.js';
import { normalizeTargetUri, targetUriOf } from './target-uri.js';

/** What proofs are checked by. */
export interface DpopRules {
  /** Origin and path prefix, or several, that clients see a request under. @throws Error that says what is wrong */
  readonly publicBasesOf: (request: HttpRequest) => readonly string[];
  readonly algorithms: readonly DpopAlgorithm[];
  /** Seconds; `undefined` where the nonce alone says how fresh a proof is. */
  readonly proofLifetime: number | undefined;
  /** Seconds. */
  readonly clockSkew: number;
  /** Characters. */
  readonly maxProofLength: number;
  /** `undefined` where none is asked for. */
  readonly nonces: DpopNonces | undefined;
  readonly replayStore: ReplayStore;
  readonly keys: ProofKeys;
}

/** What a right proof leads to. */
export interface ProofOutcome {
  /** The nonce that the client is to use from now on, where the one that it used is about to expire. */
  readonly nextNonce: string | undefined;
}

/**
 * Checks that a request carries one fresh proof, made for it and its token, by the key that the token is bound to. The
 * cheapest checks come first; the replay comes last, so that only what is right in every other way uses up its `jti`.
 * @param tokenDigest SHA-256 of the token, base64url, which is what `ath` must be
 * @param thumbprint `cnf.jkt` of the token
 * @param now milliseconds since the epoch
 * @throws OAuthError 401 `invalid_dpop_proof`, `use_dpop_nonce`, or `invalid_token` when the key is not the token's;
 * 429 when the client has used more proofs than can be remembered; 503 when the replay store can't tell
 * @see RFC 9449 §4.3, §7.1
 */
export function checkDpopProof(
  request: HttpRequest,
  tokenDigest: string,
  thumbprint: string,
  rules: DpopRules,
  now: number,
): MaybePromise<ProofOutcome> {
  const proof = readDpopProof(headerValues(rawRequestOf(request), 'dpop'), rules, thumbprint);
  const { claims, header } = proof;
  checkMethod(claims, request);
  checkTarget(claims, request, rules);
  checkAccessTokenHash(claims, tokenDigest);
  checkIssuedAt(claims, rules, now);
  const { nextNonce, nonceExpiresAt } = checkNonce(claims, rules, now);
  checkKey(header, thumbprint);
  rules.keys.verify(proof, thumbprint);
  const checked = checkReplay(claims, thumbprint, rules, { now, nonceExpiresAt });
  return andThen(checked, () => ({ nextNonce }));
}

export function checkMethod({ htm }: ProofClaims, request: HttpRequest): void {
  const { method } = rawRequestOf(request);
  if (htm !== method)
    throw invalidDpopProof('proof_method_mismatch', { detail: `the request is a ${method}` });
}

export function checkTarget({ htu }: ProofClaims, request: HttpRequest, rules: DpopRules): void {
  const path = requestPathOf(request);
  if (path === undefined) throw otherTarget('the target of the request is none that a proof can name');
  const bases = publicBases(request, rules);
  // Nearly every client writes what it has requested, letter by letter.
  if (bases.some((base) => htu === base + path)) return;
  const claimed = normalizeTargetUri(htu);
  if (claimed === undefined) throw otherTarget('its htu is no http: or https: URI');
  if (bases.some((base) => claimed === targetUriOf(base, path))) return;
  const isUnder = bases.some((base) => claimed.startsWith(`${base}/`));
  throw otherTarget(
    `its htu is ${quoted(claimed)}, expected ${quotedList(bases.map((base) => base + path))}` +
      (isUnder ? '' : `: it is not under publicUrl`),
  );
}

function otherTarget(detail: string): OAuthError {
  return invalidDpopProof('proof_target_mismatch', { detail });
}

function publicBases(request: HttpRequest, { publicBasesOf }: DpopRules): readonly string[] {
  try {
    return publicBasesOf(request);
  } catch (cause) {
    throw invalidDpopProof('public_url_unknown', { detail: `publicUrl: ${messageOf(cause)}`, cause });
  }
}

export function checkAccessTokenHash({ ath }: ProofClaims, tokenDigest: string): void {
  if (ath !== tokenDigest) throw invalidDpopProof('proof_token_mismatch');
}

export function checkIssuedAt(
  { iat }: ProofClaims,
  { proofLifetime, clockSkew }: DpopRules,
  now: number,
): void {
  if (proofLifetime === undefined) return;
  const age = now / 1000 - iat;
  if (age > proofLifetime + clockSkew) {
    throw invalidDpopProof('proof_expired', { detail: `it was made ${Math.floor(age)} s ago` });
  }
  if (age < -clockSkew) {
    throw invalidDpopProof('proof_issued_in_future', { detail: `its iat is ${Math.ceil(-age)} s ahead` });
  }
}

export interface CheckedNonce extends ProofOutcome {
  /** Milliseconds since the epoch; `undefined` where no nonce is asked for. */
  readonly nonceExpiresAt: number | undefined;
}

export function checkNonce({ nonce }: ProofClaims, { nonces }: DpopRules, now: number): CheckedNonce {
  // Stryker disable next-line ObjectLiteral: what it lacks is undefined as well
  if (nonces === undefined) return { nextNonce: undefined, nonceExpiresAt: undefined };
  const verdict = nonces.judge(nonce, now);
  if (verdict.kind === 'unknown') {
    const reason = nonce === undefined ? 'proof_nonce_missing' : 'proof_nonce_unknown';
    throw useDpopNonce(nonces.current(now), reason);
  }
  return {
    nextNonce: verdict.kind === 'about-to-expire' ? nonces.current(now) : undefined,
    nonceExpiresAt: verdict.expiresAt,
  };
}

export function checkKey({ thumbprint }: ProofHeader, expected: string): void {
  if (thumbprint !== undefined && equalInConstantTime(thumbprint, expected)) return;
  throw invalidToken('proof_key_mismatch', {
    detail: `the token is bound to ${expected}, the proof is by ${thumbprint}`,
  });
}

/** Until when a proof can be accepted, as far as that is known. */
interface Moment {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly nonceExpiresAt: number | undefined;
}

function checkReplay(
  { jti, iat }: ProofClaims,
  thumbprint: string,
  { replayStore, proofLifetime, clockSkew }: DpopRules,
  { now, nonceExpiresAt = now }: Moment,
): MaybePromise<void> {
  const end = proofLifetime === undefined ? nonceExpiresAt / 1000 : iat + proofLifetime + clockSkew;
  // The clocks of instances differ as well: another one must not accept what this one has forgotten.
  const seconds = Math.max(1, Math.ceil(end - now / 1000)) + Math.ceil(clockSkew);
  const jtiDigest = hash('sha256', jti, 'base64url');
  return andThen(addTo(replayStore, thumbprint, jtiDigest, seconds), requireNew);
}

/** What a store answers is believed only where it is `true`: one that breaks its contract lets nothing pass. */
function requireNew(added: unknown): void {
  if (added !== true) throw invalidDpopProof('proof_replayed');
}

function addTo(
  store: ReplayStore,
  thumbprint: string,
  jtiDigest: string,
  seconds: number,
): MaybePromise<unknown> {
  try {
    if (answersAtOnce(store)) return store.addNow(thumbprint, jtiDigest, seconds);
  } catch (cause) {
    throw storeProblem(cause);
  }
  return addLater(store, `${thumbprint}.${jtiDigest}`, seconds);
}

/** Milliseconds that a request waits at most, whatever the store itself allows. */
const LONGEST_WAIT_MS = 5_000;

async function addLater(store: ReplayStore, key: string, seconds: number): Promise<unknown> {
  try {
    return await answerWithin(store.addIfAbsent(key, seconds), 'the replay store', LONGEST_WAIT_MS);
  } catch (cause) {
    throw storeProblem(cause);
  }
}

function storeProblem(cause: unknown): OAuthError {
  return cause instanceof TooManyProofsError
    ? tooManyRequests('proofs_too_many', { detail: cause.message, cause })
    : outage('replay_store_unavailable', { detail: messageOf(cause), cause });
}
