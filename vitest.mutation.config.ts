import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * What Stryker runs for each mutant: one way of guarding, one platform, nothing that builds or installs; nor what a
 * thread can't do, as to switch FIPS mode.
 */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^nestjs-cert-bound-auth\/testing$/, replacement: source('./lib/testing/index.ts') },
      { find: /^nestjs-cert-bound-auth$/, replacement: source('./lib/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.spec.ts'],
    exclude: [
      'test/package/**',
      'test/conformance/**',
      'test/redis/**',
      'test/proxies/**',
      'test/sample/**',
      'test/docs/**',
      'test/cli/**',
      'test/common/log.spec.ts',
      'test/crypto-unavailable.spec.ts',
      'test/soak/**',
      'test/forward-auth/**',
      'test/fuzz/**',
      'test/outage/**',
      'test/performance/**',
      'test/e2e/{watch-tls,oidc-provider,dpop-timeout,dpop-clients}.spec.ts',
      'test/hostile/hostile.{auth-guard,auth-guard-first,binding-guard,binding-guard-first,fast-path,scopes}.spec.ts',
    ],
    setupFiles: ['test/support/setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    env: { TEST_PLATFORMS: 'express' },
    bail: 1,
  },
});
