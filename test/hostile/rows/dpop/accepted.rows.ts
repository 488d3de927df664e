import { AUDIENCE, OTHER_AUDIENCE } from '../../hostile-kit.js';
import type { HostileRequest } from '../../request.js';
import { compactJws, jsonText } from '../../raw-jws.js';
import type { DpopKeys } from '../../dpop-keys.js';
import type { DpopKit, ProofDifference } from '../../dpop-kit.js';
import {
  ACCEPTED,
  claimRows,
  proofRows,
  PUBLIC,
  requestRows,
  sequenceRows,
  textRows,
  tokenRows,
  type Variants,
} from './dpop-row.js';
import type { HostileRow } from '../../hostile-row.js';

const FORM = 'application/x-www-form-urlencoded';

const ALGORITHMS: Readonly<Record<string, keyof DpopKeys>> = {
  ES256: 'client',
  ES384: 'p384',
  ES512: 'p521',
  RS256: 'rsa',
  PS256: 'ps256',
  PS384: 'ps384',
  PS512: 'ps512',
  EdDSA: 'eddsa',
  Ed25519: 'ed25519',
};

const algorithms: readonly HostileRow[] = [
  ...Object.entries(ALGORITHMS).flatMap(([alg, name]) =>
    requestRows('RFC9449-1', ACCEPTED, {
      [`a proof of ${alg}`]: (kit) => {
        const key = kit.keys[name];
        return kit.dpop(kit.jwtWith(kit.jkt(key)), {}, { key });
      },
    }),
  ),
  ...requestRows('RFC9449-1', ACCEPTED, {
    'a key whose x begins with a byte of zero': (kit) => {
      const key = kit.keys.shortX;
      return kit.dpop(kit.jwtWith(kit.jkt(key)), {}, { key });
    },
  }),
];

const proofs: readonly HostileRow[] = [
  ...proofRows('RFC9449-1', ACCEPTED, {
    'a jwk with use, alg, kid and x5t beside': jwkWith({
      use: 'sig',
      alg: 'ES256',
      kid: 'mine',
      x5t: 'AAAA',
    }),
    // As WebCrypto exports a public key.
    'a jwk with ext and key_ops': jwkWith({ ext: true, key_ops: ['verify'] }),
    'a jwk whose members are in another order': ({ keys: { client } }) => ({
      header: { jwk: Object.fromEntries(Object.entries(client.jwk).toReversed()) },
    }),
    // RFC 7515 §4: what a verifier does not know is ignored; RFC 8725 §3.10: a URL in it is not followed.
    'a header with an unknown member': () => ({ header: { vendor: 'something' } }),
    'jku elsewhere beside the jwk': ({ hostile }) => ({ header: { jku: hostile.evil.jwksUri } }),
    'x5u elsewhere beside the jwk': ({ hostile }) => ({ header: { x5u: `${hostile.evil.issuer}/x.pem` } }),
    'kid of a key of the issuer beside the jwk': ({ hostile }) => ({
      header: { kid: hostile.a.signingKey.jwk.kid },
    }),
    'claims that nobody knows': () => ({ claims: { vendor: { deep: [1, null] }, sub: 'client-1' } }),
  }),
  ...textRows('RFC9449-1', ACCEPTED, {
    'spaces and escapes in the JSON': (kit, token) =>
      compactJws(
        ` ${jsonText(kit.header())}\n`,
        jsonText(kit.claims(token)).replace('"htm":', '\t"\\u0068tm" : '),
        kit.keys.client.signer,
      ),
    'a proof of 4,093 to 4,096 characters': (kit, token) => kit.proofOfLength(token, 4096),
    'space around the header': (kit, token) => `  ${kit.proof(token)}  `,
  }),
];

function jwkWith(members: object): (kit: DpopKit) => ProofDifference {
  return ({ keys: { client } }) => ({ header: { jwk: { ...client.jwk, ...members } } });
}

const claims: readonly HostileRow[] = [
  ...claimRows('RFC9449-1', 'jti', ACCEPTED, {
    'of 256 characters': () => 'j'.repeat(256),
    'of one character': () => 'j',
    'named __proto__': () => '__proto__',
    'named constructor': () => 'constructor',
    'with quotes, a line end and a NUL': () => 'x"\r\nX-Injected: 1\0',
    'beyond ASCII': () => '\u2603'.repeat(64),
  }),
  ...claimRows('RFC9449-1', 'iat', ACCEPTED, {
    'a minute ago': () => nowPlus(-60),
    'in five seconds': () => nowPlus(5),
    'with a fraction': () => nowPlus(-1) + 0.5,
  }),
  // RFC 9449 §4.3: a nonce is compared when the server gave one, and these apps give none.
  ...claimRows('RFC9449-6', 'nonce', ACCEPTED, {
    'where none was asked for': () => 'eyJ7S_zG.eyJH0-Z.HX4w-7v',
  }),
];

function nowPlus(offset: number): number {
  return Math.floor(Date.now() / 1000) + offset;
}

const requests: readonly HostileRow[] = [
  ...requestRows('RFC9449-1', ACCEPTED, {
    'a good request': (kit) => kit.dpop(kit.jwt()),
    ...schemeWritten(['dpop', 'DPOP', 'dPoP']),
    'several spaces behind the scheme': (kit) => {
      const token = kit.jwt();
      return { ...kit.dpop(token), authorization: `DPoP   ${token}` };
    },
    'the name of the header in upper case': (kit) => withHeaderName(kit, 'DPOP'),
    'the name of the header in lower case': (kit) => withHeaderName(kit, 'dpop'),
    POST: (kit) => kit.dpop(kit.jwt(), { body: { type: 'application/json', text: '{"amount":1}' } }),
    PUT: (kit) => kit.dpop(kit.jwt(), { method: 'PUT', body: { type: 'application/json', text: '{}' } }),
    DELETE: (kit) => kit.dpop(kit.jwt(), { method: 'DELETE' }),
    'HEAD, with htm HEAD': (kit) => kit.dpop(kit.jwt(), { method: 'HEAD' }),
    'a form without access_token': (kit) => kit.dpop(kit.jwt(), { body: { type: FORM, text: 'amount=1' } }),
    'access_token in a JSON body is content': (kit) =>
      kit.dpop(kit.jwt(), { body: { type: 'application/json', text: '{"access_token":"not-ours"}' } }),
    'a DPoP-Nonce header of the client is nothing to us': (kit) =>
      kit.dpop(kit.jwt(), { headers: ['DPoP-Nonce', 'abc'] }),
    'an X-DPoP header is nothing to us': (kit) => kit.dpop(kit.jwt(), { headers: ['X-DPoP', 'abc'] }),
    'a client certificate that the token is not bound to': (kit) =>
      kit.dpop(kit.jwt(), { certificate: kit.hostile.client2 }),
    'a certificate of an unknown CA, which nobody asks for': (kit) =>
      kit.dpop(kit.jwt(), { certificate: kit.hostile.certificates.untrusted }),
  }),
  ...tokenRows('RFC9449-1', ACCEPTED, {
    'a token of issuer B': (kit) => kit.hostile.jwtOfB({ claims: { cnf: kit.jkt() } }),
    'aud of ours alone, an array': (kit) => kit.jwt({ claims: { aud: [AUDIENCE] } }),
    'an opaque token': (kit) => kit.opaque(),
    // RFC 9449 §6.2: introspection says how the token is to be sent.
    'an opaque token, token_type DPoP': (kit) => kit.opaque({ token_type: 'DPoP' }),
    'an opaque token with + / ~ and =': (kit) =>
      kit.hostile.answered(
        { active: true, ...kit.hostile.claims({ cnf: kit.jkt() }) },
        `a+b/c~d-e_f.${Date.now()}==`,
      ),
  }),
  ...requestRows('RFC6750-1', ACCEPTED, {
    'both scopes': (kit) =>
      kit.dpop(kit.jwt({ claims: { scope: 'accounts:read accounts:write' } }), { path: '/both' }),
    'one of @AnyScope()': (kit) => kit.dpop(kit.jwt(), { path: '/any' }),
  }),
];

/** RFC 9110 §11.1: the name of a scheme is the same in any case. */
function schemeWritten(schemes: readonly string[]): Variants<HostileRequest> {
  return Object.fromEntries(
    schemes.map((scheme) => [
      `the scheme written ${scheme}`,
      (kit: DpopKit) => {
        const token = kit.jwt();
        return { ...kit.dpop(token), authorization: `${scheme} ${token}` };
      },
    ]),
  );
}

function withHeaderName(kit: DpopKit, name: string): HostileRequest {
  const token = kit.jwt();
  return { authorization: `DPoP ${token}`, certificate: 'none', headers: [name, kit.proof(token)] };
}

/** Each app has a replay store of its own: what is used here is new there. */
const audiences: readonly HostileRow[] = sequenceRows('INV10', [ACCEPTED], {
  'a proof is used once in each app of the process': (kit) => [
    kit.dpop(kit.jwt({ claims: { aud: [OTHER_AUDIENCE, AUDIENCE] } })),
  ],
}).map((row) => ({ ...row, everyAudience: true }));

/** A public route looks at no credentials: it neither refuses them nor believes them. */
const publicRoute: readonly HostileRow[] = [
  ...requestRows('RFC6750-2', PUBLIC, {
    'public route, token and proof': (kit) => kit.dpop(kit.jwt(), { path: '/public' }),
    'public route, rubbish for a token and for a proof': (kit) =>
      kit.carry('rubbish', 'rubbish', { path: '/public' }),
    'public route, two proofs and no token': () => ({
      certificate: 'none',
      path: '/public',
      headers: ['DPoP', 'x', 'DPoP', 'y'],
    }),
  }),
  ...sequenceRows('RFC9449-8', [PUBLIC, PUBLIC], {
    'public route, the same proof twice': (kit) => {
      const request = kit.dpop(kit.jwt(), { path: '/public' });
      return [request, request];
    },
  }),
];

/** What must not be refused: without these rows a table passes against an API that refuses everything. */
export const ACCEPTED_ROWS = [...requests, ...algorithms, ...proofs, ...claims, ...audiences, ...publicRoute];
