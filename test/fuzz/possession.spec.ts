import { fuzzRequests } from './fuzz-requests.js';

fuzzRequests('RFC8705-1 to 3, RFC7800', { focus: 'confirmation', share: 0.15, setups: () => true });

fuzzRequests('RFC9449-1 to 8', {
  focus: 'proof',
  share: 0.2,
  setups: ({ policy }) => policy.dpop !== undefined,
});

fuzzRequests('RFC9440, INV2', {
  focus: 'certificate header',
  share: 0.13,
  setups: ({ policy }) => policy.certificate.from === 'header',
});
