import { ATTRIBUTE_TYPES } from '../identity/attribute-types.js';
import type { CertificateIdentity } from '../identity/certificate-identity.js';
import { onlyValueOf, rfc4514 } from '../identity/distinguished-name.js';
import type { CertificatePolicySettings } from '../certificate-settings.js';
import { describeIdentity } from './describe-identity.js';

/** Who the holder of a certificate is; `undefined` where the certificate does not say, or says it twice. */
export function principalOf(
  identity: CertificateIdentity,
  thumbprint: string,
  settings: CertificatePolicySettings | undefined,
): string | undefined {
  return named(identity, thumbprint, settings?.principal ?? 'subject') ?? settings?.defaultPrincipal;
}

function named(
  identity: CertificateIdentity,
  thumbprint: string,
  principal: CertificatePolicySettings['principal'],
): string | undefined {
  const { subject, alternativeNames } = identity;
  switch (principal) {
    case 'subject':
      return subject.length === 0 ? undefined : rfc4514(subject);
    case 'cn':
      return onlyValueOf(subject, ATTRIBUTE_TYPES.CN);
    case 'san-dns':
      return onlyOne(alternativeNames.dns);
    case 'san-uri':
      return onlyOne(alternativeNames.uri);
    case 'san-email':
      return onlyOne(alternativeNames.email);
    default: {
      const made: unknown = principal(describeIdentity(identity, thumbprint));
      return typeof made === 'string' ? made : undefined;
    }
  }
}

/** Of several names it could not be told whose they are. */
function onlyOne(names: readonly string[]): string | undefined {
  return names.length === 1 ? names[0] : undefined;
}
