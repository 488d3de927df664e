import { defineConfig } from 'vitest/config';
import config from './vitest.config.js';

/** What needs real proxies: nginx, HAProxy, Apache httpd, Caddy, Traefik and Envoy. Where one is missing, the suite fails. */
export default defineConfig({
  resolve: config.resolve ?? {},
  test: {
    include: ['test/proxies/**/*.spec.ts'],
    globalSetup: 'test/proxies/support/prepare.ts',
    setupFiles: ['test/support/setup.ts'],
    // They mostly wait.
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
