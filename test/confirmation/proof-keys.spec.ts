import { constants, generateKeyPairSync, type KeyObject, sign, type SignKeyObjectInput } from 'node:crypto';
import type { JWK } from 'jose';
import type { DpopAlgorithm } from 'nestjs-cert-bound-auth';
import { TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { ProofKeys } from '../../lib/confirmation/proof-keys.js';

const URL = 'https://api.example.com/';

let client: TestDpopClient;
beforeAll(async () => {
  client = await TestDpopClient.create();
});

describe('proof keys', () => {
  test('a key is imported once: later proofs are verified with the one that is known by its thumbprint', async () => {
    const keys = new ProofKeys();
    const first = await client.proof({ url: URL });
    expect(() => keys.verify(first, {}, client.thumbprint, 'ES256')).toThrow(
      expect.objectContaining({
        reason: 'proof_key_unusable',
        detail: expect.any(String) as string,
        cause: expect.any(Error) as Error,
      }),
    );
    keys.verify(first, client.jwk, client.thumbprint, 'ES256');
    keys.verify(await client.proof({ url: URL }), {}, client.thumbprint, 'ES256');
  });

  test('a known key verifies nothing that another key has signed', async () => {
    const keys = new ProofKeys();
    keys.verify(await client.proof({ url: URL }), client.jwk, client.thumbprint, 'ES256');
    const foreign = await client.proof({ url: URL, fault: 'foreign-key' });
    expect(() => keys.verify(foreign, client.jwk, client.thumbprint, 'ES256')).toThrow(
      expect.objectContaining({ reason: 'proof_signature_invalid' }),
    );
  });
});

/** What is signed by hand: whether it is a proof at all is not asked here. */
const INPUT = 'e30.e30';

/** A proof signed in another way than jose does it. */
function signedBy(key: SignKeyObjectInput, hash: string | null = 'sha256'): string {
  return `${INPUT}.${sign(hash, Buffer.from(INPUT), key).toString('base64url')}`;
}

const jwkOf = (key: KeyObject): JWK => key.export({ format: 'jwk' });

const SIGNATURE_INVALID = expect.objectContaining({ reason: 'proof_signature_invalid' }) as Error;

describe('RFC9449-1: the signature of a proof', () => {
  const algorithms = 'ES256 ES384 ES512 PS256 PS384 PS512 RS256 EdDSA Ed25519'.split(' ') as DpopAlgorithm[];

  test.each(algorithms)('%s: what the key has signed is verified, and nothing else', async (algorithm) => {
    const keys = new ProofKeys();
    const signer = await TestDpopClient.create(algorithm);
    const proof = await signer.proof({ url: URL });
    const verify = (changed: string): void => keys.verify(changed, signer.jwk, signer.thumbprint, algorithm);
    verify(proof);
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
      expect(() => verify(changed)).toThrow(SIGNATURE_INVALID);
    }
  });

  test('ECDSA: the signature is two numbers side by side, not DER (RFC 7518 §3.4)', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const verify = (proof: string): void => new ProofKeys().verify(proof, jwkOf(publicKey), 'k', 'ES256');
    verify(signedBy({ key: privateKey, dsaEncoding: 'ieee-p1363' }));
    expect(() => verify(signedBy({ key: privateKey, dsaEncoding: 'der' }))).toThrow(SIGNATURE_INVALID);
  });

  test('PSS: the salt is as long as the hash (RFC 7518 §3.5)', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const verify = (proof: string): void => new ProofKeys().verify(proof, jwkOf(publicKey), 'k', 'PS256');
    const pss = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING };
    verify(signedBy({ ...pss, saltLength: 32 }));
    for (const saltLength of [0, 20, 64]) {
      expect(() => verify(signedBy({ ...pss, saltLength }))).toThrow(SIGNATURE_INVALID);
    }
    expect(() => verify(signedBy({ key: privateKey }))).toThrow(SIGNATURE_INVALID);
  });
});

describe('RFC8725: an algorithm is bound to the type of its key', () => {
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const ed25519 = generateKeyPairSync('ed25519');
  const rsa = (modulusLength: number): typeof p256 => generateKeyPairSync('rsa', { modulusLength });
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
  ])('a key of %s is none, whatever it has signed', (_, { publicKey }, key, hash, algorithm) => {
    const proof = signedBy(key, hash);
    expect(() => new ProofKeys().verify(proof, jwkOf(publicKey), 'k', algorithm)).toThrow(
      expect.objectContaining({
        reason: 'proof_key_unusable',
        detail: `the key is none for ${algorithm}, or of less than 2048 bits`,
      }),
    );
  });
});
