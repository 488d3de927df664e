import type {
  CertificatePolicyOptions,
  CustomClientCertificateOptions,
  HeaderClientCertificateOptions,
  TlsClientCertificateOptions,
} from '../cert-bound-auth.options.js';
import type { CaTrust } from './chain/ca-trust.js';
import type { SettingsOf } from '../common/settings-of.js';
import type { RevocationSettings } from './revocation/revocation-settings.js';

/** What must hold of a certificate beside its chain. */
interface Checks {
  readonly policy: CertificatePolicySettings | undefined;
  readonly revocation: RevocationSettings | undefined;
}

/** Who verifies chains. */
interface ChecksChain {
  readonly trust: 'proxy' | 'any' | CaTrust;
}

/** Where the client's certificate comes from. */
export type CertificateSettings =
  TlsCertificateSettings | HeaderCertificateSettings | CustomCertificateSettings;

/** The TLS connection. */
export type TlsCertificateSettings = SettingsOf<TlsClientCertificateOptions, never, Checks>;

/** A header of a trusted proxy. */
export type HeaderCertificateSettings = SettingsOf<
  HeaderClientCertificateOptions,
  'chainHeader' | 'verifyHeader',
  Checks & ChecksChain
>;

/** A function of the app. */
export type CustomCertificateSettings = SettingsOf<
  CustomClientCertificateOptions,
  never,
  Checks & ChecksChain
>;

/** Whose certificates count. */
export type CertificatePolicySettings = SettingsOf<
  CertificatePolicyOptions,
  'issuers' | 'allow' | 'deny' | 'defaultPrincipal' | 'client' | 'profile'
>;

/** Whether a certificate counts without a verified chain. */
export function chainTrust({ trust }: CertificateSettings): 'ca' | 'any' {
  return trust === 'any' ? 'any' : 'ca';
}
