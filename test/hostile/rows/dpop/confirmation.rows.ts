import { createHash, createPublicKey } from 'node:crypto';
import type { HostileRequest } from '../../request.js';
import { raw } from '../../raw-jws.js';
import type { DpopKey, DpopKeys } from '../../dpop-keys.js';
import type { DpopKit } from '../../dpop-kit.js';
import {
  ACCEPTED,
  BEARER_INVALID_TOKEN,
  BOTH_ACCEPTED,
  CERTIFICATE_ACCEPTED,
  INVALID_EITHER,
  INVALID_PROOF,
  INVALID_TOKEN,
  type Maker,
  requestRows,
  tokenRows,
  type Variants,
} from './dpop-row.js';
import type { HostileRow } from '../../hostile-row.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** RFC 9449 §6.1: `jkt` is the base64url SHA-256 thumbprint of the key, and nothing that is like it. */
const thumbprints: readonly HostileRow[] = thumbprintRows({
  null: () => null,
  'a number': () => 1,
  true: () => true,
  empty: () => '',
  'an array of the right one': ({ jkt }) => [jkt],
  'an object': ({ jkt }) => ({ value: jkt }),
  'the JWK itself': ({ jwk }) => jwk,
  padded: ({ jkt }) => `${jkt}=`,
  'in hex': ({ jkt }) => Buffer.from(jkt, 'base64url').toString('hex'),
  'in upper case': ({ jkt }) => jkt.toUpperCase(),
  'in lower case': ({ jkt }) => jkt.toLowerCase(),
  '42 characters': ({ jkt }) => jkt.slice(0, -1),
  '44 characters': ({ jkt }) => `${jkt}A`,
  'whose last character is not canonical': ({ jkt }) =>
    jkt.slice(0, -1) + (ALPHABET[ALPHABET.indexOf(jkt.slice(-1)) + 1] ?? ''),
  'with a space before it': ({ jkt }) => ` ${jkt}`,
  'with a space behind it': ({ jkt }) => `${jkt} `,
  'with a line end behind it': ({ jkt }) => `${jkt}\n`,
  'with a NUL behind it': ({ jkt }) => `${jkt}\0`,
  'with the name of the hash': ({ jkt }) => `sha-256:${jkt}`,
  'as a URI (RFC 9278)': ({ jkt }) => `urn:ietf:params:oauth:jwk-thumbprint:sha-256:${jkt}`,
  'two, by a comma': ({ jkt }, { other }) => `${other.jkt},${jkt}`,
  'of SHA-1': (key) => digest('sha1', canonical(key)),
  'of SHA-512': (key) => digest('sha512', canonical(key)),
  'of the JWK as it is written': ({ jwk }) => digest('sha256', JSON.stringify(jwk)),
  'of the JWK with alg': ({ jwk }) => digest('sha256', JSON.stringify({ alg: 'ES256', ...jwk })),
  'of the public key (SPKI)': ({ privateKey }) =>
    digest('sha256', createPublicKey(privateKey).export({ format: 'der', type: 'spki' })),
  'of nothing': () => digest('sha256', ''),
  'of another key': (_, { other }) => other.jkt,
});

type ThumbprintOf = (key: DpopKey, keys: DpopKeys) => unknown;

function thumbprintRows(values: Readonly<Record<string, ThumbprintOf>>): readonly HostileRow[] {
  return Object.entries(values).flatMap(([name, thumbprint]) => [
    ...tokenRows('RFC9449-3', INVALID_TOKEN, {
      [`jkt ${name}`]: (kit) => kit.jwtWith({ jkt: thumbprint(kit.keys.client, kit.keys) }),
    }),
    ...tokenRows('RFC9449-3', INVALID_TOKEN, {
      [`opaque token, jkt ${name}`]: (kit) =>
        kit.opaque({ cnf: { jkt: thumbprint(kit.keys.client, kit.keys) } }),
    }),
  ]);
}

function canonical({ jwk: { crv, kty, x, y } }: DpopKey): string {
  return JSON.stringify({ crv, kty, x, y });
}

function digest(hash: string, data: string | Buffer): string {
  return createHash(hash).update(data).digest('base64url');
}

/** RFC 9449 §4.3, 12: the key of the proof is the key of the token. */
const holders: readonly HostileRow[] = [
  ...requestRows('RFC9449-3', INVALID_TOKEN, {
    'a right proof by another key': (kit) => kit.dpop(kit.jwt(), {}, { key: kit.keys.other }),
    'a right proof by another key, opaque token': (kit) =>
      kit.dpop(kit.opaque(), {}, { key: kit.keys.other }),
    'a right proof by another key, token of issuer B': (kit) =>
      kit.dpop(kit.hostile.jwtOfB({ claims: { cnf: kit.jkt() } }), {}, { key: kit.keys.other }),
    "another client's token, by the client's key": (kit) => kit.dpop(kit.jwtWith(kit.jkt(kit.keys.other))),
    'a right proof by a key of another type': (kit) => kit.dpop(kit.jwt(), {}, { key: kit.keys.ps256 }),
    'a right proof by another key, which calls itself the right one': (kit) =>
      kit.dpop(
        kit.jwt(),
        {},
        {
          key: kit.keys.other,
          header: { jwk: { ...kit.keys.other.jwk, kid: kit.keys.client.jkt, jkt: kit.keys.client.jkt } },
        },
      ),
    'a right proof by another key, cnf of the right one among its claims': (kit) =>
      kit.dpop(kit.jwt(), {}, { key: kit.keys.other, claims: { cnf: kit.jkt(), jkt: kit.keys.client.jkt } }),
    'a right proof by another key, and any certificate': (kit) =>
      kit.dpop(kit.jwt(), { certificate: kit.hostile.client1 }, { key: kit.keys.other }),
  }),
  ...requestRows('RFC9449-3', INVALID_EITHER, {
    'a proof by another key that is wrong as well': (kit) =>
      kit.dpop(kit.jwt(), {}, { key: kit.keys.other, claims: { htm: 'POST' } }),
  }),
];

/** Confirmation methods beside or in place of `jkt` (invariant 1). */
const shapes: readonly HostileRow[] = [
  ...tokenRows('INV1', INVALID_TOKEN, {
    ...cnfOf({
      'cnf of jwk, the key itself': ({ keys: { client } }) => ({ jwk: client.jwk }),
      'cnf of kid, the thumbprint': ({ keys: { client } }) => ({ kid: client.jkt }),
      'cnf of JKT in upper case': ({ keys: { client } }) => ({ JKT: client.jkt }),
      'cnf of jkt#S256': ({ keys: { client } }) => ({ 'jkt#S256': client.jkt }),
      'cnf of the thumbprint under x5t#S256': ({ keys: { client } }) => ({ 'x5t#S256': client.jkt }),
      'cnf, the thumbprint itself': ({ keys: { client } }) => client.jkt,
      'cnf, an array of the right one': (kit) => [kit.jkt()],
      'cnf, a JSON text of the right one': (kit) => JSON.stringify(kit.jkt()),
      'cnf one level too deep': (kit) => ({ cnf: kit.jkt() }),
      'cnf with the right one in __proto__': (kit) => raw(`{"__proto__":${JSON.stringify(kit.jkt())}}`),
      'cnf empty': () => ({}),
      'cnf null': () => null,
      // A method that is named is to be checked, whatever its value.
      'cnf of x5t#S256 null beside the right jkt': (kit) => ({ ...kit.jkt(), 'x5t#S256': null }),
      'cnf of jwk beside the right jkt': (kit) => ({ ...kit.jkt(), jwk: kit.keys.client.jwk }),
      'cnf of jwe beside the right jkt': (kit) => ({ ...kit.jkt(), jwe: 'eyJhbGciOiJSU0EifQ.A.A.A.A' }),
      'cnf of kid beside the right jkt': (kit) => ({ ...kit.jkt(), kid: 'key-1' }),
      'cnf of jku beside the right jkt': (kit) => ({ ...kit.jkt(), jku: kit.hostile.evil.jwksUri }),
      'cnf of osc beside the right jkt': (kit) => ({ ...kit.jkt(), osc: { id: 'AQ' } }),
    }),
    'jkt beside cnf, not in it': (kit) => kit.jwt({ claims: { cnf: undefined, ...kit.jkt() } }),
    'cnf in the header of the token': (kit) =>
      kit.jwt({ claims: { cnf: undefined }, header: { cnf: kit.jkt() } }),
  }),
  ...tokenRows('INV1', ACCEPTED, {
    // RFC 7800 §3.1: members that name no method are ignored.
    ...cnfOf({
      'cnf with an unknown member beside the right jkt': (kit) => ({
        ...kit.jkt(),
        'x-vendor': { any: 'thing' },
      }),
      'cnf with JKT of another key beside the right jkt': (kit) => ({
        ...kit.jkt(),
        JKT: kit.keys.other.jkt,
      }),
    }),
  }),
];

function cnfOf(values: Variants<unknown>): Variants<string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, cnf]) => [name, (kit: DpopKit) => kit.jwtWith(cnf(kit))]),
  );
}

/** RFC 9449 §7.1 and §7.2: the scheme is the token's, and no choice of the caller's. */
const downgrades: readonly HostileRow[] = [
  ...requestRows('RFC9449-4', BEARER_INVALID_TOKEN, {
    'token of jkt as Bearer, no proof': (kit) => asBearer(kit.dpop(kit.jwt()), []),
    'token of jkt as Bearer, a right proof beside': (kit) => asBearer(kit.dpop(kit.jwt())),
    'token of jkt as Bearer, a right proof and a certificate beside': (kit) => ({
      ...asBearer(kit.dpop(kit.jwt())),
      certificate: kit.hostile.client1,
    }),
    'opaque token of jkt as Bearer, no proof': (kit) => asBearer(kit.dpop(kit.opaque()), []),
    'opaque token of jkt as Bearer, a right proof beside': (kit) => asBearer(kit.dpop(kit.opaque())),
    'opaque token of jkt as Bearer, token_type Bearer': (kit) =>
      asBearer(kit.dpop(kit.opaque({ token_type: 'Bearer' }))),
    'token of jkt null as Bearer': (kit) => asBearer(kit.dpop(kit.jwtWith({ jkt: null }))),
    'token of certificate and jkt as Bearer, with the certificate': (kit) => ({
      ...asBearer(kit.dpop(kit.jwtWith(kit.both)), []),
      certificate: kit.hostile.client1,
    }),
    'token of certificate and jkt as Bearer, with the certificate and a proof': (kit) => ({
      ...asBearer(kit.dpop(kit.jwtWith(kit.both))),
      certificate: kit.hostile.client1,
    }),
    'opaque token of certificate and jkt as Bearer, with both': (kit) => ({
      ...asBearer(kit.dpop(kit.opaque({ cnf: kit.both }))),
      certificate: kit.hostile.client1,
    }),
    'unbound token as Bearer, a right proof beside': (kit) => asBearer(kit.dpop(kit.jwtWith(undefined))),
    'token of the certificate as Bearer, of another certificate, a right proof beside': (kit) => ({
      ...asBearer(kit.dpop(kit.jwtWith(kit.x5t))),
      certificate: kit.hostile.client2,
    }),
    'token of the certificate as Bearer, no certificate, a right proof beside': (kit) =>
      asBearer(kit.dpop(kit.jwtWith(kit.x5t))),
  }),
  ...requestRows('RFC9449-4', INVALID_TOKEN, {
    'unbound token as DPoP, with a right proof': (kit) => kit.dpop(kit.jwtWith(undefined)),
    'unbound token as DPoP, with a right proof and a certificate': (kit) =>
      kit.dpop(kit.jwtWith(undefined), { certificate: kit.hostile.client1 }),
    'unbound opaque token as DPoP, with a right proof': (kit) => kit.dpop(kit.opaque({ cnf: undefined })),
    'unbound opaque token of token_type DPoP, with a right proof': (kit) =>
      kit.dpop(kit.opaque({ cnf: undefined, token_type: 'DPoP' })),
    'token of the certificate as DPoP, with it and a right proof': (kit) =>
      kit.dpop(kit.jwtWith(kit.x5t), { certificate: kit.hostile.client1 }),
    'token of the certificate as DPoP, a right proof and no certificate': (kit) =>
      kit.dpop(kit.jwtWith(kit.x5t)),
    'opaque token of the certificate as DPoP, with it and a right proof': (kit) =>
      kit.dpop(kit.opaque({ cnf: kit.x5t }), { certificate: kit.hostile.client1 }),
  }),
  ...requestRows('RFC9449-4', INVALID_EITHER, {
    'token of the certificate as DPoP, with it and no proof': (kit) => ({
      authorization: `DPoP ${kit.jwtWith(kit.x5t)}`,
      certificate: kit.hostile.client1,
    }),
    'unbound token as DPoP, no proof': (kit) => ({
      authorization: `DPoP ${kit.jwtWith(undefined)}`,
      certificate: 'none',
    }),
  }),
];

/** The same token and headers, the scheme Bearer. */
function asBearer(request: HostileRequest, headers = request.headers ?? []): HostileRequest {
  const { authorization = '' } = request;
  return { ...request, authorization: authorization.replace('DPoP', 'Bearer'), headers };
}

/** Bound to certificate and key: neither is enough without the other. */
const both: readonly HostileRow[] = [
  ...requestRows('INV1', BOTH_ACCEPTED, {
    'certificate and key, both shown': (kit) => bound(kit),
    'certificate and key, both shown, opaque token': (kit) =>
      kit.dpop(kit.opaque({ cnf: kit.both }), { certificate: kit.hostile.client1 }),
    'certificate and key, both shown, POST': (kit) =>
      bound(kit, { body: { type: 'application/json', text: '{}' } }),
  }),
  ...requestRows('INV1', INVALID_TOKEN, {
    'certificate and key, no certificate': (kit) => bound(kit, { certificate: 'none' }),
    'certificate and key, another certificate': (kit) => bound(kit, { certificate: kit.hostile.client2 }),
    'certificate and key, certificate of the same name': (kit) =>
      bound(kit, { certificate: kit.hostile.certificates.namesake }),
    'certificate and key, an expired certificate': outdated('expired'),
    'certificate and key, a certificate of an unknown CA': outdated('untrusted'),
    'certificate and key, another key': (kit) =>
      kit.dpop(kit.jwtWith(kit.both), { certificate: kit.hostile.client1 }, { key: kit.keys.other }),
    'certificate and key, no certificate, opaque token': (kit) => kit.dpop(kit.opaque({ cnf: kit.both })),
    'certificate and key, another key, opaque token': (kit) =>
      kit.dpop(kit.opaque({ cnf: kit.both }), { certificate: kit.hostile.client1 }, { key: kit.keys.other }),
    'certificate and key, the certificate in a header': (kit) =>
      bound(kit, {
        certificate: 'none',
        headers: ['Client-Cert', `:${kit.hostile.client1.der.toString('base64')}:`],
      }),
    'certificate and key, the thumbprint in hex': (kit) => {
      const hex = Buffer.from(kit.hostile.client1.thumbprint, 'base64url').toString('hex');
      return kit.dpop(kit.jwtWith({ ...kit.jkt(), 'x5t#S256': hex }), {
        certificate: kit.hostile.client1,
      });
    },
  }),
  ...requestRows('INV1', INVALID_PROOF, {
    'certificate and key, no proof': (kit) => ({
      authorization: `DPoP ${kit.jwtWith(kit.both)}`,
      certificate: kit.hostile.client1,
    }),
    'certificate and key, a proof for another URL': (kit) =>
      kit.dpop(
        kit.jwtWith(kit.both),
        { certificate: kit.hostile.client1 },
        { claims: { htu: 'https://evil.example/main' } },
      ),
  }),
  ...requestRows('INV1', INVALID_EITHER, {
    'certificate and key, neither shown': (kit) => ({
      authorization: `DPoP ${kit.jwtWith(kit.both)}`,
      certificate: 'none',
    }),
  }),
];

function bound(kit: DpopKit, rest: Partial<HostileRequest> = {}): HostileRequest {
  return kit.dpop(kit.jwtWith(kit.both), { certificate: kit.hostile.client1, ...rest });
}

/** A token of this certificate, which does not count, and of the key. */
function outdated(name: 'expired' | 'untrusted'): Maker<HostileRequest> {
  return (kit) => {
    const certificate = kit.hostile.certificates[name];
    return kit.dpop(kit.jwtWith({ ...kit.jkt(), 'x5t#S256': certificate.thumbprint }), { certificate });
  };
}

/** A token of a certificate does not ask for a proof, and so none is looked at. */
const bearers: readonly HostileRow[] = requestRows('RFC8705-1', CERTIFICATE_ACCEPTED, {
  'token of the certificate as Bearer': (kit) => kit.hostile.bearer(kit.hostile.jwt()),
  'token of the certificate as Bearer, an empty DPoP header beside': beside(['DPoP', '']),
  'token of the certificate as Bearer, rubbish in the DPoP header': beside(['DPoP', '%%%"\\']),
  'token of the certificate as Bearer, two DPoP headers': beside(['DPoP', 'x', 'DPoP', 'y']),
  'token of the certificate as Bearer, a DPoP header of 8,000 characters': beside(['DPoP', 'A'.repeat(8000)]),
  'token of the certificate as Bearer, a right proof beside': (kit) => {
    const token = kit.hostile.jwt();
    return kit.hostile.bearer(token, { headers: ['DPoP', kit.proof(token)] });
  },
  'token of the certificate as Bearer, a wrong proof beside': (kit) => {
    const token = kit.hostile.jwt();
    return kit.hostile.bearer(token, { headers: ['DPoP', kit.proof(token, { claims: { htm: 'PUT' } })] });
  },
  'opaque token of the certificate as Bearer, rubbish in the DPoP header': (kit) =>
    kit.hostile.bearer(kit.hostile.opaque(), { headers: ['DPoP', 'rubbish'] }),
});

function beside(headers: readonly string[]): Maker<HostileRequest> {
  return (kit) => kit.hostile.bearer(kit.hostile.jwt(), { headers });
}

/** To which key a token is bound, and who shows that it holds it. */
export const CONFIRMATION_ROWS = [...thumbprints, ...holders, ...shapes, ...downgrades, ...both, ...bearers];
