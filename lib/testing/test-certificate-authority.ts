// @peculiar/x509 needs this polyfill before it is loaded.
import 'reflect-metadata';
import { createHash, randomBytes, webcrypto, X509Certificate as NodeCertificate } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
  Extension,
} from '@peculiar/x509';

const EC_P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY = 86_400_000;

/** A certificate with its private key. */
export interface TestCertificate {
  /** The certificate, PEM. */
  readonly cert: string;
  /** Its private key, PKCS #8 PEM. */
  readonly key: string;
  /** SHA-256 of the DER, base64url: what `cnf["x5t#S256"]` holds. */
  readonly thumbprint: string;
  readonly der: Buffer;
}

/** What a test certificate says. */
export interface TestCertificateOptions {
  /** @default yesterday */
  readonly notBefore?: Date;
  /** @default in 30 days */
  readonly notAfter?: Date;
  /** DNS names and IP addresses of the subject alternative name. */
  readonly hosts?: readonly string[];
  /** URIs of the subject alternative name. */
  readonly uris?: readonly string[];
  /** Addresses of the subject alternative name. */
  readonly emails?: readonly string[];
  /**
   * The whole subject, the root of the tree first: `[{ C: ['DE'] }, { '2.5.4.97': ['PSDDE-BAFIN-1'] }, { CN: ['client'] }]`. Several
   * attributes in one object are one part of it.
   * @default the common name
   */
  readonly subject?: readonly Readonly<Record<string, readonly string[]>>[];
  /** Extensions, each in place of the one that there would be with this object identifier. @default none */
  readonly extensions?: readonly TestCertificateExtension[];
}

/** An extension of a test certificate. */
export interface TestCertificateExtension {
  /** Its object identifier. */
  readonly oid: string;
  /** @default false */
  readonly critical?: boolean;
  /** Its DER; none at all leaves the extension out. */
  readonly value: Uint8Array | undefined;
}

/**
 * A certificate authority for tests: it lives in memory and its keys are new each time.
 * @example
 * ```ts
 * import { TestCertificateAuthority } from 'nestjs-cert-bound-auth/testing';
 *
 * const ca = await TestCertificateAuthority.create();
 * export const { key, cert, thumbprint } = await ca.issueClientCertificate('client-1');
 * ```
 */
export class TestCertificateAuthority {
  private readonly revoked: { readonly serialNumber: string }[] = [];

  private constructor(
    /** The CA's certificate, PEM: the `ca` of `mutualTls()` and of clients. */
    readonly cert: string,
    private readonly certificate: X509Certificate,
    private readonly keys: webcrypto.CryptoKeyPair,
  ) {}

  /** Makes a CA. @param name its common name */
  static async create(name = 'Test CA'): Promise<TestCertificateAuthority> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serialNumber(),
      name: [{ CN: [name] }],
      notBefore: new Date(Date.now() - DAY),
      notAfter: new Date(Date.now() + 3650 * DAY),
      signingAlgorithm: EC_P256,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return new TestCertificateAuthority(certificate.toString('pem'), certificate, keys);
  }

  /** The CA's certificate, DER. */
  get der(): Buffer {
    return Buffer.from(this.certificate.rawData);
  }

  /** Makes a CA whose certificate this one issues. @param name its common name */
  async issueIntermediate(name = 'Test intermediate CA'): Promise<TestCertificateAuthority> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [{ CN: [name] }],
      issuer: this.certificate.subjectName,
      notBefore: new Date(Date.now() - DAY),
      notAfter: new Date(Date.now() + 365 * DAY),
      signingAlgorithm: EC_P256,
      publicKey: keys.publicKey,
      signingKey: this.keys.privateKey,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(this.keys.publicKey),
      ],
    });
    return new TestCertificateAuthority(certificate.toString('pem'), certificate, keys);
  }

  /** Issues a server certificate, for `localhost` and `127.0.0.1` (which supertest uses) unless told otherwise. */
  async issueServerCertificate(options: TestCertificateOptions = {}): Promise<TestCertificate> {
    const hosts = options.hosts ?? ['localhost', '127.0.0.1', '::1'];
    return this.issue(hosts[0] ?? 'server', ExtendedKeyUsage.serverAuth, { ...options, hosts });
  }

  /** Issues a client certificate. @param commonName its subject's CN; empty for one without a subject, as SPIFFE has them */
  async issueClientCertificate(
    commonName: string,
    options: TestCertificateOptions = {},
  ): Promise<TestCertificate> {
    return this.issue(commonName, ExtendedKeyUsage.clientAuth, options);
  }

  /** Revokes a certificate of this CA: lists that are issued from now on name it. */
  revoke({ cert }: TestCertificate): void {
    const { serialNumber: revoked } = new NodeCertificate(cert);
    this.revoked.push({ serialNumber: revoked });
  }

  /** Issues a certificate revocation list (RFC 5280 §5) for the next 30 days, PEM: the `crl` of `mutualTls()`. */
  async issueCrl(): Promise<string> {
    const crl = await X509CrlGenerator.create({
      issuer: this.certificate.subjectName,
      thisUpdate: new Date(Date.now() - DAY),
      nextUpdate: new Date(Date.now() + 30 * DAY),
      signingAlgorithm: EC_P256,
      signingKey: this.keys.privateKey,
      entries: this.revoked,
    });
    // The label of @peculiar/x509, CRL, is none that OpenSSL knows.
    return crl.toString('pem').replaceAll(/(BEGIN|END) CRL/g, '$1 X509 CRL');
  }

  private async issue(
    commonName: string,
    usage: ExtendedKeyUsage,
    options: TestCertificateOptions,
  ): Promise<TestCertificate> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: options.subject === undefined ? nameOf(commonName) : jsonNameOf(options.subject),
      issuer: this.certificate.subjectName,
      notBefore: options.notBefore ?? new Date(Date.now() - DAY),
      notAfter: options.notAfter ?? new Date(Date.now() + 30 * DAY),
      signingAlgorithm: EC_P256,
      publicKey: keys.publicKey,
      signingKey: this.keys.privateKey,
      extensions: withOwn(options.extensions ?? [], [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage]),
        ...subjectAlternativeName(options),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(this.keys.publicKey),
      ]),
    });
    return describe(certificate, keys);
  }
}

function jsonNameOf(subject: NonNullable<TestCertificateOptions['subject']>): Record<string, string[]>[] {
  return subject.map((part) =>
    Object.fromEntries(Object.entries(part).map(([type, values]) => [type, [...values]])),
  );
}

function withOwn(own: readonly TestCertificateExtension[], usual: readonly Extension[]): Extension[] {
  const replaced = new Set(own.map(({ oid }) => oid));
  return [
    ...usual.filter(({ type }) => !replaced.has(type)),
    ...own.flatMap(({ oid, critical = false, value }) =>
      value === undefined ? [] : [new Extension(oid, critical, value as Uint8Array<ArrayBuffer>)],
    ),
  ];
}

/** A distinguished name of one attribute, or of none. */
function nameOf(commonName: string): { readonly CN: string[] }[] {
  return commonName === '' ? [] : [{ CN: [commonName] }];
}

/** Makes a self-signed client certificate, for `clientCertificate: { trust: 'any' }` (RFC 8705 §2.2). */
export async function selfSignedCertificate(
  commonName: string,
  options: TestCertificateOptions = {},
): Promise<TestCertificate> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: nameOf(commonName),
    notBefore: options.notBefore ?? new Date(Date.now() - DAY),
    notAfter: options.notAfter ?? new Date(Date.now() + 30 * DAY),
    signingAlgorithm: EC_P256,
    keys,
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
      ...subjectAlternativeName(options),
    ],
  });
  return describe(certificate, keys);
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(EC_P256, true, ['sign', 'verify']);
}

/** 16 random bytes in hex, the first below 0x80: a positive ASN.1 INTEGER (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString('hex');
}

function subjectAlternativeName(options: TestCertificateOptions): SubjectAlternativeNameExtension[] {
  const names: JsonGeneralName[] = [
    ...(options.hosts ?? []).map((host): JsonGeneralName => ({
      type: isAddress(host) ? 'ip' : 'dns',
      value: host,
    })),
    ...(options.uris ?? []).map((uri): JsonGeneralName => ({ type: 'url', value: uri })),
    ...(options.emails ?? []).map((email): JsonGeneralName => ({ type: 'email', value: email })),
  ];
  return names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : [];
}

function isAddress(host: string): boolean {
  return /^[\d.]+$|:/.test(host);
}

async function describe(
  certificate: X509Certificate,
  keys: webcrypto.CryptoKeyPair,
): Promise<TestCertificate> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const der = Buffer.from(certificate.rawData);
  return {
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END PRIVATE KEY-----\n`,
    thumbprint: createHash('sha256').update(der).digest('base64url'),
    der,
  };
}
