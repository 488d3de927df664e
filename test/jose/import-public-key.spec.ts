import type { JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { importPublicKey } from '../../lib/jose/import-public-key.js';
import { newKeyPair } from '../support/key-pair.js';

const jwk = newKeyPair('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }) as JWK;

describe('the import of a public key', () => {
  const { stackTraceLimit } = Error;

  beforeEach(() => {
    Error.stackTraceLimit = 7;
  });

  afterEach(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  test('a public key is imported, and errors of the app have stack traces as long as before', () => {
    expect(importPublicKey(jwk).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(Error.stackTraceLimit).toBe(7);
  });

  test('a key whose point is none of its curve is refused without a stack trace, and later errors have one', () => {
    const stackOf = (): string | undefined => {
      try {
        importPublicKey({ ...jwk, x: jwk.y ?? '', y: jwk.x ?? '' });
        return 'imported';
      } catch (error) {
        return (error as Error).stack;
      }
    };
    expect(stackOf()).not.toMatch(/imported|\n\s+at /);
    expect(Error.stackTraceLimit).toBe(7);
    expect(new Error('later').stack).toMatch(/\n\s+at /);
  });
});
