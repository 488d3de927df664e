import { CertBoundAuthConfigurationError } from 'nestjs-cert-bound-auth';
import { expect } from 'vitest';

/** What stops the boot of an app; empty where it starts, and is closed again. */
export async function bootMessage(boot: Promise<{ close(): Promise<unknown> }>): Promise<string> {
  return boot.then(
    async (app) => {
      await app.close();
      return '';
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(CertBoundAuthConfigurationError);
      return (error as Error).message;
    },
  );
}
