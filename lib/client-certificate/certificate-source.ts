import { X509Certificate } from 'node:crypto';
import { invalidToken } from '../challenge/oauth-error.js';
import { chainVerifier } from './chain/chain-verifier.js';
import { messageOf } from '../common/message-of.js';
import type { CertificateSettings, CustomCertificateSettings } from './certificate-settings.js';
import {
  type ClientCertificateFinding,
  type ClientCertificateSource,
  describeX509,
  tlsClientCertificate,
} from './client-certificate.js';
import { forwardedClientCertificate } from './forwarded-client-certificate.js';

/** Where an app finds the certificates of its clients. */
export function createCertificateSource(settings: CertificateSettings): ClientCertificateSource {
  switch (settings.from) {
    case 'tls':
      return tlsClientCertificate;
    case 'header':
      return forwardedClientCertificate(settings);
    case 'custom':
      return customClientCertificate(settings);
  }
}

/** @throws OAuthError 401 `invalid_token` when the app's function fails, or returns what is no certificate */
function customClientCertificate(source: CustomCertificateSettings): ClientCertificateSource {
  const verify = chainVerifier(source.trust);
  return (request): ClientCertificateFinding => {
    const x509 = readFound(() => source.find(request));
    if (x509 === undefined) {
      return { kind: 'none', reason: 'certificate_missing', detail: 'find returned no certificate' };
    }
    return { kind: 'found', certificate: describeX509(x509, () => verify(x509, [])) };
  };
}

function readFound(find: () => string | Uint8Array | null | undefined): X509Certificate | undefined {
  try {
    const found = find();
    return found === undefined || found === null ? undefined : new X509Certificate(found);
  } catch (cause) {
    throw invalidToken('certificate_source_failed', { detail: messageOf(cause), cause });
  }
}
