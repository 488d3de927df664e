import { expect, test } from 'vitest';
import { readProofKey } from '../../lib/dpop/proof-key.js';
import { newKeyPair } from '../support/key-pair.js';

const rsa = newKeyPair('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });

const refused = (reason: string): Error => expect.objectContaining({ reason }) as Error;

test('RFC9449-1: only the members that make the key of a proof count', () => {
  expect(readProofKey({ ...rsa, kid: 'mine', alg: 'RS256', d: null, crv: '' })).toEqual(rsa);
});

test('RFC9449-1: a key that anybody can sign with proves nothing', () => {
  for (const e of ['AQ', 'Aw']) {
    expect(() => readProofKey({ ...rsa, e })).toThrow(refused('proof_key_unusable'));
  }
  const identity = Buffer.from(`01${'00'.repeat(31)}`, 'hex').toString('base64url');
  const edwards = { kty: 'OKP', crv: 'Ed25519', x: identity };
  expect(() => readProofKey(edwards)).toThrow(refused('proof_key_unusable'));
});

test('RFC9449-1: a key of a proof has one spelling, or it would have several thumbprints', () => {
  const zeroInFront = Buffer.concat([Buffer.alloc(1), Buffer.from(rsa.n ?? '', 'base64url')]);
  for (const n of [`${rsa.n}==`, zeroInFront.toString('base64url')]) {
    expect(() => readProofKey({ ...rsa, n })).toThrow(refused('proof_key_unusable'));
  }
});

test('RFC9449-1: a value that is no object is no key', () => {
  for (const jwk of [undefined, null, 'jwk', [rsa]]) {
    expect(() => readProofKey(jwk)).toThrow(refused('proof_malformed'));
  }
});
