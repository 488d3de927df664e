import { describe, expect, test } from 'vitest';
import { cookiesNamed } from '../../lib/request/cookies.js';

describe('cookies by their name', () => {
  test.each<[readonly string[], readonly string[]]>([
    [[], []],
    [['a=1'], []],
    [['s=1'], ['1']],
    [['a=1; s=2; b=3'], ['2']],
    [['a=1;s=2\t;  b=3'], ['2']],
    [['s=1; s=2'], ['1', '2']],
    [
      ['s=1', 'a=s; s=2'],
      ['1', '2'],
    ],
    [['s = x=y'], ['x=y']],
    [['s'], ['']],
    [['s='], ['']],
    [['S=1; ss=2; as=3; __Host-s=4'], []],
    [['a="; s=1'], ['1']],
    [['\u00a0s=1'], []],
  ])('the cookies named s of the headers %j are %j', (headers, values) => {
    expect(cookiesNamed('s', headers)).toEqual(values);
  });
});
