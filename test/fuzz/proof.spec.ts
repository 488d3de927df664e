import { fuzzRequests } from './fuzz-requests.js';

fuzzRequests('RFC9449-1 to 8', {
  focus: 'proof',
  share: 0.2,
  setups: ({ policy }) => policy.dpop !== undefined,
});
