import { describeForwardAuth } from './support/describe-forward-auth.js';

describeForwardAuth({
  kind: 'nginx',
  // nginx knows 2xx, 401 and 403, and takes anything else for an error of its own.
  statuses: { malformed: 401, outage: 500, away: 500 },
});
