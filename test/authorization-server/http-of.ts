import { AuthorizationServerHttp } from '../../lib/authorization-server/authorization-server-http.js';
import type { AuthorizationServerHttpSettings } from '../../lib/authorization-server/http-settings.js';
import { whenOver, type World } from '../support/world.js';

/** Calls to the test authorization servers of a world; they end with the test. */
export function httpOf(
  { ca }: World,
  settings: Partial<AuthorizationServerHttpSettings> = {},
): AuthorizationServerHttp {
  const http = new AuthorizationServerHttp('https://as.example.com', {
    connectTimeout: 3_000,
    timeout: 5_000,
    maxResponseSize: 1_048_576,
    maxConnections: 64,
    proxy: undefined,
    allowLoopbackHttp: false,
    tls: { ca: ca.cert },
    ...settings,
  });
  whenOver(async () => http.close());
  return http;
}
