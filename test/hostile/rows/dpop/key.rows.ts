import { createPublicKey } from 'node:crypto';
import type { HostileRequest } from '../../request.js';
import {
  base64url,
  compactJws,
  ecdsa,
  ecdsaDer,
  fixed,
  flipped,
  hmac,
  jsonText,
  paddedDigest,
  partsOf,
  raw,
  rsaPkcs1,
  rsaPss,
  type Signer,
  swapped,
  unsigned,
} from '../../raw-jws.js';
import { type DpopKey, type DpopKeys, type PublicJwk, thumbprintOf } from '../../dpop-keys.js';
import type { DpopKit } from '../../dpop-kit.js';
import {
  headerRows,
  INVALID_EITHER,
  INVALID_PROOF,
  type Maker,
  proofRows,
  requestRows,
  textRows,
} from './dpop-row.js';
import type { HostileRow } from '../../hostile-row.js';

/** The order of P-256: as r and s it is as good as zero. */
const P256_ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

/** A proof by this key beside a token that is bound to it: only the proof can be at fault. */
interface KeyedProof {
  readonly key: keyof DpopKeys;
  readonly alg?: string;
  readonly signer?: (key: DpopKey) => Signer;
}

function keyedRows(id: string, values: Readonly<Record<string, KeyedProof>>): readonly HostileRow[] {
  return Object.entries(values).flatMap(([name, { key: keyName, alg, signer }]) =>
    requestRows(id, INVALID_PROOF, {
      [name]: (kit) => {
        const key = kit.keys[keyName];
        const difference = {
          key,
          header: alg === undefined ? {} : { alg },
          signer: signer?.(key) ?? key.signer,
        };
        return kit.dpop(kit.jwtWith(kit.jkt(key)), {}, difference);
      },
    }),
  );
}

const algorithms: readonly HostileRow[] = [
  ...headerRows('RFC9449-1', 'alg', INVALID_PROOF, {
    missing: () => undefined,
    null: () => null,
    empty: () => '',
    'a number': () => 256,
    'an array': () => ['ES256'],
    'an object': () => ({ toString: 'ES256' }),
    'in lower case': () => 'es256',
    'with a space behind it': () => 'ES256 ',
    'none, over a right signature': () => 'none',
    'HS256, over a right signature': () => 'HS256',
    'the name of an object property': () => 'constructor',
    'with a line end and a header of its own': () => 'ES256\r\nX-Injected: 1',
  }),
  ...proofRows('RFC9449-1 alg', INVALID_PROOF, {
    'none, unsigned': () => ({ header: { alg: 'none' }, signer: unsigned }),
    'None, unsigned': () => ({ header: { alg: 'None' }, signer: unsigned }),
    'NONE, unsigned': () => ({ header: { alg: 'NONE' }, signer: unsigned }),
    'HS256 with the JWK as its secret': ({ keys: { client } }) => ({
      header: { alg: 'HS256' },
      signer: hmac(JSON.stringify(client.jwk)),
    }),
    'HS256 with x as its secret': ({ keys: { client } }) => ({
      header: { alg: 'HS256' },
      signer: hmac(Buffer.from(client.jwk['x'] ?? '', 'base64url')),
    }),
    'HS256 with an empty secret': () => ({ header: { alg: 'HS256' }, signer: hmac('') }),
  }),
  ...keyedRows('RFC9449-5 alg', {
    'RS384, which is none of ours': { key: 'rsa', alg: 'RS384', signer: pkcs1('sha384') },
    'RS512, which is none of ours': { key: 'rsa', alg: 'RS512', signer: pkcs1('sha512') },
    'RS1, which is SHA-1': { key: 'rsa', alg: 'RS1', signer: pkcs1('sha1') },
    'ES256K, which is none of ours': { key: 'secp256k1' },
  }),
  ...keyedRows('RFC9449-1 alg', {
    'ES256 with a secp256k1 key': { key: 'secp256k1', alg: 'ES256' },
    'ES256 with a P-384 key': { key: 'p384', alg: 'ES256', signer: ec('sha256') },
    'ES384 with a P-256 key': { key: 'client', alg: 'ES384', signer: ec('sha384') },
    'ES512 with a P-384 key': { key: 'p384', alg: 'ES512', signer: ec('sha512') },
    'ES256 with an RSA key': { key: 'rsa', alg: 'ES256' },
    'ES256 with an Ed25519 key': { key: 'ed25519', alg: 'ES256' },
    'RS256 with an EC key': { key: 'client', alg: 'RS256' },
    'EdDSA with an EC key': { key: 'client', alg: 'EdDSA' },
    'Ed25519 with an EC key': { key: 'client', alg: 'Ed25519' },
    'Ed448 with an Ed25519 key': { key: 'ed25519', alg: 'Ed448' },
    'RS256 in the header, PS256 in fact': { key: 'rsa', signer: ({ privateKey }) => rsaPss(privateKey) },
    'PS256 in the header, RS256 in fact': { key: 'ps256', signer: pkcs1('sha256') },
    'RS256 in the header, SHA-1 in fact': { key: 'rsa', signer: pkcs1('sha1') },
    'RS256 with a key of 1,024 bits': { key: 'rsa1024' },
    'PS256 with a key of 1,024 bits': {
      key: 'rsa1024',
      alg: 'PS256',
      signer: ({ privateKey }) => rsaPss(privateKey),
    },
    'RS256 with a key of 2,047 bits': { key: 'rsa2047' },
  }),
];

function pkcs1(hash: string): (key: DpopKey) => Signer {
  return ({ privateKey }) => rsaPkcs1(privateKey, hash);
}

function ec(hash: string): (key: DpopKey) => Signer {
  return ({ privateKey }) => ecdsa(privateKey, hash);
}

/** RFC 9449 §4.2: the public key, as a JWK. The token is bound to what the right one would be. */
const keys: readonly HostileRow[] = [
  ...headerRows('RFC9449-1', 'jwk', INVALID_PROOF, {
    missing: () => undefined,
    null: () => null,
    empty: () => ({}),
    'a string of it': (kit) => JSON.stringify(kit.keys.client.jwk),
    'an array of it': (kit) => [kit.keys.client.jwk],
    'a JWK Set of it': (kit) => ({ keys: [kit.keys.client.jwk] }),
    'its thumbprint': (kit) => kit.keys.client.jkt,
    'a PEM': (kit) => createPublicKey(kit.keys.client.privateKey).export({ format: 'pem', type: 'spki' }),
    true: () => true,
    'with everything in __proto__': (kit) => raw(`{"__proto__":${JSON.stringify(kit.keys.client.jwk)}}`),
  }),
  ...jwkRows('client', {
    'without kty': () => ({ kty: undefined }),
    'with kty in lower case': () => ({ kty: 'ec' }),
    'with kty RSA': () => ({ kty: 'RSA' }),
    'with kty OKP': () => ({ kty: 'OKP' }),
    'with kty a number': () => ({ kty: 1 }),
    'without crv': () => ({ crv: undefined }),
    'with crv of another curve': () => ({ crv: 'P-384' }),
    'with crv that nobody knows': () => ({ crv: 'P-257' }),
    'with crv by its other name': () => ({ crv: 'prime256v1' }),
    'without y': () => ({ y: undefined }),
    'with y a number': () => ({ y: 1 }),
    'with x null': () => ({ x: null }),
    'with x an array': ({ x }) => ({ x: [x] }),
    'with x empty': () => ({ x: '' }),
    'with x padded': ({ x }) => ({ x: `${x}=` }),
    'with a byte of zero before x': ({ x }) => ({ x: longer(x) }),
    'of the point at infinity': () => ({ x: base64url(Buffer.alloc(32)), y: base64url(Buffer.alloc(32)) }),
    'of a point that is not on the curve': () => ({ x: base64url(Buffer.alloc(32, 1)) }),
  }),
  ...jwkRows('shortX', {
    'without the byte of zero that x begins with': ({ x }) => ({ x: shorter(x) }),
  }),
  ...jwkRows('rsa', {
    'without n': () => ({ n: undefined }),
    'without e': () => ({ e: undefined }),
    'with n empty': () => ({ n: '' }),
    'with n of zeros': () => ({ n: base64url(Buffer.alloc(256)) }),
    'with e of one': () => ({ e: 'AQ' }),
    'with e of zero': () => ({ e: 'AA' }),
  }),
  ...jwkRows('eddsa', {
    'of Ed25519 with x of 31 bytes': () => ({ x: base64url(Buffer.alloc(31, 1)) }),
    'of Ed25519 with x of 33 bytes': ({ x }) => ({ x: longer(x) }),
    'of X25519, which signs nothing': () => ({ crv: 'X25519' }),
    'of Ed448 by its name': () => ({ crv: 'Ed448' }),
  }),
  // What stands in the header is then the key of the token to a lenient decoder only.
  ...requestRows('RFC9449-1 jwk of a token of the right key', INVALID_EITHER, {
    'with x padded': withJwk('client', ({ x }) => ({ x: `${x}=` })),
    'with a byte of zero before x': withJwk('client', ({ x }) => ({ x: longer(x) })),
    'without the byte of zero that x begins with': withJwk('shortX', ({ x }) => ({ x: shorter(x) })),
    'with a byte of zero before n': withJwk('rsa', ({ n }) => ({ n: longer(n) })),
    'with a byte of zero before e': withJwk('rsa', ({ e }) => ({ e: longer(e) })),
  }),
];

/** What a JWK differs in from the key's own. */
type JwkDifference = (jwk: PublicJwk) => Readonly<Record<string, unknown>>;

/** Proofs by this key with another JWK. The tokens are bound to that JWK: only the proofs are at fault. */
function jwkRows(
  name: keyof DpopKeys,
  values: Readonly<Record<string, JwkDifference>>,
): readonly HostileRow[] {
  return Object.entries(values).flatMap(([title, difference]) =>
    requestRows('RFC9449-1 jwk', INVALID_PROOF, {
      [title]: (kit) => {
        const key = kit.keys[name];
        const jwk = { ...key.jwk, ...difference(key.jwk) };
        return kit.dpop(kit.jwtWith({ jkt: thumbprintOf(jwk) }), {}, { key, header: { jwk } });
      },
    }),
  );
}

/** A token bound to this key, and a proof by it with another JWK. */
function withJwk(name: keyof DpopKeys, difference: JwkDifference): Maker<HostileRequest> {
  return (kit) => {
    const key = kit.keys[name];
    const jwk = { ...key.jwk, ...difference(key.jwk) };
    return kit.dpop(kit.jwtWith(kit.jkt(key)), {}, { key, header: { jwk } });
  };
}

function longer(value = ''): string {
  return base64url(Buffer.concat([Buffer.of(0), Buffer.from(value, 'base64url')]));
}

function shorter(value = ''): string {
  return base64url(Buffer.from(value, 'base64url').subarray(1));
}

/** Keys with which anybody can sign: as far as OpenSSL is concerned, these signatures are right. */
const forgeable: readonly HostileRow[] = requestRows('RFC8725 jwk', INVALID_PROOF, {
  'of RSA with e of one, and the signature that anybody can make': (kit) => {
    const jwk = { ...kit.keys.rsa.jwk, e: 'AQ' };
    return kit.dpop(
      kit.jwtWith({ jkt: thumbprintOf(jwk) }),
      {},
      { header: { alg: 'RS256', jwk }, signer: paddedDigest },
    );
  },
  'of Ed25519 whose point is the identity, and the signature that fits every text': (kit) => {
    const identity = Buffer.concat([Buffer.of(1), Buffer.alloc(31)]);
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: base64url(identity) };
    const signer = fixed(Buffer.concat([identity, Buffer.alloc(32)]));
    return kit.dpop(kit.jwtWith({ jkt: thumbprintOf(jwk) }), {}, { header: { alg: 'EdDSA', jwk }, signer });
  },
});

/** RFC 9449 §4.3, 7: whoever shows the private key has given it away. */
const privateKeys: readonly HostileRow[] = [
  ...requestRows('RFC9449-1 jwk with a private part', INVALID_PROOF, {
    'd of EC': privateJwk('client'),
    'd of Ed25519': privateJwk('eddsa'),
    'all of RSA': privateJwk('rsa'),
    ...Object.fromEntries(
      ['d', 'p', 'q', 'dp', 'dq', 'qi'].map((member) => [
        `${member} of RSA alone`,
        privateJwk('rsa', [member]),
      ]),
    ),
    'oth beside the public key': withJwk('rsa', () => ({ oth: [{ r: 'AQ', d: 'AQ', t: 'AQ' }] })),
    'k beside the public key': withJwk('client', () => ({ k: 'AAAA' })),
  }),
  ...requestRows('RFC9449-1 jwk', INVALID_PROOF, {
    'symmetric, and the token bound to it': (kit) => {
      const secret = 'a secret that both know, of 32 b';
      const jwk = { kty: 'oct', k: base64url(secret) };
      const difference = { header: { alg: 'HS256', jwk }, signer: hmac(secret) };
      return kit.dpop(kit.jwtWith({ jkt: thumbprintOf(jwk) }), {}, difference);
    },
  }),
];

/** The private JWK; or the public one with just these private members. */
function privateJwk(name: keyof DpopKeys, members?: readonly string[]): Maker<HostileRequest> {
  return (kit) => {
    const exported = kit.keys[name].privateKey.export({ format: 'jwk' }) as PublicJwk;
    const added = Object.entries(exported).filter(([member]) => members?.includes(member) ?? true);
    return withJwk(name, () => Object.fromEntries(added))(kit);
  };
}

/** A key that the proof names, points to or brings in another way than as its jwk. */
const elsewhere: readonly HostileRow[] = proofRows('RFC9449-1 no jwk, but', INVALID_PROOF, {
  'jku to the attacker': ({ hostile }) => ({ header: { jwk: undefined, jku: hostile.evil.jwksUri } }),
  'x5u to the attacker': ({ hostile }) => ({
    header: { jwk: undefined, x5u: `${hostile.evil.issuer}/certificate.pem` },
  }),
  'x5c with the certificate of client1': ({ hostile }) => ({
    header: { jwk: undefined, x5c: [hostile.client1.der.toString('base64')] },
  }),
  'kid, signed by that key of the issuer': ({ hostile }) => ({
    header: { jwk: undefined, kid: hostile.a.signingKey.jwk.kid },
    signer: hostile.signer,
  }),
  'kid, the thumbprint': ({ keys: { client } }) => ({ header: { jwk: undefined, kid: client.jkt } }),
  'jwk among the claims': ({ keys: { client } }) => ({
    header: { jwk: undefined },
    claims: { jwk: client.jwk, cnf: { jwk: client.jwk } },
  }),
});

const critical: readonly HostileRow[] = [
  ...headerRows('RFC9449-1', 'crit', INVALID_PROOF, {
    'names what nobody knows': () => ['urn:example:must-understand'],
    empty: () => [],
    'names jwk, which the standard defines': () => ['jwk'],
    'names b64, which is absent': () => ['b64'],
    'is a string': () => 'typ',
    'is null': () => null,
    'names a number': () => [1],
  }),
  ...proofRows('RFC9449-1 crit', INVALID_PROOF, {
    'names an unknown extension that is there': () => ({ header: { crit: ['policy'], policy: 'strict' } }),
    'b64 true and critical': () => ({ header: { b64: true, crit: ['b64'] } }),
    'b64 false and critical': () => ({ header: { b64: false, crit: ['b64'] } }),
  }),
  ...textRows('RFC9449-1 crit', INVALID_PROOF, {
    'b64 false and critical, signed over the payload as it is': (kit, token) =>
      unencoded(kit, token, { b64: false, crit: ['b64'] }),
    'b64 false and not critical, signed over the payload as it is': (kit, token) =>
      unencoded(kit, token, { b64: false }),
  }),
];

/** Signs the payload itself and sends it encoded (RFC 7797). */
function unencoded(kit: DpopKit, token: string, header: Readonly<Record<string, unknown>>): string {
  const head = base64url(jsonText(kit.header(header)));
  const payload = jsonText(kit.claims(token));
  const signature = kit.keys.client.signer(Buffer.from(`${head}.${payload}`));
  return `${head}.${base64url(payload)}.${base64url(signature)}`;
}

const signatures: readonly HostileRow[] = [
  ...proofRows('RFC9449-1 signature', INVALID_PROOF, {
    empty: () => ({ signer: unsigned }),
    'with one byte more': ({ keys: { client } }) => ({
      signer: (input) => Buffer.concat([client.signer(input), Buffer.of(0)]),
    }),
    'with one byte less': ({ keys: { client } }) => ({
      signer: (input) => client.signer(input).subarray(0, 63),
    }),
    'of one bit changed': ({ keys: { client } }) => ({ signer: (input) => flipped(client.signer(input)) }),
    'of zeros (CVE-2022-21449)': () => ({ signer: fixed(Buffer.alloc(64)) }),
    'of the order of the curve, twice': () => ({ signer: fixed(Buffer.from(P256_ORDER.repeat(2), 'hex')) }),
    'right, in DER': ({ keys: { client } }) => ({ signer: ecdsaDer(client.privateKey) }),
    'r and s swapped': ({ keys: { client } }) => ({ signer: (input) => swapped(client.signer(input)) }),
    "by another key, under the token's": ({ keys: { other } }) => ({ signer: other.signer }),
    "by the issuer, under the token's": ({ hostile }) => ({ signer: hostile.signer }),
  }),
  ...textRows('RFC9449-1 signature', INVALID_PROOF, {
    'of another proof': (kit, token) =>
      `${partsOf(kit.proof(token), 0, 2)}.${partsOf(kit.proof(token), 2, 3)}`,
    'right, over another payload': (kit, token) => {
      const proof = kit.proof(token, { claims: { htm: 'POST' } });
      const claims = jsonText(kit.claims(token));
      return `${partsOf(proof, 0, 1)}.${base64url(claims)}.${partsOf(proof, 2, 3)}`;
    },
    'right, over another header': (kit, token) => {
      const header = jsonText(kit.header({ cty: 'added' }));
      return `${base64url(header)}.${partsOf(kit.proof(token), 1, 3)}`;
    },
    'right, the payload taken away': (kit, token) => kit.proof(token).replace(/\..*\./, '..'),
    'cut short': (kit, token) => kit.proof(token).slice(0, -8),
    'right, by a key that the jwk was then changed from': (kit, token) => {
      const proof = compactJws(
        jsonText(kit.header({}, kit.keys.other)),
        jsonText(kit.claims(token)),
        kit.keys.other.signer,
      );
      return `${base64url(jsonText(kit.header()))}.${partsOf(proof, 1, 3)}`;
    },
  }),
];

/** By which key a proof is signed, and how. */
export const KEY_ROWS = [
  ...algorithms,
  ...keys,
  ...forgeable,
  ...privateKeys,
  ...elsewhere,
  ...critical,
  ...signatures,
];
