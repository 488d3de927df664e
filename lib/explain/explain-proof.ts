import { quoted } from '../common/quoted.js';
import {
  checkAccessTokenHash,
  checkIssuedAt,
  checkKey,
  checkMethod,
  checkNonce,
  checkTarget,
  type DpopRules,
} from '../dpop/check-dpop-proof.js';
import { type DpopProof, readDpopProof } from '../dpop/dpop-proof.js';
import { headerValues } from '../request/header-values.js';
import { rawRequestOf, requestPathOf } from '../request/http-request.js';
import type { Check } from './explanation.js';
import type { Presented } from './situation.js';
import type { Steps, Told } from './steps.js';

/** Holds a DPoP proof against its request and its token, one check after the other. Its `jti` is not used up. */
export function explainProof(
  steps: Steps,
  thumbprint: string,
  rules: DpopRules,
  presented: Presented,
  knowsNonces: boolean,
): void {
  const headers = headerValues(rawRequestOf(presented.request), 'dpop');
  const expected = `one DPoP proof, by ${rules.algorithms.join(', ')}`;
  const read = steps.check(told('proof_form', expected, numberOf(headers)), () =>
    readDpopProof(headers, rules, thumbprint),
  );
  if (read.kind === 'failed') return;
  explainTarget(steps, read.value, rules, presented);
  explainFreshness(steps, read.value, rules, knowsNonces);
  explainKey(steps, read.value, rules, thumbprint);
  steps.skip(told('proof_replay', 'a jti that is new', 'not looked up: nothing is used up'));
}

function explainTarget(
  steps: Steps,
  { claims }: DpopProof,
  rules: DpopRules,
  { request, tokenDigest }: Presented,
): void {
  const { method } = rawRequestOf(request);
  steps.check(told('proof_method', `htm ${quoted(method)}`, `htm ${quoted(claims.htm)}`), () =>
    checkMethod(claims, request),
  );
  const path = requestPathOf(request) ?? 'a path that can be read in one way only';
  steps.check(told('proof_target', `htu ${quoted(path)} under publicUrl`, `htu ${quoted(claims.htu)}`), () =>
    checkTarget(claims, request, rules),
  );
  steps.check(told('proof_token', 'ath of this token', 'an ath'), () =>
    checkAccessTokenHash(claims, tokenDigest),
  );
}

function explainFreshness(steps: Steps, { claims }: DpopProof, rules: DpopRules, knowsNonces: boolean): void {
  const now = Date.now();
  const { proofLifetime, clockSkew, nonces } = rules;
  const age = `iat ${Math.round(now / 1000 - claims.iat)} s ago`;
  const time = told('proof_time', `at most ${proofLifetime} s old (${clockSkew} s are tolerated)`, age);
  if (proofLifetime === undefined)
    steps.skip({ ...time, expected: 'any', found: 'the nonce says how fresh it is' });
  else steps.check(time, () => checkIssuedAt(claims, rules, now));
  const found = claims.nonce === undefined ? 'no nonce' : 'a nonce';
  const nonce = told('proof_nonce', 'a nonce of this API', found);
  if (!knowsNonces) steps.skip({ ...nonce, found: `${found}; not checked: dpop.nonceSecret is not given` });
  else if (nonces === undefined) steps.passed({ ...nonce, expected: 'none is asked for' });
  else steps.check(nonce, () => checkNonce(claims, rules, now));
}

function explainKey(steps: Steps, proof: DpopProof, { keys }: DpopRules, thumbprint: string): void {
  const by = proof.header.thumbprint ?? 'a key without a thumbprint';
  const own = steps.check(told('proof_key', thumbprint, by), () => checkKey(proof.header, thumbprint));
  const signature = told('proof_signature', 'by the key in its header', proof.header.algorithm);
  if (own.kind === 'passed') steps.check(signature, () => keys.verify(proof, thumbprint));
  else steps.skip({ ...signature, found: 'not checked: it is by another key' });
}

function numberOf(headers: readonly string[]): string {
  if (headers.length === 0) return 'none';
  return headers.length === 1 ? 'one' : `${headers.length} of them`;
}

function told(check: Check, expected: string, found: string): Told {
  return { stage: 'confirmation', check, expected, found };
}
