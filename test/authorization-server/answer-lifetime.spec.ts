import { describe, expect, test } from 'vitest';
import { answerLifetime } from '../../lib/authorization-server/answer-lifetime.js';

describe('RFC9111: a server says for how long its answer may be used again', () => {
  test.each([
    ['', '', undefined],
    ['private', '', undefined],
    ['max-age=60', '', 60],
    ['Private, MAX-AGE=60', '', 60],
    ['max-age="60"', '', 60],
    ['max-age=60', '20', 40],
    ['max-age=60', '80', 0],
    ['max-age=60', 'rubbish', 60],
    ['max-age=60, s-maxage=10', '', 10],
    ['max-age=60,max-age=30', '', 30],
    ['max-age=-1', '', 0],
    ['max-age=rubbish', '', 0],
    ['max-age', '', 0],
    ['max-age=99999999999999999999', '', 0],
    ['no-cachet=1, max-age=60', '', 60],
  ])('an answer with Cache-Control “%s” and Age “%s” lasts for %s seconds', (cacheControl, age, seconds) => {
    expect(answerLifetime({ cacheControl, age })).toBe(seconds);
  });

  test.each([
    'no-store',
    'No-Store',
    'no-cache',
    'no-cache="set-cookie", max-age=60',
    'no-cache, no-store, max-age=0, must-revalidate',
  ])('nothing is said by “%s”, which servers send with everything', (cacheControl) => {
    expect(answerLifetime({ cacheControl, age: '' })).toBeUndefined();
  });
});
