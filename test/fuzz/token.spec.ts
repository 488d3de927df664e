import { fuzzRequests } from './fuzz-requests.js';

fuzzRequests('RFC6750-2, RFC6750-4, RFC9110', { focus: 'credentials', share: 0.15, setups: () => true });

fuzzRequests('RFC9068-1 to 3, RFC8725', {
  focus: 'jwt',
  share: 0.25,
  setups: ({ policy }) => policy.certificate.from === 'tls',
});

fuzzRequests('RFC7662-1, RFC7662-2', {
  focus: 'introspection',
  share: 0.12,
  setups: ({ policy }) => policy.issuers.some(({ introspection }) => introspection !== undefined),
});
