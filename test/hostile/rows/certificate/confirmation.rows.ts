import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import type { TestCertificate } from 'nestjs-cert-bound-auth/testing';
import type { HostileCertificates, HostileKit } from '../../hostile-kit.js';
import { claimRows, INVALID_TOKEN, requestRows, tokenRows, type Variants } from './certificate-row.js';
import type { HostileRow } from '../../hostile-row.js';
import type { HostileRequest } from '../../request.js';
import { raw } from '../../raw-jws.js';

const JWK_THUMBPRINT = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';

/** Confirmation methods that are registered (RFC 7800, 8471, 9449) and that these apps cannot check. */
const UNCHECKABLE: Readonly<Record<string, unknown>> = {
  jwk: { kty: 'oct', k: 'AAAA' },
  jwe: 'eyJhbGciOiJSU0EtT0FFUCJ9.AAAA.AAAA.AAAA.AAAA',
  kid: 'key-1',
  jku: 'https://keys.example.com',
  osc: { id: 'AQ' },
  jkt: JWK_THUMBPRINT,
};

const shapes: readonly HostileRow[] = [
  ...claimRows('RFC8705-1', 'cnf', INVALID_TOKEN, {
    // The app asks for bound tokens: what is not bound is anybody's.
    missing: () => undefined,
    null: () => null,
    'the thumbprint itself': (kit) => kit.client1.thumbprint,
    'a JSON text': (kit) => JSON.stringify(bound(kit)),
    'an array of the right one': (kit) => [bound(kit)],
    'an empty array': () => [],
    'a number': () => 1,
    true: () => true,
    false: () => false,
    empty: () => ({}),
    'an empty string': () => '',
    'of unknown members only': () => ({ 'x-vendor': 'something' }),
    'of a SHA-1 thumbprint only': (kit) => ({ x5t: digest('sha1', kit.client1.der).toString('base64url') }),
    'of the SHA-256 thumbprint under x5t': (kit) => ({ x5t: kit.client1.thumbprint }),
    'one level too deep': (kit) => ({ cnf: bound(kit) }),
    'with the right one in __proto__': (kit) => raw(`{"__proto__":${JSON.stringify(bound(kit))}}`),
    'with the right one in constructor.prototype': (kit) => ({ constructor: { prototype: bound(kit) } }),
    'with X5T#s256': (kit) => ({ 'X5T#s256': kit.client1.thumbprint }),
    'with x5t#s256': (kit) => ({ 'x5t#s256': kit.client1.thumbprint }),
    'with x5t%23S256': (kit) => ({ 'x5t%23S256': kit.client1.thumbprint }),
    'with x5tS256': (kit) => ({ x5tS256: kit.client1.thumbprint }),
    'with a space behind the name': (kit) => ({ 'x5t#S256 ': kit.client1.thumbprint }),
    'nested 3,000 deep': () => raw('['.repeat(3000) + ']'.repeat(3000)),
  }),
  ...tokenRows('RFC8705-1', INVALID_TOKEN, {
    'x5t#S256 beside cnf, not in it': (kit) =>
      kit.jwt({ claims: { cnf: undefined, 'x5t#S256': kit.client1.thumbprint } }),
    'cnf in the header, not among the claims': (kit) =>
      kit.jwt({ claims: { cnf: undefined }, header: { cnf: bound(kit) } }),
    'cnf in __proto__ of the claims': (kit) =>
      kit.jwt({ claims: { cnf: undefined, ['__proto__']: raw(JSON.stringify({ cnf: bound(kit) })) } }),
    'CNF in upper case': (kit) => kit.jwt({ claims: { cnf: undefined, CNF: bound(kit) } }),
  }),
  ...Object.entries(UNCHECKABLE).flatMap(([method, value]) =>
    tokenRows('INV1', INVALID_TOKEN, {
      [`cnf of ${method} alone`]: (kit) => kit.jwt({ claims: { cnf: { [method]: value } } }),
      [`cnf of ${method} beside the right x5t#S256`]: (kit) =>
        kit.jwt({ claims: { cnf: { ...bound(kit), [method]: value } } }),
    }),
  ),
  ...tokenRows('INV1', INVALID_TOKEN, {
    // A method that is named is to be checked, whatever its value: null does not say "not bound by this".
    'cnf of jkt null beside the right x5t#S256': (kit) =>
      kit.jwt({ claims: { cnf: { ...bound(kit), jkt: null } } }),
  }),
];

function bound(kit: HostileKit): { readonly 'x5t#S256': string } {
  return { 'x5t#S256': kit.client1.thumbprint };
}

const thumbprints: readonly HostileRow[] = thumbprintRows({
  null: () => null,
  'a number': () => 1,
  true: () => true,
  empty: () => '',
  'an array of the right one': (kit) => [kit.client1.thumbprint],
  'an array of two, the second right': (kit) => [kit.client2.thumbprint, kit.client1.thumbprint],
  'an object': (kit) => ({ value: kit.client1.thumbprint }),
  'in hex': (kit) => digest('sha256', kit.client1.der).toString('hex'),
  'in upper-case hex': (kit) => digest('sha256', kit.client1.der).toString('hex').toUpperCase(),
  'in hex with colons': (kit) => new X509Certificate(kit.client1.der).fingerprint256,
  'padded base64url': (kit) => `${kit.client1.thumbprint}=`,
  'padded standard base64': (kit) => digest('sha256', kit.client1.der).toString('base64'),
  'standard base64': (kit) => digest('sha256', kit.client1.der).toString('base64').replace('=', ''),
  'in lower case': (kit) => kit.client1.thumbprint.toLowerCase(),
  'in upper case': (kit) => kit.client1.thumbprint.toUpperCase(),
  '42 characters': (kit) => kit.client1.thumbprint.slice(0, -1),
  '44 characters': (kit) => `${kit.client1.thumbprint}A`,
  'one character': (kit) => kit.client1.thumbprint.slice(0, 1),
  // The same 32 bytes to a lenient decoder: the last character has two bits too many.
  'the last character not canonical': (kit) => nonCanonical(kit.client1.thumbprint),
  'with a space before it': (kit) => ` ${kit.client1.thumbprint}`,
  'with a space behind it': (kit) => `${kit.client1.thumbprint} `,
  'with a line end behind it': (kit) => `${kit.client1.thumbprint}\n`,
  'with a NUL behind it': (kit) => `${kit.client1.thumbprint}\0`,
  'with a line end within': (kit) =>
    `${kit.client1.thumbprint.slice(0, 20)}\n${kit.client1.thumbprint.slice(20)}`,
  'with the name of the hash': (kit) => `sha-256:${kit.client1.thumbprint}`,
  'two, by a comma': (kit) => `${kit.client2.thumbprint},${kit.client1.thumbprint}`,
  'base64url twice': (kit) => Buffer.from(kit.client1.thumbprint).toString('base64url'),
  'of SHA-1': (kit) => digest('sha1', kit.client1.der).toString('base64url'),
  'of SHA-384': (kit) => digest('sha384', kit.client1.der).toString('base64url'),
  'of SHA-512': (kit) => digest('sha512', kit.client1.der).toString('base64url'),
  'of SHA-512, cut to 43 characters': (kit) =>
    digest('sha512', kit.client1.der).toString('base64url').slice(0, 43),
  'of the PEM': (kit) => digest('sha256', kit.client1.cert).toString('base64url'),
  'of the base64 of the DER': (kit) =>
    digest('sha256', kit.client1.der.toString('base64')).toString('base64url'),
  'of the public key (SPKI)': (kit) => digest('sha256', spki(kit.client1)).toString('base64url'),
  'of its own thumbprint': (kit) => digest('sha256', kit.client1.thumbprint).toString('base64url'),
  'of the CA': (kit) => digest('sha256', new X509Certificate(kit.ca.cert).raw).toString('base64url'),
  'of the server': (kit) => kit.server.thumbprint,
  'of client2': (kit) => kit.client2.thumbprint,
});

function thumbprintRows(values: Variants<unknown>): readonly HostileRow[] {
  return Object.entries(values).flatMap(([name, value]) =>
    tokenRows('RFC8705-2', INVALID_TOKEN, {
      [`thumbprint ${name}`]: (kit) => kit.jwt({ claims: { cnf: { 'x5t#S256': value(kit) } } }),
    }),
  );
}

function digest(hash: string, data: string | Buffer): Buffer {
  return createHash(hash).update(data).digest();
}

function spki(certificate: TestCertificate): Buffer {
  const key: KeyObject = new X509Certificate(certificate.der).publicKey;
  return key.export({ format: 'der', type: 'spki' });
}

function nonCanonical(thumbprint: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(thumbprint.slice(-1));
  return `${thumbprint.slice(0, -1)}${alphabet.charAt(last ^ 1)}`;
}

const holders: readonly HostileRow[] = [
  ...requestRows('RFC8705-1', INVALID_TOKEN, {
    'no certificate': (kit) => kit.bearer(kit.jwt(), { certificate: 'none' }),
    "client2's certificate": (kit) => kit.bearer(kit.jwt(), { certificate: kit.client2 }),
    "client2's token, by client1": (kit) => kit.bearer(boundTo(kit, kit.client2)),
    'a certificate of the same subject and CA': (kit) =>
      kit.bearer(kit.jwt(), { certificate: kit.certificates.namesake }),
    "client1's certificate behind client2's in the chain": (kit) =>
      kit.bearer(kit.jwt(), { certificate: kit.certificates.chained }),
    'no certificate, unbound token': (kit) =>
      kit.bearer(kit.jwt({ claims: { cnf: undefined } }), { certificate: 'none' }),
    'no certificate, token of issuer B': (kit) => kit.bearer(kit.jwtOfB(), { certificate: 'none' }),
    "client2's certificate, token of issuer B": (kit) =>
      kit.bearer(kit.jwtOfB(), { certificate: kit.client2 }),
    // What a comparison sees when it hashes or prints a certificate that is not there.
    'no certificate, thumbprint of nothing': (kit) =>
      kit.bearer(thumbprintToken(kit, digest('sha256', '').toString('base64url')), { certificate: 'none' }),
    'no certificate, thumbprint "undefined"': (kit) =>
      kit.bearer(thumbprintToken(kit, 'undefined'), { certificate: 'none' }),
    'no certificate, empty thumbprint': (kit) =>
      kit.bearer(thumbprintToken(kit, ''), { certificate: 'none' }),
    'no certificate, thumbprint null': (kit) =>
      kit.bearer(thumbprintToken(kit, null), { certificate: 'none' }),
    'no certificate, thumbprint missing': (kit) =>
      kit.bearer(kit.jwt({ claims: { cnf: {} } }), { certificate: 'none' }),
  }),
  ...requestRows('INV2 right thumbprint', INVALID_TOKEN, {
    'of an unknown CA': presentedBy('untrusted'),
    'of a CA with the name of ours': presentedBy('impostor'),
    'of a self-signed certificate': presentedBy('selfSigned'),
    'of an expired certificate': presentedBy('expired'),
    'of a certificate that is not yet valid': presentedBy('notYetValid'),
    'of a certificate for servers': presentedBy('serverUsage'),
  }),
  ...requestRows('INV2 opaque token, right thumbprint', INVALID_TOKEN, {
    'of an unknown CA': (kit) => opaqueBy(kit, kit.certificates.untrusted),
    'of an expired certificate': (kit) => opaqueBy(kit, kit.certificates.expired),
  }),
];

function thumbprintToken(kit: HostileKit, thumbprint: unknown): string {
  return kit.jwt({ claims: { cnf: { 'x5t#S256': thumbprint } } });
}

function boundTo(kit: HostileKit, certificate: TestCertificate): string {
  return thumbprintToken(kit, certificate.thumbprint);
}

function presentedBy(name: keyof HostileCertificates): (kit: HostileKit) => HostileRequest {
  return (kit) => {
    const certificate = kit.certificates[name];
    return kit.bearer(boundTo(kit, certificate), { certificate });
  };
}

function opaqueBy(kit: HostileKit, certificate: TestCertificate): HostileRequest {
  return kit.bearer(kit.opaque({ cnf: { 'x5t#S256': certificate.thumbprint } }), { certificate });
}

/** To which key a token is bound, and who holds it. */
export const CONFIRMATION_ROWS = [...shapes, ...thumbprints, ...holders];
