import { describeForwardAuth } from './support/describe-forward-auth.js';

describeForwardAuth({
  kind: 'caddy',
  program: 'caddy-2.11',
  statuses: { malformed: 400, outage: 503, away: 502 },
});
