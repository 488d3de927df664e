import type { X509Certificate } from 'node:crypto';
import { messageOf } from '../../common/message-of.js';
import { onOneLine } from '../../common/on-one-line.js';
import { readExtensions } from './certificate-extensions.js';
import { isTrustedCa } from './may-issue.js';

/** What was found of a certificate's path to a trusted CA. */
export type PathVerdict =
  | {
      readonly kind: 'valid';
      /** From the certificate itself to the trusted one. */
      readonly path: readonly X509Certificate[];
      /** When the first certificate of the path expires, in milliseconds since the epoch. */
      readonly until: number;
    }
  | { readonly kind: 'invalid'; readonly error: string };

/** A step of a path: a certificate that may be a CA's, from the chain or among the trusted. */
interface Issuer {
  readonly certificate: X509Certificate;
  readonly trusted: boolean;
}

/** Signatures verified at most for one leaf: what a client sends as its chain must not keep this process busy. */
const MOST_SIGNATURES = 30;

/**
 * Looks for a path from a client's certificate to a trusted CA, and validates it. Stricter than RFC 5280 §6 has it:
 * a path with name constraints, or with a critical extension that is not understood, is refused, and self-issued CAs
 * count in path lengths.
 * @param leaf the certificate whose path it is: no other one can take its place
 * @param chain certificates that may be part of the path, in any order
 * @param cas the trusted CAs
 * @param now milliseconds since the epoch
 */
export async function validatePath(
  leaf: X509Certificate,
  chain: readonly X509Certificate[],
  cas: readonly X509Certificate[],
  now: number,
): Promise<PathVerdict> {
  try {
    const problem = await leafProblem(leaf);
    if (problem !== undefined) return { kind: 'invalid', error: problem };
    const issuers = issuersOf(leaf, chain, cas, now);
    const search: Search = { issuers, signatures: 0, error: 'no path leads to a trusted CA' };
    const above = await findPath(leaf, [], search);
    if (above === undefined) return { kind: 'invalid', error: search.error };
    const path = [leaf, ...above];
    return { kind: 'valid', path, until: Math.min(...path.map(({ validTo }) => Date.parse(validTo))) };
  } catch (error) {
    return { kind: 'invalid', error: messageOf(error) };
  }
}

async function leafProblem(leaf: X509Certificate): Promise<string | undefined> {
  if (leaf.ca) return 'the certificate is that of a CA';
  const { digitalSignature } = await readExtensions(leaf);
  return digitalSignature === false ? 'the key of the certificate may not sign' : certificateProblem(leaf);
}

/** Those that may be part of a path at this moment, each once, the trusted ones first; never the leaf. */
function issuersOf(
  leaf: X509Certificate,
  chain: readonly X509Certificate[],
  cas: readonly X509Certificate[],
  now: number,
): readonly Issuer[] {
  const seen = new Set([leaf.fingerprint256]);
  return [
    ...cas.map((certificate) => ({ certificate, trusted: true })),
    ...chain.map((certificate) => ({ certificate, trusted: false })),
  ].filter(({ certificate, trusted }) => {
    const isNew = !seen.has(certificate.fingerprint256);
    seen.add(certificate.fingerprint256);
    const isCa = trusted ? isTrustedCa(certificate) : certificate.ca;
    return isNew && isCa && isValidAt(certificate, now);
  });
}

/** @param now milliseconds since the epoch */
export function isValidAt({ validFrom, validTo }: X509Certificate, now: number): boolean {
  return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
}

interface Search {
  readonly issuers: readonly Issuer[];
  signatures: number;
  /** Why the last way that looked promising led nowhere. */
  error: string;
}

/** @param below the CAs between the leaf and this certificate, itself included where it is one */
async function findPath(
  certificate: X509Certificate,
  below: readonly X509Certificate[],
  search: Search,
): Promise<readonly X509Certificate[] | undefined> {
  for (const issuer of search.issuers) {
    if (below.includes(issuer.certificate) || !issued(issuer.certificate, certificate, search)) continue;
    // eslint-disable-next-line no-await-in-loop -- the next one is looked at only when this one leads nowhere
    const path = await continuePath(issuer, below, search);
    if (path !== undefined) return path;
  }
  return undefined;
}

async function continuePath(
  { certificate, trusted }: Issuer,
  below: readonly X509Certificate[],
  search: Search,
): Promise<readonly X509Certificate[] | undefined> {
  const problem =
    (await issuerProblem(certificate, below.length)) ??
    (trusted ? undefined : await certificateProblem(certificate));
  if (problem !== undefined) {
    search.error = problem;
    return undefined;
  }
  const path = [...below, certificate];
  return trusted ? path : findPath(certificate, path, search);
}

/** Whether one certificate issued another: by names, key identifiers, key usage, and then by the signature. */
function issued(issuer: X509Certificate, subject: X509Certificate, search: Search): boolean {
  if (!subject.checkIssued(issuer)) return false;
  search.signatures += 1;
  if (search.signatures > MOST_SIGNATURES) throw new Error('the chain has too many ways to be tried');
  return subject.verify(issuer.publicKey);
}

async function issuerProblem(issuer: X509Certificate, casBelow: number): Promise<string | undefined> {
  const { pathLength } = await readExtensions(issuer);
  return pathLength === undefined || casBelow <= pathLength
    ? commonProblem(issuer)
    : `${nameOf(issuer)} may not stand so high in a chain`;
}

const STRONG = /^(?:(?:RSASSA-PKCS1-v1_5|RSA-PSS|ECDSA) SHA-(?:256|384|512)|Ed25519|Ed448|EdDSA)$/;

/** What must hold of a certificate that is not trusted by itself. */
async function certificateProblem(certificate: X509Certificate): Promise<string | undefined> {
  const { signature } = await readExtensions(certificate);
  return STRONG.test(signature)
    ? commonProblem(certificate)
    : `${nameOf(certificate)} has a weak or unknown signature (${signature || 'unknown'})`;
}

async function commonProblem(certificate: X509Certificate): Promise<string | undefined> {
  const { unsupported } = await readExtensions(certificate);
  if (unsupported.length > 0)
    return `${nameOf(certificate)} has extensions that are not supported: ${unsupported.join()}`;
  if (!admitsClients(certificate))
    return `${nameOf(certificate)} is not for TLS clients (extended key usage)`;
  return hasStrongKey(certificate) ? undefined : `${nameOf(certificate)} has a weak or unusual key`;
}

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';

/** Whether the extended key usage lets a certificate be one of a TLS client, or stand above one. */
export function admitsClients({ keyUsage }: X509Certificate): boolean {
  const usages = keyUsage as readonly string[] | undefined;
  return usages === undefined || usages.includes(CLIENT_AUTHENTICATION) || usages.includes(ANY_USAGE);
}

const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** FAPI 2.0 asks for RSA of 2048 bits at least; over 8192, verification takes too long. */
export function hasStrongKey({ publicKey }: Pick<X509Certificate, 'publicKey'>): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: { modulusLength = 0, namedCurve = '' } = {} } =
    publicKey;
  if (type === 'rsa' || type === 'rsa-pss') return modulusLength >= 2048 && modulusLength <= 8192;
  return type === 'ec' ? CURVES.has(namedCurve) : type === 'ed25519' || type === 'ed448';
}

/** The subject, for a message. */
export function nameOf({ subject }: { readonly subject: string | undefined }): string {
  return subject === undefined ? 'a certificate without a subject' : onOneLine(subject);
}
