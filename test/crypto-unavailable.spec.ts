import { setFips, sign } from 'node:crypto';
import type { JWK } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fixedSigningKeys } from '../lib/authorization-server/signing-keys.js';
import { verifySignature } from '../lib/authorization-server/verify-signature.js';
import { ProofKeys } from '../lib/dpop/proof-keys.js';
import { newKeyPair } from './support/key-pair.js';

/** FIPS mode without its provider: a real OpenSSL that refuses what it is asked for. */
const withoutCrypto = <Result>(act: () => Result): Result => {
  setFips(true);
  try {
    return act();
  } finally {
    setFips(false);
  }
};

/** With what OpenSSL has said as its cause. */
const refused = (code: string, reason: string): Error =>
  expect.objectContaining({
    refusal: { status: 401, code },
    reason,
    detail: expect.any(String) as string,
    cause: expect.any(Error) as Error,
  }) as Error;

let jwk: JWK;
let jws: string;
beforeEach(() => {
  const { publicKey, privateKey } = newKeyPair('ec', { namedCurve: 'P-256' });
  jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'key-1' };
  const signature = sign('sha256', Buffer.from('e30.e30'), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  jws = `e30.e30.${signature.toString('base64url')}`;
});
afterEach(() => setFips(false));

test('invariant 3: a proof with an algorithm that OpenSSL refuses is refused, and is no fault of ours', () => {
  const keys = new ProofKeys();
  const header = { algorithm: 'ES256', key: jwk, thumbprint: 'thumbprint' } as const;
  const verify = (): void => keys.verify({ jwt: jws, header }, 'thumbprint');
  verify();
  expect(() => withoutCrypto(verify)).toThrow(refused('invalid_dpop_proof', 'proof_key_unusable'));
  verify();
});

test('invariant 3: a token with an algorithm that OpenSSL refuses is refused, and is no fault of ours', () => {
  const keys = fixedSigningKeys({ keys: [jwk] });
  const verify = (): unknown => verifySignature({ jws, algorithm: 'ES256', kid: 'key-1' }, keys);
  const group = verify();
  expect(() => withoutCrypto(verify)).toThrow(refused('invalid_token', 'key_unusable'));
  expect(verify()).toBe(group);
});
