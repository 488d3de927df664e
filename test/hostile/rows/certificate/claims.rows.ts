import { AUDIENCE, OTHER_AUDIENCE, seconds } from '../../hostile-kit.js';
import { claimRows, INVALID_TOKEN, tokenRows } from './certificate-row.js';
import type { HostileRow } from '../../hostile-row.js';
import { ecdsa, raw } from '../../raw-jws.js';

const issuers: readonly HostileRow[] = [
  ...claimRows('RFC9068-2', 'iss', INVALID_TOKEN, {
    missing: () => undefined,
    null: () => null,
    empty: () => '',
    'of a server that is not configured': (kit) => kit.evil.issuer,
    'cut short': (kit) => kit.a.issuer.slice(0, -1),
    'with a slash behind': (kit) => `${kit.a.issuer}/`,
    'with a path behind': (kit) => `${kit.a.issuer}/tenant`,
    'in upper case': (kit) => kit.a.issuer.toUpperCase(),
    'with http': (kit) => kit.a.issuer.replace('https:', 'http:'),
    'with a space before it': (kit) => ` ${kit.a.issuer}`,
    'an array of the right one': (kit) => [kit.a.issuer],
    'an array of both': (kit) => [kit.a.issuer, kit.b.issuer],
    'a number': () => 1,
    'an object': (kit) => ({ toString: kit.a.issuer }),
    'named __proto__': () => '__proto__',
    'with quotes and an attribute': () => 'https://x", scope="admin", error="',
    'with a line end and a header': () => 'https://x\r\nX-Injected: 1',
    'not in ASCII': () => 'https://\u2603.example',
  }),
  ...tokenRows('RFC8725 issuer and key', INVALID_TOKEN, {
    'iss of B, by the key and kid of A': (kit) => kit.jwt({ claims: { iss: kit.b.issuer } }),
    'iss of B, kid of B, by the key of A': (kit) => kit.jwtOfB({ signer: kit.signer }),
    'iss of A, by the key and kid of B': (kit) => kit.jwtOfB({ claims: { iss: kit.a.issuer } }),
    'iss of A, kid of A, by the key that B publishes under that kid': (kit) =>
      kit.jwt({ signer: ecdsa(kit.b.signingKey.privateKey) }),
    'iss and key of a server that is not configured': (kit) =>
      kit.jwt({
        claims: { iss: kit.evil.issuer },
        header: { kid: kit.evil.signingKey.jwk.kid },
        signer: ecdsa(kit.evil.signingKey.privateKey),
      }),
    'iss of A, by the key of a server that is not configured': (kit) =>
      kit.jwt({ signer: ecdsa(kit.evil.signingKey.privateKey) }),
  }),
];

const audiences: readonly HostileRow[] = [
  ...claimRows('RFC9068-2', 'aud', INVALID_TOKEN, {
    missing: () => undefined,
    null: () => null,
    empty: () => '',
    // The other apps of this process answer to it (invariant 10).
    'of another API': () => OTHER_AUDIENCE,
    'cut short': () => AUDIENCE.slice(0, -1),
    'with a slash behind': () => `${AUDIENCE}/`,
    'with more behind': () => `${AUDIENCE}.evil.example`,
    'in upper case': () => AUDIENCE.toUpperCase(),
    'two in one string': () => `${AUDIENCE} ${OTHER_AUDIENCE}`,
    'a number': () => 1,
    true: () => true,
    'an empty array': () => [],
    'an array of others': () => [OTHER_AUDIENCE, 'https://third.example.com'],
    'an array within an array': () => [[AUDIENCE]],
    'an array of non-strings': () => [null, 1, { aud: AUDIENCE }],
    'an object': () => ({ 0: AUDIENCE, length: 1 }),
    'an object of that name': () => ({ [AUDIENCE]: true }),
    'the client itself': () => 'client-1',
    'with a line end and a header': () => `${AUDIENCE}\r\nX-Injected: 1`,
  }),
];

const times: readonly HostileRow[] = [
  ...claimRows('RFC9068-2', 'exp', INVALID_TOKEN, {
    missing: () => undefined,
    null: () => null,
    'long past': () => 1,
    zero: () => 0,
    negative: () => -4_102_444_800,
    'past by one second more than the tolerance': () => seconds() - 6,
    // "now < exp": at exp + tolerance it is over.
    'past by just the tolerance': () => seconds() - 5,
    'a string': () => String(seconds() + 300),
    'an ISO date': () => new Date(Date.now() + 300_000).toISOString(),
    // JSON.parse makes it Infinity: a token for ever.
    'of 1e999': () => raw('1e999'),
    true: () => true,
    'an array': () => [seconds() + 300],
    'an object': () => ({ valueOf: seconds() + 300 }),
    empty: () => '',
  }),
  ...claimRows('RFC9068-2', 'nbf', INVALID_TOKEN, {
    'in an hour': () => seconds() + 3600,
    'in the year 2100, in milliseconds': () => 4_102_444_800_000,
    'a string': () => String(seconds()),
    null: () => null,
    'of 1e999': () => raw('1e999'),
    'an array': () => [seconds()],
    false: () => false,
  }),
  ...claimRows('RFC9068-3', 'iat', INVALID_TOKEN, {
    missing: () => undefined,
    // RFC 7519 does not have it refused; a token from the future is wrong all the same, as with nbf.
    'in an hour': () => seconds() + 3600,
    'a string': () => String(seconds()),
    null: () => null,
    'of 1e999': () => raw('1e999'),
    'an array': () => [seconds()],
  }),
];

const parties: readonly HostileRow[] = ['sub', 'client_id', 'jti'].flatMap((claim) =>
  claimRows('RFC9068-3', claim, INVALID_TOKEN, {
    missing: () => undefined,
    null: () => null,
    'a number': () => 1,
    'an array': () => ['user-1'],
    'an object': () => ({ id: 'user-1' }),
  }),
);

/** What a token that is rightly signed says of itself. */
export const CLAIM_ROWS = [...issuers, ...audiences, ...times, ...parties];
