import { constants, type KeyObject, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { signatureProblem, signedDerOf } from '../../../lib/client-certificate/chain/signed-der.js';
import { newKeyPair } from '../../support/key-pair.js';
import { bits, identifier, integer, sequence, tlv } from '../../support/pki/der-writer.js';

const rsa = newKeyPair('rsa', { modulusLength: 2048 });
const ec = newKeyPair('ec', { namedCurve: 'P-256' });
const edwards = newKeyPair('ed25519');
const short = newKeyPair('rsa', { modulusLength: 1024 });

const CONTENT = sequence(integer('01'));
const SHA1 = '1.3.14.3.2.26';
const SHA256 = '2.16.840.1.101.3.4.2.1';
const SHA512 = '2.16.840.1.101.3.4.2.3';

const rs256 = sequence(identifier('1.2.840.113549.1.1.11'), tlv(5));
const ed25519 = sequence(identifier('1.3.101.112'));

/** RSASSA-PSS with its parameters: the hash, that of the mask, and the length of the salt. */
function pss(hash: string, ofMask = hash, salt = '20'): Buffer {
  const algorithm = (dotted: string): Buffer => sequence(identifier(dotted), tlv(5));
  const mask = sequence(identifier('1.2.840.113549.1.1.8'), algorithm(ofMask));
  const parameters = sequence(tlv(0xa0, algorithm(hash)), tlv(0xa1, mask), tlv(0xa2, integer(salt)));
  return sequence(identifier('1.2.840.113549.1.1.10'), parameters);
}

async function problemOf(algorithm: Buffer, signature: Buffer, key: KeyObject): Promise<string | undefined> {
  return signatureProblem(signedDerOf(sequence(CONTENT, algorithm, bits(signature))), key);
}

function signedByPss(hash: string, saltLength: number, content = CONTENT): Buffer {
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  return sign(hash, content, { key: rsa.privateKey, padding, saltLength });
}

const NOT_ITS_KEY = 'its signature is not of this key';
const WEAK = 'its signature is weak or unknown';

describe('RFC4055-3.1: what is signed by RSASSA-PSS', () => {
  test.each([
    ['SHA-256', SHA256, 'sha256', 32],
    ['SHA-512', SHA512, 'sha512', 64],
    ['SHA-256 and a short salt', SHA256, 'sha256', 8],
  ])(
    'a signature over %s is verified, and one over another content or by another padding is refused',
    async (_, oid, hash, salt) => {
      const key = rsa.publicKey;
      expect(await problemOf(pss(oid, oid, salt.toString(16)), signedByPss(hash, salt), key)).toBeUndefined();
      expect(await problemOf(pss(oid), signedByPss(hash, salt, sequence(integer('02'))), key)).toBe(
        NOT_ITS_KEY,
      );
      expect(await problemOf(pss(oid), sign(hash, CONTENT, rsa.privateKey), key)).toBe(NOT_ITS_KEY);
      expect(await problemOf(rs256, signedByPss(hash, salt), key)).toBe(NOT_ITS_KEY);
    },
  );

  test.each([
    ['SHA-1', pss(SHA1)],
    ['SHA-256 with a mask of SHA-1', pss(SHA256, SHA1)],
    ['SHA-256 with a mask of SHA-512', pss(SHA256, SHA512)],
    ['nothing, which stands for SHA-1', sequence(identifier('1.2.840.113549.1.1.10'), sequence())],
    ['no parameters', sequence(identifier('1.2.840.113549.1.1.10'))],
  ])('a signature is weak that is over %s', async (_, algorithm) => {
    expect(await problemOf(algorithm, signedByPss('sha256', 32), rsa.publicKey)).toBe(WEAK);
  });
});

describe('RFC5280-4.1.1.2: a signature and its key', () => {
  test('what is signed is verified by a key of the kind that its algorithm is for, and by no other', async () => {
    const byRsa = sign('sha256', CONTENT, rsa.privateKey);
    const byEdwards = sign(null, CONTENT, edwards.privateKey);
    expect(await problemOf(rs256, byRsa, rsa.publicKey)).toBeUndefined();
    expect(await problemOf(ed25519, byEdwards, edwards.publicKey)).toBeUndefined();
    expect(await problemOf(rs256, byRsa, ec.publicKey)).toBe(NOT_ITS_KEY);
    expect(await problemOf(ed25519, byRsa, rsa.publicKey)).toBe(NOT_ITS_KEY);
    expect(await problemOf(rs256, byEdwards, edwards.publicKey)).toBe(NOT_ITS_KEY);
  });

  test('what is signed counts for nothing where the key is weak', async () => {
    const byShort = sign('sha256', CONTENT, short.privateKey);
    expect(await problemOf(rs256, byShort, short.publicKey)).toBe('it is signed by a weak or unusual key');
  });
});
