import { fuzzRequests } from './fuzz-requests.js';

fuzzRequests('RFC8705-1 to 3, RFC7800', { focus: 'confirmation', share: 0.15, setups: () => true });
