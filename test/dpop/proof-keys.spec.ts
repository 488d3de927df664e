import { constants, KeyObject, sign, type SignKeyObjectInput } from 'node:crypto';
import type { JWK } from 'jose';
import type { DpopAlgorithm } from 'nestjs-cert-bound-auth';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ProofHeader } from '../../lib/dpop/proof-header.js';
import { ProofKeys } from '../../lib/dpop/proof-keys.js';
import { newKeyPair } from '../support/key-pair.js';

const URL = 'https://api.example.com/';
const KEY = 'thumbprint';

let client: TestDpopClient;
beforeAll(async () => {
  client = await TestDpopClient.create();
});

const KEY_UNUSABLE = expect.objectContaining({
  reason: 'proof_key_unusable',
  detail: expect.any(String) as string,
  cause: expect.any(Error) as Error,
}) as Error;
const SIGNATURE_INVALID = expect.objectContaining({ reason: 'proof_signature_invalid' }) as Error;

/** Verifies a proof whose header is not known. */
function verify(jwt: string, key: JWK, algorithm: DpopAlgorithm, keys = new ProofKeys()): void {
  keys.verify({ jwt, header: { algorithm, key, thumbprint: KEY } }, KEY);
}

const headerOf = (proof: string): string => proof.slice(0, proof.indexOf('.'));

describe('the cache of proof keys', () => {
  let keys: ProofKeys;
  beforeEach(() => {
    keys = new ProofKeys();
  });
  const find = (proof: string): ProofHeader | undefined => keys.find(headerOf(proof), KEY);

  test('a header is read and its key imported once, and later proofs are verified with what is known', async () => {
    const [first, second] = [await client.proof({ url: URL }), await client.proof({ url: URL })];
    expect(find(first)).toBeUndefined();
    verify(first, client.jwk, 'ES256', keys);
    const header = find(second) as ProofHeader;
    expect(header).toEqual({ algorithm: 'ES256', thumbprint: KEY, key: expect.any(KeyObject) as KeyObject });
    keys.verify({ jwt: second, header }, KEY);
    expect(find(first)).toBe(header);
  });

  test('a header is known for its own key only', async () => {
    const proof = await client.proof({ url: URL });
    verify(proof, client.jwk, 'ES256', keys);
    expect(keys.find(headerOf(proof), 'other')).toBeUndefined();
    expect(keys.find(headerOf(proof).slice(0, -1), KEY)).toBeUndefined();
  });

  test('the last header of each key is kept, and the key is imported once however its headers are written', async () => {
    const one = await client.proof({ url: URL });
    const other = await client.proof({ url: URL, header: { kid: 'other' } });
    verify(one, client.jwk, 'ES256', keys);
    const { key } = find(one) as ProofHeader;
    // No key, were it to be imported.
    verify(other, {}, 'ES256', keys);
    expect(find(one)).toBeUndefined();
    expect(find(other)?.key).toBe(key);
  });

  test('a key that is known for one algorithm is not known for another', async () => {
    const rsa = await TestDpopClient.create('RS256');
    verify(await rsa.proof({ url: URL }), rsa.jwk, 'RS256', keys);
    expect(() => verify('e30.e30.AAAA', {}, 'PS256', keys)).toThrow(KEY_UNUSABLE);
    verify(await rsa.proof({ url: URL }), {}, 'RS256', keys);
  });

  test('a key that cannot be imported is refused with what OpenSSL says', async () => {
    const proof = await client.proof({ url: URL });
    expect(() => verify(proof, {}, 'ES256', keys)).toThrow(KEY_UNUSABLE);
  });

  test('a known key verifies nothing that another key has signed', async () => {
    const proof = await client.proof({ url: URL });
    verify(proof, client.jwk, 'ES256', keys);
    const header = find(proof) as ProofHeader;
    const foreign = await client.proof({ url: URL, fault: 'foreign-key' });
    expect(() => keys.verify({ jwt: foreign, header }, KEY)).toThrow(SIGNATURE_INVALID);
    expect(() => verify(foreign, client.jwk, 'ES256', keys)).toThrow(SIGNATURE_INVALID);
  });

  test('nothing is kept of a proof that is not right', async () => {
    const foreign = await client.proof({ url: URL, fault: 'foreign-key' });
    expect(() => verify(foreign, client.jwk, 'ES256', keys)).toThrow(SIGNATURE_INVALID);
    expect(find(foreign)).toBeUndefined();
    expect(() => verify(foreign, {}, 'ES256', keys)).toThrow(KEY_UNUSABLE);
  });

  test('invariant 5: a header is kept up to 2,000 characters, because a client may fill it, and its key is known all the same', async () => {
    const kept: [number, boolean][] = [];
    for (const filling of [0, 1300, 1301, 1302, 1303, 1304, 1305, 3000]) {
      const proof = await client.proof({ url: URL, header: { filling: 'x'.repeat(filling) } });
      verify(proof, client.jwk, 'ES256', keys);
      verify(proof, {}, 'ES256', keys);
      kept.push([headerOf(proof).length, find(proof) !== undefined]);
    }
    for (const [length, isKept] of kept) expect([length, isKept]).toEqual([length, length <= 2000]);
    expect(new Set(kept.map(([, isKept]) => isKept))).toEqual(new Set([true, false]));
  });
});

/** What is signed by hand: whether it is a proof at all is not asked here. */
const INPUT = 'e30.e30';

/** A proof signed in another way than jose does it. */
function signedBy(key: SignKeyObjectInput, hash: string | null = 'sha256'): string {
  return `${INPUT}.${sign(hash, Buffer.from(INPUT), key).toString('base64url')}`;
}

const jwkOf = (key: KeyObject): JWK => key.export({ format: 'jwk' });

describe('RFC9449-1: the signature of a proof', () => {
  const algorithms = 'ES256 ES384 ES512 PS256 PS384 PS512 RS256 EdDSA Ed25519'.split(' ') as DpopAlgorithm[];

  test.each(algorithms)(
    'the algorithm %s verifies what the key has signed, and nothing else',
    async (algorithm) => {
      const keys = new ProofKeys();
      const signer = await TestDpopClient.create(algorithm);
      const proof = await signer.proof({ url: URL });
      const verifyOne = (changed: string): void => verify(changed, signer.jwk, algorithm, keys);
      verifyOne(proof);
      const [header, payload, signature] = proof.split('.') as [string, string, string];
      const [, otherPayload, otherSignature] = (await signer.proof({ url: URL })).split('.') as [
        string,
        string,
        string,
      ];
      for (const changed of [
        `${header}.${otherPayload}.${signature}`,
        `${header}.${payload}.${otherSignature}`,
        `${header}.${payload}.`,
        `${header}.${payload}.${signature.slice(0, -4)}`,
        `${header}.${payload}.${'A'.repeat(signature.length)}`,
      ]) {
        expect(() => verifyOne(changed)).toThrow(SIGNATURE_INVALID);
      }
    },
  );

  test('an ECDSA signature is two numbers side by side, not DER (RFC 7518 §3.4)', () => {
    const { privateKey, publicKey } = newKeyPair('ec', { namedCurve: 'P-256' });
    const jwk = jwkOf(publicKey);
    verify(signedBy({ key: privateKey, dsaEncoding: 'ieee-p1363' }), jwk, 'ES256');
    const der = signedBy({ key: privateKey, dsaEncoding: 'der' });
    expect(() => verify(der, jwk, 'ES256')).toThrow(SIGNATURE_INVALID);
  });

  test('the salt of a PSS signature is as long as the hash (RFC 7518 §3.5)', () => {
    const { privateKey, publicKey } = newKeyPair('rsa', { modulusLength: 2048 });
    const jwk = jwkOf(publicKey);
    const pss = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING };
    verify(signedBy({ ...pss, saltLength: 32 }), jwk, 'PS256');
    for (const saltLength of [0, 20, 64]) {
      expect(() => verify(signedBy({ ...pss, saltLength }), jwk, 'PS256')).toThrow(SIGNATURE_INVALID);
    }
    expect(() => verify(signedBy({ key: privateKey }), jwk, 'PS256')).toThrow(SIGNATURE_INVALID);
  });
});

describe('RFC8725: an algorithm is bound to the type of its key', () => {
  const p256 = newKeyPair('ec', { namedCurve: 'P-256' });
  const p384 = newKeyPair('ec', { namedCurve: 'P-384' });
  const ed25519 = newKeyPair('ed25519');
  const rsa = (modulusLength: number): typeof p256 => newKeyPair('rsa', { modulusLength });
  const [rsa2048, rsa2047] = [rsa(2048), rsa(2047)];

  test.each<readonly [string, typeof p256, SignKeyObjectInput, string | null, DpopAlgorithm]>([
    ['P-384', p384, { key: p384.privateKey, dsaEncoding: 'ieee-p1363' }, 'sha256', 'ES256'],
    ['P-256', p256, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' }, 'sha384', 'ES384'],
    ['P-384', p384, { key: p384.privateKey, dsaEncoding: 'ieee-p1363' }, 'sha512', 'ES512'],
    ['RSA', rsa2048, { key: rsa2048.privateKey }, 'sha256', 'ES256'],
    ['P-256', p256, { key: p256.privateKey, dsaEncoding: 'der' }, 'sha256', 'RS256'],
    ['RSA of 2047 bits', rsa2047, { key: rsa2047.privateKey }, 'sha256', 'RS256'],
    ['Ed25519', ed25519, { key: ed25519.privateKey }, null, 'RS256'],
    ['RSA', rsa2048, { key: rsa2048.privateKey }, 'sha256', 'EdDSA'],
    ['P-256', p256, { key: p256.privateKey }, 'sha256', 'Ed25519'],
  ])(
    'a key of %s does not fit the algorithm, whatever it has signed',
    (_, { publicKey }, key, hash, algorithm) => {
      const proof = signedBy(key, hash);
      expect(() => verify(proof, jwkOf(publicKey), algorithm)).toThrow(
        expect.objectContaining({
          reason: 'proof_key_unusable',
          detail: `the key is none for ${algorithm}, or an RSA key that is unfit`,
        }),
      );
    },
  );
});
