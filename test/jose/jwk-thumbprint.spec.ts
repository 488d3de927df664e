import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { jwkThumbprint } from '../../lib/jose/jwk-thumbprint.js';

describe('RFC7638: the thumbprint of a key', () => {
  test('the thumbprint of the example in RFC 7638 §3.1 is the one given there', () => {
    const jwk = {
      kty: 'RSA',
      n:
        '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3' +
        'oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgd' +
        'AZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCu' +
        'r-kEgU8awapJzKnqDKgw',
      e: 'AQAB',
      alg: 'RS256',
      kid: '2011-04-29',
    };
    expect(jwkThumbprint(jwk)).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs');
  });

  test.each(['ES256', 'ES384', 'ES512', 'RS256', 'Ed25519'])(
    'the thumbprint of a key for %s is the same as by jose',
    async (algorithm) => {
      const { publicKey } = await generateKeyPair(algorithm, { extractable: true });
      const jwk = await exportJWK(publicKey);
      expect(jwkThumbprint({ ...jwk, use: 'sig', x5c: [] })).toBe(await calculateJwkThumbprint(jwk));
    },
  );

  test.each<JWK>([
    {},
    { kty: 'oct', k: 'AA' },
    { kty: 'toString' },
    { kty: '__proto__' },
    { kty: 7 as never },
    { kty: { toString: 1, valueOf: 1 } as never },
    { kty: 'EC', crv: 'P-256', x: 'AA' },
    { kty: 'EC', crv: 'P-256', x: 'AA', y: 7 as never },
    { kty: 'RSA', n: 'AA' },
    { kty: 'OKP', x: 'AA' },
    Object.assign(Object.create({ y: 'AA' }) as JWK, { kty: 'EC', crv: 'P-256', x: 'AA' }),
  ])('the key %j has no thumbprint', (jwk) => {
    expect(jwkThumbprint(jwk)).toBeUndefined();
  });
});
