import { createHash, X509Certificate } from 'node:crypto';
import { readCertificate } from './oracle-certificate.js';
import type { Observation } from './observation.js';
import type { CertificatePolicy } from './policy.js';
import type { Verdict } from './verdict.js';

type MayAccept = Extract<Verdict, { readonly verdict: 'may-accept' }>;

/** What the API behind a proxy must be told of a caller, by the name of the header in lower case, decoded. */
export type Told = ReadonlyMap<string, string>;

/**
 * What docs/forward-auth.md says of the headers of an answer about this very request.
 * @param custom claims by the names of further headers
 */
export function toldOfToken(
  { issuer, claims, boundBy }: MayAccept,
  custom: Readonly<Record<string, string>>,
): Told {
  return new Map([
    ['x-credential-scope', listOf([...new Set(scopesOf(claims.get('scope')))], ' ')],
    ['x-credential-client-id', textOf(claims.get('client_id'))],
    ['x-credential-token-type', boundBy.includes('dpop') ? 'DPoP' : 'Bearer'],
    ['x-credential-exp', textOf(claims.get('exp'))],
    ['x-credential-iat', textOf(claims.get('iat'))],
    ['x-credential-nbf', textOf(claims.get('nbf'))],
    ['x-credential-sub', textOf(claims.get('sub'))],
    ['x-credential-aud', listOf([claims.get('aud') ?? []].flat(), ',')],
    ['x-credential-iss', issuer],
    ['x-credential-jti', textOf(claims.get('jti'))],
    ...Object.entries(custom).map(([name, claim]): [string, string] => [
      name.toLowerCase(),
      textOf(claims.get(claim)),
    ]),
  ]);
}

/** The same of the certificate, where there is one that counts. */
export function toldOfCertificate(seen: Observation, policy: CertificatePolicy): Told {
  const word = readCertificate(seen, policy);
  const x509 = word.kind === 'counts' ? new X509Certificate(word.der) : undefined;
  return new Map([
    ['x-credential-certificate-subject', x509?.subject.replaceAll('\n', ',') ?? ''],
    ['x-credential-certificate-serial', x509?.serialNumber ?? ''],
    ['x-credential-certificate-thumbprint', x509 === undefined ? '' : thumbprintOf(x509)],
    // RFC 4514 §2.1: the leaf of the tree first. No certificate here has a URI, an organization or a role.
    ['x-credential-certificate-principal', x509?.subject.split('\n').toReversed().join(',') ?? ''],
    ['x-credential-certificate-spiffe-id', ''],
    ['x-credential-certificate-organization-id', ''],
    ['x-credential-certificate-psd2-roles', ''],
  ]);
}

function thumbprintOf({ raw }: X509Certificate): string {
  return createHash('sha256').update(raw).digest('base64url');
}

function scopesOf(scope: unknown): readonly unknown[] {
  if (Array.isArray(scope)) return scope.filter((item) => typeof item === 'string');
  return typeof scope === 'string' ? scope.split(' ').filter((item) => item !== '') : [];
}

/** Items are told apart before they are decoded. */
function listOf(items: readonly unknown[], separator: string): string {
  return items.map((item) => encodeURIComponent(textOf(item))).join(separator);
}

/** Objects as JSON, numbers without an exponent; half of a character is none (Unicode). */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value).toString() : String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return Buffer.from(text).toString();
}
