import type { HostileKit } from '../../hostile-kit.js';
import { INSUFFICIENT_SCOPE, INVALID_TOKEN, requestRows, type Variants } from './certificate-row.js';
import type { HostileRow } from '../../hostile-row.js';
import type { HostileRequest } from '../../request.js';

/** `/both` needs accounts:read and accounts:write. */
const needed: readonly HostileRow[] = [
  ...requestRows('RFC6750-1', INSUFFICIENT_SCOPE, {
    ...withScopes({
      missing: () => undefined,
      empty: () => '',
      'one of two': () => 'accounts:read',
      'the other of two': () => 'accounts:write',
      'others only': () => 'payments:read payments:write',
      'in upper case': () => 'ACCOUNTS:READ ACCOUNTS:WRITE',
      'longer names': () => 'accounts:readonly accounts:writeonly',
      'by a comma': () => 'accounts:read,accounts:write',
      'by a plus': () => 'accounts:read+accounts:write',
      'a wildcard': () => '*',
      'a wildcard at the end': () => 'accounts:*',
      'names of object properties': () => '__proto__ constructor toString',
      'with quotes and an attribute': () => 'x", error="none',
      'with a line end and a header': () => 'accounts:read\r\nX-Injected: 1',
      'an array of one of two': () => ['accounts:read'],
      'an empty array': () => [],
    }),
    'scope under a claim that is not configured': (kit) =>
      both(kit.bearer(kit.jwt({ claims: { scope: 'accounts:read', scp: 'accounts:read accounts:write' } }))),
    'scope in the header of the token': (kit) =>
      both(kit.bearer(kit.jwt({ header: { scope: 'accounts:read accounts:write' } }))),
    'scope in the query': (kit) =>
      both(kit.bearer(kit.jwt(), { query: 'scope=accounts:read+accounts:write' })),
    'opaque token, one of two': (kit) => both(kit.bearer(kit.opaque())),
    'opaque token, scope missing': (kit) => both(kit.bearer(kit.opaque({ scope: undefined }))),
    '@AnyScope(), none of them': (kit) => any(kit.bearer(kit.jwt({ claims: { scope: 'accounts:write' } }))),
  }),
  // First whose token it is, then what it is for (DESIGN.md §2).
  ...requestRows('RFC8705-1', INVALID_TOKEN, {
    'scope and certificate both wrong': (kit) => both(kit.bearer(kit.jwt(), { certificate: kit.client2 })),
    'scope wrong and token unbound': (kit) => both(kit.bearer(kit.jwt({ claims: { cnf: undefined } }))),
  }),
];

function withScopes(values: Variants<unknown>): Variants<HostileRequest> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      `scope ${name}`,
      (kit: HostileKit) => both(kit.bearer(kit.jwt({ claims: { scope: value(kit) } }))),
    ]),
  );
}

function both(request: HostileRequest): HostileRequest {
  return { ...request, path: '/both' };
}

function any(request: HostileRequest): HostileRequest {
  return { ...request, path: '/any' };
}

/** What a good token may do. */
export const SCOPE_ROWS = needed;
