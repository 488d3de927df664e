import { createSecretKey, type KeyObject } from 'node:crypto';
import { CompactSign } from 'jose';
import { describe, expect, test } from 'vitest';
import { fits, isSigned, type SignatureAlgorithm } from '../../lib/jose/jws-signature.js';
import { newKeyPair } from '../support/key-pair.js';

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const secret = (fill: string): Pair => {
  const key = createSecretKey(Buffer.alloc(64, fill));
  return { publicKey: key, privateKey: key };
};
const curve = (namedCurve: string): Pair => newKeyPair('ec', { namedCurve });
const rsa = (modulusLength = 2048): Pair => newKeyPair('rsa', { modulusLength });
const ed25519 = (): Pair => newKeyPair('ed25519');

/** Every kind of key: one that is a client's or a server's, and another one like it. */
const KEYS = {
  'P-256': [curve('P-256'), curve('P-256')],
  'P-384': [curve('P-384'), curve('P-384')],
  'P-521': [curve('P-521'), curve('P-521')],
  RSA: [rsa(), rsa()],
  Ed25519: [ed25519(), ed25519()],
  secret: [secret('a'), secret('b')],
} as const;
type KeyKind = keyof typeof KEYS;

const KIND_OF: Readonly<Record<SignatureAlgorithm, KeyKind>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  PS256: 'RSA',
  PS384: 'RSA',
  PS512: 'RSA',
  RS256: 'RSA',
  RS384: 'RSA',
  RS512: 'RSA',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
  HS256: 'secret',
  HS384: 'secret',
  HS512: 'secret',
};
const ALGORITHMS = Object.keys(KIND_OF) as readonly SignatureAlgorithm[];

/** By another hand than the one that verifies. */
const signByJose = async (
  algorithm: SignatureAlgorithm,
  { privateKey }: Pair,
  subject = 'user-1',
): Promise<string> =>
  new CompactSign(Buffer.from(JSON.stringify({ sub: subject })))
    .setProtectedHeader({ alg: algorithm })
    .sign(privateKey);

describe.each(ALGORITHMS)('RFC7518-3: the signature algorithm %s', (algorithm) => {
  const kind = KIND_OF[algorithm];
  const [own, other] = KEYS[kind];

  test('a signature by jose verifies with its key, and with no other', async () => {
    const jws = await signByJose(algorithm, own);
    expect(isSigned(jws, own.publicKey, algorithm)).toBe(true);
    expect(isSigned(jws, other.publicKey, algorithm)).toBe(false);
  });

  test('a signature that is changed in one bit, cut off, longer or empty does not verify', async () => {
    const jws = await signByJose(algorithm, own);
    const end = jws.lastIndexOf('.');
    const [input, signature] = [jws.slice(0, end), Buffer.from(jws.slice(end + 1), 'base64url')];
    const flipped = Buffer.from(signature);
    flipped.writeUInt8(flipped.readUInt8(0) ^ 1);
    const wrong = [flipped, signature.subarray(1), signature.subarray(0, -1)];
    for (const each of [...wrong, Buffer.concat([signature, Buffer.alloc(1)]), Buffer.alloc(0)])
      expect(isSigned(`${input}.${each.toString('base64url')}`, own.publicKey, algorithm)).toBe(false);
    const unchanged = signature.toString('base64url');
    expect(isSigned(`${input}A.${unchanged}`, own.publicKey, algorithm)).toBe(false);
    expect(isSigned(`${input}.${unchanged}`, own.publicKey, algorithm)).toBe(true);
  });

  test('RFC8725: a key of any other kind does not fit', () => {
    const fitting = (Object.keys(KEYS) as readonly KeyKind[]).filter((each) =>
      fits(KEYS[each][0].publicKey, algorithm),
    );
    expect(fitting).toEqual([kind]);
  });

  test('a signature by the same key with another algorithm does not verify', async () => {
    // EdDSA is an older name of Ed25519.
    const alike = ALGORITHMS.filter(
      (each) => KIND_OF[each] === kind && each !== algorithm && kind !== 'Ed25519',
    );
    for (const each of alike)
      expect(isSigned(await signByJose(each, own), own.publicKey, algorithm)).toBe(false);
  });
});

test.each<[string, Pair]>([
  ['secp256k1', curve('secp256k1')],
  ['Ed448', newKeyPair('ed448')],
  ['X25519', newKeyPair('x25519')],
  ['RSA of 2047 bits', rsa(2047)],
])('RFC8725: a key of %s fits no algorithm', (_name, { publicKey }) => {
  expect(ALGORITHMS.filter((algorithm) => fits(publicKey, algorithm))).toEqual([]);
});

test.each(ALGORITHMS.filter((algorithm) => KIND_OF[algorithm] === 'RSA'))(
  'RFC8017-8: a signature of %s that begins with a zero does not verify without it',
  async (algorithm) => {
    const [own] = KEYS.RSA;
    // One signature in 256 begins so.
    for (let attempt = 0; ; attempt += 1) {
      const jws = await signByJose(algorithm, own, String(attempt));
      const end = jws.lastIndexOf('.');
      const signature = Buffer.from(jws.slice(end + 1), 'base64url');
      if (signature.readUInt8(0) !== 0) continue;
      const shorter = `${jws.slice(0, end)}.${signature.subarray(1).toString('base64url')}`;
      expect(isSigned(jws, own.publicKey, algorithm)).toBe(true);
      expect(isSigned(shorter, own.publicKey, algorithm)).toBe(false);
      return;
    }
  },
);
