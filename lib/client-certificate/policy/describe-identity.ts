import type { CertificateDescription } from '../../cert-bound-auth.options.js';
import { ATTRIBUTE_TYPES } from '../identity/attribute-types.js';
import type { CertificateIdentity } from '../identity/certificate-identity.js';
import { rfc4514, valuesOf } from '../identity/distinguished-name.js';

/** Describes a certificate to a function of the app: made anew each time, so that nothing it changes lives on. */
export function describeIdentity(identity: CertificateIdentity, thumbprint: string): CertificateDescription {
  const { subject, issuer, serialNumber, alternativeNames } = identity;
  return {
    thumbprint,
    subject: rfc4514(subject),
    issuer: rfc4514(issuer),
    serialNumber,
    commonNames: valuesOf(subject, ATTRIBUTE_TYPES.CN),
    organizations: valuesOf(subject, ATTRIBUTE_TYPES.O),
    dns: [...alternativeNames.dns],
    uris: [...alternativeNames.uri],
    emails: [...alternativeNames.email],
    ips: [...alternativeNames.ip],
    ...rolesOf(identity),
  };
}

/** What of an identity stands in a field of its own, where it is there. */
export function rolesOf({
  spiffeId,
  organizationIdentifier,
  qualified: { psd2 },
}: CertificateIdentity): Pick<CertificateDescription, 'spiffeId' | 'organizationIdentifier' | 'psd2'> {
  return {
    ...(spiffeId === undefined ? {} : { spiffeId }),
    ...(organizationIdentifier === undefined ? {} : { organizationIdentifier }),
    ...(psd2 === undefined ? {} : { psd2: { roles: [...psd2.roles], nca: { ...psd2.nca } } }),
  };
}
