import type { X509Certificate } from 'node:crypto';
import { messageOf } from '../../common/message-of.js';
import { onOneLine } from '../../common/on-one-line.js';
import { unsupportedOf } from './certificate-extensions.js';
import { fieldsOf } from './certificate-fields.js';
import { findForbiddenName } from './check-names.js';
import { policiesHold } from './check-policies.js';
import { nameConstraintsOf } from './name-constraints.js';
import { policyExtensionsOf } from './policy-extensions.js';
import { isCa, isSelfIssued } from './may-issue.js';

/** Whose key may sign lists of a CA, beside that of the path. */
export interface ListSigner {
  /** From its certificate to the same trusted CA. */
  readonly path: readonly [X509Certificate, ...X509Certificate[]];
  /** Whether the key signs lists and no certificates: then there is no other list that it could be for. */
  readonly isForLists: boolean;
}

/**
 * Who else may sign the lists of a CA.
 * @param name of the CA, as `nameKey` has it
 * @param now milliseconds since the epoch
 */
export type ListSigners = (name: string, now: number) => readonly ListSigner[];

/** What was found of a certificate's path to a trusted CA. */
export type PathVerdict =
  | {
      readonly kind: 'valid';
      /** From the certificate itself to the trusted one. */
      readonly path: readonly X509Certificate[];
      /** When the first certificate of the path expires, in milliseconds since the epoch. */
      readonly until: number;
      readonly listSigners?: ListSigners;
    }
  | InvalidPath;

/** A path that does not count, or none. */
export interface InvalidPath {
  readonly kind: 'invalid';
  readonly reason: 'certificate_untrusted' | 'certificate_path_incomplete';
  readonly error: string;
}

/** That a path is there, and does not count. */
export function invalidPath(error: string): InvalidPath {
  return { kind: 'invalid', reason: 'certificate_untrusted', error };
}

/** @param now milliseconds since the epoch */
export function isValidAt(certificate: X509Certificate, now: number): boolean {
  const { notBefore, notAfter } = fieldsOf(certificate);
  return notBefore <= now && now <= notAfter;
}

/** When a path ends: with the first of its certificates that expires. In milliseconds since the epoch. */
export function endOfPath(path: readonly X509Certificate[]): number {
  return Math.min(...path.map((certificate) => fieldsOf(certificate).notAfter));
}

/** What is wrong with the certificate of a client, wherever its path may lead. */
export function leafProblem(leaf: X509Certificate): string | undefined {
  return attempt(leaf, () => {
    if (isCa(leaf)) return 'the certificate is that of a CA';
    const { keyUsage } = fieldsOf(leaf);
    return keyUsage?.digitalSignature === false
      ? 'the key of the certificate may not sign'
      : certificateProblem(leaf);
  });
}

/** What is wrong with the certificate of a CA, wherever it may stand. */
export function issuerProblem(issuer: X509Certificate, isTrusted: boolean): string | undefined {
  return attempt(issuer, () => {
    const { extensions } = fieldsOf(issuer);
    nameConstraintsOf(extensions);
    policyExtensionsOf(extensions);
    // Nobody relies on the signature of one that is trusted by itself.
    return isTrusted ? commonProblem(issuer) : certificateProblem(issuer);
  });
}

/** What must hold of a certificate that is not trusted by itself. */
function certificateProblem(certificate: X509Certificate): string | undefined {
  const { name, isStrong } = fieldsOf(certificate).signature;
  return isStrong
    ? commonProblem(certificate)
    : `${nameOf(certificate)} has a weak or unknown signature (${name})`;
}

function commonProblem(certificate: X509Certificate): string | undefined {
  const unsupported = unsupportedOf(fieldsOf(certificate).extensions);
  if (unsupported.length > 0)
    return `${nameOf(certificate)} has extensions that are not supported: ${unsupported.join()}`;
  if (!admitsClients(certificate))
    return `${nameOf(certificate)} is not for TLS clients (extended key usage)`;
  return hasStrongKey(certificate) ? undefined : `${nameOf(certificate)} has a weak or unusual key`;
}

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';

/** Whether the extended key usage lets a certificate be one of a TLS client, or stand above one. */
function admitsClients(certificate: X509Certificate): boolean {
  const { extendedKeyUsage: usages } = fieldsOf(certificate);
  return usages === undefined || usages.includes(CLIENT_AUTHENTICATION) || usages.includes(ANY_USAGE);
}

const CURVES = new Set([
  'prime256v1',
  'secp384r1',
  'secp521r1',
  // Of the German health system (BSI TR-03116).
  'brainpoolP256r1',
  'brainpoolP384r1',
  'brainpoolP512r1',
]);
const KEYS = /^(?:ed25519|ed448|ml-dsa-(?:44|65|87))$/;

/** FAPI 2.0 asks for RSA of 2048 bits at least; over 8192, verification takes too long. */
export function hasStrongKey({ publicKey }: Pick<X509Certificate, 'publicKey'>): boolean {
  const { asymmetricKeyType: type = '', asymmetricKeyDetails: { modulusLength = 0, namedCurve = '' } = {} } =
    publicKey;
  if (type === 'rsa' || type === 'rsa-pss') return modulusLength >= 2048 && modulusLength <= 8192;
  return type === 'ec' ? CURVES.has(namedCurve) : KEYS.test(type);
}

/**
 * Whether a CA may stand above as many others (RFC 5280 §6.1.4 (l), (m)): one that only changes its key counts for none.
 * @param below the CAs between it and the client
 */
export function mayStandAbove(issuer: X509Certificate, below: readonly X509Certificate[]): boolean {
  const most = fieldsOf(issuer).basicConstraints?.pathLength;
  if (most === undefined) return true;
  return below.filter((certificate) => !isSelfIssued(fieldsOf(certificate))).length <= most;
}

/** What is wrong with a path as a whole. @param path the client's certificate first, that of the trusted CA last */
export function wholeProblem(path: readonly [X509Certificate, ...X509Certificate[]]): string | undefined {
  return attempt(path[0], () => {
    const all = path.map(fieldsOf);
    const found = findForbiddenName(all);
    const certificate = found === undefined ? undefined : path[all.indexOf(found)];
    if (certificate !== undefined)
      return `${nameOf(certificate)} has a name that a CA above it may not give (name constraints)`;
    return policiesHold(all)
      ? undefined
      : `${nameOf(path[0])} lacks the policy that a CA above it demands (policy constraints)`;
  });
}

/** What can't be read is a problem too. */
function attempt(certificate: X509Certificate, check: () => string | undefined): string | undefined {
  try {
    return check();
  } catch (error) {
    return `${nameOf(certificate)} can't be read: ${messageOf(error)}`;
  }
}

/** The subject, for a message. */
export function nameOf({ subject }: { readonly subject: string | undefined }): string {
  return subject === undefined ? 'a certificate without a subject' : onOneLine(subject);
}
