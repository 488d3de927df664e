import { requireExtensionReader } from '../client-certificate/chain/certificate-extensions.js';
import { CertBoundAuthConfigurationError, problem } from './configuration-error.js';
import type { ResolvedOptions } from './resolve-options.js';

/** Checks that the packages are there that only some configurations need. @throws CertBoundAuthConfigurationError */
export async function checkPackages({ clientCertificate: { trust } }: ResolvedOptions): Promise<void> {
  if (typeof trust === 'string') return;
  try {
    await requireExtensionReader();
  } catch {
    const remedy = 'it needs a package: npm install @peculiar/x509';
    throw new CertBoundAuthConfigurationError([problem('clientCertificate.trust', trust, remedy)]);
  }
}
