import { createHash } from 'node:crypto';
import type { HostileRequest } from '../../request.js';
import { raw } from '../../raw-jws.js';
import { digestOf, type DpopKit } from '../../dpop-kit.js';
import { claimRows, INVALID_PROOF, proofRows, requestRows, type Variants } from './dpop-row.js';
import type { HostileRow } from '../../hostile-row.js';

/** RFC 9449 §4.2: `jti` tells proofs apart. */
const identifiers: readonly HostileRow[] = claimRows('RFC9449-1', 'jti', INVALID_PROOF, {
  missing: () => undefined,
  null: () => null,
  empty: () => '',
  'a number': () => 1,
  true: () => true,
  'an array': () => ['unique'],
  'an object': () => ({ toString: 'unique' }),
  // What remembers proofs would else remember what anybody likes.
  'of 257 characters': () => 'j'.repeat(257),
  'of 2,000 characters': () => 'j'.repeat(2000),
});

const methods: readonly HostileRow[] = [
  ...claimRows('RFC9449-1', 'htm', INVALID_PROOF, {
    missing: () => undefined,
    null: () => null,
    empty: () => '',
    'a number': () => 1,
    true: () => true,
    'an array of the right one': () => ['GET'],
    'in lower case': () => 'get',
    'with a capital': () => 'Get',
    'of another method': () => 'POST',
    'of every method': () => '*',
    'of two methods': () => 'GET,POST',
    'with a space behind it': () => 'GET ',
    'with a space before it': () => ' GET',
    'with a NUL behind it': () => 'GET\0',
    'the beginning of the right one': () => 'GE',
    'the whole request line': () => 'GET /main HTTP/1.1',
    'with a line end and a header of its own': () => 'GET\r\nX-Injected: 1',
  }),
  ...requestRows('RFC9449-1', INVALID_PROOF, {
    'htm GET for POST': (kit) =>
      kit.dpop(kit.jwt(), { body: { type: 'application/json', text: '{}' } }, { claims: { htm: 'GET' } }),
    'htm GET for DELETE': (kit) => kit.dpop(kit.jwt(), { method: 'DELETE' }, { claims: { htm: 'GET' } }),
    // The handler of GET answers it, but it is another method.
    'htm GET for HEAD': (kit) => kit.dpop(kit.jwt(), { method: 'HEAD' }, { claims: { htm: 'GET' } }),
    'htm HEAD for GET': (kit) => kit.dpop(kit.jwt(), {}, { claims: { htm: 'HEAD' } }),
    ...disguised({
      'X-HTTP-Method-Override': 'POST',
      'X-HTTP-Method': 'POST',
      'X-Method-Override': 'POST',
    }),
    'htm POST for GET, said by _method': (kit) =>
      kit.dpop(kit.jwt(), { query: '_method=POST' }, { claims: { htm: 'POST' } }),
  }),
];

function disguised(headers: Readonly<Record<string, string>>): Variants<HostileRequest> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      `htm ${value} for GET, said by ${name}`,
      (kit: DpopKit) => kit.dpop(kit.jwt(), { headers: [name, value] }, { claims: { htm: value } }),
    ]),
  );
}

/** The window is 60 seconds, and 10 on either side; some seconds more are left for the test itself. */
const times: readonly HostileRow[] = claimRows('RFC9449-1', 'iat', INVALID_PROOF, {
  missing: () => undefined,
  null: () => null,
  true: () => true,
  empty: () => '',
  'a string of it': () => String(now()),
  'an array of it': () => [now()],
  'an object': () => ({ valueOf: now() }),
  'an ISO date': () => new Date().toISOString(),
  'in milliseconds': () => Date.now(),
  'of 1970': () => 0,
  'before 1970': () => -now(),
  infinite: () => raw('1e999'),
  'infinite and negative': () => raw('-1e999'),
  'too old': () => now() - 76,
  'an hour old': () => now() - 3600,
  'too new': () => now() + 18,
  'in an hour': () => now() + 3600,
});

/** A proof cannot stretch its own time: these claims are none of RFC 9449's. */
const stretched: readonly HostileRow[] = proofRows('RFC9449-1', INVALID_PROOF, {
  'iat too old, exp in an hour': () => ({ claims: { iat: now() - 76, exp: now() + 3600 } }),
  'iat missing, exp and nbf right': () => ({
    claims: { iat: undefined, nbf: now() - 5, exp: now() + 60 },
  }),
  'iat in the header only': () => ({ claims: { iat: undefined }, header: { iat: now() } }),
  'htm and htu in the header only': (kit) => {
    const { htm, htu } = kit.claims('');
    return { claims: { htm: undefined, htu: undefined }, header: { htm, htu } };
  },
  'jti in the header only': () => ({ claims: { jti: undefined }, header: { jti: 'unique' } }),
});

function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** RFC 9449 §4.2: base64url of the SHA-256 of the token. */
const digests: readonly HostileRow[] = [
  ...requestRows('RFC9449-1', INVALID_PROOF, {
    ...athOf({
      missing: () => undefined,
      null: () => null,
      empty: () => '',
      true: () => true,
      'an array of the right one': (token) => [digestOf(token)],
      'the token itself': (token) => token,
      padded: (token) => `${digestOf(token)}=`,
      'in hex': (token) => Buffer.from(digestOf(token), 'base64url').toString('hex'),
      'in upper case': (token) => digestOf(token).toUpperCase(),
      'in lower case': (token) => digestOf(token).toLowerCase(),
      'with a space behind it': (token) => `${digestOf(token)} `,
      'with a line end within': (token) => `${digestOf(token).slice(0, 20)}\n${digestOf(token).slice(20)}`,
      'of 42 characters': (token) => digestOf(token).slice(0, -1),
      'of 22 characters, half of it as at_hash has': (token) => digestOf(token).slice(0, 22),
      'of SHA-1': (token) => digest('sha1', token),
      'of SHA-384': (token) => digest('sha384', token),
      'of SHA-512': (token) => digest('sha512', token),
      'of SHA-512, cut to 43 characters': (token) => digest('sha512', token).slice(0, 43),
      'of the token and its scheme': (token) => digestOf(`DPoP ${token}`),
      'of the token without its signature': (token) => digestOf(token.split('.').slice(0, 2).join('.')),
      'of its own digest': (token) => digestOf(digestOf(token)),
      'of nothing': () => digestOf(''),
      'of another token': (_, kit) => digestOf(kit.jwt()),
      'whose last character is not canonical': (token) => nonCanonical(digestOf(token)),
    }),
    'ath in the standard alphabet': (kit) => {
      const token = tellingToken(kit);
      const standard = Buffer.from(digestOf(token), 'base64url').toString('base64').replace('=', '');
      return kit.dpop(token, {}, { claims: { ath: standard } });
    },
    'ath of the opaque token missing': (kit) => kit.dpop(kit.opaque(), {}, { claims: { ath: undefined } }),
    'ath of another opaque token': (kit) =>
      kit.dpop(kit.opaque(), {}, { claims: { ath: digestOf(kit.opaque()) } }),
    'ath in the header only': (kit) => {
      const token = kit.jwt();
      return kit.dpop(token, {}, { claims: { ath: undefined }, header: { ath: digestOf(token) } });
    },
  }),
];

type AthOf = (token: string, kit: DpopKit) => unknown;

function athOf(values: Readonly<Record<string, AthOf>>): Variants<HostileRequest> {
  return Object.fromEntries(
    Object.entries(values).map(([name, ath]) => [
      `ath ${name}`,
      (kit: DpopKit) => {
        const token = kit.jwt();
        return kit.dpop(token, {}, { claims: { ath: ath(token, kit) } });
      },
    ]),
  );
}

function digest(hash: string, text: string): string {
  return createHash(hash).update(text).digest('base64url');
}

/** The same 32 bytes to a lenient decoder: the last character has two bits too many. */
function nonCanonical(thumbprint: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return thumbprint.slice(0, -1) + (alphabet[alphabet.indexOf(thumbprint.slice(-1)) + 1] ?? '');
}

/** A token in whose digest the two base64 alphabets differ. */
function tellingToken(kit: DpopKit): string {
  const token = kit.jwt();
  return /[-_]/.test(digestOf(token)) ? token : tellingToken(kit);
}

const nonces: readonly HostileRow[] = claimRows('RFC9449-6', 'nonce', INVALID_PROOF, {
  'a number': () => 1,
  null: () => null,
  true: () => true,
  'an array': () => ['nonce'],
  'an object': () => ({}),
});

/** What a proof says. */
export const CLAIM_ROWS = [...identifiers, ...methods, ...times, ...stretched, ...digests, ...nonces];
