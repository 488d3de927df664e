import type {
  CustomClientCertificateOptions,
  HeaderClientCertificateOptions,
  TlsClientCertificateOptions,
} from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';

/** Where the client's certificate comes from. */
export type CertificateSettings =
  TlsCertificateSettings | HeaderCertificateSettings | CustomCertificateSettings;

/** The TLS connection. */
export type TlsCertificateSettings = SettingsOf<TlsClientCertificateOptions>;

/** A header of a trusted proxy. */
export type HeaderCertificateSettings = SettingsOf<
  HeaderClientCertificateOptions,
  'chainHeader' | 'verifyHeader'
>;

/** A function of the app. */
export type CustomCertificateSettings = SettingsOf<CustomClientCertificateOptions>;

/** Whether a certificate counts without a verified chain. */
export function chainTrust({ trust }: CertificateSettings): 'ca' | 'any' {
  return trust === 'any' ? 'any' : 'ca';
}
