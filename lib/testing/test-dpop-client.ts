import { createHash, KeyObject, randomUUID } from 'node:crypto';
import { base64url, calculateJwkThumbprint, CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { DpopAlgorithm } from '../cert-bound-auth.options.js';

/** The request and the token that a proof is for, and what differs from a right one. */
export interface TestDpopProofOptions {
  /** Method of the request. @default 'GET' */
  readonly method?: string;
  /** URL of the request, as under `dpop.publicUrl`; query and fragment are left out of the proof. */
  readonly url: string;
  /** The access token that is sent with the proof; without it the proof has no `ath`. */
  readonly token?: string;
  /** The nonce that the API gave out. @default none */
  readonly nonce?: string;
  /** When it was made, in seconds since the epoch. @default now */
  readonly issuedAt?: number;
  /** @default a new one */
  readonly jti?: string;
  /** Claims added or replaced; `undefined` removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Header members added or replaced; `undefined` removes one. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** @default none: the proof is right */
  readonly fault?: TestDpopFault;
}

/**
 * `unsigned`: `alg: none`, no signature. `tampered`: a claim changed after signing. `foreign-key`: signed with another
 * key than the one in it. `private-key`: the private key is in it. `other-method`, `other-url`, `other-token`: made for
 * another request. `stale`, `future`: made an hour ago, in an hour. `no-jti`: without the claim that makes it unique.
 */
export type TestDpopFault =
  | 'unsigned'
  | 'tampered'
  | 'foreign-key'
  | 'private-key'
  | 'other-method'
  | 'other-url'
  | 'other-token'
  | 'stale'
  | 'future'
  | 'no-jti';

/** What to send with a request. A type, not an interface, so that any client takes it as a record of headers. */
export type TestDpopHeaders = { readonly Authorization: string; readonly DPoP: string };

const HOUR = 3600;

/** A client of DPoP (RFC 9449) for tests: a key, and right and wrong proofs by it. */
export class TestDpopClient {
  private constructor(
    private readonly algorithm: DpopAlgorithm,
    private readonly privateKey: KeyObject,
    /** The public key. */
    readonly jwk: JWK,
    /** The key's thumbprint (RFC 7638), base64url: the `cnf.jkt` of a token that is bound to it. */
    readonly thumbprint: string,
  ) {}

  /** Makes a client with a key of its own. @param algorithm that it signs with */
  static async create(algorithm: DpopAlgorithm = 'ES256'): Promise<TestDpopClient> {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
    const jwk = await exportJWK(publicKey);
    return new TestDpopClient(algorithm, KeyObject.from(privateKey), jwk, await calculateJwkThumbprint(jwk));
  }

  /** The headers of a request with this token: `Authorization` by the scheme DPoP, and a proof. */
  async headers(options: TestDpopProofOptions & { readonly token: string }): Promise<TestDpopHeaders> {
    return { Authorization: `DPoP ${options.token}`, DPoP: await this.proof(options) };
  }

  /** A proof (RFC 9449 §4.2), right unless told otherwise. */
  async proof(options: TestDpopProofOptions): Promise<string> {
    const { fault } = options;
    const header = { ...this.header(fault), ...options.header };
    const claims = { ...claimsOf(options), ...options.claims };
    if (fault === 'unsigned') return `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`;
    const proof = await sign(header, claims, await this.signingKey(fault));
    if (fault !== 'tampered') return proof;
    const [head, , signature] = proof.split('.');
    return `${head}.${encode({ ...claims, jti: randomUUID() })}.${signature}`;
  }

  private header(fault: TestDpopFault | undefined): Record<string, unknown> {
    const jwk = fault === 'private-key' ? this.privateKey.export({ format: 'jwk' }) : this.jwk;
    return { typ: 'dpop+jwt', alg: this.algorithm, jwk };
  }

  private async signingKey(fault: TestDpopFault | undefined): Promise<KeyObject> {
    return fault === 'foreign-key'
      ? (await TestDpopClient.create(this.algorithm)).privateKey
      : this.privateKey;
  }
}

function claimsOf({ method = 'GET', url, token, nonce, issuedAt, jti, fault }: TestDpopProofOptions): object {
  const other = fault === 'other-token' ? 'another token' : token;
  return {
    ...(fault === 'no-jti' ? {} : { jti: jti ?? randomUUID() }),
    htm: fault === 'other-method' ? otherMethod(method) : method,
    htu: targetUri(fault === 'other-url' ? `${url.replace(/[?#].*$/, '')}/elsewhere` : url),
    iat: issuedAt ?? Math.floor(Date.now() / 1000) + offsetOf(fault),
    ...(other === undefined ? {} : { ath: createHash('sha256').update(other).digest('base64url') }),
    ...(nonce === undefined ? {} : { nonce }),
  };
}

function otherMethod(method: string): string {
  return method === 'GET' ? 'POST' : 'GET';
}

function offsetOf(fault: TestDpopFault | undefined): number {
  if (fault === 'stale') return -HOUR;
  return fault === 'future' ? HOUR : 0;
}

function targetUri(url: string): string {
  return url.replace(/[?#].*$/, '');
}

async function sign(header: object, claims: object, key: KeyObject): Promise<string> {
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader(header as { alg: string })
    .sign(key);
}

function encode(part: object): string {
  return base64url.encode(JSON.stringify(part));
}
