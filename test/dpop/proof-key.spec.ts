import type { JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { readProofKey } from '../../lib/dpop/proof-key.js';

/** An RSA key of so many base64url characters. */
const rsa = (modulus: number, exponent: number): JWK => ({
  kty: 'RSA',
  n: 'A'.repeat(modulus),
  e: 'A'.repeat(exponent),
});
const ed25519 = (x?: unknown): object => ({ kty: 'OKP', crv: 'Ed25519', x });

const REFUSED = expect.objectContaining({ reason: 'proof_key_unusable' }) as Error;

describe('RFC9449-1: the key of a proof', () => {
  test('the largest RSA key has 4096 bits and an exponent of 32', () => {
    expect(readProofKey(rsa(683, 6))).toEqual(rsa(683, 6));
    expect(() => readProofKey(rsa(684, 6))).toThrow(REFUSED);
    expect(() => readProofKey(rsa(683, 7))).toThrow(REFUSED);
    for (const other of [undefined, null, 7, ['A'], { length: 1 }]) {
      expect(() => readProofKey({ ...rsa(683, 6), n: other }), `n: ${JSON.stringify(other)}`).toThrow(
        REFUSED,
      );
      expect(() => readProofKey({ ...rsa(683, 6), e: other }), `e: ${JSON.stringify(other)}`).toThrow(
        REFUSED,
      );
    }
  });

  test.each([
    ['P-256', 43],
    ['P-384', 64],
    ['P-521', 88],
  ] as const)('a key of %s must have both its coordinates in full, of %i characters', (crv, length) => {
    const coordinate = 'A'.repeat(length);
    const right = { kty: 'EC', crv, x: coordinate, y: coordinate };
    expect(readProofKey(right)).toEqual(right);
    for (const other of [undefined, 7, '', coordinate.slice(1), `${coordinate}A`]) {
      expect(() => readProofKey({ ...right, x: other }), `x: ${String(other)}`).toThrow(REFUSED);
      expect(() => readProofKey({ ...right, y: other }), `y: ${String(other)}`).toThrow(REFUSED);
    }
  });

  test('a curve of another name has no key, and is no error of ours', () => {
    for (const crv of [
      undefined,
      null,
      'secp256k1',
      'p-256',
      'toString',
      ['P-256'],
      { toString: 1, valueOf: 1 },
    ]) {
      const x = 'A'.repeat(43);
      expect(() => readProofKey({ kty: 'EC', crv, x, y: x }), JSON.stringify(crv)).toThrow(REFUSED);
      expect(() => readProofKey({ kty: 'OKP', crv, x }), JSON.stringify(crv)).toThrow(REFUSED);
      expect(() => readProofKey({ kty: 'EC', crv }), JSON.stringify(crv)).toThrow(REFUSED);
    }
  });

  test('a key of Ed25519 must have its one coordinate in full, spelt in the only way', () => {
    const x = 'A'.repeat(43);
    expect(readProofKey(ed25519(x))).toEqual(ed25519(x));
    for (const other of [undefined, '', 'AA', `${x}A`, `${x}=`, `${'A'.repeat(42)}B`, `${'A'.repeat(42)}+`]) {
      expect(() => readProofKey(ed25519(other)), String(other)).toThrow(REFUSED);
    }
  });
});
