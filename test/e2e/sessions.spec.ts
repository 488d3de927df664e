import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { Controller, Get, Header, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import {
  type AccessDecision,
  AllowAnonymous,
  type CertBoundAuthOptions,
  DECISION_CHANNEL,
  Policy,
  Public,
  Scopes,
  Sessions,
  type SessionOptions,
  TokenRevocations,
} from 'nestjs-cert-bound-auth';
import {
  type TestAuthorizationServer,
  type TestCertificate,
  TestDpopClient,
} from 'nestjs-cert-bound-auth/testing';
import type supertest from 'supertest';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Platform, PLATFORMS } from '../support/platforms.js';
import {
  type ProtectedApi,
  startProtectedApi,
  type StartProtectedApiOptions,
} from '../support/protected-api.js';
import { SESSION_SECRET, sessionCookie } from '../support/session-cookie.js';
import { SERVERS, startBank } from './graphql/bank.js';
import { createWatchedApp } from '../support/watched-app.js';
import {
  API_CLIENT,
  AUDIENCE,
  challengeOf,
  clientOf,
  createWorld,
  startAuthorizationServer,
  tlsOf,
  whenOver,
} from '../support/world.js';

const world = await createWorld();
afterEach(() => {
  vi.useRealTimers();
});

const SECRET = SESSION_SECRET;
const SESSION: SessionOptions = { secrets: [SECRET], lifetime: 300, idle: 100 };
const PARTNERS = { partners: { audience: 'https://partners.example.com' } };
const PUBLIC_URL = 'https://api.example.com';

interface Answering {
  header(name: string, value: string): unknown;
}

@Controller()
class PagesController {
  @Get() @AllowAnonymous() anyone(
    @Req() { user }: { readonly user?: { readonly subject?: string } },
  ): object {
    return { who: user?.subject ?? 'nobody' };
  }
  @Get('own') own(@Req() { user }: { readonly user?: { readonly subject?: string } }): object {
    return { who: user?.subject };
  }
  @Get('cached') @Header('Cache-Control', 'public, max-age=60') cached(): string {
    return 'for all';
  }
  @Get('cookies') cookies(@Res({ passthrough: true }) response: Answering): string {
    response.header('Set-Cookie', 'theme=dark');
    response.header('Vary', 'Accept');
    return 'more';
  }
  @Post('change') change(): string {
    return 'changed';
  }
  @Get('admin') @Scopes('admin') admin(): string {
    return 'admin';
  }
  @Get('partners') @Policy('partners') partners(): string {
    return 'partners';
  }
}

@Controller('session')
class SessionController {
  constructor(@Inject(Sessions) private readonly sessions: Sessions) {}

  @Post() @HttpCode(200) async start(@Req() request: object): Promise<object> {
    return { started: await this.sessions.start(request) };
  }
  @Post('open') @Public() async open(@Req() request: object): Promise<object> {
    return { started: await this.sessions.start(request) };
  }
  @Post('end') @Public() end(@Req() request: object): void {
    this.sessions.end(request);
  }
}

const CONTROLLERS = [PagesController, SessionController];

type Start = Omit<StartProtectedApiOptions, 'options'> & { readonly options?: Partial<CertBoundAuthOptions> };

const start = async (platform: Platform, { options, ...rest }: Start = {}): Promise<ProtectedApi> =>
  startProtectedApi(world, platform, CONTROLLERS, {
    ...rest,
    options: { session: SESSION, policies: PARTNERS, ...options },
  });

const cookiesOf = ({ headers }: supertest.Response): readonly string[] =>
  [headers['set-cookie'] ?? []].flat();

const pairOf = (response: supertest.Response): string => cookiesOf(response)[0]?.split(';')[0] ?? '';

/** Starts a session. @returns the cookie, as a browser sends it */
async function cookieFor({ app }: ProtectedApi, token: string, certificate = world.client1): Promise<string> {
  const response = await clientOf(app, world, certificate, token).post('/session').expect(200);
  expect(response.body).toEqual({ started: true });
  return pairOf(response);
}

interface By {
  readonly certificate?: TestCertificate | undefined;
  readonly token?: string;
  readonly method?: 'get' | 'post';
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a request with this cookie. */
function call(
  { app }: ProtectedApi,
  cookie: string,
  path: string,
  { token, method = 'get', headers = {}, ...by }: By = {},
): supertest.Test {
  const certificate = 'certificate' in by ? by.certificate : world.client1;
  return clientOf(app, world, certificate, token)
    [method](path)
    .set({ Cookie: cookie, ...headers });
}

const CLEARED = '__Host-session=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0';

const reasonOf = ({ logger }: ProtectedApi): string | undefined =>
  /reason=(\w+)/.exec(logger.ours.findLast(({ text }) => text.includes('refused'))?.text ?? '')?.[1];

const alices = async (as: TestAuthorizationServer, lifetime = 600): Promise<string> =>
  as.accessToken({ certificate: world.client1, subject: 'alice', scope: 'payments:read', lifetime });

const later = (seconds: number): void => {
  vi.setSystemTime(Date.now() + seconds * 1_000);
};

describe.each(PLATFORMS)('sessions on %s', (platform) => {
  test('RFC8705-1 a cookie stands for a certificate-bound token, and for the certificate that it is bound to', async () => {
    const api = await start(platform);
    const token = await alices(api.as);
    const response = await clientOf(api.app, world, world.client1, token).post('/session').expect(200);
    const [cookie = '', ...others] = cookiesOf(response);
    expect(others).toEqual([]);
    expect(cookie).toMatch(/^__Host-session=[\w-]+; Path=\/; Secure; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(token.split('.')[2]);
    expect(response.headers['cache-control']).toBe('no-store');

    const pair = pairOf(response);
    const own = await call(api, pair, '/own').expect(200);
    expect(own.body).toEqual({ who: 'alice' });
    expect(cookiesOf(own)).toEqual([]);
    expect(own.headers).toMatchObject({ 'cache-control': 'no-store' });
    expect(own.headers['vary']).toMatch(/\bCookie\b/);
    expect((await call(api, `a=b; ${pair}; c=d`, '/').expect(200)).body).toEqual({ who: 'alice' });
  });

  test('an event says that a session stood for the token, and of a token that was sent it says nothing of the kind', async () => {
    const api = await start(platform);
    const events: AccessDecision[] = [];
    const hear = (event: unknown): void => void events.push(event as AccessDecision);
    subscribe(DECISION_CHANNEL, hear);
    whenOver(async () => void unsubscribe(DECISION_CHANNEL, hear));
    const token = await alices(api.as);
    const cookie = await cookieFor(api, token);
    await call(api, cookie, '/own').expect(200);
    await call(api, cookie, '/admin').expect(403);
    await call(api, '', '/own', { token }).expect(200);
    expect(events.map(({ outcome, bySession }) => [outcome, bySession])).toEqual([
      ['accepted', undefined],
      ['accepted', true],
      ['refused', true],
      ['accepted', undefined],
    ]);
  });

  test('nobody gets a session by being let in: only a route that starts one sets a cookie', async () => {
    const api = await start(platform);
    const response = await api.call(await alices(api.as)).expect(200);
    expect(cookiesOf(response)).toEqual([]);
    expect(response.headers['vary'] ?? '').not.toContain('Cookie');
  });

  test('RFC8705-1 a stolen cookie is good for nothing without the certificate, or with another one', async () => {
    const api = await start(platform);
    const cookie = await cookieFor(api, await alices(api.as));
    const without = await call(api, cookie, '/own', { certificate: undefined }).expect(401);
    expect(reasonOf(api)).toBe('certificate_missing');
    // The same browser may come with its certificate again.
    expect(cookiesOf(without)).toEqual([]);
    const thief = await call(api, cookie, '/own', { certificate: world.client2 }).expect(401);
    expect(reasonOf(api)).toBe('session_invalid');
    expect(challengeOf(thief)).toContain('error="invalid_token"');
    expect(cookiesOf(thief)).toEqual([CLEARED]);
    await call(api, cookie, '/own').expect(200);
  });

  test('a cookie that was changed, is too large, of another app or under another name is refused, and forgotten', async () => {
    const other = await start(platform, {
      options: { session: { ...SESSION, cookie: '__Host-a', secrets: [`another ${SECRET}`] } },
    });
    const named = await start(platform, { options: { session: { ...SESSION, cookie: '__Host-b' } } });
    // The last one's logger is that of all apps.
    const api = await start(platform, { options: { session: { ...SESSION, cookie: '__Host-a' } } });
    const token = await alices(api.as);
    const [, value = ''] = (await cookieFor(api, token)).split('=');
    const foreign = (await cookieFor(other, await alices(other.as))).split('=')[1] ?? '';
    const renamed = (await cookieFor(named, await alices(named.as))).split('=')[1] ?? '';
    const changed = value.slice(0, 60) + (value[60] === 'A' ? 'B' : 'A') + value.slice(61);
    for (const wrong of [changed, foreign, renamed, '', token, value.repeat(8).slice(0, 9_000)]) {
      const response = await call(api, `__Host-a=${wrong}`, '/own').expect(401);
      expect(reasonOf(api)).toBe('session_invalid');
      expect(cookiesOf(response)).toEqual([CLEARED.replace('session', 'a')]);
      // What is wrong is no lack of credentials either.
      await call(api, `__Host-a=${wrong}`, '/').expect(401);
    }
    expect((await call(api, `__host-a=${value}; a=${value}`, '/').expect(200)).body).toEqual({
      who: 'nobody',
    });
  });

  test('two cookies of the name are refused, and so is a token in the query beside one', async () => {
    const api = await start(platform);
    const cookie = await cookieFor(api, await alices(api.as));
    for (const [cookies, path] of [
      [`${cookie}; ${cookie}`, '/own'],
      [`${cookie}; __Host-session=`, '/own'],
      [cookie, '/own?access_token=a'],
    ] as const) {
      await call(api, cookies, path).expect(400);
      expect(reasonOf(api)).toBe('credentials_repeated');
    }
  });

  test('an Authorization header counts instead of the cookie, whatever is in it', async () => {
    const api = await start(platform);
    const cookie = await cookieFor(api, await alices(api.as));
    const bobs = await api.as.accessToken({ certificate: world.client2, subject: 'bob' });
    const both = await call(api, cookie, '/own', { token: bobs, certificate: world.client2 }).expect(200);
    expect(both.body).toEqual({ who: 'bob' });
    await call(api, cookie, '/own', { token: 'wrong' }).expect(401);
    await call(api, cookie, '/own', { headers: { Authorization: 'Basic YTpi' } }).expect(401);
    expect(reasonOf(api)).toBe('credentials_missing');
    await call(api, `${cookie}; ${cookie}`, '/own', { token: bobs, certificate: world.client2 }).expect(200);
  });

  test('what changes something passes by a session with the header of the option, or from a page of the same origin', async () => {
    const api = await start(platform);
    const cookie = await cookieFor(api, await alices(api.as));
    const post = (headers: Readonly<Record<string, string>>): supertest.Test =>
      call(api, cookie, '/change', { method: 'post', headers });
    await post({ 'X-Requested-With': 'fetch' }).expect(201);
    await post({ 'Sec-Fetch-Site': 'same-origin' }).expect(201);
    for (const headers of [{}, { 'Sec-Fetch-Site': 'same-site' }, { Origin: PUBLIC_URL }]) {
      const response = await post(headers as Readonly<Record<string, string>>).expect(403);
      expect(reasonOf(api)).toBe('session_foreign_page');
      expect(cookiesOf(response)).toEqual([]);
      expect(challengeOf(response)).toBeUndefined();
    }
    await call(api, cookie, '/own', { headers: { 'Sec-Fetch-Site': 'cross-site' } }).expect(403);
    // A token is sent by no browser of itself.
    await clientOf(api.app, world, world.client1, await alices(api.as))
      .post('/change')
      .expect(201);
  });

  test('INV5: a session ends with its lifetime, when it is not used, and with its token', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const api = await start(platform);
    const ended = async (cookie: string, reason: string): Promise<void> => {
      expect(cookiesOf(await call(api, cookie, '/own').expect(401))).toEqual([CLEARED]);
      expect(reasonOf(api)).toBe(reason);
    };
    const idle = await cookieFor(api, await alices(api.as));
    later(99);
    await call(api, idle, '/own').expect(200);
    later(1);
    await ended(idle, 'session_expired');

    let used = await cookieFor(api, await alices(api.as));
    for (const seconds of [90, 90, 90]) {
      later(seconds);
      used = pairOf(await call(api, used, '/own').expect(200));
    }
    later(30);
    await ended(used, 'session_expired');

    let short = await cookieFor(api, await alices(api.as, 150));
    later(90);
    short = pairOf(await call(api, short, '/own').expect(200));
    later(66);
    await ended(short, 'token_expired');
  });

  test('a session that is used gets a new cookie when a tenth of its idle time has passed, and not before', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const api = await start(platform);
    const cookie = await cookieFor(api, await alices(api.as));
    later(9);
    expect(cookiesOf(await call(api, cookie, '/own').expect(200))).toEqual([]);
    later(1);
    const renewed = await call(api, cookie, '/cached').expect(200);
    expect(pairOf(renewed)).toMatch(/^__Host-session=[\w-]+$/);
    expect(pairOf(renewed)).not.toBe(cookie);
    // Whatever the handler says, it is for no cache.
    expect(renewed.headers['cache-control']).toBe('no-store');
    const kept = await call(api, pairOf(renewed), '/cached').expect(200);
    expect(kept.headers['cache-control']).toBe('public, max-age=60');
    // Refused by its route, it was used all the same.
    later(10);
    expect(cookiesOf(await call(api, pairOf(renewed), '/admin').expect(403))).toHaveLength(1);
  });

  test('a new cookie leaves the headers alone that a handler sets', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const api = await start(platform);
    const cookie = await cookieFor(api, await alices(api.as));
    later(10);
    const { headers } = await call(api, cookie, '/cookies').expect(200);
    const cookies = [headers['set-cookie']].flat();
    expect(cookies).toContain('theme=dark');
  });

  test('a secret is changed without ending sessions: the first one seals, all open', async () => {
    const one = await start(platform);
    const token = await alices(one.as);
    const cookie = await cookieFor(one, token);
    const server = { authorizationServers: [{ issuer: one.as.issuer, tls: { ca: world.ca.cert } }] };
    const next = `the next ${SECRET}`;
    const both = await start(platform, {
      options: { ...server, session: { ...SESSION, secrets: [next, SECRET] } },
    });
    const last = await start(platform, { options: { ...server, session: { ...SESSION, secrets: [next] } } });
    await call(last, cookie, '/own').expect(401);
    const resealed = pairOf(await call(both, cookie, '/own').expect(200));
    await call(last, resealed, '/own').expect(200);
    await call(one, resealed, '/own').expect(401);
    expect(cookiesOf(await call(both, resealed, '/own').expect(200))).toEqual([]);
  });

  test('a token goes through all checks again by a session: revoked, it is refused on the next request', async () => {
    const api = await start(platform, { options: { revocations: {} } });
    const cookie = await cookieFor(api, await alices(api.as));
    await call(api, cookie, '/own').expect(200);
    await api.app.get(TokenRevocations).revoke({ issuer: api.as.issuer, subject: 'alice' });
    expect(cookiesOf(await call(api, cookie, '/own').expect(401))).toEqual([CLEARED]);
    expect(reasonOf(api)).toBe('token_revoked');
  });

  test('an opaque token is asked about again by a session, and refused when its server has revoked it', async () => {
    const introspection = { clientAuthentication: API_CLIENT };
    const api = await start(platform, { server: { introspection } });
    const token = api.as.opaqueToken({ certificate: world.client1, subject: 'alice' });
    const cookie = await cookieFor(api, token);
    await call(api, cookie, '/own').expect(200);
    api.as.revoke(token);
    await call(api, cookie, '/own').expect(401);
    expect(reasonOf(api)).toBe('token_inactive');
  });

  test('a token that no certificate binds any more, by the word of its server, is not accepted by a session', async () => {
    const introspection = { clientAuthentication: API_CLIENT, cache: { ttl: 0 } };
    const api = await start(platform, { server: { introspection }, options: { binding: 'if-bound' } });
    const token = api.as.opaqueToken({ certificate: world.client1, subject: 'alice' });
    const cookie = await cookieFor(api, token);
    await call(api, cookie, '/own').expect(200);
    const { iss, aud, exp } = { iss: api.as.issuer, aud: AUDIENCE, exp: Date.now() / 1_000 + 60 };
    api.as.answerIntrospection(token, { active: true, iss, aud, exp, sub: 'alice' });
    await call(api, '', '/own', { token }).expect(200);
    await call(api, cookie, '/own').expect(401);
    expect(reasonOf(api)).toBe('session_invalid');
  });

  test('what a route demands is demanded of a session as well, and of each policy its own', async () => {
    const api = await start(platform);
    const cookie = await cookieFor(api, await alices(api.as));
    await call(api, cookie, '/admin').expect(403);
    const response = await call(api, cookie, '/partners').expect(401);
    expect(reasonOf(api)).toBe('audience_mismatch');
    // It is good at the other policy.
    expect(cookiesOf(response)).toEqual([]);
    await call(api, cookie, '/own').expect(200);
  });

  test('RFC9449 a token that is bound to a DPoP key, or to nothing, gets no session', async () => {
    const api = await start(platform, { options: { binding: 'if-bound', dpop: { publicUrl: PUBLIC_URL } } });
    const dpop = await TestDpopClient.create();
    const start1 = async (token: string, scheme: string): Promise<supertest.Response> => {
      const request = clientOf(api.app, world, world.client1).post('/session');
      request.set('Authorization', `${scheme} ${token}`);
      if (scheme === 'DPoP')
        request.set('DPoP', await dpop.proof({ method: 'POST', url: `${PUBLIC_URL}/session`, token }));
      return request.expect(200);
    };
    const both = await api.as.accessToken({ certificate: world.client1, dpop });
    for (const response of [
      await start1(await api.as.accessToken({ dpop }), 'DPoP'),
      await start1(both, 'DPoP'),
      await start1(await api.as.accessToken(), 'Bearer'),
    ]) {
      expect(response.body).toEqual({ started: false });
      expect(cookiesOf(response)).toEqual([]);
    }
  });

  test('a token that no cookie can hold gets no session, and the log says so', async () => {
    const api = await start(platform);
    const token = await api.as.accessToken({
      certificate: world.client1,
      claims: { groups: 'g'.repeat(2_400) },
    });
    const response = await clientOf(api.app, world, world.client1, token).post('/session').expect(200);
    expect(response.body).toEqual({ started: false });
    expect(cookiesOf(response)).toEqual([]);
    const lines = api.logger.ours.filter(({ text }) => text.includes('no session'));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.text).toMatch(/too large: its cookie would take \d+ bytes/);
    expect(JSON.stringify(api.logger.lines)).not.toContain(token.slice(-40));
  });

  test('a session ends where the app ends it, in the place of a cookie that it would have got', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const api = await start(platform);
    const cookie = await cookieFor(api, await alices(api.as));
    later(50);
    const response = await call(api, cookie, '/session/end', { method: 'post' }).expect(201);
    expect(cookiesOf(response)).toEqual([CLEARED]);
    expect(response.headers['cache-control']).toBe('no-store');
    const again = await call(api, cookie, '/session', {
      method: 'post',
      headers: { 'X-Requested-With': 'fetch' },
    }).expect(200);
    expect(again.body).toEqual({ started: true });
  });

  test('a cookie means nothing without the option, and no session can be started', async () => {
    const api = await start(platform);
    const without = await startProtectedApi(world, platform, CONTROLLERS, {
      options: { policies: PARTNERS },
    });
    const cookie = await cookieFor(api, await alices(api.as));
    await call(without, cookie, '/own').expect(401);
    expect(reasonOf(without)).toBe('credentials_missing');
    expect((await call(without, cookie, '/').expect(200)).body).toEqual({ who: 'nobody' });
    const token = await alices(without.as);
    await clientOf(without.app, world, world.client1, token).post('/session').expect(500);
    // Nor in a public route, where nobody has looked at a token.
    await clientOf(api.app, world, world.client1, await alices(api.as))
      .post('/session/open')
      .expect(500);
  });
});

describe('sessions over HTTP/2', () => {
  test('RFC8705-1 a cookie stands for its token over HTTP/2, in however many fields the cookies come (RFC 9113 §8.2.3)', async () => {
    const as = await startAuthorizationServer(world);
    const watched = await createWatchedApp('fastify http2', tlsOf(world), {
      ...as.moduleOptions,
      session: SESSION,
    });
    await watched.app.listen(0, '127.0.0.1');
    const token = await as.accessToken({ certificate: world.client1 });
    const cookie = sessionCookie(token, world.client1);
    const get = async ({ key, cert }: TestCertificate, cookies: string | string[]): Promise<number> => {
      const session = connect(`https://localhost:${watched.port}`, { key, cert, ca: world.ca.cert });
      const request = session.request({ ':path': '/fast', cookie: cookies });
      const [headers] = (await once(request, 'response')) as [{ readonly ':status': number }];
      session.destroy();
      return headers[':status'];
    };
    expect(await get(world.client1, cookie)).toBe(200);
    expect(await get(world.client1, ['theme=dark', cookie])).toBe(200);
    expect(await get(world.client2, cookie)).toBe(401);
    expect(await get(world.client1, [cookie, cookie])).toBe(400);
    expect(await get(world.client1, `${cookie}x`)).toBe(401);
  });
});

describe.each(SERVERS)('sessions and GraphQL by %s', (server) => {
  test('an operation comes by the cookie of a session, which is renewed with its answer', async () => {
    const { app, as } = await startBank(world, [server, 'code-first'], {
      options: { session: SESSION },
    });
    const token = await as.accessToken({ certificate: world.client1, subject: 'alice' });
    const ask = (headers: Readonly<Record<string, string>>): supertest.Test =>
      clientOf(app, world, world.client1)
        .post('/graphql')
        .set({ Cookie: sessionCookie(token, world.client1, 50), ...headers })
        .send({ query: '{ whoami }' });
    const answer = await ask({ 'Sec-Fetch-Site': 'same-origin' }).expect(200);
    expect(JSON.stringify(answer.body)).toContain('alice');
    expect(pairOf(answer)).toMatch(/^__Host-session=[\w-]+$/);
    expect(answer.headers['cache-control']).toContain('no-store');
    const foreign = await ask({});
    expect(JSON.stringify(foreign.body)).not.toContain('alice');
  });
});
