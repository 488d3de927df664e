import { X509Certificate } from 'node:crypto';
import type { Psd2Role } from '../../cert-bound-auth.options.js';
import type { ClientCertificate } from '../client-certificate.js';
import { identityOf } from '../identity/certificate-identity.js';
import { PSD2_ROLES } from '../identity/qualified-statements.js';

export const NO_ROLES: readonly Psd2Role[] = [];

const ROLES: ReadonlySet<unknown> = new Set(PSD2_ROLES.values());

export function isPsd2Role(value: unknown): value is Psd2Role {
  return ROLES.has(value);
}

/** The roles of PSD2 in a certificate, read once; none where it can't be read, or only its digest is known. */
export function psd2RolesOf({ identity: x509 }: ClientCertificate): readonly Psd2Role[] {
  if (!(x509 instanceof X509Certificate)) return NO_ROLES;
  const identity = identityOf(x509);
  return 'fault' in identity ? NO_ROLES : (identity.qualified.psd2?.roles ?? NO_ROLES);
}
