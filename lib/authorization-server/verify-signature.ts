import type { KeyObject } from 'node:crypto';
import { invalidToken, type OAuthError } from '../challenge/oauth-error.js';
import { isSigned, type SignatureAlgorithm } from '../jose/jws-signature.js';
import { messageOf } from '../common/message-of.js';
import { andThen, type MaybePromise } from '../common/maybe-promise.js';
import type { KeyGroup, KeySet } from './key-set.js';
import type { KeysToVerifyWith } from './signing-keys.js';

/** A JWS in compact serialization, and what its header says. */
export interface SignedText {
  /** In canonical base64url. */
  readonly jws: string;
  /** One that is accepted. */
  readonly algorithm: SignatureAlgorithm;
  readonly kid: unknown;
}

/** What a header names as its algorithm, if it is one of these; `undefined` if not. */
export function acceptedAlgorithm<Algorithm extends SignatureAlgorithm>(
  alg: unknown,
  algorithms: readonly Algorithm[],
): Algorithm | undefined {
  return algorithms.find((algorithm) => algorithm === alg);
}

/**
 * Verifies the signature of a JWS with the keys of one issuer: at once, where its keys are known.
 * @returns the keys that it was verified with: what is verified holds no longer than they do
 * @throws OAuthError 401 `invalid_token`; 503 when the keys can't be had
 * @see RFC 7515 §5.2, RFC 8725 §3.1
 */
export function verifySignature(signed: SignedText, keys: KeysToVerifyWith): MaybePromise<KeyGroup> {
  return andThen(keys.current(), (known) => verifyWith(signed, keys, known, { tried: [], renewals: 0 }));
}

/** The first may bring keys that others have asked for before the newest was published. */
const MOST_RENEWALS = 2;

/** What has been done for one token: it bounds what is left to do. */
interface Effort {
  /** No key is tried twice. */
  readonly tried: readonly KeyObject[];
  readonly renewals: number;
}

/** Verifies with these keys, or where the token may be of a new one, with those that are fetched in their place. */
function verifyWith(
  signed: SignedText,
  keys: KeysToVerifyWith,
  known: KeySet,
  { tried, renewals }: Effort,
): MaybePromise<KeyGroup> {
  const attempt = tryKeys(signed, known, tried);
  if (attempt.kind === 'verified') return attempt.group;
  const { error } = attempt;
  if (renewals === MOST_RENEWALS || !mayBeNewKey(error, signed)) throw error;
  return keys.renew(known).then((renewed) => {
    if (renewed === undefined) throw error;
    return verifyWith(signed, keys, renewed, { tried: [...tried, ...attempt.tried], renewals: renewals + 1 });
  });
}

/** A token that does not name its key may be signed with one that is not known yet, whatever fits it. */
function mayBeNewKey({ reason }: OAuthError, { kid }: SignedText): boolean {
  return reason === 'key_unknown' || (reason === 'signature_invalid' && kid === undefined);
}

/** What came of trying the keys of one set. */
type Attempt =
  | { readonly kind: 'verified'; readonly group: KeyGroup }
  | { readonly kind: 'failed'; readonly error: OAuthError; readonly tried: readonly KeyObject[] };

function tryKeys(signed: SignedText, known: KeySet, before: readonly KeyObject[]): Attempt {
  const group = known.groupFor(signed.kid);
  if (group === undefined) return failed(invalidToken('key_unknown'));
  const candidates = group.keysFor(signed.algorithm);
  if (candidates.kind === 'none') return failed(invalidToken(candidates.reason, candidates.details));
  const untried = candidates.keys.filter((key) => !before.some((other) => other.equals(key)));
  const error = tryEach(signed, untried);
  return error === undefined ? { kind: 'verified', group } : failed(error, untried);
}

function failed(error: OAuthError, tried: readonly KeyObject[] = []): Attempt {
  return { kind: 'failed', error, tried };
}

/** @returns why none of the keys verifies the signature; `undefined` when one does */
function tryEach({ jws, algorithm }: SignedText, keys: readonly KeyObject[]): OAuthError | undefined {
  let unusable: OAuthError | undefined;
  for (const key of keys) {
    // Stryker disable BlockStatement,StringLiteral,ObjectLiteral: proved by test/crypto-unavailable.spec.ts, which no thread can run
    try {
      if (isSigned(jws, key, algorithm)) return undefined;
    } catch (cause) {
      // OpenSSL may have been built or set up to do without an algorithm: that is no reason to trust the token.
      unusable = invalidToken('key_unusable', { detail: messageOf(cause), cause });
    }
  }
  // Stryker restore BlockStatement,StringLiteral,ObjectLiteral
  return unusable ?? invalidToken('signature_invalid');
}
