import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyPairKeyObjectResult,
} from 'node:crypto';

/** What a key pair is made by. */
interface KeyPairOptions {
  readonly namedCurve?: string;
  /** Bits. */
  readonly modulusLength?: number;
  readonly publicExponent?: number;
}

/**
 * Makes a key pair. In Node 20 a key of `generateKeyPairSync()` must not be exported as a JWK: what has made it is collected
 * some time, and where that happens during the export, both wait for the same lock for ever. These keys come from their
 * encoded form, so nothing has made them.
 */
export function newKeyPair(
  type: 'ec' | 'rsa' | 'rsa-pss' | 'ed25519' | 'ed448' | 'x25519',
  options: KeyPairOptions = {},
): KeyPairKeyObjectResult {
  const { publicKey, privateKey } = generateKeyPairSync(type as 'rsa', {
    ...(options as { readonly modulusLength: number }),
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  return {
    publicKey: createPublicKey({ key: publicKey, type: 'spki', format: 'der' }),
    privateKey: createPrivateKey({ key: privateKey, type: 'pkcs8', format: 'der' }),
  };
}
