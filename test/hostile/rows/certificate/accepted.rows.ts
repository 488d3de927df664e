import { AUDIENCE, type HostileKit, OTHER_AUDIENCE, seconds } from '../../hostile-kit.js';
import {
  ACCEPTED,
  ACCEPTED_EVERYWHERE,
  claimRows,
  headerRows,
  PUBLIC,
  requestRows,
  tokenRows,
} from './certificate-row.js';
import type { HostileRow } from '../../hostile-row.js';
import { compactJws, ecdsa, eddsa, jsonText, raw, rsaPkcs1, rsaPss } from '../../raw-jws.js';

const FORM = 'application/x-www-form-urlencoded';

const requests: readonly HostileRow[] = requestRows('RFC6750-1', ACCEPTED, {
  'scheme in lower case': (kit) => ({ ...kit.bearer(''), authorization: `bearer ${kit.jwt()}` }),
  'scheme in upper case': (kit) => ({ ...kit.bearer(''), authorization: `BEARER ${kit.jwt()}` }),
  // RFC 9110 §11.4: 1*SP between scheme and token.
  'several spaces behind the scheme': (kit) => ({
    ...kit.bearer(''),
    authorization: `Bearer   ${kit.jwt()}`,
  }),
  'space around the header': (kit) => ({ ...kit.bearer(''), authorization: `  Bearer ${kit.jwt()}  ` }),
  'name of the header in upper case': (kit) => ({
    certificate: kit.client1,
    headers: ['AUTHORIZATION', `Bearer ${kit.jwt()}`],
  }),
  'access_token in a JSON body is content': (kit) =>
    kit.bearer(kit.jwt(), { body: { type: 'application/json', text: '{"access_token":"not-ours"}' } }),
  'a form without access_token': (kit) => kit.bearer(kit.jwt(), { body: { type: FORM, text: 'amount=1' } }),
  'ACCESS_TOKEN in the query is another parameter': (kit) =>
    kit.bearer(kit.jwt(), { query: 'ACCESS_TOKEN=x' }),
  'my_access_token in the query is another parameter': (kit) =>
    kit.bearer(kit.jwt(), { query: 'my_access_token=x' }),
  'access_token as a value in the query': (kit) => kit.bearer(kit.jwt(), { query: 'field=access_token' }),
  'a cookie of access_token': (kit) => kit.bearer(kit.jwt(), { headers: ['Cookie', 'access_token=x'] }),
  'another Host header': (kit) => kit.bearer(kit.jwt(), { host: 'elsewhere.example' }),
  HEAD: (kit) => kit.bearer(kit.jwt(), { method: 'HEAD' }),
});

const certificates: readonly HostileRow[] = [
  ...requestRows('RFC8705-1', ACCEPTED, {
    'client2 with its own token': (kit) =>
      kit.bearer(kit.jwt({ claims: { cnf: { 'x5t#S256': kit.client2.thumbprint } } }), {
        certificate: kit.client2,
      }),
  }),
  // Nobody is trusted to set these: ignored, not refused.
  ...requestRows('INV2', ACCEPTED, {
    'Client-Cert of client2 beside the right certificate': (kit) =>
      kit.bearer(kit.jwt(), { headers: ['Client-Cert', `:${kit.client2.der.toString('base64')}:`] }),
    'Client-Cert of rubbish beside the right certificate': (kit) =>
      kit.bearer(kit.jwt(), { headers: ['Client-Cert', ':%%%:'] }),
    'X-Forwarded-Client-Cert of client2 beside the right certificate': (kit) =>
      kit.bearer(kit.jwt(), {
        headers: ['X-Forwarded-Client-Cert', `Cert="${encodeURIComponent(kit.client2.cert)}"`],
      }),
  }),
];

const tokens: readonly HostileRow[] = [
  ...tokenRows('RFC8705-1', ACCEPTED, {
    'a good token': (kit) => kit.jwt(),
    'a good token of issuer B': (kit) => kit.jwtOfB(),
  }),
  ...headerRows('RFC9068-1', 'typ', ACCEPTED, {
    'application/at+jwt': () => 'application/at+jwt',
    'AT+JWT': () => 'AT+JWT',
    'Application/At+Jwt': () => 'Application/At+Jwt',
  }),
  ...tokenRows('RFC9068-2', ACCEPTED, {
    RS256: (kit) =>
      kit.jwt({ header: { alg: 'RS256', kid: 'rsa' }, signer: rsaPkcs1(kit.keys.rsa.privateKey) }),
    PS256: (kit) =>
      kit.jwt({ header: { alg: 'PS256', kid: 'rsa' }, signer: rsaPss(kit.keys.rsa.privateKey) }),
    // FAPI 2.0: a repeated kid is told apart by kty, crv and alg.
    'EdDSA, under a kid that an EC key has as well': (kit) =>
      kit.jwt({ header: { alg: 'EdDSA' }, signer: eddsa(kit.keys.ed25519.privateKey) }),
    // RFC 7515 §4.1.4: kid is optional, and just one key fits.
    'no kid': (kit) => kit.jwt({ header: { kid: undefined } }),
    // RFC 8725 §3.10: not followed; with the issuer's own signature there is nothing wrong with the token.
    'jku elsewhere, rightly signed': (kit) => kit.jwt({ header: { jku: kit.evil.jwksUri } }),
    'spaces and escapes in the JSON': (kit) =>
      compactJws(
        ` ${jsonText(kit.header())}\n`,
        jsonText(kit.claims()).replace('"cnf":', '\t"\\u0063nf" : '),
        kit.signer,
      ),
    'B, by a key under the kid of A': (kit) =>
      kit.jwtOfB({ header: { kid: kit.a.signingKey.jwk.kid }, signer: ecdsa(kit.b.signingKey.privateKey) }),
  }),
  ...claimRows('RFC9068-2', 'aud', ACCEPTED_EVERYWHERE, {
    'an array with ours': () => [OTHER_AUDIENCE, AUDIENCE],
  }),
  ...claimRows('RFC9068-2', 'aud', ACCEPTED, {
    'an array of ours alone': () => [AUDIENCE],
  }),
  ...claimRows('RFC9068-2', 'exp', ACCEPTED, {
    // Two seconds of the five are left for the test itself.
    'past, within the tolerance': () => seconds() - 3,
    'with a fraction': () => seconds() + 60.5,
  }),
  ...claimRows('RFC9068-2', 'nbf', ACCEPTED, {
    'in three seconds, within the tolerance': () => seconds() + 3,
    past: () => seconds() - 60,
  }),
  ...claimRows('RFC9068-3', 'iat', ACCEPTED, {
    'in three seconds, within the tolerance': () => seconds() + 3,
  }),
  ...claimRows('RFC8705-1', 'cnf', ACCEPTED, {
    // RFC 7800 §3.1: members that are not understood are ignored.
    'with an unknown member beside': (kit) => ({ ...cnf(kit), 'x-vendor': { any: 'thing' } }),
    'with X5T#s256 of client2 beside': (kit) => ({ ...cnf(kit), 'X5T#s256': kit.client2.thumbprint }),
    'with __proto__ of client2 beside': (kit) =>
      raw(`{"__proto__":{"x5t#S256":"${kit.client2.thumbprint}"},"x5t#S256":"${kit.client1.thumbprint}"}`),
  }),
];

function cnf(kit: HostileKit): object {
  return { 'x5t#S256': kit.client1.thumbprint };
}

const opaque: readonly HostileRow[] = tokenRows('RFC8705-3', ACCEPTED, {
  'an opaque token': (kit) => kit.opaque(),
  'an opaque token, aud an array': (kit) => kit.opaque({ aud: [AUDIENCE] }),
  'an opaque token, iss missing': (kit) => kit.opaque({ iss: undefined }),
  // As oidc-provider answers for client credentials.
  'an opaque token, sub and jti missing': (kit) => kit.opaque({ sub: undefined, jti: undefined }),
  'an opaque token, token_type Bearer': (kit) => kit.opaque({ token_type: 'Bearer' }),
  'an opaque token, exp past within the tolerance': (kit) => kit.opaque({ exp: seconds() - 3 }),
  // It must be form-encoded on its way to introspection.
  'an opaque token with + / ~ and =': (kit) =>
    kit.answered({ active: true, ...kit.claims() }, `a+b/c~d-e_f.${seconds()}==`),
  'an opaque token of three parts': (kit) =>
    kit.answered({ active: true, ...kit.claims() }, `aaaa.bbbb.${seconds()}`),
});

const scopes: readonly HostileRow[] = requestRows('RFC6750-1', ACCEPTED, {
  'both scopes': (kit) =>
    kit.bearer(kit.jwt({ claims: { scope: 'accounts:write accounts:read' } }), { path: '/both' }),
  'both scopes, as an array': (kit) =>
    kit.bearer(kit.jwt({ claims: { scope: ['accounts:read', 'accounts:write'] } }), { path: '/both' }),
  'opaque token with both scopes': (kit) =>
    kit.bearer(kit.opaque({ scope: 'accounts:read accounts:write more' }), { path: '/both' }),
  'one of @AnyScope()': (kit) => kit.bearer(kit.jwt(), { path: '/any' }),
});

/** A public route looks at no credentials: it neither refuses them nor believes them. */
const publicRoute: readonly HostileRow[] = requestRows('RFC6750-2', PUBLIC, {
  'public route, nothing sent': () => ({ certificate: 'none', path: '/public' }),
  'public route, good token': (kit) => kit.bearer(kit.jwt(), { path: '/public' }),
  'public route, rubbish for a token': (kit) => kit.bearer('rubbish', { path: '/public' }),
  'public route, token in header and query': (kit) =>
    kit.bearer(kit.jwt(), { path: '/public', query: 'access_token=x' }),
  'public route, unbound token': (kit) =>
    kit.bearer(kit.jwt({ claims: { cnf: undefined } }), { certificate: 'none', path: '/public' }),
});

/** What must not be refused: without these rows a table passes against an API that refuses everything. */
export const ACCEPTED_ROWS = [...tokens, ...certificates, ...requests, ...opaque, ...scopes, ...publicRoute];
