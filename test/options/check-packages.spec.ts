import { afterEach, expect, test, vi } from 'vitest';
import { checkPackages } from '../../lib/options/check-packages.js';
import type { ResolvedOptions } from '../../lib/options/resolve-options.js';

function optionsWith(trust: unknown): ResolvedOptions {
  return {
    clientCertificate: { from: 'custom', find: () => undefined, trust },
  } as unknown as ResolvedOptions;
}

afterEach(() => {
  vi.doUnmock('@peculiar/x509');
});

test('INV8: chains are verified with a package that may not be there: the boot says so', async () => {
  await expect(checkPackages(optionsWith({ ca: 'PEM' }))).resolves.toBeUndefined();
  vi.doMock('@peculiar/x509', () => {
    throw new Error('it is not installed');
  });
  await expect(checkPackages(optionsWith({ ca: 'PEM' }))).rejects.toThrow(
    'clientCertificate.trust (object): it needs a package: npm install @peculiar/x509',
  );
  await expect(checkPackages(optionsWith('any'))).resolves.toBeUndefined();
});
