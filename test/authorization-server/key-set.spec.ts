import { createSecretKey } from 'node:crypto';
import type { JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { candidatesAmong } from '../../lib/authorization-server/key-candidates.js';
import { PublishedKeys, singleKey } from '../../lib/authorization-server/key-set.js';
import { newKeyPair } from '../support/key-pair.js';

const jwk = (members: object = {}): JWK => ({
  ...newKeyPair('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
  ...members,
});

describe('keys that are published again', () => {
  const [one, two, three] = [jwk({ kid: 'one' }), jwk({ kid: 'two' }), jwk({ kid: 'three' })];
  const older = (): PublishedKeys => PublishedKeys.from([one, two]);

  test('invariant 5: unchanged keys are the same set, in whatever order', () => {
    const before = older();
    expect(PublishedKeys.from([two, one]).replacing(before)).toBe(before);
    expect(before.groupFor('one')?.withdrawn).toBe(false);
    expect(before.groupFor(undefined)?.withdrawn).toBe(false);
  });

  test('invariant 5: a key that is gone is withdrawn, and the other one stays the same', () => {
    const before = older();
    const [keptBefore, goneBefore] = [before.groupFor('one'), before.groupFor('two')];
    const after = PublishedKeys.from([one, three]).replacing(before);
    expect([keptBefore?.withdrawn, goneBefore?.withdrawn]).toEqual([false, true]);
    expect(after.groupFor('one')).toBe(keptBefore);
    expect(after.groupFor('two')).toBeUndefined();
    expect(after.groupFor('three')?.withdrawn).toBe(false);
  });

  test('invariant 5: a key is withdrawn when another one takes its kid', () => {
    const before = older();
    const group = before.groupFor('one');
    const after = PublishedKeys.from([jwk({ kid: 'one' }), two]).replacing(before);
    expect(group?.withdrawn).toBe(true);
    expect(after.groupFor('one')?.withdrawn).toBe(false);
  });

  test('invariant 5: a second key with the same kid has everything verified again that the first one verified', () => {
    const before = older();
    const group = before.groupFor('one');
    PublishedKeys.from([one, jwk({ kid: 'one' }), two]).replacing(before);
    expect(group?.withdrawn).toBe(true);
  });

  test('invariant 5: any change withdraws whatever verified a token without kid', () => {
    const before = older();
    const all = before.groupFor(undefined);
    const after = PublishedKeys.from([one, two, three]).replacing(before);
    expect([all?.withdrawn, after.groupFor(undefined)?.withdrawn]).toEqual([true, false]);
  });

  test('keys that come back after they were gone are new keys', () => {
    const before = older();
    const group = before.groupFor('two');
    const without = PublishedKeys.from([one]).replacing(before);
    const again = PublishedKeys.from([one, two]).replacing(without);
    expect(group?.withdrawn).toBe(true);
    expect(again.groupFor('two')).not.toBe(group);
    expect(again.groupFor('two')?.withdrawn).toBe(false);
  });

  test('the first keys are taken as they are', () => {
    const keys = older();
    expect(keys.replacing(undefined)).toBe(keys);
  });
});

test('a kid that is not a string names no key', () => {
  const keys = PublishedKeys.from([jwk({ kid: 7 }), jwk({ kid: '7' })]);
  for (const kid of [7, null, true, ['7'], { kid: '7' }]) expect(keys.groupFor(kid)).toBeUndefined();
  expect(keys.groupFor('7')).not.toBe(keys.groupFor(undefined));
});

test('keys are imported once for each algorithm', () => {
  const group = PublishedKeys.from([jwk({ kid: 'one' })]).groupFor('one');
  expect(group?.keysFor('ES256')).toMatchObject({ kind: 'found', keys: [{ type: 'public' }] });
  expect(group?.keysFor('ES256')).toBe(group?.keysFor('ES256'));
  expect(group?.keysFor('ES384')).toEqual({ kind: 'none', reason: 'key_unknown', details: {} });
});

test('FAPI2-3: keys with the same kid are told apart by the algorithm that each is meant for', () => {
  const kid = 'same';
  const rsa = newKeyPair('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  const curve = newKeyPair('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' });
  const all = [
    { ...rsa, kid },
    { ...curve, kid },
    jwk({ kid }),
    jwk({ kid, use: 'enc' }),
    jwk({ kid, alg: 'ES512' }),
  ];
  const group = PublishedKeys.from(all).groupFor(kid);
  for (const [algorithm, details] of [
    ['RS256', { modulusLength: 2048 }],
    ['ES384', { namedCurve: 'secp384r1' }],
    ['ES256', { namedCurve: 'prime256v1' }],
  ] as const) {
    const found = group?.keysFor(algorithm);
    const keys = found?.kind === 'found' ? found.keys : [];
    expect(keys.map(({ asymmetricKeyDetails }) => asymmetricKeyDetails)).toMatchObject([details]);
  }
});

test('a secret is the key of every kid, and is never withdrawn', () => {
  const secret = createSecretKey(Buffer.alloc(32));
  const keys = singleKey(secret);
  for (const kid of [undefined, 'one']) {
    expect(keys.groupFor(kid)?.withdrawn).toBe(false);
    expect(keys.groupFor(kid)?.keysFor('HS256')).toEqual({ kind: 'found', keys: [secret] });
    expect(keys.groupFor(kid)).toBe(keys.groupFor('other'));
  }
});

test.each<readonly [JWK, 'RS256' | 'ES256' | 'EdDSA']>([
  [{ kty: 'EC' }, 'RS256'],
  [{ kty: 'OKP', crv: 'P-256' }, 'ES256'],
  [{ kty: 'EC', crv: 'Ed25519' }, 'EdDSA'],
  [{ kty: 'EC', crv: 'P-256', alg: 'ES384' }, 'ES256'],
  [{ kty: 'RSA', use: 'enc' }, 'RS256'],
  [{ kty: 'RSA', key_ops: ['encrypt'] }, 'RS256'],
])('RFC7517, FAPI2-3: a key %j is not meant for %s, whether or not it could be used', (key, algorithm) => {
  expect(candidatesAmong([key], algorithm)).toEqual({ kind: 'none', reason: 'key_unknown', details: {} });
});

describe('RFC7517: what restricts nothing rules out nothing', () => {
  const rsa = newKeyPair('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });

  test.each<readonly [string, object]>([
    ['crv', { crv: null }],
    ['crv', { crv: '' }],
    ['a crv that its type has not', { crv: 'P-256', x: 'AA', y: 'AA' }],
    ['alg', { alg: null }],
    ['alg', { alg: '' }],
    ['use', { use: null }],
    ['use', { use: '' }],
    ['key_ops', { key_ops: [] }],
    ['key_ops', { key_ops: null }],
    ['private members', { d: null, p: null, q: '', dp: null, dq: null, qi: null, oth: [], k: null }],
  ])('an RSA key with an empty %s verifies: %j', (_, members) => {
    const group = PublishedKeys.from([{ ...rsa, ...members, kid: 'own' }]).groupFor('own');
    expect(group?.keysFor('RS256')).toMatchObject({ kind: 'found' });
  });

  test('a key that is published with a part of its private half is none, by whatever name', () => {
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) {
      expect(PublishedKeys.from([{ ...rsa, [member]: 'AQAB', kid: 'own' }]).groupFor('own')).toBeUndefined();
    }
  });
});

describe('RFC8725: keys are found fit before anything is done with them', () => {
  /** An RSA key of so many bits, whose factors nobody knows. */
  const rsa = (bits: number, members: object = {}): JWK => {
    const n = Buffer.alloc(bits / 8, 0xff);
    n.writeUInt32BE((next += 1) + 0x80000000, 0);
    return { kty: 'RSA', n: n.toString('base64url'), e: 'AQAB', ...members };
  };
  let next = 0;
  const LARGE_EXPONENT = Buffer.alloc(384, 0x55).toString('base64url');

  test('ten keys with exponents of 3071 bits cost no import and no signature', () => {
    const keys = Array.from({ length: 10 }, () => rsa(3072, { e: LARGE_EXPONENT }));
    expect(candidatesAmong(keys, 'RS256')).toMatchObject({
      kind: 'none',
      reason: 'key_unusable',
      details: { detail: expect.stringContaining('unfit') as string },
    });
  });

  test('one that anybody can sign with hides none that is fit', () => {
    const found = candidatesAmong([rsa(2048, { e: 'AQ' }), rsa(2048, { e: 'Aw' }), rsa(2048)], 'RS256');
    expect(found).toMatchObject({ kind: 'found', keys: [{ type: 'public' }] });
    expect(found.kind === 'found' && found.keys).toHaveLength(1);
  });

  test('what verifying with all of them costs is bounded, whatever their sizes; one alone is never too much', () => {
    const large = Buffer.from('ffffffff', 'hex').toString('base64url');
    const counts = (
      [
        [2048, 'AQAB'],
        [4096, 'AQAB'],
        [8192, 'AQAB'],
        [8192, large],
      ] as const
    ).map(([bits, e]) => {
      const found = candidatesAmong(
        Array.from({ length: 20 }, () => rsa(bits, { e })),
        'RS256',
      );
      return found.kind === 'found' ? found.keys.length : 0;
    });
    expect(counts).toEqual([10, 10, 4, 1]);
  });

  test.each([
    ['prime256v1', 'ES256', 10],
    ['secp384r1', 'ES384', 4],
    ['secp521r1', 'ES512', 4],
  ] as const)(
    'a token without kid is tried with few keys of a curve that OpenSSL is slow with: of %s by %s with %i',
    (namedCurve, algorithm, count) => {
      const keys = Array.from(
        { length: 12 },
        () => newKeyPair('ec', { namedCurve }).publicKey.export({ format: 'jwk' }) as JWK,
      );
      expect(candidatesAmong(keys, algorithm)).toMatchObject({ kind: 'found', keys: { length: count } });
    },
  );

  test('a key that is published many times counts once', () => {
    const [same, other] = [jwk(), jwk()];
    const found = candidatesAmong(
      [...Array.from({ length: 20 }, (_, index) => ({ ...same, kid: `kid-${index}` })), other],
      'ES256',
    );
    expect(found).toMatchObject({ kind: 'found', keys: { length: 2 } });
  });

  test('a key of Ed25519 that any signature fits is none', () => {
    const x = Buffer.from(`01${'00'.repeat(31)}`, 'hex').toString('base64url');
    const found = candidatesAmong([{ kty: 'OKP', crv: 'Ed25519', x }], 'EdDSA');
    expect(found).toMatchObject({ kind: 'none', reason: 'key_unusable' });
  });
});
