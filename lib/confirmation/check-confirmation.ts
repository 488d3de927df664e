import type { BindingPolicy } from '../cert-bound-auth.options.js';
import type { BindingMethod, Confirmation } from '../access-token/verified-access-token.js';
import { invalidToken } from '../challenge/oauth-error.js';
import type { ClientCertificate } from '../request/client-certificate.js';
import { thumbprintsEqual } from './certificate-thumbprint.js';

/** What the caller has proved, and what proof counts. */
export interface ProofOfPossession {
  readonly certificate: ClientCertificate | undefined;
  readonly trust: 'ca' | 'any';
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Checks that the caller holds every key that a token is bound to.
 * @returns how possession was proved; empty for an unbound token under `if-bound`
 * @throws OAuthError 401 `invalid_token`
 * @see RFC 8705 §3
 */
export function checkConfirmation(
  confirmation: Confirmation | undefined,
  binding: BindingPolicy,
  proof: ProofOfPossession,
): readonly BindingMethod[] {
  if (confirmation === undefined) {
    if (binding === 'if-bound') return [];
    throw invalidToken('confirmation_missing', { detail: 'the token has no cnf: it is bound to nothing' });
  }
  checkCertificate(confirmation.certificateThumbprint, proof);
  return ['certificate'];
}

function checkCertificate(expected: string | undefined, proof: ProofOfPossession): void {
  const { certificate } = proof;
  if (certificate === undefined) {
    throw invalidToken('certificate_missing', { detail: 'no client certificate on this connection' });
  }
  checkCertificateCounts(certificate, proof);
  if (expected === undefined || !thumbprintsEqual(certificate.thumbprint, expected)) {
    throw invalidToken('certificate_mismatch', {
      detail: `the token is bound to ${expected}, the client presented ${certificate.thumbprint}`,
    });
  }
}

/**
 * Checks that a certificate counts: its chain, unless `any` is trusted, and its validity at this moment, for a
 * connection can outlive the certificate that it was made with.
 * @throws OAuthError 401 `invalid_token`
 */
export function checkCertificateCounts(
  { chainError, notBefore, notAfter }: ClientCertificate,
  { trust, now }: Pick<ProofOfPossession, 'trust' | 'now'>,
): void {
  // Compared so that a date that could not be parsed, NaN, is refused.
  if (!(now <= notAfter)) throw invalidToken('certificate_expired');
  if (!(now >= notBefore)) throw invalidToken('certificate_not_yet_valid');
  if (trust !== 'any' && chainError !== undefined) {
    throw invalidToken('certificate_untrusted', { detail: chainError });
  }
}
