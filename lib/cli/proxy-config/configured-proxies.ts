import type { AskingProxy } from '../../forward-auth/forward-auth.options.js';

/** The proxies that a configuration can be printed for. */
export const CONFIGURED_PROXIES: readonly AskingProxy[] = ['nginx', 'traefik', 'caddy', 'envoy'];
