import type { BindingPolicy } from '../cert-bound-auth.options.js';
import type { BindingMethod, Confirmation } from '../access-token/verified-access-token.js';
import { invalidToken } from '../challenge/oauth-error.js';
import type { ClientCertificate, ClientCertificateFinding } from '../request/client-certificate.js';
import type { AuthenticationScheme } from '../request/credentials.js';
import { equalInConstantTime } from '../equal-in-constant-time.js';
import type { ProofOutcome } from './check-dpop-proof.js';

/** What a certificate counts by. */
export interface CertificateRules {
  readonly trust: 'ca' | 'any';
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** How the caller came, and what it can prove. */
export interface ProofOfPossession extends CertificateRules {
  readonly scheme: AuthenticationScheme;
  readonly certificate: ClientCertificateFinding;
  /** Checks the proof that came with the request, by the key with this thumbprint. @throws OAuthError */
  readonly checkProof: (jwkThumbprint: string) => Promise<ProofOutcome>;
}

/** How possession was proved; by nothing for an unbound token under `if-bound`. */
export interface ProvenPossession extends Partial<ProofOutcome> {
  readonly boundBy: readonly BindingMethod[];
}

/**
 * Checks that the caller holds every key that a token is bound to, the certificate's first, for that costs less.
 * @throws OAuthError 401 `invalid_token`; what {@link checkDpopProof} throws
 * @see RFC 8705 §3, RFC 9449 §7.1
 */
export async function checkConfirmation(
  confirmation: Confirmation | undefined,
  binding: BindingPolicy,
  possession: ProofOfPossession,
): Promise<ProvenPossession> {
  checkScheme(confirmation, possession.scheme);
  if (confirmation === undefined) {
    if (binding === 'if-bound') return { boundBy: [] };
    throw invalidToken('confirmation_missing', { detail: 'the token has no cnf: it is bound to nothing' });
  }
  const { certificateThumbprint, jwkThumbprint } = confirmation;
  if (certificateThumbprint !== undefined) await checkCertificate(certificateThumbprint, possession);
  if (jwkThumbprint === undefined) return { boundBy: ['certificate'] };
  const outcome = await possession.checkProof(jwkThumbprint);
  return { boundBy: certificateThumbprint === undefined ? ['dpop'] : ['certificate', 'dpop'], ...outcome };
}

/** A token that is bound to a key of DPoP comes with a proof, and no other does (RFC 9449 §7.1, §7.2). */
function checkScheme(confirmation: Confirmation | undefined, scheme: AuthenticationScheme): void {
  const needed = confirmation?.jwkThumbprint === undefined ? 'Bearer' : 'DPoP';
  if (scheme === needed) return;
  throw invalidToken('scheme_mismatch', { detail: `such a token is to be sent as ${needed}, not ${scheme}` });
}

async function checkCertificate(expected: string, possession: ProofOfPossession): Promise<void> {
  const finding = possession.certificate;
  if (finding.kind === 'none') throw invalidToken(finding.reason, { detail: finding.detail });
  const { certificate } = finding;
  checkValidity(certificate, possession.now);
  // As text: no decoder that could forgive a wrong encoding.
  if (!equalInConstantTime(certificate.thumbprint, expected)) {
    throw invalidToken('certificate_mismatch', {
      detail: `the token is bound to ${expected}, the client presented ${certificate.thumbprint}`,
    });
  }
  await checkChain(certificate, possession.trust);
}

/**
 * Checks that a certificate counts: its validity at this moment, for a connection can outlive the certificate that it
 * was made with, and its chain, unless `any` is trusted.
 * @throws OAuthError 401 `invalid_token`
 */
export async function checkCertificateCounts(
  certificate: ClientCertificate,
  { trust, now }: CertificateRules,
): Promise<void> {
  checkValidity(certificate, now);
  await checkChain(certificate, trust);
}

/** Compared so that a date that could not be parsed, NaN, is refused. */
function checkValidity({ notBefore, notAfter }: ClientCertificate, now: number): void {
  if (!(now <= notAfter)) throw invalidToken('certificate_expired');
  if (!(now >= notBefore)) throw invalidToken('certificate_not_yet_valid');
}

async function checkChain(certificate: ClientCertificate, trust: CertificateRules['trust']): Promise<void> {
  if (trust === 'any') return;
  const detail = await certificate.chainError();
  if (detail !== undefined) throw invalidToken('certificate_untrusted', { detail });
}
