import { fuzzRequests } from './fuzz-requests.js';

fuzzRequests('RFC9440, INV2', {
  focus: 'certificate header',
  share: 0.13,
  setups: ({ policy }) => policy.certificate.from === 'header',
});
