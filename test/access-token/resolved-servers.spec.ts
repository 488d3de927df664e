import { createSecretKey } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { AuthorizationServer } from '../../lib/access-token/authorization-server.js';
import { MOST_RESOLVED_SERVERS, ResolvedServers } from '../../lib/access-token/resolved-servers.js';
import { SettingsKeys } from '../../lib/access-token/settings-key.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';

const ISSUER = 'https://as.example.com';
const REQUEST = {};
afterEach(() => {
  vi.useRealTimers();
});

type Resolve = (issuer: string, request: object) => unknown;

function serversBy(resolve: Resolve, options: object = {}): ResolvedServers {
  const { resolver } = resolveOptions({
    audience: 'https://api.example.com',
    authorizationServers: [],
    resolveAuthorizationServer: resolve as () => undefined,
    ...options,
  });
  if (resolver === undefined) throw new Error('there is a resolver');
  return new ResolvedServers(resolver);
}

const refusal = (detail: RegExp): object => ({
  refusal: { status: 503 },
  reason: 'authorization_server_unresolved',
  detail: expect.stringMatching(detail),
});

const found = async (servers: ResolvedServers, issuer: unknown = ISSUER): Promise<unknown> =>
  servers.find(issuer, REQUEST);

describe('servers that the app names', () => {
  test('the app is asked with the issuer and the request, and at once where it answers at once', async () => {
    const resolve = vi.fn<Resolve>((issuer) => ({ issuer }));
    const servers = serversBy(resolve);
    const server = servers.find(ISSUER, REQUEST);
    expect(server).not.toBeInstanceOf(Promise);
    expect(server).toMatchObject({ settings: { issuer: ISSUER, binding: 'required' } });
    expect(resolve).toHaveBeenCalledExactlyOnceWith(ISSUER, REQUEST);
    const later = serversBy(async (issuer) => ({ issuer }));
    expect(await later.find(ISSUER, REQUEST)).toMatchObject({ settings: { issuer: ISSUER } });
    await servers.close();
  });

  test.each([
    ['no text', 7],
    ['an empty text', ''],
    ['no URL', 'issuer'],
    ['a URL of http:', 'http://as.example.com'],
    ['a URL with credentials', 'https://a:b@as.example.com'],
    ['a URL with a query', `${ISSUER}?a=b`],
    ['a URL with a fragment', `${ISSUER}#a`],
    ['a URL with a line end', `${ISSUER}/\n`],
    ['a URL of more than 2048 characters', `${ISSUER}/${'a'.repeat(2_048 - ISSUER.length)}`],
  ])('the app is not asked for %s', async (_, issuer) => {
    const resolve = vi.fn<Resolve>();
    expect(await found(serversBy(resolve), issuer)).toBeUndefined();
    expect(resolve).not.toHaveBeenCalled();
  });

  test('the app is asked for a URL of 2048 characters', async () => {
    const resolve = vi.fn<Resolve>();
    await found(serversBy(resolve), `${ISSUER}/${'a'.repeat(2_047 - ISSUER.length)}`);
    expect(resolve).toHaveBeenCalledOnce();
  });

  test.each<[string, Resolve, RegExp]>([
    ['null', () => null, /it returned null$/],
    ['text', () => ISSUER, /a value of type string/],
    ['nothing in it', () => ({}), /another issuer/],
    ['another issuer', () => ({ issuer: `${ISSUER}/` }), /another issuer/],
    ['an unknown option', (issuer) => ({ issuer, tsl: {} }), /tsl \(object\): .*tls/],
    ['a wrong option', (issuer) => ({ issuer, http: { timeout: '5' } }), /http\.timeout \(string\): /],
    ['a URL of keys by http:', (issuer) => ({ issuer, jwt: { jwksUri: 'http://as.example' } }), /jwksUri/],
    ['a weaker binding', (issuer) => ({ issuer, binding: 'if-bound' }), /binding \(string\): .*loosen/],
    ['no way to verify a token', (issuer) => ({ issuer, jwt: false }), /introspection/],
    [
      'an issuer that changes',
      (issuer) => {
        let asked = 0;
        return {
          get issuer() {
            asked += 1;
            return asked < 3 ? issuer : 'https://other.example.com';
          },
        };
      },
      /another issuer/,
    ],
    [
      'what contains itself',
      (issuer) => {
        const settings = { issuer, claims: {} };
        Object.assign(settings.claims, { settings });
        return settings;
      },
      /RangeError/,
    ],
  ])('the answer is an outage where the app returns %s', async (_, resolve, detail) => {
    await expect(found(serversBy(resolve))).rejects.toMatchObject(refusal(detail));
    await expect(found(serversBy(async (...asked) => resolve(...asked)))).rejects.toMatchObject(
      refusal(detail),
    );
  });

  test('the answer is an outage where the app throws or rejects', async () => {
    const fails = (): never => {
      throw new TypeError('no database');
    };
    const servers = serversBy(fails);
    await expect((async () => servers.find(ISSUER, REQUEST))()).rejects.toMatchObject(
      refusal(/TypeError: no database/),
    );
    const rejecting = serversBy(async () => fails());
    await expect(found(rejecting)).rejects.toMatchObject(refusal(/TypeError: no database/));
  });

  test('the answer is an outage where the app has not answered within five seconds', async () => {
    vi.useFakeTimers();
    const waiting = expect(found(serversBy(async () => new Promise(() => undefined)))).rejects.toMatchObject(
      refusal(/did not answer within 5000 ms/),
    );
    await vi.advanceTimersByTimeAsync(5_000);
    await waiting;
  });

  test('a profile holds for these servers too', async () => {
    const fapi = serversBy((issuer) => ({ issuer }), { profile: 'fapi2' });
    await expect(found(fapi)).rejects.toMatchObject(refusal(/introspection.*fapi2/));
    const mcp = serversBy((issuer) => ({ issuer, audience: 'https://other.example.com' }), {
      profile: 'mcp',
      protectedResource: { resource: 'https://api.example.com' },
    });
    await expect(found(mcp)).rejects.toMatchObject(refusal(/audience.*mcp/));
  });

  test('algorithms and clock tolerance of a profile are those of servers in the list', async () => {
    const introspection = {
      clientAuthentication: { method: 'none', clientId: 'api' },
      tokens: 'all',
    } as const;
    const [listed] = resolveOptions({
      audience: 'https://api.example.com',
      authorizationServers: [{ issuer: ISSUER, introspection }],
      profile: 'fapi2',
    }).authorizationServers;
    const named = serversBy((issuer) => ({ issuer, introspection }), { profile: 'fapi2' });
    expect((await found(named)) as AuthorizationServer).toMatchObject({ settings: { jwt: listed?.jwt } });
  });

  test('the same settings are the same server, and others are another', async () => {
    let settings: object = { issuer: ISSUER };
    const servers = serversBy(() => settings);
    const first = await found(servers);
    settings = { issuer: ISSUER };
    expect(await found(servers)).toBe(first);
    // In place, too.
    Object.assign(settings, { audience: 'https://other.example.com' });
    const other = await found(servers);
    expect(other).not.toBe(first);
    expect(servers.held).toEqual([other, first]);
  });

  test('no more than a thousand are held: the one that was not used for the longest time is closed', async () => {
    const servers = serversBy((issuer) => ({ issuer }));
    const server = async (index: number): Promise<AuthorizationServer> =>
      (await found(servers, `${ISSUER}/${index}`)) as AuthorizationServer;
    const first = await server(0);
    const second = await server(1);
    const close = [first, second].map((each) => vi.spyOn(each, 'close'));
    for (let index = 2; index < MOST_RESOLVED_SERVERS; index += 1) await server(index);
    expect(await server(0)).toBe(first);
    await server(MOST_RESOLVED_SERVERS);
    expect(close.map(({ mock }) => mock.calls.length)).toEqual([0, 1]);
    expect(servers.held).toHaveLength(MOST_RESOLVED_SERVERS);
    expect(await server(1)).not.toBe(second);
  });
});

describe('what settings are known by', () => {
  const keys = new SettingsKeys();
  const call = (): void => undefined;
  const secretKey = createSecretKey(Buffer.from('a'));
  const DIFFERENT: readonly unknown[] = [
    {},
    [],
    '',
    undefined,
    null,
    0,
    '0',
    false,
    'false',
    'undefined',
    { a: 1 },
    { a: '1' },
    { b: 1 },
    { a: 1, b: 1 },
    { a: { b: 1 } },
    [['a', 1]],
    ['a', 'b'],
    ['a,b'],
    [['a'], 'b'],
    Buffer.from('a'),
    'a',
    call,
    (): void => undefined,
    secretKey,
    createSecretKey(Buffer.from('b')),
    new (class Store {})(),
    new URL('https://a.example'),
    new Map(),
  ];

  test('settings that differ in anything have keys that differ', () => {
    expect(new Set(DIFFERENT.map((each) => keys.keyOf({ each }))).size).toBe(DIFFERENT.length);
  });

  test('settings that are alike have the same key, with the same functions and keys in them', () => {
    const settings = (): object => ({ a: [1, { b: 'c' }], call, secretKey, d: Buffer.from('d') });
    expect(keys.keyOf(settings())).toBe(keys.keyOf(settings()));
  });
});
