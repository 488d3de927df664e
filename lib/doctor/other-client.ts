import type { ClientIdentity } from './api.js';

/** A certificate that nobody has issued, by which a thief is played; `undefined` where nothing can make one. */
export async function thief(): Promise<ClientIdentity | undefined> {
  try {
    // What makes certificates needs a package that not every app has.
    const { selfSignedCertificate } = await import('../testing/test-certificate-authority.js');
    return await selfSignedCertificate('doctor');
  } catch {
    return undefined;
  }
}
