import { constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { Logger } from '@nestjs/common';
import type { TestAuthorizationServer, TestStatusListOptions } from 'nestjs-cert-bound-auth/testing';
import { SignJWT } from 'jose';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { RemoteSigningKeys } from '../../lib/authorization-server/signing-keys.js';
import { statusListRulesOf, type StatusListSettings } from '../../lib/status-list/status-list-rules.js';
import { StatusLists } from '../../lib/status-list/status-lists.js';
import { httpOf } from '../authorization-server/http-of.js';
import { newKeyPair } from '../support/key-pair.js';
import { eventually } from '../support/eventually.js';
import { createWorld, startAuthorizationServer, type World } from '../support/world.js';

const NOW = Math.floor(Date.now() / 1000) * 1000;
const SETTINGS: StatusListSettings = { origins: undefined, maxAge: 300, staleIfError: 0, maxSize: 1_000 };

let world: World;
beforeAll(async () => {
  Logger.overrideLogger(false);
  world = await createWorld();
});
afterEach(() => {
  vi.useRealTimers();
});

const at = (seconds: number): unknown => vi.useFakeTimers({ toFake: ['Date'], now: NOW + seconds * 1000 });

interface Started {
  readonly as: TestAuthorizationServer;
  readonly lists: StatusLists;
  readonly keys: RemoteSigningKeys;
  /** Looks up the first token of the list. */
  readonly check: (index?: number) => Promise<void>;
  readonly publish: (statuses: readonly number[], options?: TestStatusListOptions) => string;
}

/** A server with a list, and what an API makes of it. */
async function start(settings: Partial<StatusListSettings> = {}, timeout = 5_000): Promise<Started> {
  at(0);
  const as = await startAuthorizationServer(world);
  const http = httpOf(world, { timeout });
  const keys = new RemoteSigningKeys('keys', http, () => as.jwksUri, {
    refreshAfter: 86_400,
    maxAge: 86_400,
    staleIfError: 0,
  });
  const rules = statusListRulesOf({ ...SETTINGS, ...settings }, as.issuer, ['ES256'], 5);
  const lists = new StatusLists(rules, http, keys, false);
  const uri = as.publishStatusList([0]);
  const check = async (index = 0): Promise<void> => lists.check({ uri, index });
  return { as, lists, keys, check, publish: as.publishStatusList.bind(as) };
}

const unavailable = (detail: unknown): object => ({
  refusal: { status: 503 },
  reason: 'authorization_server_answer_invalid',
  detail,
});

describe('the status lists of a server', () => {
  test('TSL-7: a list is fetched as the JWT that it is, once for everyone who needs it together', async () => {
    const { as, check } = await start();
    await Promise.all([check(), check(), check()]);
    await check();
    expect(as.requests.filter(({ endpoint }) => endpoint === 'status-list')).toMatchObject([
      { method: 'GET', path: '/statuslists/1', headers: { accept: 'application/statuslist+jwt' } },
    ]);
  });

  test('a status in a list that is known is there at once, and nobody waits even for a microtask', async () => {
    const { as, lists, check } = await start();
    await check();
    expect(lists.check({ uri: `${as.issuer}/statuslists/1`, index: 0 })).toBeUndefined();
  });

  test('TSL-5: a token is refused when its list says so, and passes when it says that no more', async () => {
    const { check, publish } = await start({ maxAge: 10 });
    await check();
    publish([1]);
    at(9);
    await check();
    at(20);
    await expect(check()).rejects.toMatchObject({ refusal: { status: 401 }, reason: 'status_invalid' });
    publish([0]);
    at(40);
    await check();
  });

  test('a list is fetched in the background after half of its time, and nobody waits for that', async () => {
    const { as, check, publish } = await start({ maxAge: 100 });
    await check();
    at(49.9);
    await check();
    expect(as.count('status-list')).toBe(1);
    publish([1]);
    at(50);
    await check();
    await eventually(async () =>
      check().then(
        () => false,
        () => true,
      ),
    );
    expect(as.count('status-list')).toBe(2);
  });

  test.each([
    ['its ttl', { ttl: 20 }],
    ['its exp', { exp: NOW / 1000 + 15 }],
    ['a ttl below its exp', { ttl: 20, exp: NOW / 1000 + 3600 }],
    ['an exp before the end of its ttl', { ttl: 3600, exp: NOW / 1000 + 15 }],
  ])('TSL-6: a list is used no longer than %s allows', async (_, claims) => {
    const { as, check, publish } = await start();
    publish([0], { claims });
    await check();
    as.behave('status-list', { status: 500 });
    at(19.9);
    await check();
    at(20);
    await expect(check()).rejects.toMatchObject(unavailable(expect.stringContaining('status 500')));
  });

  test('TSL-6: a list that may be used for very long is used no longer than the API allows', async () => {
    const { as, check, publish } = await start({ maxAge: 60 });
    publish([0], { claims: { ttl: 1e300, exp: 1e300 } });
    await check();
    await as.stop();
    at(59.9);
    await check();
    at(60);
    await expect(check()).rejects.toMatchObject({ reason: 'authorization_server_unreachable' });
  });

  test('a list that wants to be fetched anew all the time is used for a second', async () => {
    const { as, check, publish } = await start();
    publish([0], { claims: { ttl: 1e-300 } });
    await check();
    await check();
    at(0.4);
    await check();
    expect(as.count('status-list')).toBe(1);
  });

  test('a list is used for longer while it cannot be fetched, if the app prefers that, and never past its exp', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1);
    const { as, check, publish } = await start({ maxAge: 10, staleIfError: 3600 });
    publish([0], { claims: { exp: NOW / 1000 + 100 } });
    await check();
    as.behave('status-list', 'reset');
    at(100);
    await check();
    at(105);
    await expect(check()).rejects.toMatchObject({ refusal: { status: 503 } });
  });

  test('TSL-6: a list that is older than the one before is not believed, for it would make revoked tokens valid', async () => {
    const { check, publish } = await start({ maxAge: 10 });
    publish([1], { claims: { iat: NOW / 1000 } });
    await expect(check()).rejects.toMatchObject({ reason: 'status_invalid' });
    publish([0], { claims: { iat: NOW / 1000 - 1 } });
    at(10);
    await expect(check()).rejects.toMatchObject(
      unavailable(expect.stringContaining('older than the one before')),
    );
  });

  test('TSL-10: a list is believed by a key that its server has published since', async () => {
    const { as, check } = await start();
    await as.rotateKeys({ keep: false });
    await check();
  });

  test('a server that is slow with its lists is an outage, and keeps nobody from its keys', async () => {
    const { as, lists, keys, check } = await start({}, 2_000);
    as.behave('status-list', 'hang');
    const uris = Array.from({ length: 20 }, (_, index) => `${as.issuer}/statuslists/${index + 2}`);
    const all = Promise.allSettled(uris.map(async (uri) => lists.check({ uri, index: 0 })));
    await keys.refresh();
    for (const outcome of await all) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { refusal: { status: 503 } } });
    }
    as.behave('status-list', 'normal');
    let seconds = 0;
    await eventually(async () => {
      at((seconds += 60));
      return check().then(
        () => true,
        () => false,
      );
    });
  });

  test('no more than 64 lists of one server are held at the same time', async () => {
    const { as, lists } = await start();
    for (const name of Array.from({ length: 70 }, (_, index) => `list-${index}`)) {
      const uri = as.publishStatusList([0], { name });
      await lists.check({ uri, index: 0 });
    }
    expect(lists.health()).toHaveLength(64);
  });

  test('the health of each list can be seen', async () => {
    const { as, lists, check } = await start();
    expect(lists.health()).toEqual([]);
    await check();
    expect(lists.health()).toMatchObject([{ state: 'fresh', age: 0 }]);
    as.behave('status-list', { status: 404 });
    at(300);
    await check().catch(() => undefined);
    expect(lists.health()).toMatchObject([{ state: 'unavailable' }]);
  });
});

describe('a place of a list that this API does not call', () => {
  const issuer = 'https://as.example.com';
  const listsOf = (origins?: readonly string[], allowLoopbackHttp = false): StatusLists =>
    new StatusLists(
      statusListRulesOf({ ...SETTINGS, origins }, issuer, ['ES256'], 5),
      undefined as never,
      undefined as never,
      allowLoopbackHttp,
    );

  test.each([
    'https://as.example.com.attacker.example/1',
    'https://as.example.com:8443/1',
    'https://user@as.example.com/1',
    'http://as.example.com/1',
    'https://attacker.example/1',
    'https://127.0.0.1/1',
    'https://169.254.169.254/latest',
    'https://[::1]/1',
    'https://10.0.0.1/1',
    'file:///etc/passwd',
    'data:application/statuslist+jwt,x',
    '/statuslists/1',
    'https://as.example.com/\n1',
    ' https://as.example.com/1',
    'urn:example:list',
  ])('TSL-9: a token whose list is at %j is refused, and nobody is called', (uri) => {
    expect(() => listsOf().requireAllowed({ uri, index: 0 })).toThrow('status_unsupported');
  });

  test('TSL-9: a token whose list has a very long URL is refused, and nobody is called', () => {
    const uri = `https://as.example.com/${'x'.repeat(2_048)}`;
    expect(() => listsOf().requireAllowed({ uri, index: 0 })).toThrow('status_unsupported');
  });

  test('TSL-9: lists are at the origin of the issuer, or else at those of the options, and there only', () => {
    expect(() => listsOf().requireAllowed({ uri: `${issuer}/1?x=1`, index: 0 })).not.toThrow();
    const elsewhere = listsOf(['https://status.example.com', 'http://127.0.0.1:8080']);
    expect(() => elsewhere.requireAllowed({ uri: 'https://status.example.com/1', index: 0 })).not.toThrow();
    expect(() => elsewhere.requireAllowed({ uri: `${issuer}/1`, index: 0 })).toThrow('status_unsupported');
    expect(() => elsewhere.requireAllowed({ uri: 'http://127.0.0.1:8080/1', index: 0 })).toThrow();
    const here = listsOf(['http://127.0.0.1:8080'], true);
    expect(() => here.requireAllowed({ uri: 'http://127.0.0.1:8080/1', index: 0 })).not.toThrow();
  });

  test('an issuer that is no URL has no lists unless the options say where they are', () => {
    for (const name of ['tenant-7', 'urn:example:as']) {
      const rules = statusListRulesOf(SETTINGS, name, ['ES256'], 5);
      expect(rules.origins.size).toBe(0);
    }
  });
});

const pack = (bytes: Uint8Array): string => deflateSync(bytes).toString('base64url');
const ZERO = pack(new Uint8Array(1));
const seconds = NOW / 1000;

/** What is wrong with a list, and what the log says of it. */
const LIES: readonly (readonly [lie: string, wrong: TestStatusListOptions, detail: string])[] = [
  ['has another type', { header: { typ: 'at+jwt' } }, 'its typ is not'],
  ['has no type', { header: { typ: undefined } }, 'its typ is not'],
  ['is the list of another place', { claims: { sub: 'https://as.example.com/2' } }, 'its sub is'],
  ['does not say whose list it is', { claims: { sub: undefined } }, 'its sub is'],
  ['is of another issuer', { claims: { iss: 'https://other.example.com' } }, 'its iss is'],
  ['does not say when it was made', { claims: { iat: undefined } }, 'it has no iat'],
  ['is from the future', { claims: { iat: seconds + 6 } }, 'its iat is in the future'],
  ['has a time that is text', { claims: { iat: '1' } }, 'iat is not a finite number'],
  ['has expired', { claims: { exp: seconds - 5 } }, 'it has expired'],
  ['has an exp that is text', { claims: { exp: '1' } }, 'exp is not a finite number'],
  ['may be used for no time', { claims: { ttl: 0 } }, 'its ttl is not above 0'],
  ['may be used for less than no time', { claims: { ttl: -1 } }, 'its ttl is not above 0'],
  ['has a ttl that is text', { claims: { ttl: '1' } }, 'ttl is not a finite number'],
  ['has no list', { claims: { status_list: undefined } }, 'it has no status_list'],
  ['has 3 bits', { claims: { status_list: { bits: 3, lst: ZERO } } }, 'its bits are not'],
  ['has bits as text', { claims: { status_list: { bits: '1', lst: ZERO } } }, 'its bits are not'],
  ['has no bytes', { claims: { status_list: { bits: 1 } } }, 'its lst is no base64url'],
  ['has padding', { claims: { status_list: { bits: 1, lst: `${ZERO}==` } } }, 'its lst is no base64url'],
  ['is not packed', { claims: { status_list: { bits: 1, lst: 'AAAA' } } }, 'unknown compression method'],
  [
    'is packed by gzip',
    { claims: { status_list: { bits: 1, lst: gzipSync('\0').toString('base64url') } } },
    'incorrect header check',
  ],
  [
    'is packed without the frame of zlib',
    { claims: { status_list: { bits: 1, lst: deflateRawSync('\0').toString('base64url') } } },
    'incorrect header check',
  ],
  [
    'is broken off',
    {
      claims: {
        status_list: {
          bits: 1,
          lst: deflateSync(Buffer.alloc(99, 'ab')).subarray(0, -5).toString('base64url'),
        },
      },
    },
    'unexpected end of file',
  ],
  [
    'has something behind its list',
    {
      claims: {
        status_list: {
          bits: 1,
          lst: Buffer.concat([deflateSync('\0'), Buffer.from('more')]).toString('base64url'),
        },
      },
    },
    'something behind its list',
  ],
  [
    'is a bomb',
    {
      claims: {
        status_list: {
          bits: 1,
          lst: deflateSync(Buffer.alloc(50_000_000), { level: constants.Z_BEST_COMPRESSION }).toString(
            'base64url',
          ),
        },
      },
    },
    'Cannot create a Buffer larger than 1000 bytes',
  ],
  [
    'has an extension that must be understood',
    { header: { crit: ['b64'], b64: true } },
    'it has a critical header',
  ],
];

describe('a list server that lies', () => {
  test.each(LIES)(
    'TSL-3, TSL-9, INV3: a list that %s says nothing about any token',
    async (_, wrong, detail) => {
      const { check, publish } = await start();
      publish([0], wrong);
      await expect(check()).rejects.toMatchObject(unavailable(expect.stringContaining(detail)));
    },
  );

  const answering = async (
    body: string | ((as: TestAuthorizationServer) => Promise<string>),
    more: object = {},
  ) => {
    const { as, check } = await start();
    as.behave('status-list', {
      status: 200,
      headers: { 'content-type': 'application/statuslist+jwt' },
      body: typeof body === 'string' ? body : await body(as),
      ...more,
    });
    return check;
  };

  /** A right list, but for its key. */
  const signedBy = async (as: TestAuthorizationServer, kid?: string): Promise<string> => {
    const { privateKey } = newKeyPair('ec', { namedCurve: 'P-256' });
    const header = { alg: 'ES256', typ: 'statuslist+jwt', ...(kid === undefined ? {} : { kid }) };
    return new SignJWT({ sub: `${as.issuer}/statuslists/1`, status_list: { bits: 1, lst: ZERO } })
      .setProtectedHeader(header)
      .setIssuedAt()
      .sign(privateKey);
  };

  test('TSL-10: a list that is signed by a key of another server says nothing, whichever key it names', async () => {
    const named = await answering(async (as) => signedBy(as, as.signingKey.jwk.kid));
    await expect(named()).rejects.toMatchObject(unavailable(expect.stringContaining('signature_invalid')));
    const unknown = await answering(async (as) => signedBy(as, 'unknown'));
    await expect(unknown()).rejects.toMatchObject(unavailable(expect.stringContaining('key_unknown')));
    const unnamed = await answering(async (as) => signedBy(as));
    await expect(unnamed()).rejects.toMatchObject(unavailable(expect.stringContaining('signature_invalid')));
  });

  test('TSL-10: an access token of the same server is no status list', async () => {
    const check = await answering(async (as) =>
      as.accessToken({ claims: { status_list: { bits: 1, lst: ZERO } } }),
    );
    await expect(check()).rejects.toMatchObject(unavailable(expect.stringContaining('its typ is not')));
  });

  test.each([
    ['no JWT', 'x', {}, 'no signed JWT'],
    ['an empty body', '', {}, 'no signed JWT'],
    ['a JWT that is encrypted', 'e30.a.b.c.d', {}, 'no signed JWT'],
    ['JSON', '{}', { headers: { 'content-type': 'application/json' } }, 'media type "application/json"'],
    ['a login page', '<p>', { headers: { 'content-type': 'text/html' } }, 'media type "text/html"'],
    ['another place', '', { status: 302, headers: { location: 'https://127.0.0.1/' } }, 'status 302'],
    ['an error', '', { status: 500 }, 'status 500'],
  ])('TSL-7: an API believes nothing where %s is in the place of a list', async (_, body, more, detail) => {
    const check = await answering(body, more);
    await expect(check()).rejects.toMatchObject(unavailable(expect.stringContaining(detail)));
  });

  test('TSL-9: a list that is larger than an answer may be is not read to its end', async () => {
    const check = await answering('x'.repeat(2_000_000));
    await expect(check()).rejects.toMatchObject({ refusal: { status: 503 } });
  });
});
