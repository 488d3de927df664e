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
      expect.objectContaining({ reason: 'proof_key_unusable' }),
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
