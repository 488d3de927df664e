import { type KeyObject } from 'node:crypto';
import {
  selfSignedCertificate,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import type { JWK } from 'jose';
import { rfc7638Thumbprint } from './oracle/oracle-jwk.js';
import { newKeyPair } from '../support/key-pair.js';

/** A key pair of an issuer or of a client, and the algorithm that it signs with. */
export interface FuzzKey {
  readonly algorithm: 'ES256' | 'ES384' | 'EdDSA' | 'RS256' | 'PS256';
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: JWK;
}

/** Names of the certificates that peers of the fuzzed API hold. */
export type CertificateName = 'client1' | 'client2' | 'expired' | 'early' | 'selfSigned' | 'foreign';

export const ISSUER_A = 'https://a.example.com';
/** With a path: prefixes and slashes at the end are then worth trying. */
export const ISSUER_B = 'https://b.example.com/tenant';
export const AUDIENCE = 'https://api.example.com';

const DAY = 86_400_000;

/** Keys and certificates that inputs are made of, new for each run of the suite: nothing depends on their bytes. */
export interface FuzzKit {
  /** The keys that issuer A publishes, by `kid`. */
  readonly keysOfA: readonly FuzzKey[];
  /** Issuer B's, of which the first has the `kid` of A's first. */
  readonly keysOfB: readonly FuzzKey[];
  /** Published by nobody. */
  readonly foreignKey: FuzzKey;
  /** Keys of DPoP clients. */
  readonly clientKeys: readonly FuzzKey[];
  readonly ca: TestCertificateAuthority;
  readonly server: TestCertificate;
  readonly certificates: Readonly<Record<CertificateName, TestCertificate>>;
}

export async function createFuzzKit(): Promise<FuzzKit> {
  const ca = await TestCertificateAuthority.create('Fuzz CA');
  // The clock of a long run moves on by months.
  const notAfter = new Date(Date.now() + 3600 * DAY);
  const other = await TestCertificateAuthority.create('Fuzz CA');
  return {
    keysOfA: [
      ecKey('shared', 'ES256'),
      edKey('ed'),
      rsaKey('rsa', 'PS256'),
      rsaKey('rs256', 'RS256'),
      ecKey('es384', 'ES384'),
    ],
    keysOfB: [ecKey('shared', 'ES256'), ecKey('b', 'ES256')],
    foreignKey: ecKey('shared', 'ES256'),
    clientKeys: [ecKey('', 'ES256'), edKey(''), ecKey('', 'ES384'), rsaKey('', 'RS256')],
    ca,
    server: await ca.issueServerCertificate(),
    certificates: {
      client1: await ca.issueClientCertificate('client-1', { notAfter }),
      client2: await ca.issueClientCertificate('client-2', { notAfter }),
      expired: await ca.issueClientCertificate('client-1', { notAfter: new Date(Date.now() - DAY / 2) }),
      early: await ca.issueClientCertificate('client-1', {
        notBefore: new Date(Date.now() + 3000 * DAY),
        notAfter,
      }),
      selfSigned: await selfSignedCertificate('client-1', { notAfter }),
      foreign: await other.issueClientCertificate('client-1'),
    },
  };
}

/** The public keys of an issuer as it publishes them. */
export function jwksOf(keys: readonly FuzzKey[]): { readonly keys: JWK[] } {
  return { keys: keys.map(publishedJwk) };
}

/** The key without `alg` fits several algorithms. */
function publishedJwk({ jwk, kid, algorithm }: FuzzKey): JWK {
  return { ...jwk, kid, use: 'sig', ...(kid === 'rsa' ? {} : { alg: algorithm }) };
}

export function thumbprintOfKey({ jwk }: FuzzKey): string {
  return rfc7638Thumbprint(jwk);
}

function ecKey(kid: string, algorithm: 'ES256' | 'ES384'): FuzzKey {
  const pair = newKeyPair('ec', { namedCurve: algorithm === 'ES256' ? 'P-256' : 'P-384' });
  return keyOf(kid, algorithm, pair);
}

function edKey(kid: string): FuzzKey {
  return keyOf(kid, 'EdDSA', newKeyPair('ed25519'));
}

function rsaKey(kid: string, algorithm: 'RS256' | 'PS256'): FuzzKey {
  return keyOf(kid, algorithm, newKeyPair('rsa', { modulusLength: 2048 }));
}

function keyOf(
  kid: string,
  algorithm: FuzzKey['algorithm'],
  pair: { readonly privateKey: KeyObject; readonly publicKey: KeyObject },
): FuzzKey {
  return { kid, algorithm, ...pair, jwk: pair.publicKey.export({ format: 'jwk' }) };
}
