import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RevocableToken } from '../../lib/revocation/revocable-token.js';
import { accountEntry, entriesFor, type RevokedTokens } from '../../lib/revocation/revocation-entry.js';
import { RevocationList } from '../../lib/revocation/revocation-list.js';
import type { TokenDescription } from '../../lib/decision.js';

const ISSUER = 'https://as.example.com';
const NOW = 1_800_000_000;
const DAY = 86_400;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const listOf = (maxEntries = 1_000): RevocationList =>
  new RevocationList({ maxEntries, maxTokenLifetime: DAY, clockTolerance: 5, store: undefined });

function revoke(list: RevocationList, tokens: RevokedTokens, issuedBefore = NOW): void {
  const now = Date.now() / 1000;
  list.add(entriesFor(tokens, { issuedBefore, now, maxTokenLifetime: DAY }));
}

/** A token of alice, issued a minute ago. */
function tokenIn(
  list: RevocationList,
  claims: Readonly<Record<string, unknown>> = {},
  thumbprint?: string,
): RevocableToken {
  const all: Readonly<Record<string, unknown>> = {
    iss: ISSUER,
    sub: 'alice',
    client_id: 'app',
    jti: 'one',
    iat: NOW - 60,
    ...claims,
  };
  const described: TokenDescription = {
    issuer: all['iss'] as string,
    subject: all['sub'] as string,
    clientId: all['client_id'] as string,
    tokenId: all['jti'] as string,
    issuedAt: all['iat'] as number | undefined,
    expiresAt: NOW + 600,
    audience: [],
    scopes: new Set(),
    scope: '',
    claims: all,
  };
  const confirmation = thumbprint === undefined ? undefined : { certificateThumbprint: thumbprint };
  return new RevocableToken(described, confirmation, list);
}

/** Which of some tokens are refused. */
function refused(tokens: Readonly<Record<string, RevocableToken>>): readonly string[] {
  return Object.entries(tokens).flatMap(([name, token]) => (token.isRevoked() ? [name] : []));
}

describe('the list of revoked tokens', () => {
  test('a token is refused where it has all that is named, and only then', () => {
    const cases: readonly (readonly [RevokedTokens, readonly string[]])[] = [
      [{ issuer: ISSUER, subject: 'alice' }, ['own', 'session', 'other token', 'other client']],
      [{ issuer: ISSUER, tokenId: 'one' }, ['own', 'session', 'other client', 'bob']],
      [{ issuer: ISSUER, clientId: 'app' }, ['own', 'session', 'other token', 'bob']],
      [{ issuer: ISSUER, sessionId: 's1' }, ['session']],
      [{ issuer: ISSUER, certificateThumbprint: 'x5t' }, ['own']],
      [{ issuer: ISSUER, subject: 'alice', clientId: 'app' }, ['own', 'session', 'other token']],
      [{ issuer: ISSUER, subject: 'bob', tokenId: 'two' }, []],
      [{ issuer: 'https://other.example.com', subject: 'alice' }, ['other issuer']],
    ];
    for (const [tokens, expected] of cases) {
      const list = listOf();
      revoke(list, tokens);
      const all = {
        own: tokenIn(list, {}, 'x5t'),
        session: tokenIn(list, { sid: 's1' }),
        'other token': tokenIn(list, { jti: 'two' }),
        'other client': tokenIn(list, { client_id: 'other' }),
        bob: tokenIn(list, { sub: 'bob' }),
        'other issuer': tokenIn(list, { iss: 'https://other.example.com' }),
      };
      expect([tokens, refused(all)]).toEqual([tokens, expected]);
    }
  });

  test('a revoked session of a subject takes its tokens that name no session along, and not those of other sessions', () => {
    const list = listOf();
    revoke(list, { issuer: ISSUER, subject: 'alice', sessionId: 's1' });
    const all = {
      same: tokenIn(list, { sid: 's1' }),
      without: tokenIn(list),
      other: tokenIn(list, { sid: 's2' }),
      'of bob': tokenIn(list, { sub: 'bob' }),
    };
    expect(refused(all)).toEqual(['same', 'without']);
  });

  test('a token is refused that was issued at the cut-off or before, and one that does not say when', () => {
    const list = listOf();
    revoke(list, { issuer: ISSUER, subject: 'alice' }, NOW - 100);
    const all = {
      before: tokenIn(list, { iat: NOW - 101 }),
      at: tokenIn(list, { iat: NOW - 100 }),
      after: tokenIn(list, { iat: NOW - 99 }),
      silent: tokenIn(list, { iat: undefined }),
    };
    expect(refused(all)).toEqual(['before', 'at', 'silent']);
    // An earlier cut-off takes nothing back.
    revoke(list, { issuer: ISSUER, subject: 'alice' }, NOW - 1_000);
    expect(refused(all)).toEqual(['before', 'at', 'silent']);
  });

  test('what is revoked goes by sub, also where the app finds its users in another claim', () => {
    const list = listOf();
    revoke(list, { issuer: ISSUER, subject: 'alice' });
    const { claims, ...described } = (tokenIn(list) as unknown as { readonly described: TokenDescription })
      .described;
    const mapped = new RevocableToken({ ...described, claims, subject: 'uid-1' }, undefined, list);
    expect(mapped.isRevoked()).toBe(true);
  });

  test('a token that has been found good is refused as soon as an entry comes', () => {
    const list = listOf();
    const token = tokenIn(list);
    expect(token.isRevoked()).toBe(false);
    revoke(list, { issuer: ISSUER, subject: 'bob' });
    expect(token.isRevoked()).toBe(false);
    revoke(list, { issuer: ISSUER, subject: 'alice' });
    expect(token.isRevoked()).toBe(true);
    expect(() => token.requireGood()).toThrow(expect.objectContaining({ reason: 'token_revoked' }) as Error);
  });

  test('an entry is kept for as long as a token may live, and no longer', () => {
    const list = listOf();
    revoke(list, { issuer: ISSUER, subject: 'alice' });
    const token = tokenIn(list);
    vi.setSystemTime((NOW + DAY) * 1000);
    expect(token.isRevoked()).toBe(true);
    vi.setSystemTime((NOW + DAY + 601) * 1000);
    expect(token.isRevoked()).toBe(false);
  });

  test('a full list drops nothing: all tokens of the issuer are refused that are as old, and no others', () => {
    const list = listOf(10);
    for (let index = 0; index < 10; index += 1) revoke(list, { issuer: ISSUER, subject: `user ${index}` });
    const all = {
      first: tokenIn(list, { sub: 'user 0' }),
      alice: tokenIn(list),
      later: tokenIn(list, { iat: NOW + 10 }),
      elsewhere: tokenIn(list, { iss: 'https://other.example.com' }),
    };
    expect(refused(all)).toEqual(['first']);
    revoke(list, { issuer: ISSUER, subject: 'somebody' });
    expect(refused(all)).toEqual(['first', 'alice']);
    // What is there already needs no room.
    revoke(list, { issuer: ISSUER, subject: 'user 0' }, NOW + 20);
    expect(refused({ later: tokenIn(list, { sub: 'user 0', iat: NOW + 20 }) })).toEqual(['later']);
    expect(list.size).toBe(11);
  });

  test('a full list has room again when its entries are over', () => {
    const list = listOf(10);
    for (let index = 0; index < 10; index += 1) revoke(list, { issuer: ISSUER, subject: `user ${index}` });
    vi.setSystemTime((NOW + 2 * DAY) * 1000);
    revoke(list, { issuer: ISSUER, subject: 'alice' }, NOW + 2 * DAY);
    expect(refused({ alice: tokenIn(list), bob: tokenIn(list, { sub: 'bob' }) })).toEqual(['alice']);
  });

  test('RFC8417-22: an account that is enabled again lifts only what is older, in whatever order the two come', () => {
    const disabled = (at: number) =>
      accountEntry(
        'revoke',
        { issuer: ISSUER, subject: 'alice' },
        { issuedBefore: at, now: NOW, maxTokenLifetime: DAY },
      );
    const enabled = (at: number) => ({ ...disabled(at), kind: 'lift' as const });
    for (const [entries, expected] of [
      [[disabled(NOW - 10)], true],
      [[disabled(NOW - 10), enabled(NOW - 5)], false],
      [[enabled(NOW - 5), disabled(NOW - 10)], false],
      [[disabled(NOW - 5), enabled(NOW - 10)], true],
      [[enabled(NOW - 10), disabled(NOW - 5)], true],
      [[disabled(NOW - 10), enabled(NOW - 5), disabled(NOW - 2)], true],
    ] as const) {
      const list = listOf();
      for (const entry of entries) list.add([entry]);
      expect(tokenIn(list).isRevoked()).toBe(expected);
    }
    const list = listOf();
    revoke(list, { issuer: ISSUER, subject: 'alice' }, NOW - 20);
    list.add([enabled(NOW)]);
    expect(tokenIn(list).isRevoked()).toBe(true);
  });

  test('what the list holds can be put into another one', () => {
    const list = listOf(3);
    for (const subject of ['alice', 'bob', 'carol', 'dave']) revoke(list, { issuer: ISSUER, subject });
    const copy = listOf(3);
    copy.add(JSON.parse(JSON.stringify([...list.entries()])) as []);
    expect(tokenIn(copy).isRevoked()).toBe(true);
    expect(tokenIn(copy, { sub: 'nobody' }).isRevoked()).toBe(true);
    expect(tokenIn(copy, { sub: 'nobody', iat: NOW + 1 }).isRevoked()).toBe(false);
  });

  test('100,000 entries are all found, and take at most 64 bytes each', () => {
    const list = listOf(200_000);
    for (let index = 0; index < 100_000; index += 1)
      revoke(list, { issuer: ISSUER, subject: `user ${index}` });
    expect(list.size).toBe(100_000);
    expect(list.byteLength / 100_000).toBeLessThanOrEqual(64);
    for (let index = 0; index < 100_000; index += 997)
      expect(tokenIn(list, { sub: `user ${index}` }).isRevoked()).toBe(true);
    for (let index = 0; index < 1_000; index += 1)
      expect(tokenIn(list, { sub: `nobody ${index}` }).isRevoked()).toBe(false);
  });
});
