import { OTHER_AUDIENCE, seconds } from '../../hostile-kit.js';
import type { HostileRequest } from '../../request.js';
import { base64url, ecdsa, jsonText, unsigned } from '../../raw-jws.js';
import type { DpopKit } from '../../dpop-kit.js';
import {
  BEARER_INSUFFICIENT_SCOPE,
  INSUFFICIENT_SCOPE,
  INVALID_EITHER,
  INVALID_TOKEN,
  requestRows,
  tokenRows,
  UNAVAILABLE,
  type Variants,
} from './dpop-row.js';
import type { HostileRow } from '../../hostile-row.js';

/** A right proof makes no token right. */
const faults: readonly HostileRow[] = [
  ...tokenRows('RFC9449-3', INVALID_TOKEN, {
    'token expired': (kit) => kit.jwt({ claims: { exp: seconds() - 60 } }),
    'token not yet valid': (kit) => kit.jwt({ claims: { nbf: seconds() + 60 } }),
    'token for another audience': (kit) => kit.jwt({ claims: { aud: OTHER_AUDIENCE } }),
    'token for the publicUrl as its audience': (kit) =>
      kit.jwt({ claims: { aud: 'https://pay.example.com' } }),
    'token of an unknown issuer': (kit) => kit.jwt({ claims: { iss: kit.hostile.evil.issuer } }),
    'token of issuer B, signed by A': (kit) => kit.jwt({ claims: { iss: kit.hostile.b.issuer } }),
    'token unsigned': (kit) => kit.jwt({ header: { alg: 'none' }, signer: unsigned }),
    'token signed by the key that it is bound to': (kit) =>
      kit.jwt({ header: { jwk: kit.keys.client.jwk }, signer: kit.keys.client.signer }),
    'token signed by the key that it is bound to, without kid': (kit) =>
      kit.jwt({
        header: { jwk: kit.keys.client.jwk, kid: undefined },
        signer: ecdsa(kit.keys.client.privateKey),
      }),
    'token tampered with: bound to this key later': (kit) => {
      const [head, , signature] = kit.jwtWith(kit.jkt(kit.keys.other)).split('.');
      return `${head}.${base64url(jsonText(kit.hostile.claims({ cnf: kit.jkt() })))}.${signature}`;
    },
    'token of typ dpop+jwt': (kit) => kit.jwt({ header: { typ: 'dpop+jwt' } }),
    'token of typ JWT': (kit) => kit.jwt({ header: { typ: 'JWT' } }),
    'token without sub': (kit) => kit.jwt({ claims: { sub: undefined } }),
    'opaque token that is not active': (kit) => kit.hostile.answered({ active: false }),
    'opaque token that nobody knows': () => `unknown-${seconds()}-${'x'.repeat(20)}`,
    'opaque token expired': (kit) => kit.opaque({ exp: seconds() - 60 }),
    'opaque token for another audience': (kit) => kit.opaque({ aud: OTHER_AUDIENCE }),
  }),
  ...requestRows('RFC9449-3', INVALID_EITHER, {
    'token expired and proof too old': (kit) =>
      kit.dpop(kit.jwt({ claims: { exp: seconds() - 60 } }), {}, { claims: { iat: seconds() - 100 } }),
    'token and proof rubbish': (kit) => kit.carry('rubbish', 'rubbish'),
    'token and proof in each other\u2019s place': (kit) => {
      const token = kit.jwt();
      return kit.carry(kit.proof(token), token);
    },
  }),
];

/** What a token that is its sender's may do: `/both` needs accounts:read and accounts:write. */
const scopes: readonly HostileRow[] = [
  ...requestRows('RFC6750-1', INSUFFICIENT_SCOPE, {
    ...withScopes({
      missing: () => undefined,
      empty: () => '',
      'one of two': () => 'accounts:read',
      'the other of two': () => 'accounts:write',
      'in upper case': () => 'ACCOUNTS:READ ACCOUNTS:WRITE',
      'a wildcard': () => '*',
      'with quotes and an attribute': () => 'x", error="none',
      'an array of one of two': () => ['accounts:read'],
    }),
    'opaque token, one of two': (kit) => kit.dpop(kit.opaque(), { path: '/both' }),
    'certificate and key, one of two': (kit) =>
      kit.dpop(kit.jwtWith(kit.both), { path: '/both', certificate: kit.hostile.client1 }),
    'scope in the proof': (kit) =>
      kit.dpop(kit.jwt(), { path: '/both' }, { claims: { scope: ['accounts:read', 'accounts:write'] } }),
    '@AnyScope(), none of them': (kit) =>
      kit.dpop(kit.jwt({ claims: { scope: 'accounts:write' } }), { path: '/any' }),
  }),
  ...requestRows('RFC6750-1', BEARER_INSUFFICIENT_SCOPE, {
    'one of two as Bearer, a right proof beside': (kit) => {
      const token = kit.hostile.jwt();
      return kit.hostile.bearer(token, { path: '/both', headers: ['DPoP', kit.proof(token)] });
    },
  }),
  // First whose token it is, then what it is for (DESIGN.md §2).
  ...requestRows('RFC9449-3', INVALID_TOKEN, {
    'scope and key both wrong': (kit) => kit.dpop(kit.jwt(), { path: '/both' }, { key: kit.keys.other }),
  }),
];

function withScopes(values: Variants<unknown>): Variants<HostileRequest> {
  return Object.fromEntries(
    Object.entries(values).map(([name, scope]) => [
      `scope ${name}`,
      (kit: DpopKit) => kit.dpop(kit.jwt({ claims: { scope: scope(kit) } }), { path: '/both' }),
    ]),
  );
}

/** Whose token is sent, and what it may do. */
export const TOKEN_ROWS = [...faults, ...scopes];

/** Answers of introspection that are none; they stand at the end of the table, as an outage may outlast its row. */
export const OUTAGE_ROWS: readonly HostileRow[] = tokenRows('INV3', UNAVAILABLE, {
  'an answer without active': (kit) => kit.hostile.answered({ ...kit.hostile.claims({ cnf: kit.jkt() }) }),
  'the answer null': (kit) => kit.hostile.answered(null),
  'an empty body': (kit) => kit.hostile.answered(undefined),
});
