import { describe, expect, it } from 'vitest';
import { parseChallenges } from './challenge.js';
import { CERTIFICATE_TABLE, DPOP_TABLE } from './tables.js';

describe.each([
  { table: CERTIFICATE_TABLE, least: 190, leastAccepted: 15 },
  { table: DPOP_TABLE, least: 130, leastAccepted: 50 },
])('the hostile table of $table.name', ({ table: { rows }, least, leastAccepted }) => {
  it(`has at least ${least} rows, each with a name of its own`, () => {
    const names = rows.map((row) => row.name);
    expect(names.length).toBeGreaterThanOrEqual(least);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('has rows that must pass and more rows that must not, so that it can fail in both directions', () => {
    const accepted = rows.filter((row) => row.expect.every(({ kind }) => kind === 'accepted'));
    expect(accepted.length).toBeGreaterThanOrEqual(leastAccepted);
    expect(rows.length - accepted.length).toBeGreaterThan(accepted.length);
  });
});

it.each([1, 2, 3, 4, 5, 6, 7, 8])('the table of DPoP has at least two rows for RFC9449-%i', (line) => {
  const rows = DPOP_TABLE.rows.filter(({ name }) => new RegExp(String.raw`^RFC9449-${line}\b`).test(name));
  expect(rows.length).toBeGreaterThanOrEqual(2);
});

describe('the parser of challenges', () => {
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
  ])('reads the challenges of %j', (field, expected) => {
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
  ])('refuses %j, which is no list of challenges', (field) => {
    expect(() => parseChallenges(field)).toThrow();
  });
});
