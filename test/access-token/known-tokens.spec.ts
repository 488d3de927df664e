import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AuthorizationServer } from '../../lib/access-token/authorization-server.js';
import { type KnownToken, KnownTokens } from '../../lib/access-token/known-tokens.js';
import { bothValid, type Validity, validityOf } from '../../lib/access-token/verified-claims.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';

const NOW = 1_900_000_000_000;
const ROOMY = { maxEntries: 100, maxSize: 1_000_000 };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

const ISSUER = 'https://as.example.com';
const { authorizationServers } = resolveOptions({
  audience: 'api',
  authorizationServers: [{ issuer: ISSUER }],
});
const [server] = authorizationServers.map((settings) => new AuthorizationServer(settings));

/** A token that is valid for a minute more, but for this difference. */
function known(difference: Partial<KnownToken> = {}): KnownToken {
  if (server === undefined) throw new Error('one server is configured');
  return {
    server,
    description: {
      issuer: ISSUER,
      subject: undefined,
      clientId: undefined,
      audience: ['api'],
      scopes: new Set(),
      scope: '',
      issuedAt: undefined,
      expiresAt: 0,
      tokenId: undefined,
      claims: {},
    },
    granted: new Set(),
    claims: {},
    size: 2,
    signedAnswer: undefined,
    revocable: undefined,
    confirmation: undefined,
    status: undefined,
    validity: { from: NOW - 60_000, until: NOW + 60_000 },
    holds: () => true,
    ...difference,
  };
}

describe('the tokens that an app knows', () => {
  test('a known token is found by its own digest only, and exactly as it was kept', () => {
    const tokens = new KnownTokens(ROOMY);
    const [one, two] = [known(), known()];
    tokens.keep('one', one);
    tokens.keep('two', two);
    expect([tokens.find('one'), tokens.find('two')]).toEqual([one, two]);
    expect(tokens.find('one')).toBe(one);
    expect(tokens.find('two')).toBe(two);
    expect(tokens.find('three')).toBeUndefined();
    expect(tokens.find('')).toBeUndefined();
  });

  test('invariant 5: a known token is found from the first millisecond of its validity to the last, and at no other time', () => {
    const tokens = new KnownTokens(ROOMY);
    const validity: Validity = { from: NOW - 1_000, until: NOW + 1_000 };
    tokens.keep('it', known({ validity }));
    const foundAt = (time: number): boolean => {
      vi.setSystemTime(time);
      return tokens.find('it') !== undefined;
    };
    expect(foundAt(validity.until - 1)).toBe(true);
    expect(foundAt(validity.until)).toBe(false);
    expect(foundAt(validity.from - 1)).toBe(false);
    expect(foundAt(validity.from)).toBe(true);
  });

  test('invariant 5: a known token is found only as long as whatever vouches for it still does', () => {
    const tokens = new KnownTokens(ROOMY);
    let holds = true;
    tokens.keep('it', known({ holds: () => holds }));
    expect(tokens.find('it')).toBeDefined();
    holds = false;
    expect(tokens.find('it')).toBeUndefined();
  });

  const minute = { from: NOW - 60_000, until: NOW + 60_000 };
  test.each<[string, Validity, boolean, number]>([
    ['has expired', { from: NOW - 60_000, until: NOW }, true, NOW - 1],
    ['is not valid yet', { from: NOW + 1, until: NOW + 60_000 }, true, NOW + 1],
    ['nothing vouches for', minute, false, NOW],
  ])('invariant 5: a token that %s is not kept, whatever happens later', (_, validity, vouched, later) => {
    const tokens = new KnownTokens(ROOMY);
    let holds = vouched;
    tokens.keep('it', known({ validity, holds: () => holds }));
    holds = true;
    vi.setSystemTime(later);
    expect(tokens.find('it')).toBeUndefined();
    tokens.keep('it', known({ validity, holds: () => holds }));
    expect(tokens.find('it')).toBeDefined();
  });

  test('a token that is kept again replaces the older entry', () => {
    const tokens = new KnownTokens(ROOMY);
    tokens.keep('it', known());
    const newer = known();
    tokens.keep('it', newer);
    expect(tokens.find('it')).toBe(newer);
  });

  test('invariant 5: known tokens never exceed their number, and the least recently used one goes first', () => {
    const tokens = new KnownTokens({ ...ROOMY, maxEntries: 3 });
    for (const digest of ['a', 'b', 'c']) tokens.keep(digest, known());
    expect(tokens.find('a')).toBeDefined();
    tokens.keep('d', known());
    expect(['a', 'b', 'c', 'd'].filter((digest) => tokens.find(digest) !== undefined)).toEqual([
      'a',
      'c',
      'd',
    ]);
  });

  test('invariant 5: known tokens never exceed their size in bytes, whatever their number', () => {
    const tokens = new KnownTokens({ maxEntries: 100_000, maxSize: 100_000 });
    const digests = Array.from({ length: 100 }, (_, index) => `token-${index}`);
    for (const digest of digests) tokens.keep(digest, known({ size: 3_000 }));
    const found = digests.filter((digest) => tokens.find(digest) !== undefined);
    // Ten thousand bytes each.
    expect(found).toEqual(digests.slice(-10));
  });

  test('invariant 5: a token larger than the whole limit is not kept, and drives no other out', () => {
    const tokens = new KnownTokens({ maxEntries: 10, maxSize: 10_000 });
    tokens.keep('small', known());
    tokens.keep('large', known({ size: 10_000 }));
    expect(tokens.find('large')).toBeUndefined();
    expect(tokens.find('small')).toBeDefined();
  });
});

describe('the time in which claims are valid', () => {
  const rules = {
    issuer: ISSUER,
    issuerPresence: 'required',
    audience: ['api'],
    audiencePresence: 'required',
    clockTolerance: 5,
    requiredClaims: [],
    forbiddenClaims: [],
    stringClaims: [],
  } as const;

  test('RFC7519-4.1: claims are valid from the later of iat and nbf until exp, with the tolerance at both ends', () => {
    expect(validityOf({ iat: 100, nbf: 120, exp: 200 }, rules)).toEqual({ from: 115_000, until: 205_000 });
    expect(validityOf({ iat: 120, nbf: 100, exp: 200 }, rules)).toEqual({ from: 115_000, until: 205_000 });
    expect(validityOf({ exp: 200 }, rules)).toEqual({ from: -Infinity, until: 205_000 });
  });

  test('claims are valid only until maxTokenAge is reached, when that comes first', () => {
    const aged = { ...rules, maxTokenAge: 60 };
    expect(validityOf({ iat: 100, exp: 200 }, aged).until).toBe(165_000);
    expect(validityOf({ iat: 100, exp: 130 }, aged).until).toBe(135_000);
  });

  test('invariant 5: claims are valid at no time without exp, or without the iat that maxTokenAge needs', () => {
    expect(validityOf({ iat: 100 }, rules).until).toBe(-Infinity);
    expect(validityOf({ exp: 200 }, { ...rules, maxTokenAge: 60 }).until).toBe(-Infinity);
  });

  test('two validities together are valid only in the time that they share', () => {
    const both = bothValid({ from: 1, until: 10 }, { from: 5, until: 20 });
    expect(both).toEqual({ from: 5, until: 10 });
    expect(bothValid({ from: 5, until: 20 }, { from: 1, until: 10 })).toEqual(both);
  });
});
