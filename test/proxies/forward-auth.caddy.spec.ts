import { describeForwardAuth } from './support/describe-forward-auth.js';

describeForwardAuth({
  kind: 'caddy',
  file: 'forward-auth-caddy.Caddyfile',
  config: { 'proxy: nginx': 'proxy: caddy' },
  // Caddy hands on any answer but 2xx as it is.
  statuses: { malformed: 400, outage: 503, away: 502 },
});
