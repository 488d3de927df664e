import { mergeConfig } from 'vitest/config';
import config from './vitest.config.js';

/**
 * What Stryker runs for each mutant: one way of guarding, one platform, nothing that builds or installs; nor what a
 * thread can't do, as to switch FIPS mode.
 */
export default mergeConfig(config, {
  test: {
    exclude: [
      'test/package/**',
      'test/redis/**',
      'test/proxies/**',
      'test/sample/**',
      'test/docs/**',
      'test/cli/**',
      'test/crypto-unavailable.spec.ts',
      'test/soak/**',
      'test/forward-auth/**',
      'test/fuzz/**',
      'test/outage/**',
      'test/performance/**',
      'test/e2e/{watch-tls,oidc-provider,dpop-timeout,dpop-clients}.spec.ts',
      'test/hostile/hostile.{auth-guard,auth-guard-first,binding-guard,binding-guard-first,fast-path,scopes}.spec.ts',
      'test/hostile-dpop/dpop.{auth-guard,auth-guard-first,binding-guard,binding-guard-first,fast-path,scopes}.spec.ts',
    ],
    env: { TEST_PLATFORMS: 'express' },
    bail: 1,
  },
});
