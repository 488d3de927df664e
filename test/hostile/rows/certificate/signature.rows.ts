import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { HostileKit } from '../../hostile-kit.js';
import { headerRows, INVALID_TOKEN, tokenRows } from './certificate-row.js';
import type { HostileRow } from '../../hostile-row.js';
import {
  base64url,
  compactJws,
  ecdsa,
  ecdsaDer,
  eddsa,
  fixed,
  flipped,
  hmac,
  jsonText,
  partsOf,
  raw,
  rsaPkcs1,
  rsaPss,
  signedText,
  swapped,
  unsigned,
} from '../../raw-jws.js';
import { newKeyPair } from '../../../support/key-pair.js';

/** The order of P-256: as r and s it is as good as zero. */
const P256_ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

const attacker = newKeyPair('ec', { namedCurve: 'P-256' });
const attackerJwk = attacker.publicKey.export({ format: 'jwk' });

function unsecured(kit: HostileKit, alg: string): string {
  return kit.jwt({ header: { alg }, signer: unsigned });
}

/** HS256 with something public as the secret: what a verifier does that lets the token choose (RFC 8725 §2.1). */
function hmacWith(kit: HostileKit, secret: string | Buffer, kid = 'rsa'): string {
  return kit.jwt({ header: { alg: 'HS256', kid }, signer: hmac(secret) });
}

function rsaPem(kit: HostileKit): string {
  return kit.keys.rsa.publicKey.export({ format: 'pem', type: 'spki' }) as string;
}

const algorithms: readonly HostileRow[] = [
  ...tokenRows('RFC8725 alg', INVALID_TOKEN, {
    'none, unsigned': (kit) => unsecured(kit, 'none'),
    'None, unsigned': (kit) => unsecured(kit, 'None'),
    'NONE, unsigned': (kit) => unsecured(kit, 'NONE'),
    'nOnE, unsigned': (kit) => unsecured(kit, 'nOnE'),
    'none, without kid': (kit) => kit.jwt({ header: { alg: 'none', kid: undefined }, signer: unsigned }),
    'none, over a right ES256 signature': (kit) => kit.jwt({ header: { alg: 'none' } }),
    'none as the last of two alg members': (kit) =>
      compactJws(
        `{"alg":"ES256",${jsonText(kit.header({ alg: 'none' })).slice(1)}`,
        jsonText(kit.claims()),
        unsigned,
      ),
    'none, which introspection would call active': (kit) => {
      const token = unsecured(kit, 'none');
      return kit.answered({ active: true, ...kit.claims() }, token);
    },
    'HS256 with the RSA public key as PEM': (kit) => hmacWith(kit, rsaPem(kit)),
    'HS256 with the PEM without its last line end': (kit) => hmacWith(kit, rsaPem(kit).trimEnd()),
    'HS256 with the RSA public key as DER': (kit) =>
      hmacWith(kit, kit.keys.rsa.publicKey.export({ format: 'der', type: 'spki' })),
    'HS256 with the RSA modulus': (kit) =>
      hmacWith(kit, Buffer.from(kit.keys.rsa.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url')),
    'HS256 with the JWK text': (kit) =>
      hmacWith(kit, JSON.stringify(kit.a.signingKey.jwk), kit.a.signingKey.jwk.kid),
    'HS256 with the x of the EC key': (kit) =>
      hmacWith(kit, kit.a.signingKey.jwk.x ?? '', kit.a.signingKey.jwk.kid),
    'HS256 with an empty secret': (kit) => hmacWith(kit, ''),
    'HS256 with a symmetric key that the issuer published': (kit) => hmacWith(kit, kit.keys.oct, 'oct'),
    'HS512 with the RSA public key as PEM': (kit) =>
      kit.jwt({ header: { alg: 'HS512', kid: 'rsa' }, signer: hmac(rsaPem(kit), 'sha512') }),
    'ES256 with an RSA key and signature': (kit) =>
      kit.jwt({ header: { alg: 'ES256', kid: 'rsa' }, signer: rsaPkcs1(kit.keys.rsa.privateKey) }),
    'RS256 with the kid of an EC key': (kit) =>
      kit.jwt({ header: { alg: 'RS256' }, signer: rsaPkcs1(kit.keys.rsa.privateKey) }),
    'RS256 in the header, PS256 in fact': (kit) =>
      kit.jwt({ header: { alg: 'RS256', kid: 'rsa' }, signer: rsaPss(kit.keys.rsa.privateKey) }),
    'PS256 in the header, RS256 in fact': (kit) =>
      kit.jwt({ header: { alg: 'PS256', kid: 'rsa' }, signer: rsaPkcs1(kit.keys.rsa.privateKey) }),
    'PS256 with a key published for RS256': (kit) =>
      kit.jwt({ header: { alg: 'PS256', kid: 'rs256' }, signer: rsaPss(kit.keys.rs256.privateKey) }),
    'RS256 in the header, SHA-1 in fact': (kit) =>
      kit.jwt({ header: { alg: 'RS256', kid: 'rsa' }, signer: rsaPkcs1(kit.keys.rsa.privateKey, 'sha1') }),
    'RS1, which is SHA-1': (kit) =>
      kit.jwt({ header: { alg: 'RS1', kid: 'rsa' }, signer: rsaPkcs1(kit.keys.rsa.privateKey, 'sha1') }),
    'RS256 with a key published for encryption': (kit) =>
      kit.jwt({
        header: { alg: 'RS256', kid: 'encryption' },
        signer: rsaPkcs1(kit.keys.encryption.privateKey),
      }),
    // A caller chooses the kid, so a key too short to use is no outage (invariant 3).
    'RS256 with a published key of 1024 bits': (kit) =>
      kit.jwt({ header: { alg: 'RS256', kid: 'weak' }, signer: rsaPkcs1(kit.keys.weak.privateKey) }),
    'ES256K, rightly signed by a published key': (kit) =>
      kit.jwt({ header: { alg: 'ES256K', kid: 'secp256k1' }, signer: ecdsa(kit.keys.secp256k1.privateKey) }),
    'ES256 with a secp256k1 key': (kit) =>
      kit.jwt({ header: { kid: 'secp256k1' }, signer: ecdsa(kit.keys.secp256k1.privateKey) }),
    'ES384 with a P-256 key': (kit) =>
      kit.jwt({ header: { alg: 'ES384' }, signer: ecdsa(kit.a.signingKey.privateKey, 'sha384') }),
    'EdDSA in the header, ES256 in fact': (kit) => kit.jwt({ header: { alg: 'EdDSA' } }),
    'ES256 in the header, EdDSA in fact': (kit) => kit.jwt({ signer: eddsa(kit.keys.ed25519.privateKey) }),
    'with a line end and a header of its own in it': (kit) =>
      kit.jwt({ header: { alg: 'ES256\r\nX-Injected: 1' } }),
  }),
  ...headerRows('RFC8725', 'alg', INVALID_TOKEN, {
    missing: () => undefined,
    null: () => null,
    empty: () => '',
    'a number': () => 256,
    'an array': () => ['ES256'],
    'an object': () => ({ toString: 'ES256' }),
    'in lower case': () => 'es256',
    'with a space after it': () => 'ES256 ',
    'the name of an object property': () => 'constructor',
  }),
  // RFC 7515 §4.1.4: it must be a string. What is none is not as good as no kid at all.
  ...headerRows('RFC7515', 'kid', INVALID_TOKEN, {
    null: () => null,
    empty: () => '',
    'a number': () => 42,
    'an array': (kit) => [kit.a.signingKey.jwk.kid],
    'an object': () => ({}),
    'the name of an object property': () => '__proto__',
  }),
];

/** A key that came with the token, or that the token says where to fetch. */
const embeddedKeys: readonly HostileRow[] = [
  ...tokenRows('RFC8725 key in the token', INVALID_TOKEN, {
    jwk: (kit) => forged(kit, { jwk: attackerJwk }),
    'jwk, without kid': (kit) => forged(kit, { jwk: attackerJwk, kid: undefined }),
    'jwk with the kid of A': (kit) => forged(kit, { jwk: { ...attackerJwk, kid: kit.a.signingKey.jwk.kid } }),
    jku: (kit) => byEvil(kit, { jku: kit.evil.jwksUri }),
    'jku that begins as the issuer': (kit) =>
      byEvil(kit, { jku: `${kit.a.issuer}@localhost:${new URL(kit.evil.issuer).port}/jwks` }),
    x5u: (kit) => byEvil(kit, { x5u: `${kit.evil.issuer}/certificate.pem` }),
    'x5c with the certificate of client1': (kit) =>
      kit.jwt({
        header: { x5c: [kit.client1.der.toString('base64')], kid: undefined },
        signer: ecdsa(privateKeyOf(kit)),
      }),
    'x5c that is not an array, by the attacker': (kit) => forged(kit, { x5c: 'not an array' }),
    'iss in the header': (kit) => byEvil(kit, { iss: kit.evil.issuer }),
  }),
];

function forged(kit: HostileKit, header: Readonly<Record<string, unknown>>): string {
  return kit.jwt({ header, signer: ecdsa(attacker.privateKey) });
}

function byEvil(kit: HostileKit, header: Readonly<Record<string, unknown>>): string {
  const { jwk, privateKey } = kit.evil.signingKey;
  return kit.jwt({ header: { kid: jwk.kid, ...header }, signer: ecdsa(privateKey) });
}

function privateKeyOf(kit: HostileKit): KeyObject {
  return createPrivateKey(kit.client1.key);
}

/** Each is rightly signed by A; RFC 7515 §4.1.4 has `kid` be a string. */
const keyIds: readonly HostileRow[] = [
  ...headerRows('RFC8725', 'kid', INVALID_TOKEN, {
    'that climbs directories': () => '../../../../../../dev/null',
    'of SQL': () => "' UNION SELECT 'secret' --",
    'that is a URL': (kit) => kit.evil.jwksUri,
    'with a line end and a header of its own': () => 'x\r\nSet-Cookie: owned=1',
    'of 7,000 characters': () => 'k'.repeat(7000),
    empty: () => '',
    null: () => null,
    'a number': () => 1,
    'an array of the right one': (kit) => [kit.a.signingKey.jwk.kid],
    'an object': () => ({ $ne: null }),
    'named __proto__': () => '__proto__',
    'named constructor': () => 'constructor',
    'in another case': (kit) => (kit.a.signingKey.jwk.kid ?? '').toUpperCase(),
    'of issuer B': (kit) => kit.b.signingKey.jwk.kid,
  }),
];

const critical: readonly HostileRow[] = [
  ...headerRows('RFC8725', 'crit', INVALID_TOKEN, {
    'names what nobody knows': () => ['urn:example:must-understand'],
    // RFC 7515 §4.1.11: not the empty list, and only names that are in the header.
    empty: () => [],
    'names b64, which is absent': () => ['b64'],
    'names alg, which the standard defines': () => ['alg'],
    'is a string': () => 'typ',
    'is null': () => null,
    'names a number': () => [1],
    'names with quotes': () => ['x", error="none'],
  }),
  ...tokenRows('RFC8725 crit', INVALID_TOKEN, {
    'names an unknown extension that is there': (kit) =>
      kit.jwt({ header: { crit: ['policy'], policy: 'strict' } }),
    'names exp, in the header': (kit) => kit.jwt({ header: { crit: ['exp'], exp: 4_102_444_800 } }),
    // RFC 7797 §7: a JWT must not have it.
    'b64 false and critical': (kit) => kit.jwt({ header: { b64: false, crit: ['b64'] } }),
    'b64 false and critical, signed over the payload as it is': (kit) =>
      unencoded(kit, { b64: false, crit: ['b64'] }),
    'b64 false and not critical, signed over the payload as it is': (kit) => unencoded(kit, { b64: false }),
  }),
];

/** Signs the payload itself and sends it encoded. */
function unencoded(kit: HostileKit, header: Readonly<Record<string, unknown>>): string {
  const head = base64url(jsonText(kit.header(header)));
  const payload = jsonText(kit.claims());
  const signature = kit.signer(Buffer.from(`${head}.${payload}`));
  return `${head}.${base64url(payload)}.${base64url(signature)}`;
}

const signatures: readonly HostileRow[] = [
  ...tokenRows('RFC9068-2 signature', INVALID_TOKEN, {
    empty: (kit) => kit.jwt({ signer: unsigned }),
    'cut short': (kit) => kit.jwt().slice(0, -8),
    'with one byte more': (kit) =>
      kit.jwt({ signer: (input) => Buffer.concat([kit.signer(input), Buffer.of(0)]) }),
    'of one bit changed': (kit) => kit.jwt({ signer: (input) => flipped(kit.signer(input)) }),
    'of another token': (kit) => `${partsOf(kit.jwt(), 0, 2)}.${partsOf(kit.jwt(), 2, 3)}`,
    'of another token, which introspection would call active': (kit) => {
      const token = `${partsOf(kit.jwt(), 0, 2)}.${partsOf(kit.jwt(), 2, 3)}`;
      return kit.answered({ active: true, ...kit.claims() }, token);
    },
    'right, over another payload': (kit) => {
      const token = kit.jwt();
      const claims = jsonText(kit.claims({ sub: 'administrator' }));
      return `${partsOf(token, 0, 1)}.${base64url(claims)}.${partsOf(token, 2, 3)}`;
    },
    'right, over another header': (kit) => {
      const header = jsonText(kit.header({ cty: 'added' }));
      return `${base64url(header)}.${partsOf(kit.jwt(), 1, 3)}`;
    },
    'right, the payload taken away': (kit) => kit.jwt().replace(/\..*\./, '..'),
    'of zeros (CVE-2022-21449)': (kit) => kit.jwt({ signer: fixed(Buffer.alloc(64)) }),
    'of the order of the curve, twice': (kit) =>
      kit.jwt({ signer: fixed(Buffer.from(P256_ORDER.repeat(2), 'hex')) }),
    'right, in DER': (kit) => kit.jwt({ signer: ecdsaDer(kit.a.signingKey.privateKey) }),
    'r and s swapped': (kit) => kit.jwt({ signer: (input) => swapped(kit.signer(input)) }),
    'by a key that A never published': (kit) => kit.jwt({ signer: ecdsa(attacker.privateKey) }),
    'right, in the standard base64 alphabet': (kit) => standardAlphabet(kit),
    'right, padded': (kit) => `${kit.jwt()}==`,
    'of RS256, cut short': (kit) => {
      const { privateKey } = kit.keys.rsa;
      const header = { alg: 'RS256', kid: 'rsa' };
      return kit.jwt({ header, signer: (input) => rsaPkcs1(privateKey)(input).subarray(0, 255) });
    },
    'over a payload in the standard base64 alphabet': (kit) => {
      const payload = Buffer.from(jsonText(kit.claims({ note: '?'.repeat(6) })));
      // Three of them in a row, however they fall, are `Pz8/`.
      const standard = payload.toString('base64').replaceAll('=', '');
      return signedText(`${base64url(jsonText(kit.header()))}.${standard}`, kit.signer);
    },
    'right, cnf repeated and the last one of client2': (kit) =>
      compactJws(
        jsonText(kit.header()),
        `${jsonText(kit.claims()).slice(0, -1)},"cnf":${JSON.stringify({ 'x5t#S256': kit.client2.thumbprint })}}`,
        kit.signer,
      ),
    'right, exp repeated and the last one past': (kit) =>
      compactJws(jsonText(kit.header()), `${jsonText(kit.claims()).slice(0, -1)},"exp":1}`, kit.signer),
    'right, x5t#S256 repeated and the last one wrong': (kit) => {
      const [right, wrong] = [kit.client1.thumbprint, kit.client2.thumbprint];
      return kit.jwt({ claims: { cnf: raw(`{"x5t#S256":"${right}","x5t#S256":"${wrong}"}`) } });
    },
  }),
];

/** Signs until the signature has a character in which the two alphabets differ. */
function standardAlphabet(kit: HostileKit): string {
  for (;;) {
    const [head, payload, signature = ''] = kit.jwt().split('.');
    const standard = signature.replaceAll('-', '+').replaceAll('_', '/');
    if (standard !== signature) return `${head}.${payload}.${standard}`;
  }
}

/** How a token is signed, and by whom. */
export const SIGNATURE_ROWS = [...algorithms, ...embeddedKeys, ...keyIds, ...critical, ...signatures];
