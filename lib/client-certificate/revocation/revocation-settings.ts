import type {
  OcspOptions,
  RevocationListOptions,
  CertificateRevocationOptions,
} from '../../cert-bound-auth.options.js';
import type { SettingsOf } from '../../common/settings-of.js';

/** How it is found out whether certificates are revoked. */
export type RevocationSettings = SettingsOf<
  CertificateRevocationOptions,
  'crl' | 'ocsp',
  { readonly crl: RevocationListSettings | undefined; readonly ocsp: OcspSettings | undefined }
>;

/** Where revocation lists are. */
export type RevocationListSettings = SettingsOf<RevocationListOptions>;

/** Which responders are asked. */
export type OcspSettings = SettingsOf<OcspOptions, 'responder'>;
