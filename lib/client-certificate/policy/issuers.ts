import { hash, type X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CertificateIssuer } from '../../cert-bound-auth.options.js';
import { readCaCertificates } from '../chain/read-certificates.js';
import type { ChainOfCaller } from '../../decision.js';
import { isThumbprint } from '../certificate-thumbprint.js';
import { identityOf } from '../identity/certificate-identity.js';
import { exactKey } from '../identity/distinguished-name.js';
import { parseRfc4514 } from '../identity/parse-rfc4514.js';

/** Whether one of some CAs stands above a certificate, in the chain that was verified. */
export type IssuerRule = (leaf: X509Certificate, verdict: ChainOfCaller) => boolean;

/** @throws Error where it can't be read */
export function issuerRule(issuer: CertificateIssuer): IssuerRule {
  if ('dn' in issuer) return byName(exactKey(parseRfc4514(issuer.dn)));
  return 'spkiSha256' in issuer ? byKey(issuer.spkiSha256) : byCertificate(casOf(issuer));
}

/** The certificates by which an issuer is named. @throws Error where they can't be read */
export function casOf(
  issuer: Extract<CertificateIssuer, { readonly ca: unknown } | { readonly caFile: unknown }>,
): readonly X509Certificate[] {
  return readCaCertificates('ca' in issuer ? issuer.ca : readFileSync(issuer.caFile));
}

/** What is wrong with an entry of `issuers`, as the remedy; `undefined` where nothing is. */
export function issuerProblem(issuer: unknown): string | undefined {
  const members = typeof issuer === 'object' && issuer !== null ? Object.entries(issuer) : [];
  const [name, value] = members.length === 1 ? (members[0] ?? []) : [];
  try {
    if (name === 'spkiSha256') return isThumbprint(value) ? undefined : DIGEST;
    if (name === 'caFile' && !isPath(value)) return FILE;
    if (!NAMES.has(name ?? '') || (typeof value !== 'string' && !Buffer.isBuffer(value))) return SHAPE;
    issuerRule(issuer as CertificateIssuer);
    return undefined;
  } catch (error) {
    return `it cannot be used: ${(error as Error).message}`;
  }
}

const NAMES = new Set(['ca', 'caFile', 'dn']);
const SHAPE = `give { ca } (PEM), { caFile } (a path), { spkiSha256 } (base64url) or { dn } (RFC 4514)`;
const FILE = 'give the path of a file of PEM; what it holds goes into ca';
const DIGEST = 'give the SHA-256 of the SubjectPublicKeyInfo of the CA, base64url (43 characters)';

function isPath(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && !value.includes('-----BEGIN');
}

/** Where we have not verified the chain, there is no more than the certificate's own signature to go by. */
function byCertificate(cas: readonly X509Certificate[]): IssuerRule {
  return (leaf, { path }) =>
    path.length === 0
      ? cas.some((ca) => leaf.checkIssued(ca) && leaf.verify(ca.publicKey))
      : above(path).some(({ raw }) => cas.some((ca) => ca.raw.equals(raw)));
}

function byName(key: string): IssuerRule {
  return (leaf, { path }) =>
    path.length === 0
      ? nameKey(leaf, 'issuer') === key
      : above(path).some((ca) => nameKey(ca, 'subject') === key);
}

function nameKey(certificate: X509Certificate, which: 'subject' | 'issuer'): string | undefined {
  const identity = identityOf(certificate);
  return 'fault' in identity ? undefined : exactKey(identity[which]);
}

function byKey(digest: string): IssuerRule {
  return (_, { path }) =>
    above(path).some(
      ({ publicKey }) =>
        hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'base64url') === digest,
    );
}

function above([, ...cas]: readonly X509Certificate[]): readonly X509Certificate[] {
  return cas;
}
