import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { X509Certificate as AsnCertificate } from '@peculiar/x509';
import { calculateJwkThumbprint } from 'jose';
import {
  selfSignedCertificate,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { explainMismatch, issuersOf } from '../../lib/client-certificate/thumbprint-hint.js';
import { whenOver } from '../support/world.js';

let root: TestCertificateAuthority;
let intermediate: TestCertificateAuthority;
let client: TestCertificate;
let other: TestCertificate;
let x509: X509Certificate;
beforeAll(async () => {
  root = await TestCertificateAuthority.create('Root CA');
  intermediate = await root.issueIntermediate('Issuing CA');
  [client, other] = await Promise.all([
    intermediate.issueClientCertificate('client1'),
    intermediate.issueClientCertificate('client2'),
  ]);
  x509 = new X509Certificate(client.cert);
});

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('base64url');
const sha1 = (bytes: Uint8Array): Buffer => createHash('sha1').update(bytes).digest();

/** The signed part, as another library finds it. */
function toBeSigned({ cert }: TestCertificate): Uint8Array {
  const { asn } = new AsnCertificate(cert) as unknown as { asn: { tbsCertificateRaw: ArrayBuffer } };
  return new Uint8Array(asn.tbsCertificateRaw);
}

const PEM = "the certificate's PEM text, not of its DER";
const HEX = "the certificate's hex, not of its DER";
const TWICE = "the certificate's SHA-256: it was hashed twice";
const SHA1 = "the certificate's SHA-1, not of its DER";

const MISREADINGS: readonly (readonly [what: string, read: () => string | Uint8Array, hint: string])[] = [
  ['the PEM as it is', () => client.cert.trimEnd(), PEM],
  ['the PEM and an end of line', () => `${client.cert.trimEnd()}\n`, PEM],
  ['the PEM of Windows', () => client.cert.trimEnd().replaceAll('\n', '\r\n'), PEM],
  [
    'the PEM of Windows and an end of line',
    () => `${client.cert.trimEnd().replaceAll('\n', '\r\n')}\r\n`,
    PEM,
  ],
  ['the base64', () => client.der.toString('base64'), "the certificate's base64, not of its DER"],
  ['the hex', () => client.der.toString('hex'), HEX],
  ['the hex in upper case', () => client.der.toString('hex').toUpperCase(), HEX],
  [
    'the public key',
    () => x509.publicKey.export({ type: 'spki', format: 'der' }),
    "the certificate's public key (SPKI), as RFC 7469 pins it, not of the certificate",
  ],
  [
    'the signed part',
    () => toBeSigned(client),
    'what the CA signed (TBSCertificate), not of the whole certificate',
  ],
  ['the digest', () => createHash('sha256').update(client.der).digest(), TWICE],
  ['the thumbprint', () => client.thumbprint, TWICE],
  ['the fingerprint that Node prints', () => x509.fingerprint256, TWICE],
  ['the digest in hex', () => createHash('sha256').update(client.der).digest('hex'), TWICE],
  ['the SHA-1', () => sha1(client.der), SHA1],
  ['the fingerprint of SHA-1 that Node prints', () => x509.fingerprint, SHA1],
];

describe('RFC8705-1: the log explains a thumbprint that does not match', () => {
  test.each(MISREADINGS)('the log recognises the SHA-256 of %s', (_, read, hint) => {
    expect(explainMismatch(sha256(read()), x509, [], false)).toBe(`the token has the SHA-256 of ${hint}`);
    expect(explainMismatch(sha256(read()), new X509Certificate(other.cert), [], false)).toBeUndefined();
  });

  test('the log recognises the thumbprint of the key as a JWK', async () => {
    const expected = await calculateJwkThumbprint(x509.publicKey.export({ format: 'jwk' }));
    expect(explainMismatch(expected, x509, [], false)).toBe(
      "the token has the JWK thumbprint of the certificate's key (RFC 7638), not of the certificate",
    );
  });

  test('the log recognises the thumbprint of a CA in the chain that the client sent', async () => {
    const issuers = await issuersThat(client);
    // Node 24 does not always tell them: then there is no hint.
    if (issuers.length === 0) {
      expect(process.version).toMatch(/^v24\./);
      expect(explainMismatch(sha256(root.der), x509, issuers, false)).toBeUndefined();
      return;
    }
    const hint = (name: string): string =>
      `the token has the thumbprint of the CA CN=${name}, not of the client's certificate`;
    expect(explainMismatch(sha256(intermediate.der), x509, issuers, false)).toBe(hint('Issuing CA'));
    expect(explainMismatch(sha256(root.der), x509, issuers, false)).toBe(hint('Root CA'));
    expect(explainMismatch(sha256(root.der), x509, [], false)).toBeUndefined();
    expect(issuers.map(({ raw }) => sha256(raw))).toEqual([intermediate, root].map(({ der }) => sha256(der)));
  });

  test.each([
    ['O=Bank\nCN=Issuing CA', 'O=Bank, CN=Issuing CA'],
    [undefined, ''],
  ])('the log names on one line a CA that Node prints as %j', (subject, name) => {
    const issuer = Object.create({ raw: root.der }, { subject: { value: subject } }) as X509Certificate;
    expect(explainMismatch(sha256(root.der), x509, [issuer], false)).toBe(
      `the token has the thumbprint of the CA ${name}, not of the client's certificate`,
    );
  });

  test('the log recognises the thumbprint of a certificate that the client had before', () => {
    const hint =
      'the client presented a certificate with this thumbprint before: it has been renewed since the token was issued';
    expect(explainMismatch(other.thumbprint, x509, [], true)).toBe(hint);
    expect(explainMismatch(other.thumbprint, undefined, [], true)).toBe(hint);
  });

  test('the log explains nothing when the thumbprint is somebody else’s, or when only a digest is known', () => {
    expect(explainMismatch(other.thumbprint, x509, [new X509Certificate(root.cert)], false)).toBeUndefined();
    expect(explainMismatch(sha256(client.cert), undefined, [], false)).toBeUndefined();
  });

  /** A certificate with a key that Node cannot export. */
  const unusualOf = (...der: readonly number[]): X509Certificate =>
    ({
      raw: Buffer.from(der),
      toString: () => client.cert,
      get publicKey(): KeyObject {
        throw new Error('unsupported');
      },
    }) as unknown as X509Certificate;

  test('the log recognises the digest of the signed part with a short or long length, but not with one that DER does not allow', () => {
    const signed = [0x30, 0x02, 0x05, 0x00];
    const hintOf = (...der: readonly number[]): string | undefined =>
      explainMismatch(sha256(Buffer.from(signed)), unusualOf(...der), [], false);
    expect(hintOf(0x30, 0x06, ...signed, 0x05, 0x00)).toContain('TBSCertificate');
    expect(hintOf(0x30, 0x81, 0x06, ...signed, 0x05, 0x00)).toContain('TBSCertificate');
    expect(hintOf(0x30, 0x80, ...signed, 0x05, 0x00, 0x00, 0x00)).toBeUndefined();
  });

  test('a key that Node cannot export causes no error', () => {
    const unusual = unusualOf(0x30, 0x80);
    expect(explainMismatch(other.thumbprint, unusual, [], false)).toBeUndefined();
    expect(explainMismatch(sha256(Buffer.from([0x30, 0x80]).toString('hex')), unusual, [], false)).toContain(
      HEX,
    );
  });
});

test('a self-signed certificate has no issuers', async () => {
  expect(await issuersThat(await selfSignedCertificate('client1'))).toEqual([]);
});

test('a missing certificate or a closed connection has no issuers', () => {
  for (const nothing of [null, undefined, {}, { issuerCertificate: { raw: root.der } }]) {
    expect(issuersOf({ getPeerCertificate: () => nothing as never })).toEqual([]);
  }
});

test('a chain that goes on for ever is followed for ten certificates', () => {
  const raws = [client.der, intermediate.der];
  const endless = (i: number): object => ({
    raw: raws[i % 2],
    get issuerCertificate() {
      return endless(i + 1);
    },
  });
  expect(issuersOf({ getPeerCertificate: () => endless(0) as never })).toHaveLength(10);
});

/** The issuers of this client's certificate as a server of Node knows them. */
async function issuersThat({ key, cert }: TestCertificate): Promise<readonly X509Certificate[]> {
  const { key: serverKey, cert: serverCert } = await root.issueServerCertificate();
  const server = createServer({
    key: serverKey,
    cert: serverCert,
    ca: root.cert,
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'secureConnection');
  const socket = connect({
    port,
    host: '127.0.0.1',
    ca: root.cert,
    key,
    cert: `${cert}\n${intermediate.cert}`,
  });
  whenOver(async () => {
    socket.destroy();
    server.close();
  });
  const [connection] = (await accepted) as unknown as readonly [TLSSocket];
  const issuers = issuersOf(connection);
  connection.destroy();
  return issuers;
}
