import { type KeyObject, randomUUID } from 'node:crypto';
import {
  selfSignedCertificate,
  TestAuthorizationServer,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import { compactJws, ecdsa, jsonText, type Signer } from './raw-jws.js';
import type { HostileRequest } from './request.js';
import { newKeyPair } from '../support/key-pair.js';

/** What the API under test answers to. */
export const AUDIENCE = 'https://api.example.com';
/** What another API of the same authorization servers answers to. */
export const OTHER_AUDIENCE = 'https://other.example.com';
/** The `publicUrl` of the APIs under test: neither their audience nor the `Host` header that they get. */
export const PUBLIC_URL = 'https://pay.example.com';
/** Scope of the kit's tokens. */
export const SCOPE = 'accounts:read';

const DAY = 86_400_000;

type Members = Readonly<Record<string, unknown>>;

/** What differs from a token that is right in everything. */
export interface JwtDifference {
  /** Claims added or replaced, as values or as raw JSON; `undefined` removes one. */
  readonly claims?: Members;
  /** Header members, likewise. */
  readonly header?: Members;
  readonly signer?: Signer;
}

/** The client certificates of the table. */
export interface HostileCertificates {
  readonly client1: TestCertificate;
  readonly client2: TestCertificate;
  /** The same subject and CA as client1, another key. */
  readonly namesake: TestCertificate;
  /** From a CA that the API does not know. */
  readonly untrusted: TestCertificate;
  /** From a CA that has the name of the API's, but another key. */
  readonly impostor: TestCertificate;
  readonly selfSigned: TestCertificate;
  readonly expired: TestCertificate;
  readonly notYetValid: TestCertificate;
  /** From the API's CA, for servers only. */
  readonly serverUsage: TestCertificate;
  /** client2's, followed by client1's as if that were an intermediate. */
  readonly chained: TestCertificate;
}

/** Keys that issuer A publishes beside the one it signs with. */
export interface PublishedKeys {
  /** RSA without `alg`: fits RS256 and PS256. */
  readonly rsa: KeyPair;
  /** RSA with `alg: RS256`. */
  readonly rs256: KeyPair;
  /** RSA with `use: enc`. */
  readonly encryption: KeyPair;
  /** RSA of 1024 bits. */
  readonly weak: KeyPair;
  /** Ed25519, under the same `kid` as A's ES256 key: FAPI has them told apart by `kty`, `crv` and `alg`. */
  readonly ed25519: KeyPair;
  readonly secp256k1: KeyPair;
  /** A symmetric key, published by mistake. */
  readonly oct: Buffer;
}

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Certificates, authorization servers and the mint of everything that a row sends. */
export class HostileKit {
  private constructor(
    readonly ca: TestCertificateAuthority,
    readonly server: TestCertificate,
    readonly certificates: HostileCertificates,
    /** Issuer A: JWTs and introspection. */
    readonly a: TestAuthorizationServer,
    /** Issuer B: JWTs only. */
    readonly b: TestAuthorizationServer,
    /** A server that no app trusts: not one request may reach it. */
    readonly evil: TestAuthorizationServer,
    readonly keys: PublishedKeys,
  ) {}

  static async start(): Promise<HostileKit> {
    const ca = await TestCertificateAuthority.create('Hostile Test CA');
    const [a, b, evil] = await Promise.all([
      TestAuthorizationServer.start({ ca }),
      TestAuthorizationServer.start({ ca, path: '/tenant', discovery: 'openid' }),
      TestAuthorizationServer.start({ ca }),
    ]);
    const keys = publishedKeys();
    a.behave('jwks', { status: 200, body: JSON.stringify({ keys: jwksOfA(a, keys) }) });
    b.behave('jwks', { status: 200, body: JSON.stringify({ keys: jwksOfB(a, b) }) });
    const certificates = await issueCertificates(ca);
    return new HostileKit(ca, await ca.issueServerCertificate(), certificates, a, b, evil, keys);
  }

  get client1(): TestCertificate {
    return this.certificates.client1;
  }

  get client2(): TestCertificate {
    return this.certificates.client2;
  }

  async stop(): Promise<void> {
    await Promise.all([this.a.stop(), this.b.stop(), this.evil.stop()]);
  }

  /** Claims of a token of A that is right in everything and bound to client1. */
  claims(difference: Members = {}): Members {
    const now = seconds();
    return {
      iss: this.a.issuer,
      sub: 'user-1',
      client_id: 'client-1',
      aud: AUDIENCE,
      iat: now,
      exp: now + 300,
      jti: randomUUID(),
      scope: SCOPE,
      cnf: { 'x5t#S256': this.client1.thumbprint },
      ...difference,
    };
  }

  header(difference: Members = {}): Members {
    return { alg: 'ES256', typ: 'at+jwt', kid: this.a.signingKey.jwk.kid, ...difference };
  }

  /** Signs as A does. */
  get signer(): Signer {
    return ecdsa(this.a.signingKey.privateKey);
  }

  /** A JWT of A, but for this difference. */
  jwt({ claims, header, signer = this.signer }: JwtDifference = {}): string {
    return compactJws(jsonText(this.header(header)), jsonText(this.claims(claims)), signer);
  }

  /** A JWT of B, but for this difference. */
  jwtOfB({ claims, header, signer = ecdsa(this.b.signingKey.privateKey) }: JwtDifference = {}): string {
    return this.jwt({
      claims: { iss: this.b.issuer, ...claims },
      header: { kid: this.b.signingKey.jwk.kid, ...header },
      signer,
    });
  }

  /** An opaque token of A, but for this difference in what introspection answers. */
  opaque(difference: Members = {}): string {
    return this.answered({ active: true, ...this.claims(difference) });
  }

  /** An opaque token about which A's introspection says just this. */
  answered(answer: unknown, token = `opaque-${randomUUID()}`): string {
    this.a.answerIntrospection(token, answer);
    return token;
  }

  /** Sends a token as it should be sent, by client1. */
  bearer(token: string, rest: Partial<HostileRequest> = {}): HostileRequest {
    return { authorization: `Bearer ${token}`, certificate: this.client1, ...rest };
  }
}

/** Now, in seconds since the epoch. */
export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

function publishedKeys(): PublishedKeys {
  return {
    rsa: newKeyPair('rsa', { modulusLength: 2048 }),
    rs256: newKeyPair('rsa', { modulusLength: 2048 }),
    encryption: newKeyPair('rsa', { modulusLength: 2048 }),
    weak: newKeyPair('rsa', { modulusLength: 1024 }),
    ed25519: newKeyPair('ed25519'),
    secp256k1: newKeyPair('ec', { namedCurve: 'secp256k1' }),
    oct: Buffer.from(randomUUID()),
  };
}

function jwksOfA(a: TestAuthorizationServer, keys: PublishedKeys): readonly object[] {
  return [
    a.signingKey.jwk,
    publicJwk(keys.rsa, { kid: 'rsa', use: 'sig' }),
    publicJwk(keys.rs256, { kid: 'rs256', use: 'sig', alg: 'RS256' }),
    publicJwk(keys.encryption, { kid: 'encryption', use: 'enc' }),
    publicJwk(keys.weak, { kid: 'weak', use: 'sig' }),
    publicJwk(keys.ed25519, { kid: a.signingKey.jwk.kid, use: 'sig', alg: 'EdDSA' }),
    publicJwk(keys.secp256k1, { kid: 'secp256k1', use: 'sig', alg: 'ES256K' }),
    { kty: 'oct', k: keys.oct.toString('base64url'), kid: 'oct', use: 'sig', alg: 'HS256' },
    // RFC 7517 §5: a key of a type that is not known is skipped, not fatal.
    { kty: 'AKP', alg: 'ML-DSA-44', kid: 'future', pub: 'AAAA' },
  ];
}

/** B claims A's `kid` for its own key, which must not make that a key of A. */
function jwksOfB(a: TestAuthorizationServer, b: TestAuthorizationServer): readonly object[] {
  return [b.signingKey.jwk, { ...b.signingKey.jwk, kid: a.signingKey.jwk.kid }];
}

function publicJwk(keys: KeyPair, members: object): object {
  return { ...keys.publicKey.export({ format: 'jwk' }), ...members };
}

async function issueCertificates(ca: TestCertificateAuthority): Promise<HostileCertificates> {
  const unknownCa = await TestCertificateAuthority.create('Unknown CA');
  const impostorCa = await TestCertificateAuthority.create('Hostile Test CA');
  const client1 = await issueTelling(ca);
  const client2 = await ca.issueClientCertificate('client-2');
  return {
    client1,
    client2,
    namesake: await ca.issueClientCertificate('client-1'),
    untrusted: await unknownCa.issueClientCertificate('client-1'),
    impostor: await impostorCa.issueClientCertificate('client-1'),
    selfSigned: await selfSignedCertificate('client-1'),
    expired: await ca.issueClientCertificate('client-1', {
      notBefore: new Date(Date.now() - 2 * DAY),
      notAfter: new Date(Date.now() - DAY),
    }),
    notYetValid: await ca.issueClientCertificate('client-1', { notBefore: new Date(Date.now() + DAY) }),
    serverUsage: await ca.issueServerCertificate(),
    chained: { ...client2, cert: `${client2.cert.trimEnd()}\n${client1.cert}` },
  };
}

/** A certificate whose thumbprint has both `-` and `_`: only then do the two base64 alphabets differ. */
async function issueTelling(ca: TestCertificateAuthority): Promise<TestCertificate> {
  const certificate = await ca.issueClientCertificate('client-1');
  return /-.*_|_.*-/.test(certificate.thumbprint) ? certificate : issueTelling(ca);
}
