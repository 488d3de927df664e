import { OTHER_AUDIENCE, seconds } from '../../hostile-kit.js';
import { INVALID_TOKEN, requestRows, tokenRows, UNAVAILABLE, type Variants } from './certificate-row.js';
import type { HostileRow } from '../../hostile-row.js';

const activity: readonly HostileRow[] = [
  ...tokenRows('RFC7662-1', INVALID_TOKEN, {
    'a token nobody knows': () => 'opaque-never-issued-by-anybody',
    'active false': (kit) => kit.opaque({ active: false }),
    'active false and nothing else': (kit) => kit.answered({ active: false }),
    'active "true"': (kit) => kit.opaque({ active: 'true' }),
    'active 1': (kit) => kit.opaque({ active: 1 }),
    'active null': (kit) => kit.opaque({ active: null }),
    'active [true]': (kit) => kit.opaque({ active: [true] }),
    'active {}': (kit) => kit.opaque({ active: {} }),
    'a refresh token': (kit) => kit.opaque({ token_type: 'refresh_token' }),
    'a revoked token': (kit) => {
      const token = kit.opaque();
      kit.a.revoke(token);
      return token;
    },
    'a token that only issuer B knows': (kit) =>
      kit.b.opaqueToken({ certificate: kit.client1, scope: 'accounts:read' }),
  }),
];

const claims: readonly HostileRow[] = [
  ...answerRows('RFC7662-1', 'exp', {
    missing: () => undefined,
    null: () => null,
    past: () => seconds() - 60,
    'past by just the tolerance': () => seconds() - 5,
    'a string': () => String(seconds() + 300),
    'an array': () => [seconds() + 300],
    true: () => true,
    zero: () => 0,
    negative: () => -1,
  }),
  ...answerRows('RFC7662-1', 'nbf', {
    'in an hour': () => seconds() + 3600,
    'a string': () => String(seconds()),
  }),
  ...answerRows('RFC7662-1', 'iat', { 'in an hour': () => seconds() + 3600 }),
  ...answerRows('RFC7662-2', 'aud', {
    missing: () => undefined,
    null: () => null,
    empty: () => '',
    'of another API': () => OTHER_AUDIENCE,
    'an array of others': () => [OTHER_AUDIENCE],
    'an empty array': () => [],
    'a number': () => 1,
  }),
  ...answerRows('RFC7662-2', 'iss', {
    'of another server': (kit) => kit.evil.issuer,
    // An answer speaks only for its own issuer (invariant 4).
    'of issuer B': (kit) => kit.b.issuer,
    'with a slash behind': (kit) => `${kit.a.issuer}/`,
    'an array of the right one': (kit) => [kit.a.issuer],
    'a number': () => 1,
  }),
  ...answerRows('RFC8705-3', 'cnf', {
    missing: () => undefined,
    null: () => null,
    empty: () => ({}),
    'a string': (kit) => kit.client1.thumbprint,
    'an array': (kit) => [{ 'x5t#S256': kit.client1.thumbprint }],
    'of client2': (kit) => ({ 'x5t#S256': kit.client2.thumbprint }),
    'in hex': (kit) => ({ 'x5t#S256': Buffer.from(kit.client1.thumbprint, 'base64url').toString('hex') }),
    'of jkt only': () => ({ jkt: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' }),
    'of jkt beside the right x5t#S256': (kit) => ({
      'x5t#S256': kit.client1.thumbprint,
      jkt: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    }),
    'of x5t#S256 null': () => ({ 'x5t#S256': null }),
    'of unknown members only': () => ({ 'x-vendor': 'something' }),
  }),
  ...requestRows('RFC8705-3', INVALID_TOKEN, {
    'opaque token, no certificate': (kit) => kit.bearer(kit.opaque(), { certificate: 'none' }),
    "opaque token, client2's certificate": (kit) => kit.bearer(kit.opaque(), { certificate: kit.client2 }),
  }),
];

function answerRows(id: string, member: string, variants: Variants<unknown>): readonly HostileRow[] {
  return Object.entries(variants).flatMap(([name, value]) =>
    tokenRows(id, INVALID_TOKEN, {
      [`introspection ${member} ${name}`]: (kit) => kit.opaque({ [member]: value(kit) }),
    }),
  );
}

/** How introspection may answer about an opaque token; the answers are well-formed. */
export const INTROSPECTION_ROWS = [...activity, ...claims];

/**
 * Answers that are none. They stand at the end of the table: a breaker in the client, which they may trip
 * (invariant 3), then changes no other row.
 */
export const OUTAGE_ROWS: readonly HostileRow[] = tokenRows('INV3', UNAVAILABLE, {
  'an answer without active': (kit) => kit.answered({ ...kit.claims() }),
  'an empty object': (kit) => kit.answered({}),
  'the answer null': (kit) => kit.answered(null),
  'the answer an array': (kit) => kit.answered([{ active: true, ...kit.claims() }]),
  'the answer a string': (kit) => kit.answered('active'),
  'the answer true': (kit) => kit.answered(true),
  'the answer a number': (kit) => kit.answered(1),
  'an empty body': (kit) => kit.answered(undefined),
});
