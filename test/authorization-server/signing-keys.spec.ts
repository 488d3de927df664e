import { type KeyObject } from 'node:crypto';
import { decodeProtectedHeader, type JWK } from 'jose';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  fixedSigningKeys,
  RemoteSigningKeys,
  sharedSecret,
  type SigningKeys,
} from '../../lib/authorization-server/signing-keys.js';
import { isPublicSigningKey, type KeyGroup, PublishedKeys } from '../../lib/authorization-server/key-set.js';
import { acceptedAlgorithm, verifySignature } from '../../lib/authorization-server/verify-signature.js';
import { compactJws, ecdsa, hmac, jsonText, paddedDigest } from '../hostile/raw-jws.js';
import { createWorld, startAuthorizationServer, type World } from '../support/world.js';
import { eventually } from '../support/eventually.js';
import { httpOf } from './http-of.js';
import { newKeyPair } from '../support/key-pair.js';

const NOW = Date.now();
const RULES = { refreshAfter: 600, maxAge: 600, staleIfError: 0 };

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

const keysOf = (as: TestAuthorizationServer): RemoteSigningKeys =>
  new RemoteSigningKeys('keys', httpOf(world), () => as.jwksUri, RULES);

/** Keys whose fetches wait until the test answers them. */
function answeredByHand() {
  const calls: { readonly purpose: string }[] = [];
  const answers: ((keys: readonly JWK[]) => void)[] = [];
  const http = {
    call: async (_url: string, call: { readonly purpose: string }) => {
      calls.push(call);
      return new Promise((answer) => {
        answers.push((keys) => answer({ status: 200, contentType: '', body: JSON.stringify({ keys }) }));
      });
    },
  };
  const keys = new RemoteSigningKeys('keys', http as never, () => 'https://as.example.com/jwks', RULES);
  return { keys, answers, calls };
}

const verify = async (token: string, keys: SigningKeys): Promise<KeyGroup> => {
  const { alg, kid } = decodeProtectedHeader(token);
  const algorithm = acceptedAlgorithm(alg, ['ES256', 'RS256', 'HS256']);
  if (algorithm === undefined) throw new TypeError('that is for the header checks');
  return verifySignature({ jws: token, algorithm, kid }, keys);
};

describe('keys that are published at a URL', () => {
  test('keys are asked for once by everyone who needs them together, and then not for ten minutes', async () => {
    const as = await startAuthorizationServer(world);
    const keys = keysOf(as);
    const [first, ...others] = await Promise.all([keys.current(), keys.current(), keys.current()]);
    for (const other of others) expect(other).toBe(first);
    expect(as.requests).toMatchObject([
      { method: 'GET', path: '/jwks', headers: { accept: 'application/jwk-set+json, application/json' } },
    ]);
    vi.setSystemTime(NOW + 599_999);
    expect(await keys.current()).toBe(first);
    expect(as.count('jwks')).toBe(1);
    await as.rotateKeys();
    vi.setSystemTime(NOW + 600_000);
    expect(await keys.current()).not.toBe(first);
    expect(as.count('jwks')).toBe(2);
  });

  test('keys are renewed once for all callers whose token fits none of them', async () => {
    const as = await startAuthorizationServer(world);
    const keys = keysOf(as);
    const old = await keys.current();
    await as.rotateKeys();
    const renewed = await keys.renew(old);
    expect(renewed).toBe(await keys.current());
    expect(await keys.renew(old)).toBe(renewed);
    expect(as.count('jwks')).toBe(2);
  });

  test('keys can be renewed before they are ever needed', async () => {
    const as = await startAuthorizationServer(world);
    const keys = keysOf(as);
    expect(await keys.renew(await keysOf(as).current())).toBe(await keys.current());
    expect(as.count('jwks')).toBe(2);
  });

  test('keys are left alone for two seconds after a renewal that brought nothing new, in whatever order', async () => {
    const as = await startAuthorizationServer(world);
    const first = as.signingKey.jwk;
    await as.rotateKeys();
    const publish = (...keys: readonly JWK[]): void =>
      as.behave('jwks', { status: 200, body: JSON.stringify({ keys }) });
    publish(first, as.signingKey.jwk);
    const keys = keysOf(as);
    const known = await keys.current();
    publish(as.signingKey.jwk, first);
    expect(await keys.renew(known)).toBeUndefined();
    expect(as.count('jwks')).toBe(2);
    vi.setSystemTime(NOW + 1_999);
    expect(await keys.renew(known)).toBeUndefined();
    expect(as.count('jwks')).toBe(2);
    vi.setSystemTime(NOW + 2_000);
    expect(await keys.renew(known)).toBeUndefined();
    expect(as.count('jwks')).toBe(3);
  });

  test('keys are fetched once more when a fetch is under way that may have begun too early', async () => {
    const [one, two] = [pair(), pair()];
    const { keys, answers } = answeredByHand();
    const [older, newer] = [jwkOf(one.publicKey, 'one'), jwkOf(two.publicKey, 'two')];
    const known = keys.current();
    await eventually(() => answers.length === 1);
    answers[0]?.([older]);
    const tried = await known;
    const early = keys.refresh();
    await eventually(() => answers.length === 2);
    const verified = verify(signed(two.privateKey, 'two'), keys);
    const renewed = keys.renew(tried);
    answers[1]?.([older]);
    await early;
    await eventually(() => answers.length === 3);
    answers[2]?.([older, newer]);
    expect((await verified).withdrawn).toBe(false);
    expect(await renewed).toBe(await keys.current());
    expect(await renewed).not.toBe(tried);
  });

  test('keys are not fetched again when a fetch under way brings the key', async () => {
    const [one, two] = [pair(), pair()];
    const [older, newer] = [jwkOf(one.publicKey, 'one'), jwkOf(two.publicKey, 'two')];
    const { keys, answers, calls } = answeredByHand();
    const known = keys.current();
    await eventually(() => answers.length === 1);
    answers[0]?.([older]);
    await known;
    const refreshed = keys.refresh();
    await eventually(() => answers.length === 2);
    const verified = verify(signed(two.privateKey, 'two'), keys);
    answers[1]?.([older, newer]);
    await refreshed;
    expect((await verified).withdrawn).toBe(false);
    expect(calls).toMatchObject([{ purpose: 'keys' }, { purpose: 'keys' }]);
  }, 3_000);

  test('keys that replace others count as new, however often they change', async () => {
    const as = await startAuthorizationServer(world);
    const keys = keysOf(as);
    let tried = await keys.current();
    for (let rotation = 1; rotation <= 3; rotation++) {
      await as.rotateKeys({ keep: false });
      expect(await keys.renew(tried)).not.toBeUndefined();
      tried = await keys.current();
      expect(as.count('jwks')).toBe(1 + rotation);
    }
    await verify(await as.accessToken(), keys);
  });

  test.each([
    [404, '{"keys":[]}'],
    [500, ''],
    [200, '[]'],
    [200, '<html>'],
    [200, '{}'],
    [200, '{"keys":{}}'],
  ])('invariant 3: an answer %i %s is an outage, and is not kept', async (status, body) => {
    const as = await startAuthorizationServer(world);
    const keys = keysOf(as);
    as.behave('jwks', { status, body });
    await expect(keys.current()).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_answer_invalid',
      detail: `GET ${as.jwksUri}: status ${status}, no JWK Set`,
    });
    as.behave('jwks', 'normal');
    vi.setSystemTime(NOW + 100);
    await verify(await as.accessToken(), keys);
  });

  test('invariant 3: a set of more than a thousand keys is an outage', async () => {
    const as = await startAuthorizationServer(world);
    const publish = (count: number): void =>
      as.behave('jwks', {
        status: 200,
        body: JSON.stringify({
          keys: [...Array.from({ length: count - 1 }, () => ({ kty: 'EC' })), as.signingKey.jwk],
        }),
      });
    const keys = keysOf(as);
    publish(1_001);
    await expect(keys.current()).rejects.toMatchObject({
      reason: 'authorization_server_answer_invalid',
      detail: `GET ${as.jwksUri}: more than 1000 keys`,
    });
    publish(1_000);
    vi.setSystemTime(NOW + 100);
    await verify(await as.accessToken(), keys);
  });

  test('keys are fetched at once when operations say so, whatever their age', async () => {
    const as = await startAuthorizationServer(world);
    const keys = keysOf(as);
    const first = await verify(await as.accessToken(), keys);
    await as.rotateKeys({ keep: false });
    await keys.refresh();
    expect([first.withdrawn, as.count('jwks')]).toEqual([true, 2]);
    expect((await verify(await as.accessToken(), keys)).withdrawn).toBe(false);
    expect(as.count('jwks')).toBe(2);
  });

  test('invariant 3: a server that is down is an outage, and the log says what was called', async () => {
    const as = await startAuthorizationServer(world);
    await as.stop();
    await expect(keysOf(as).current()).rejects.toMatchObject({
      refusal: { status: 503 },
      reason: 'authorization_server_unreachable',
      detail: expect.stringContaining(`GET ${as.jwksUri}: Error: connect ECONNREFUSED`),
    });
  });
});

const pair = () => newKeyPair('ec', { namedCurve: 'P-256' });
const jwkOf = (key: KeyObject, kid?: string): JWK => ({
  ...key.export({ format: 'jwk' }),
  ...(kid === undefined ? {} : { kid }),
});
const signed = (key: KeyObject, kid?: string): string =>
  compactJws(jsonText({ alg: 'ES256', kid }), '{}', ecdsa(key));

describe('the signature of a token', () => {
  const [known, other] = [pair(), pair()];
  const refused = (reason: string, detail?: string): object => ({
    refusal: { status: 401, code: 'invalid_token' },
    reason,
    detail,
  });

  test('RFC8725: a signature by an unknown key is refused as such, before and after the cool-down', async () => {
    const as = await startAuthorizationServer(world);
    const keys = keysOf(as);
    for (const _ of [1, 2, 3]) {
      await expect(verify(signed(other.privateKey, 'unknown'), keys)).rejects.toMatchObject({
        ...refused('key_unknown'),
      });
    }
    expect(as.count('jwks')).toBe(2);
  });

  test('a signature by a new key verifies at once', async () => {
    const as = await startAuthorizationServer(world);
    const keys = keysOf(as);
    await keys.current();
    await as.rotateKeys();
    await verify(await as.accessToken(), keys);
    expect(as.count('jwks')).toBe(2);
  });

  test('a signature is verified at once with keys that have served before, and nobody waits', async () => {
    const token = signed(known.privateKey, 'known');
    const keys = fixedSigningKeys({ keys: [jwkOf(known.publicKey, 'known')] });
    const group = await verify(token, keys);
    expect(verifySignature({ jws: token, algorithm: 'ES256', kid: 'known' }, keys)).toBe(group);
    const foreign = { jws: signed(other.privateKey, 'known'), algorithm: 'ES256', kid: 'known' } as const;
    expect(() => verifySignature(foreign, keys)).toThrow(
      expect.objectContaining(refused('signature_invalid')),
    );
  });

  test('RFC8725: a wrong signature that names a known kid makes nobody fetch keys', async () => {
    const as = await startAuthorizationServer(world);
    const keys = keysOf(as);
    await verify(await as.accessToken(), keys);
    await expect(verify(await as.accessToken({ fault: 'foreign-key' }), keys)).rejects.toMatchObject(
      refused('signature_invalid'),
    );
    expect(as.count('jwks')).toBe(1);
  });

  test('a wrong signature without kid may be by a new key, so the keys are fetched', async () => {
    const as = await startAuthorizationServer(world);
    const keys = keysOf(as);
    const token = await as.accessToken({ fault: 'foreign-key', header: { kid: undefined } });
    await expect(verify(token, keys)).rejects.toMatchObject(refused('signature_invalid'));
    expect(as.count('jwks')).toBe(2);
  });

  test('a signature by an unusable key is refused as such, and makes nobody fetch keys', async () => {
    const as = await startAuthorizationServer(world);
    const weak = newKeyPair('rsa', { modulusLength: 1024 }).publicKey;
    as.behave('jwks', { status: 200, body: JSON.stringify({ keys: [jwkOf(weak)] }) });
    const keys = keysOf(as);
    const token = compactJws(jsonText({ alg: 'RS256' }), '{}', () => Buffer.alloc(128));
    await expect(verify(token, keys)).rejects.toMatchObject(
      refused('key_unusable', 'the key is unfit: its modulus is not of 2048 to 8192 bits'),
    );
    expect(as.count('jwks')).toBe(1);
  });

  test('a signature verifies by any one of several keys that fit', async () => {
    const jwks = [known, other].map(({ publicKey }) => jwkOf(publicKey, 'same'));
    for (const keys of [jwks, jwks.toReversed()]) {
      const fixed = fixedSigningKeys({ keys });
      await verify(signed(known.privateKey, 'same'), fixed);
      await verify(signed(known.privateKey), fixed);
      await expect(verify(signed(pair().privateKey, 'same'), fixed)).rejects.toMatchObject(
        refused('signature_invalid'),
      );
    }
  });

  test('a signature without kid is tried with ten keys that fit, and with no more', async () => {
    const others = Array.from({ length: 10 }, (_, index) => jwkOf(pair().publicKey, `other-${index}`));
    const own = jwkOf(known.publicKey, 'own');
    await verify(signed(known.privateKey), fixedSigningKeys({ keys: [...others.slice(1), own] }));
    const keys = fixedSigningKeys({ keys: [...others, own] });
    await expect(verify(signed(known.privateKey), keys)).rejects.toMatchObject(refused('signature_invalid'));
    await verify(signed(known.privateKey, 'own'), keys);
  });

  test('RFC8725: a signature that anybody can make, for the exponent of the key is 1, is of no key', async () => {
    const { n } = newKeyPair('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
    const keys = fixedSigningKeys({ keys: [{ kty: 'RSA', n, e: 'AQ', kid: 'own' } as JWK] });
    const token = compactJws(jsonText({ alg: 'RS256', kid: 'own' }), '{}', paddedDigest);
    await expect(verify(token, keys)).rejects.toMatchObject({ reason: 'key_unusable' });
  });

  test('the signature of a token without kid is tried with no key twice, whatever is published meanwhile', async () => {
    const keys = [pair(), pair(), pair()].map(({ publicKey }) => publicKey);
    const verified = keys.map(() => 0);
    // What Node asks the key for that a signature is verified with.
    keys.forEach((key, index) =>
      Object.defineProperty(key, 'dsaEncoding', {
        get: () => {
          verified[index] = (verified[index] ?? 0) + 1;
        },
      }),
    );
    const set = (...of: readonly KeyObject[]): unknown => ({
      groupFor: () => ({ keysFor: () => ({ kind: 'found', keys: of }) }),
    });
    const [one, two, three] = keys as [KeyObject, KeyObject, KeyObject];
    const renewed = [set(one, two), set(one, two, three)];
    const source = {
      current: () => set(one),
      renew: async () => renewed.shift(),
    } as unknown as SigningKeys;
    await expect(verify(signed(known.privateKey), source)).rejects.toMatchObject(
      refused('signature_invalid'),
    );
    expect(renewed).toEqual([]);
    expect(verified).toEqual([1, 1, 1]);
  });

  test('a signature verifies by the key of its own type when several keys have its kid', async () => {
    const rsa = newKeyPair('rsa', { modulusLength: 2048 });
    const keys = fixedSigningKeys({
      keys: [
        jwkOf(rsa.publicKey, 'same'),
        { ...jwkOf(other.publicKey, 'same'), use: 'enc' },
        { ...jwkOf(other.publicKey, 'same'), alg: 'ES384' },
        { ...jwkOf(other.publicKey, 'same'), key_ops: ['encrypt'] },
        { ...jwkOf(other.publicKey, 'same'), key_ops: 'verify' as never },
        jwkOf(newKeyPair('ec', { namedCurve: 'P-384' }).publicKey, 'same'),
        { ...jwkOf(known.publicKey, 'same'), alg: 'ES256', use: 'sig', key_ops: ['verify'] },
      ],
    });
    await verify(signed(known.privateKey, 'same'), keys);
    await expect(verify(signed(other.privateKey, 'same'), keys)).rejects.toMatchObject(
      refused('signature_invalid'),
    );
  });

  test('a signature by a sound key verifies although other keys are broken', async () => {
    const broken = [
      { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'broken' },
      { kty: 'EC' },
      { kty: 'RSA', n: 7, kid: ['x'] },
    ];
    const keys = fixedSigningKeys({ keys: [...(broken as JWK[]), jwkOf(known.publicKey, 'sound')] });
    await verify(signed(known.privateKey, 'sound'), keys);
    await verify(signed(known.privateKey), keys);
  });

  test.each([1, 2])('a signature is refused as such when all of its %i keys are broken', async (count) => {
    const broken = { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'broken' };
    const keys = fixedSigningKeys({ keys: Array.from({ length: count }, () => broken) });
    await expect(verify(signed(known.privateKey, 'broken'), keys)).rejects.toMatchObject({
      reason: 'key_unusable',
      detail: expect.any(String) as string,
      cause: expect.any(Error) as Error,
    });
  });

  test.each([
    ['another curve', { algorithm: 'ec', options: { namedCurve: 'P-384' } }],
    ['another type', { algorithm: 'rsa', options: { modulusLength: 2048 } }],
  ])(
    'a signature counts as by an unknown key when only a key of %s has its kid, because a newer key may fit',
    async (_, { algorithm, options }) => {
      const { publicKey } = newKeyPair(algorithm as 'ec', options);
      const keys = fixedSigningKeys({ keys: [jwkOf(publicKey, 'own')] });
      await expect(verify(signed(known.privateKey, 'own'), keys)).rejects.toMatchObject(
        refused('key_unknown'),
      );
    },
  );

  test('a signature by an unknown key is tried with new keys twice, and not for ever', async () => {
    let renewals = 0;
    const keys = {
      current: () => PublishedKeys.from([]),
      renew: async () => {
        renewals += 1;
        return PublishedKeys.from([]);
      },
    } as unknown as SigningKeys;
    await expect(verify(signed(known.privateKey, 'own'), keys)).rejects.toMatchObject(refused('key_unknown'));
    expect(renewals).toBe(2);
  });

  test('a key that OpenSSL cannot verify with is refused as such, and does not hide one that it can', async () => {
    const agreement = newKeyPair('x25519').publicKey;
    const keysOfBoth = (keys: readonly KeyObject[]): SigningKeys =>
      ({ current: () => ({ groupFor: () => ({ keysFor: () => ({ kind: 'found', keys }) }) }) }) as never;
    await expect(verify(signed(known.privateKey), keysOfBoth([agreement]))).rejects.toMatchObject({
      reason: 'key_unusable',
      detail: expect.any(String) as string,
      cause: expect.any(Error) as Error,
    });
    await verify(signed(known.privateKey), keysOfBoth([agreement, known.publicKey]));
  });

  test('a signature by a configured key verifies, even if the object of the keys changes later', async () => {
    const jwk = jwkOf(known.publicKey, 'own');
    const keys = fixedSigningKeys({ keys: [jwk] });
    Object.assign(jwk, jwkOf(other.publicKey, 'own'));
    await verify(signed(known.privateKey, 'own'), keys);
  });

  test('RFC8725: a private or symmetric key, configured or published, verifies nothing', async () => {
    const jwks = { keys: [jwkOf(known.privateKey, 'private'), { kty: 'oct', k: 'AAAA', kid: 'oct' }] };
    const as = await startAuthorizationServer(world);
    as.behave('jwks', { status: 200, body: JSON.stringify(jwks) });
    for (const keys of [fixedSigningKeys(jwks), keysOf(as)]) {
      for (const kid of ['private', 'oct']) {
        const verified = verify(signed(known.privateKey, kid), keys);
        await expect(verified).rejects.toMatchObject(refused('key_unknown'));
      }
      await expect(verify(signed(known.privateKey), keys)).rejects.toMatchObject(refused('key_unknown'));
    }
  });

  test('a signature by a shared secret verifies with that secret alone', async () => {
    const keys = sharedSecret(Buffer.alloc(32, 's'));
    const mac = (secret: Buffer): string => compactJws(jsonText({ alg: 'HS256' }), '{}', hmac(secret));
    await verify(mac(Buffer.alloc(32, 's')), keys);
    await expect(verify(mac(Buffer.alloc(32, 'x')), keys)).rejects.toMatchObject(
      refused('signature_invalid'),
    );
    await expect(verify(signed(known.privateKey), keys)).rejects.toMatchObject(
      refused('key_unusable', 'the key is none for ES256, or an RSA key that is unfit'),
    );
  });

  test.each<[unknown, boolean]>([
    [{ kty: 'RSA' }, true],
    [{ kty: 'EC' }, true],
    [{ kty: 'OKP' }, true],
    [{ kty: 'oct' }, false],
    [{ kty: 'AKP' }, false],
    [{ kty: 'EC', d: 'x' }, false],
    [{ kty: 'RSA', p: 'x' }, false],
    [{ kty: 'EC', d: null, k: '' }, true],
    [{}, false],
    [null, false],
    [[], false],
  ])('RFC8725: a key %j is a public signing key: %s', (key, expected) => {
    expect(isPublicSigningKey(key)).toBe(expected);
  });
});

test('the health of keys is fixed where they never change, and else tells how fetching went', async () => {
  expect(fixedSigningKeys({ keys: [] }).health()).toEqual({ state: 'fixed' });
  expect(sharedSecret(Buffer.alloc(32)).health()).toEqual({ state: 'fixed' });
  const keys = keysOf(await startAuthorizationServer(world));
  expect(keys.health()).toMatchObject({ state: 'not-fetched' });
  await keys.current();
  expect(keys.health()).toMatchObject({ state: 'fresh', age: 0 });
});
