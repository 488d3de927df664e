import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import { describeAnswer, outcomeOf } from '../../sample-app/development/demo-outcome.js';

const REFUSED = 'error="invalid_token", error_description="Not valid"';
const ALGORITHMS = 'algs="ES256 PS256"';

describe('an answer in short form', () => {
  it.each<[string, number, IncomingHttpHeaders, string, string]>([
    ['of a success is its status', 200, {}, '200', '200'],
    [
      'of a refusal has its error code, and not its prose',
      401,
      { 'www-authenticate': `Bearer ${REFUSED}` },
      '401 invalid_token',
      '401 Bearer error="invalid_token"',
    ],
    [
      'of a refusal with two schemes has both, without the algorithms of proofs',
      401,
      { 'www-authenticate': `Bearer ${REFUSED}, DPoP ${ALGORITHMS}` },
      '401 invalid_token',
      '401 Bearer error="invalid_token", DPoP',
    ],
    [
      'of a refused proof has the scheme DPoP',
      401,
      { 'www-authenticate': `DPoP error="use_dpop_nonce", error_description="Use it", ${ALGORITHMS}` },
      '401 use_dpop_nonce',
      '401 DPoP error="use_dpop_nonce"',
    ],
    [
      'of a request without credentials has the schemes and no error code',
      401,
      { 'www-authenticate': `Bearer, DPoP ${ALGORITHMS}` },
      '401 Bearer, DPoP',
      '401 Bearer, DPoP',
    ],
    ['of a refusal without challenge says so', 401, {}, '401 without challenge', '401'],
    [
      'of an outage has when to try again',
      503,
      { 'retry-after': '5' },
      '503 Retry-After',
      '503 Retry-After: 5',
    ],
  ])('the short form %s', (_case, status, headers, outcome, description) => {
    const answer = { status, headers, body: '' };

    expect(outcomeOf(answer)).toBe(outcome);
    expect(describeAnswer(answer)).toBe(description);
  });
});
