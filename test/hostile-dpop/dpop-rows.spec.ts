import { describe, expect, it } from 'vitest';
import { parseChallenges } from './dpop-challenges.js';
import { DPOP_ROWS } from './dpop-rows.js';

describe('the hostile table of DPoP', () => {
  it('has at least 130 rows, each with a name of its own', () => {
    const names = DPOP_ROWS.map((row) => row.name);
    expect(names.length).toBeGreaterThanOrEqual(130);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('can fail in both directions', () => {
    const accepted = DPOP_ROWS.filter((row) => row.expect.every(({ kind }) => kind === 'accepted'));
    expect(accepted.length).toBeGreaterThanOrEqual(50);
    expect(DPOP_ROWS.length - accepted.length).toBeGreaterThan(accepted.length);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('proves RFC9449-%i', (line) => {
    const rows = DPOP_ROWS.filter(({ name }) => new RegExp(String.raw`^RFC9449-${line}\b`).test(name));
    expect(rows.length).toBeGreaterThanOrEqual(2);
  });
});

describe('the parser of several challenges', () => {
  it.each([
    ['Bearer', [['Bearer', {}]]],
    [
      'Bearer, DPoP algs="ES256 PS256"',
      [
        ['Bearer', {}],
        ['DPoP', { algs: 'ES256 PS256' }],
      ],
    ],
    [
      'Bearer error="x", error_description="a, b=\\"c\\"", DPoP algs=ES256',
      [
        ['Bearer', { error: 'x', error_description: 'a, b="c"' }],
        ['DPoP', { algs: 'ES256' }],
      ],
    ],
    [
      'DPoP algs="ES256" , Bearer',
      [
        ['DPoP', { algs: 'ES256' }],
        ['Bearer', {}],
      ],
    ],
  ])('reads %j', (field, expected) => {
    const read = parseChallenges(field).map(({ scheme, parameters }) => [
      scheme,
      Object.fromEntries(parameters),
    ]);
    expect(read).toEqual(expected);
  });

  it.each([
    '',
    ',',
    'Bearer,',
    'Bearer,, DPoP',
    'error="x"',
    'Bearer, error="x"',
    'Bearer error="x',
    'Bearer error="a"b"',
    'Bearer error="a", error="b"',
    'Bearer a b',
    'Bearer error="a" DPoP',
    'Bearer error=a b',
  ])('refuses %j', (field) => {
    expect(() => parseChallenges(field)).toThrow();
  });
});
