import type {
  CertificatePolicyOptions,
  CustomClientCertificateOptions,
  HeaderClientCertificateOptions,
  TlsClientCertificateOptions,
} from '../cert-bound-auth.options.js';
import type { SettingsOf } from '../common/settings-of.js';

/** Where the client's certificate comes from. */
export type CertificateSettings =
  TlsCertificateSettings | HeaderCertificateSettings | CustomCertificateSettings;

/** The TLS connection. */
export type TlsCertificateSettings = WithPolicy<SettingsOf<TlsClientCertificateOptions, 'policy'>>;

/** A header of a trusted proxy. */
export type HeaderCertificateSettings = WithPolicy<
  SettingsOf<HeaderClientCertificateOptions, 'chainHeader' | 'verifyHeader' | 'policy'>
>;

/** A function of the app. */
export type CustomCertificateSettings = WithPolicy<SettingsOf<CustomClientCertificateOptions, 'policy'>>;

/** Whose certificates count. */
export type CertificatePolicySettings = SettingsOf<
  CertificatePolicyOptions,
  'issuers' | 'allow' | 'deny' | 'defaultPrincipal' | 'client' | 'profile'
>;

type WithPolicy<Settings> = Omit<Settings, 'policy'> & {
  readonly policy?: CertificatePolicySettings | undefined;
};

/** Whether a certificate counts without a verified chain. */
export function chainTrust({ trust }: CertificateSettings): 'ca' | 'any' {
  return trust === 'any' ? 'any' : 'ca';
}
