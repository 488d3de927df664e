import { ATTRIBUTE_TYPES } from '../identity/attribute-types.js';
import type { CertificateIdentity } from '../identity/certificate-identity.js';
import { onlyValueOf } from '../identity/distinguished-name.js';
import { WEBSITE } from '../identity/qualified-statements.js';
import type { CertificatePolicySettings } from '../certificate-settings.js';

type Profile = NonNullable<CertificatePolicySettings['profile']>;

/** What a certificate lacks of a profile; `undefined` where nothing. */
export const PROFILES: Readonly<Record<Profile, (identity: CertificateIdentity) => string | undefined>> = {
  'psd2-qwac': qwacProblem,
  'open-banking-brazil': brazilProblem,
  spiffe: svidProblem,
};

/** The profiles whose certificates must name what they are for. */
export const NEEDS_USAGE: ReadonlySet<Profile> = new Set(['psd2-qwac', 'open-banking-brazil']);

/** `PSD`, country, authority, and a number of its own (ETSI TS 119 495 §5.2.1). */
const PSD2_IDENTIFIER = /^PSD[A-Z]{2}-[A-Z]{2,8}-.+$/;

function qwacProblem({ qualified, organizationIdentifier }: CertificateIdentity): string | undefined {
  const { fault, types, psd2 } = qualified;
  if (fault !== undefined) return `its qualified statements can't be read: ${fault}`;
  if (types.length !== 1 || types[0] !== WEBSITE)
    return 'it is no qualified certificate for a website (QcType)';
  if (psd2 === undefined || psd2.roles.length === 0) return 'it has no role of PSD2';
  return organizationIdentifier !== undefined && PSD2_IDENTIFIER.test(organizationIdentifier)
    ? undefined
    : 'it has no organizationIdentifier of PSD2, as PSDDE-BAFIN-123456';
}

const PARTICIPANT = /^(?:OFBBR|OPIBR)-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const CATEGORIES = new Set([
  'Private Organization',
  'Government Entity',
  'Business Entity',
  'Non-Commercial Entity',
]);

function brazilProblem({
  subject,
  organizationIdentifier,
  keyUsage,
}: CertificateIdentity): string | undefined {
  const { UID, C, serialNumber, businessCategory, jurisdictionC } = ATTRIBUTE_TYPES;
  const isWithin = (type: string, test: (value: string) => boolean): boolean => {
    const value = onlyValueOf(subject, type);
    return value !== undefined && test(value);
  };
  if (organizationIdentifier === undefined || !PARTICIPANT.test(organizationIdentifier))
    return 'it has no organizationIdentifier of a participant, as OFBBR- and a UUID';
  if (!isWithin(UID, (value) => value !== '')) return 'it has no UID: the id of the software statement';
  if (!isWithin(serialNumber, (value) => /^[\dA-Z]{12}\d{2}$/.test(value)))
    return 'its serialNumber is no CNPJ';
  if (!isWithin(businessCategory, (value) => CATEGORIES.has(value))) return 'it has no businessCategory';
  if (!isWithin(C, (value) => value === 'BR') || !isWithin(jurisdictionC, (value) => value === 'BR'))
    return 'its country, or its jurisdiction, is not BR';
  return keyUsage?.critical === true && keyUsage.digitalSignature && keyUsage.keyEncipherment
    ? undefined
    : 'its key usage is not critical, digitalSignature and keyEncipherment';
}

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';

/** X509-SVID §2, §4: of a workload, and of no CA. */
function svidProblem({
  spiffeId,
  isCa,
  keyUsage,
  extendedKeyUsage,
}: CertificateIdentity): string | undefined {
  if (spiffeId === undefined) return 'it has not exactly one URI, which is a SPIFFE id';
  if (isCa) return 'it is that of a CA';
  if (keyUsage?.critical !== true || !keyUsage.digitalSignature || keyUsage.keyCertSign || keyUsage.crlSign)
    return 'its key usage is not critical and digitalSignature, or its key may sign certificates or lists';
  const purposes = [CLIENT_AUTHENTICATION, SERVER_AUTHENTICATION];
  return extendedKeyUsage === undefined || purposes.every((purpose) => extendedKeyUsage.includes(purpose))
    ? undefined
    : 'its extended key usage is not both for clients and for servers';
}
