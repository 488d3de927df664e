import { hash, X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { JWK } from 'jose';
import { onOneLine } from '../common/on-one-line.js';
import { certificateThumbprint } from './certificate-thumbprint.js';
import { jwkThumbprint } from '../jose/jwk-thumbprint.js';

/**
 * Says for the log what a thumbprint is of, if not of the certificate that the client presented: of that certificate
 * written in another way, of another one of its chain, of one that it has replaced. It never throws.
 * @param expected SHA-256 in base64url, as the token has it
 * @param x509 what the client presented; `undefined` where a proxy passed on a digest only
 * @param issuers the certificates behind it, as {@link issuersOf} finds them
 * @param renewed whether the expected one is known as an older one of this client, see {@link SeenCertificates}
 * @returns `undefined` where nothing explains it
 * @see RFC 8705 §3.1
 */
export function explainMismatch(
  expected: string,
  x509: X509Certificate | undefined,
  issuers: readonly X509Certificate[],
  renewed: boolean,
): string | undefined {
  if (renewed) {
    return 'the client presented a certificate with this thumbprint before: it has been renewed since the token was issued';
  }
  return findMisreading(expected, x509) ?? findIssuer(expected, issuers);
}

/**
 * The certificates behind a client's, from its issuer on: those of its handshake, and where they lead to a CA of ours,
 * that one too. None once the connection has ended.
 */
export function issuersOf(connection: Pick<TLSSocket, 'getPeerCertificate'>): readonly X509Certificate[] {
  // Null, or without anything, where there is no certificate; not as its type says.
  const peer = connection.getPeerCertificate(true) as Partial<DetailedPeerCertificate> | null;
  const issuers: X509Certificate[] = [];
  let [below, issuer] = [peer?.raw, peer?.issuerCertificate];
  // A root is its own issuer.
  while (issuer?.raw !== undefined && below?.equals(issuer.raw) === false && issuers.length < MOST_ISSUERS) {
    issuers.push(new X509Certificate(issuer.raw));
    [below, issuer] = [issuer.raw, issuer.issuerCertificate];
  }
  return issuers;
}

const MOST_ISSUERS = 10;

/** What is hashed by mistake in place of a certificate's DER, and the thumbprints that come of it. */
const MISREADINGS: readonly Misreading[] = [
  ["the certificate's PEM text, not of its DER", pemTexts],
  ["the certificate's base64, not of its DER", ({ raw }) => [raw.toString('base64')]],
  ["the certificate's hex, not of its DER", ({ raw }) => hexOf(raw)],
  [
    "the certificate's public key (SPKI), as RFC 7469 pins it, not of the certificate",
    (x509) => [spkiOf(x509)],
  ],
  ['what the CA signed (TBSCertificate), not of the whole certificate', ({ raw }) => [toBeSigned(raw)]],
  ["the certificate's SHA-256: it was hashed twice", ({ raw }) => digestsOf(raw, 'sha256')],
  ["the certificate's SHA-1, not of its DER", ({ raw }) => digestsOf(raw, 'sha1')],
];

type Misreading = readonly [what: string, read: (x509: X509Certificate) => readonly Hashed[]];
type Hashed = string | Uint8Array;

function findMisreading(expected: string, x509: X509Certificate | undefined): string | undefined {
  // Stryker disable next-line ConditionalExpression: of nothing no attempt succeeds
  if (x509 === undefined) return undefined;
  const found = MISREADINGS.find(([, read]) =>
    attempt(() => read(x509)).some((bytes) => hash('sha256', bytes, 'base64url') === expected),
  );
  if (found !== undefined) return `the token has the SHA-256 of ${found[0]}`;
  const [ofKey] = attempt(() => [jwkThumbprint(x509.publicKey.export({ format: 'jwk' }) as JWK)]);
  if (ofKey !== expected) return undefined;
  return "the token has the JWK thumbprint of the certificate's key (RFC 7638), not of the certificate";
}

/** There are keys that Node cannot export: then there is no hint, but a client must not make us fail by its key. */
function attempt<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch {
    // Stryker disable next-line ArrayDeclaration: any other text explains nothing either
    return [];
  }
}

/** With either end of line, and with or without one at its end. */
function pemTexts(x509: X509Certificate): readonly Hashed[] {
  const text = x509.toString().trimEnd();
  const windows = text.replaceAll('\n', '\r\n');
  return [text, `${text}\n`, windows, `${windows}\r\n`];
}

function spkiOf({ publicKey }: X509Certificate): Hashed {
  return publicKey.export({ type: 'spki', format: 'der' });
}

/** The first element of the outer SEQUENCE (RFC 5280 §4.1). */
function toBeSigned(der: Buffer): Hashed {
  const { content } = elementAt(der, 0);
  return der.subarray(content, elementAt(der, content).end);
}

/** An element of DER: where its content begins, and where it ends. */
function elementAt(der: Buffer, offset: number): { readonly content: number; readonly end: number } {
  const length = der.readUInt8(offset + 1);
  if (length < 0x80) return { content: offset + 2, end: offset + 2 + length };
  const content = offset + 2 + (length & 0x7f);
  return { content, end: content + der.readUIntBE(offset + 2, length & 0x7f) };
}

/** The bytes of a digest, and the texts that it is usually written as. */
function digestsOf(der: Uint8Array, algorithm: 'sha1' | 'sha256'): readonly Hashed[] {
  const digest = hash(algorithm, der, 'buffer');
  const hex = hexOf(digest);
  const withColons = hex.map((text) => text.replaceAll(/..(?=.)/g, '$&:'));
  return [digest, digest.toString('base64url'), ...hex, ...withColons];
}

function hexOf(bytes: Buffer): readonly string[] {
  const hex = bytes.toString('hex');
  return [hex, hex.toUpperCase()];
}

function findIssuer(expected: string, issuers: readonly X509Certificate[]): string | undefined {
  const issuer = issuers.find(({ raw }) => certificateThumbprint(raw) === expected);
  if (issuer === undefined) return undefined;
  return `the token has the thumbprint of the CA ${onOneLine(issuer.subject)}, not of the client's certificate`;
}
