import { describe, expect, it } from 'vitest';
import { parseChallenge } from './challenge.js';
import { HOSTILE_ROWS } from './hostile-rows.js';

describe('the hostile table', () => {
  it('has at least 190 rows, each with a name of its own', () => {
    const names = HOSTILE_ROWS.map((row) => row.name);
    expect(names.length).toBeGreaterThanOrEqual(190);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('can fail in both directions', () => {
    const accepted = HOSTILE_ROWS.filter((row) => row.expect.status === 200);
    expect(accepted.length).toBeGreaterThanOrEqual(15);
    expect(HOSTILE_ROWS.length - accepted.length).toBeGreaterThan(accepted.length);
  });
});

describe('the parser of challenges', () => {
  it('reads tokens and quoted strings', () => {
    const { scheme, parameters } = parseChallenge('Bearer realm="a \\"b\\"", error=invalid_token');
    expect([scheme, ...parameters]).toEqual(['Bearer', ['realm', 'a "b"'], ['error', 'invalid_token']]);
    expect(parseChallenge('Bearer').parameters.size).toBe(0);
  });

  it.each(['', 'Bearer error="x', 'Bearer error="a"b"', 'Bearer error="a", error="b"', 'Bearer a b'])(
    'refuses %j',
    (field) => {
      expect(() => parseChallenge(field)).toThrow();
    },
  );
});
