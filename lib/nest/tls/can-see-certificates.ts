import type { CertificateSettings } from '../../client-certificate/certificate-settings.js';
import { asksForCertificate } from '../../tls/asks-for-certificate.js';

/**
 * Whether a client of this server can prove a certificate at all. Where a proxy passes certificates on, it may be the only
 * one that needs to prove one to us.
 */
export function canSeeCertificates(server: unknown, source: CertificateSettings): boolean {
  if (asksForCertificate(server) || source.from === 'custom') return true;
  return source.from === 'header' && source.trustedProxies.some((proxy) => typeof proxy === 'string');
}
