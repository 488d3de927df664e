import type { AskingProxy } from '../../forward-auth/forward-auth.options.js';
import { ConfigurationFault, readServeConfig } from '../serve-config.js';
import { caddyConfig } from './caddy.js';
import { envoyConfig } from './envoy.js';
import { nginxConfig } from './nginx.js';
import { planProxy, type ProxyPlan } from './proxy-plan.js';
import { traefikConfig } from './traefik.js';

const PRINTERS: Readonly<Record<AskingProxy, (plan: ProxyPlan) => string>> = {
  nginx: nginxConfig,
  traefik: traefikConfig,
  caddy: caddyConfig,
  envoy: envoyConfig,
};

/**
 * The configuration of a proxy that asks `serve`, for the policies of its file: every header that an answer may have
 * replaces the client's own, and no token reaches the API.
 * @throws ConfigurationFault naming what this proxy cannot do, or what is wrong with the file
 */
export function proxyConfig(proxy: AskingProxy, file: string): string {
  const { plan, problems } = planProxy(proxy, readServeConfig(file));
  if (plan === undefined) throw new ConfigurationFault(file, problems);
  return PRINTERS[proxy](plan);
}
