import { type ForwardAuthOptions, type SessionOptions } from 'nestjs-cert-bound-auth';
import { type TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { SESSION_SECRET, sessionCookie } from '../support/session-cookie.js';
import { createWorld, startAuthorizationServer, type World } from '../support/world.js';
import { type Endpoint, optionsFor, startEndpoint, WAYS } from './support/endpoint.js';
import type { HttpAnswer } from './support/http-client.js';
import { resolveForwardAuth } from '../../lib/forward-auth/resolve-forward-auth.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => {
  vi.useRealTimers();
});

const SESSION: SessionOptions = { secrets: [SESSION_SECRET], lifetime: 300, idle: 100 };
const OWN_PAGE = { 'sec-fetch-site': 'same-origin' };

interface Asked {
  readonly as: TestAuthorizationServer;
  readonly endpoint: Endpoint;
  readonly token: string;
}

async function start(
  way: (typeof WAYS)[number],
  policies: ForwardAuthOptions['policies'] = { any: {} },
): Promise<Asked> {
  const as = await startAuthorizationServer(world);
  const options = optionsFor(world, as, { session: SESSION, policies });
  const token = await as.accessToken({ certificate: world.client1, subject: 'alice', lifetime: 600 });
  return { as, endpoint: await startEndpoint(way, options), token };
}

const cookieIn = ({ headers }: HttpAnswer): string | undefined => headers['set-cookie']?.[0];

describe.each(WAYS)('sessions at the endpoint of a proxy, served by %s', (way) => {
  test('a page gets a cookie for its token, and calls by it with its certificate alone', async () => {
    const { endpoint, token } = await start(way);
    const certificate = world.client1;
    const program = await endpoint.ask('any', { token, certificate });
    expect([program.status, cookieIn(program)]).toEqual([200, undefined]);
    const page = await endpoint.ask('any', { token, certificate, headers: OWN_PAGE });
    expect(page.status).toBe(200);
    const cookie = cookieIn(page)?.split(';')[0] ?? '';
    expect(cookie).toMatch(/^__Host-session=[\w-]+$/);

    const by = await endpoint.ask('any', { certificate, headers: { cookie } });
    expect([by.status, by.headers['x-credential-sub'], cookieIn(by)]).toEqual([200, 'alice', undefined]);
    const thief = await endpoint.ask('any', { certificate: world.client2, headers: { cookie } });
    expect([thief.status, cookieIn(thief)]).toEqual([401, expect.stringContaining('Max-Age=0')]);
    const without = await endpoint.ask('any', { headers: { cookie } });
    expect([without.status, cookieIn(without)]).toEqual([401, undefined]);
    const twice = await endpoint.ask('any', { certificate, headers: { cookie: `${cookie}; ${cookie}` } });
    expect(twice.status).toBe(401);
  });

  test('what changes something, or opens a WebSocket, passes from a page of the same origin alone', async () => {
    const { endpoint, token } = await start(way);
    const ask = async (method: string, headers: Readonly<Record<string, string>>): Promise<number> => {
      const cookie = sessionCookie(token, world.client1);
      return (
        await endpoint.ask('any', { certificate: world.client1, method, headers: { cookie, ...headers } })
      ).status;
    };
    expect(await ask('POST', {})).toBe(403);
    expect(await ask('POST', OWN_PAGE)).toBe(200);
    expect(await ask('POST', { 'x-requested-with': 'fetch' })).toBe(200);
    expect(await ask('GET', { 'sec-fetch-site': 'cross-site' })).toBe(403);
    // nginx asks without Upgrade.
    expect(await ask('GET', { 'sec-websocket-key': 'AAAA' })).toBe(403);
    // What the client wants is not known: it might change something.
    const untold = {
      certificate: world.client1,
      headers: { cookie: sessionCookie(token, world.client1), 'x-original-method': undefined },
    };
    expect((await endpoint.ask('any', untold)).status).toBe(403);
  });
});

describe('sessions at the endpoint of a proxy', () => {
  test('a session is renewed as it is used, and ends', async () => {
    const { endpoint, token } = await start('node');
    const ask = async (age: number): Promise<HttpAnswer> =>
      endpoint.ask('any', {
        certificate: world.client1,
        headers: { cookie: sessionCookie(token, world.client1, age) },
      });
    expect(cookieIn(await ask(9))).toBeUndefined();
    expect(cookieIn(await ask(11))).toMatch(/^__Host-session=[\w-]+;/);
    const over = await ask(100);
    expect([over.status, cookieIn(over)]).toEqual([401, expect.stringContaining('Max-Age=0')]);
  });

  test('another place of a token counts instead of the session where a policy names one, and Authorization counts for nothing', async () => {
    const places = { any: { token: [{ header: 'X-Token' }, { cookie: 'access' }] } };
    const { as, endpoint, token } = await start('node', places);
    const cookie = sessionCookie(token, world.client1);
    const bobs = await as.accessToken({ certificate: world.client1, subject: 'bob' });
    const ask = async (headers: Readonly<Record<string, string>>): Promise<unknown> => {
      const answer = await endpoint.ask('any', {
        certificate: world.client1,
        headers: { cookie, ...headers },
      });
      return answer.headers['x-credential-sub'] ?? answer.status;
    };
    expect(await ask({})).toBe('alice');
    expect(await ask({ authorization: `Bearer ${bobs}` })).toBe('alice');
    expect(await ask({ 'x-token': bobs })).toBe('bob');
    expect(await ask({ cookie: `${cookie}; access=${bobs}` })).toBe('bob');
    expect(await ask({ 'x-token': 'wrong' })).toBe(401);
    const page = await endpoint.ask('any', {
      certificate: world.client1,
      headers: { 'x-token': bobs, ...OWN_PAGE },
    });
    expect(cookieIn(page)).toMatch(/^__Host-session=/);
  });

  test('a caller with a session is not anonymous, whatever it is worth', async () => {
    const { endpoint, token } = await start('node', { any: { allowAnonymous: true } });
    const ask = async (cookie: string): Promise<unknown> => {
      const { status, headers } = await endpoint.ask('any', {
        certificate: world.client1,
        headers: { cookie },
      });
      return [status, headers['x-credential-token-type']];
    };
    expect(await ask('a=1')).toEqual([200, 'Anonymous']);
    expect(await ask(sessionCookie(token, world.client1))).toEqual([200, 'Bearer']);
    expect(await ask('__Host-session=wrong')).toEqual([401, undefined]);
  });

  test('a cookie that holds a token has another name than that of sessions, or there is no start', async () => {
    const as = await startAuthorizationServer(world);
    const options = optionsFor(world, as, {
      session: { ...SESSION, cookie: '__Host-a' },
      policies: { any: { token: { cookie: '__Host-a' } }, other: { token: { cookie: '__Host-b' } } },
    });
    expect(() => resolveForwardAuth(options)).toThrow(
      'policies.any.token (array): it is the cookie of sessions: give one of them another name',
    );
  });
});
