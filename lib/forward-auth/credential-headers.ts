import type { ClaimPath, Psd2Role } from '../cert-bound-auth.options.js';
import { claimAt } from '../claims/claim-at.js';
import type { AuthenticationScheme, TokenDescription } from '../decision.js';
import type { PresentedCertificate } from '../client-certificate/presented-certificate.js';

/** The headers that every answer to an accepted request has. */
export const CREDENTIAL_HEADERS = {
  scope: 'X-Credential-Scope',
  clientId: 'X-Credential-Client-ID',
  tokenType: 'X-Credential-Token-Type',
  expiresAt: 'X-Credential-Exp',
  issuedAt: 'X-Credential-Iat',
  notBefore: 'X-Credential-Nbf',
  subject: 'X-Credential-Sub',
  audience: 'X-Credential-Aud',
  issuer: 'X-Credential-Iss',
  tokenId: 'X-Credential-Jti',
  certificateSubject: 'X-Credential-Certificate-Subject',
  certificateSerial: 'X-Credential-Certificate-Serial',
  certificateThumbprint: 'X-Credential-Certificate-Thumbprint',
  certificatePrincipal: 'X-Credential-Certificate-Principal',
  certificateSpiffeId: 'X-Credential-Certificate-Spiffe-ID',
  certificateOrganization: 'X-Credential-Certificate-Organization-ID',
  certificateRoles: 'X-Credential-Certificate-PSD2-Roles',
} as const;

type CredentialHeader = (typeof CREDENTIAL_HEADERS)[keyof typeof CREDENTIAL_HEADERS];

type CertificateHeader = Extract<CredentialHeader, `X-Credential-Certificate-${string}`>;

/** What of a certificate is told. */
export interface ToldCertificate extends Pick<
  PresentedCertificate,
  | 'subject'
  | 'serialNumber'
  | 'thumbprint'
  | 'chainVerified'
  | 'principal'
  | 'spiffeId'
  | 'organizationIdentifier'
> {
  /** Those that count. */
  readonly psd2Roles: readonly Psd2Role[];
}

/**
 * The headers that tell the API behind the proxy who calls, but for the certificate. Every one is there: what is absent is
 * an empty value, so that a proxy which copies it overwrites what the client itself has sent under this name.
 * @param custom claims by header
 */
export function tokenHeaders(
  token: TokenDescription,
  scheme: AuthenticationScheme,
  custom: ReadonlyMap<string, ClaimPath>,
): Readonly<Record<string, string>> {
  const usual: Readonly<Record<Exclude<CredentialHeader, CertificateHeader>, string>> = {
    'X-Credential-Scope': joined([...token.scopes], ' '),
    'X-Credential-Client-ID': encoded(token.clientId),
    'X-Credential-Token-Type': scheme,
    'X-Credential-Exp': encoded(token.expiresAt),
    'X-Credential-Iat': encoded(token.issuedAt),
    'X-Credential-Nbf': encoded(token.claims['nbf']),
    'X-Credential-Sub': encoded(token.subject),
    'X-Credential-Aud': joined(token.audience, ','),
    'X-Credential-Iss': encoded(token.issuer),
    'X-Credential-Jti': encoded(token.tokenId),
  };
  if (custom.size === 0) return usual;
  const claims = [...custom].map(([name, path]) => [name, headerValue(claimAt(token.claims, path))] as const);
  return { ...usual, ...Object.fromEntries(claims) };
}

/** What an answer says in the place of a scheme where the request came without credentials. */
const ANONYMOUS = 'Anonymous';

/** The same of a caller without credentials: nothing but that. @param custom names of further headers */
export function anonymousHeaders(custom: readonly string[]): Readonly<Record<string, string>> {
  const usual = Object.values(CREDENTIAL_HEADERS).filter(
    (name) => !name.startsWith('X-Credential-Certificate-'),
  );
  return { ...emptyHeaders([...usual, ...custom]), [CREDENTIAL_HEADERS.tokenType]: ANONYMOUS };
}

/** The same for the client's certificate, where it proved one that counts. */
export function certificateHeaders(
  certificate: ToldCertificate | undefined,
): Readonly<Record<CertificateHeader, string>> {
  // Of a certificate whose chain nobody has verified, the names are whatever its maker has written.
  const named = certificate?.chainVerified === true ? certificate : undefined;
  return {
    // One attribute a line; a comma within a value is escaped already (RFC 4514 §2.4).
    'X-Credential-Certificate-Subject': encoded(named?.subject.replaceAll('\n', ',')),
    'X-Credential-Certificate-Serial': encoded(named?.serialNumber),
    'X-Credential-Certificate-Thumbprint': encoded(certificate?.thumbprint),
    'X-Credential-Certificate-Principal': encoded(named?.principal),
    'X-Credential-Certificate-Spiffe-ID': encoded(named?.spiffeId),
    'X-Credential-Certificate-Organization-ID': encoded(named?.organizationIdentifier),
    'X-Credential-Certificate-PSD2-Roles': joined(named?.psd2Roles ?? [], ' '),
  };
}

/** Headers that say nothing here, so that the client's own of these names get no further. */
export function emptyHeaders(names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, '']));
}

/** A claim as the value of a header: a list joined by commas, an object as JSON. */
function headerValue(claim: unknown): string {
  return Array.isArray(claim) ? joined(claim, ',') : encoded(claim);
}

/** The separator is encoded within the items, so that no item can pretend to be two. */
function joined(items: readonly unknown[], separator: string): string {
  return items.map((item) => withoutSeparator(encoded(item), separator)).join(separator);
}

function withoutSeparator(text: string, separator: string): string {
  return text.includes(separator) ? text.replaceAll(separator, escapeBytes) : text;
}

/**
 * Text as the value of a header: what is not printable ASCII, `%`, and spaces at either end become the percent-encoded
 * octets of their UTF-8, so that nothing breaks a header and all can be decoded again.
 */
function encoded(value: unknown): string {
  const text = textOf(value);
  return PLAIN.test(text) ? text : escaped(text);
}

/** What is as it is written once it is encoded, without a space at all: most values are so. */
const PLAIN = /^[\x21-\x24\x26-\x7e]*$/;

function escaped(value: string): string {
  const text = value.replaceAll(/[^\x20-\x24\x26-\x7e]+|^ +/g, escapeBytes);
  const end = endOf(text);
  return text.slice(0, end) + escapeBytes(text.slice(end));
}

/** Where the spaces at the end begin; ` +$` would take the square of the time for many spaces before the end. */
function endOf(text: string): number {
  let end = text.length;
  while (text[end - 1] === ' ') end--;
  return end;
}

function textOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return decimal(value);
    case 'boolean':
      return String(value);
    default:
      return value === undefined || value === null ? '' : JSON.stringify(value);
  }
}

/** Never in the notation with an exponent, which most readers do not expect of a time. */
function decimal(value: number): string {
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(value).toString() : String(value);
}

function escapeBytes(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}
