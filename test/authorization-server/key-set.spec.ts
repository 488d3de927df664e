import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import type { JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { candidatesAmong } from '../../lib/authorization-server/key-candidates.js';
import { PublishedKeys, singleKey } from '../../lib/authorization-server/key-set.js';

const jwk = (members: object = {}): JWK => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
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
])('RFC7517: a key %j is not meant for %s, whether or not it could be used', (key, algorithm) => {
  expect(candidatesAmong([key], algorithm)).toEqual({ kind: 'none', reason: 'key_unknown', details: {} });
});
