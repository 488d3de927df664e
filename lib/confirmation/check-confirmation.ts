import { X509Certificate } from 'node:crypto';
import type { BindingPolicy } from '../cert-bound-auth.options.js';
import type { BindingMethod, Confirmation, AuthenticationScheme } from '../decision.js';
import { invalidToken, type OAuthError, outage } from '../challenge/oauth-error.js';
import { isOutage } from '../challenge/reasons.js';
import type { ChainVerdict } from '../client-certificate/chain/chain-verdict.js';
import type { CertificateChecks, CertificateProblem } from '../client-certificate/certificate-checks.js';
import type {
  ClientCertificate,
  ClientCertificateFinding,
} from '../client-certificate/client-certificate.js';
import { andThen, andThenWith, type MaybePromise } from '../common/maybe-promise.js';
import type { ProofOutcome } from '../dpop/check-dpop-proof.js';
import type { SeenCertificates } from '../client-certificate/seen-certificates.js';

/** What a certificate counts by. */
export interface CertificateRules {
  readonly trust: 'ca' | 'any';
  /** What must hold beside its chain; `undefined` where that is nothing. */
  readonly certificateChecks: CertificateChecks | undefined;
}

/** How the caller came, and what it can prove. */
export interface ProofOfPossession extends CertificateRules {
  readonly scheme: AuthenticationScheme;
  readonly certificate: ClientCertificateFinding;
  /** Remembers what has counted, to explain in the log what does not. */
  readonly seenCertificates: SeenCertificates;
  /**
   * Checks the proof that came with the request, by the key with this thumbprint.
   * @param now milliseconds since the epoch
   * @throws OAuthError
   */
  checkProof(jwkThumbprint: string, now: number): MaybePromise<ProofOutcome>;
}

/** How possession was proved; by nothing for an unbound token under `if-bound`. */
export interface ProvenPossession extends Partial<ProofOutcome> {
  readonly boundBy: readonly BindingMethod[];
}

/** They serve every request: whoever could change them would change what is decided. */
const NOTHING = provenBy();
const BY_CERTIFICATE = provenBy('certificate');

function provenBy(...boundBy: readonly BindingMethod[]): ProvenPossession {
  return Object.freeze({ boundBy: Object.freeze(boundBy) });
}

/**
 * Checks that the caller holds every key that a token is bound to, the certificate's first, for that costs less. A
 * certificate of the connection is checked at once, and so is a proof that is remembered in this process.
 * @param now milliseconds since the epoch
 * @throws OAuthError 401 `invalid_token`; what {@link checkDpopProof} throws
 * @see RFC 8705 §3, RFC 9449 §7.1
 */
export function checkConfirmation(
  confirmation: Confirmation | undefined,
  binding: BindingPolicy,
  possession: ProofOfPossession,
  now: number,
): MaybePromise<ProvenPossession> {
  checkScheme(confirmation, possession.scheme);
  if (confirmation === undefined) {
    checkMayBeUnbound(binding);
    return NOTHING;
  }
  const { certificateThumbprint, jwkThumbprint } = confirmation;
  if (certificateThumbprint === undefined) return checkKey(jwkThumbprint, possession, now, ['dpop']);
  const checked = checkCertificate(certificateThumbprint, possession, now);
  if (jwkThumbprint === undefined) return andThen(checked, byCertificate);
  return checkBoth(checked, jwkThumbprint, possession, now);
}

function byCertificate(): ProvenPossession {
  return BY_CERTIFICATE;
}

/** @throws OAuthError 401 `invalid_token` where a token must be bound */
export function checkMayBeUnbound(binding: BindingPolicy): void {
  if (binding === 'if-bound') return;
  throw invalidToken('confirmation_missing', { detail: 'the token has no cnf: it is bound to nothing' });
}

/**
 * A token that is bound to a key of DPoP comes with a proof, and no other does (RFC 9449 §7.1, §7.2).
 * @throws OAuthError 401 `invalid_token`
 */
export function checkScheme(confirmation: Confirmation | undefined, scheme: AuthenticationScheme): void {
  const needed = confirmation?.jwkThumbprint === undefined ? 'Bearer' : 'DPoP';
  if (scheme === needed) return;
  throw invalidToken('scheme_mismatch', { detail: `such a token is to be sent as ${needed}, not ${scheme}` });
}

function checkBoth(
  certificateChecked: MaybePromise<void>,
  jwkThumbprint: string,
  possession: ProofOfPossession,
  now: number,
): MaybePromise<ProvenPossession> {
  return andThen(certificateChecked, () => checkKey(jwkThumbprint, possession, now, ['certificate', 'dpop']));
}

/** @param jwkThumbprint a confirmation names one key at least */
function checkKey(
  jwkThumbprint: string | undefined,
  possession: ProofOfPossession,
  now: number,
  boundBy: readonly BindingMethod[],
): MaybePromise<ProvenPossession> {
  if (jwkThumbprint === undefined) throw invalidToken('confirmation_unsupported');
  return andThen(possession.checkProof(jwkThumbprint, now), (outcome) => ({ boundBy, ...outcome }));
}

function checkCertificate(expected: string, possession: ProofOfPossession, now: number): MaybePromise<void> {
  const certificate = requireCertificate(possession.certificate);
  checkValidity(certificate, now);
  checkThumbprint(expected, certificate, possession);
  return andThenWith(checkTrust(certificate, possession), remember, certificate, possession);
}

/** @throws OAuthError 401 `invalid_token` where there is none */
export function requireCertificate(finding: ClientCertificateFinding): ClientCertificate {
  if (finding.kind === 'found') return finding.certificate;
  throw invalidToken(finding.reason, { detail: finding.detail });
}

/**
 * As text: no decoder that could forgive a wrong encoding. Neither is a secret: what counts is the private key.
 * @throws OAuthError 401 `invalid_token`
 */
export function checkThumbprint(
  expected: string,
  certificate: ClientCertificate,
  possession: Pick<ProofOfPossession, 'seenCertificates' | 'trust'>,
): void {
  if (certificate.thumbprint === expected) return;
  const detail = describeMismatch(expected, certificate, possession);
  throw invalidToken('certificate_mismatch', { detail });
}

function remember(
  _: void,
  { identity, thumbprint }: ClientCertificate,
  { seenCertificates }: ProofOfPossession,
): void {
  if (identity instanceof X509Certificate) seenCertificates.remember(thumbprint, identity);
}

/** Says as well what the expected thumbprint is of, where that can be found out. */
function describeMismatch(
  expected: string,
  certificate: ClientCertificate,
  { seenCertificates, trust }: Pick<ProofOfPossession, 'seenCertificates' | 'trust'>,
): string {
  const mismatch = `the token is bound to ${expected}, the client presented ${certificate.thumbprint}`;
  const hint = seenCertificates.explain(expected, certificate, trust);
  return hint === undefined ? mismatch : `${mismatch}: ${hint}`;
}

/**
 * Checks that a certificate counts: its validity at this moment, for a connection can outlive the certificate that it
 * was made with, its chain, unless `any` is trusted, and what else the options ask of it.
 * @param now milliseconds since the epoch
 * @throws OAuthError 401 `invalid_token`; 503 where something that is asked of it can't be found out
 */
export function checkCertificateCounts(
  certificate: ClientCertificate,
  rules: CertificateRules,
  now: number,
): MaybePromise<void> {
  checkValidity(certificate, now);
  return checkTrust(certificate, rules);
}

/** Whether a moment is within the validity of a certificate; of a date that could not be parsed, NaN, no moment is. */
export function isWithinValidity({ notBefore, notAfter }: ClientCertificate, now: number): boolean {
  return now <= notAfter && now >= notBefore;
}

/** Compared so that a date that could not be parsed, NaN, is refused. @throws OAuthError 401 `invalid_token` */
export function checkValidity({ notBefore, notAfter }: ClientCertificate, now: number): void {
  if (!(now <= notAfter)) throw invalidToken('certificate_expired');
  if (!(now >= notBefore)) throw invalidToken('certificate_not_yet_valid');
}

/** @throws OAuthError 401 `invalid_token`; 503 where something that is asked of it can't be found out */
export function checkTrust(
  certificate: ClientCertificate,
  { trust, certificateChecks }: CertificateRules,
): MaybePromise<void> {
  if (trust !== 'any') return andThenWith(certificate.chain(), checkVerdict, certificate, certificateChecks);
}

function checkVerdict(
  verdict: ChainVerdict,
  certificate: ClientCertificate,
  checks: CertificateChecks | undefined,
): MaybePromise<void> {
  if (verdict.kind === 'unverified') throw invalidToken(verdict.reason, { detail: verdict.error });
  if (checks !== undefined) return andThen(checks.problemOf(certificate, verdict), requireNoProblem);
}

function requireNoProblem(problem: CertificateProblem | undefined): void {
  if (problem !== undefined) throw certificateRefusal(problem);
}

/** Why a certificate does not count, as a refusal. */
export function certificateRefusal({ reason, detail }: CertificateProblem): OAuthError {
  return isOutage(reason) ? outage(reason, { detail }) : invalidToken(reason, { detail });
}
