import { describeEntrances, type RevocationStore } from 'nestjs-cert-bound-auth';
import type { LogoutProviderOptions } from 'nestjs-cert-bound-auth/shared-signals';
import { describe, expect, test } from 'vitest';
import { signCompact } from '../../../lib/testing/minted-token.js';
import { type Platform, PLATFORMS } from '../../support/platforms.js';
import { type SignalApi, type SignalApiOptions, startSignalApi } from '../../support/signal-api.js';
import { type Answered, TestTransmitter } from '../../support/transmitter.js';
import { createWorld, startAuthorizationServer } from '../../support/world.js';

const world = await createWorld();
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const nowInSeconds = (): number => Math.floor(Date.now() / 1000);

/** What a logout token says that differs from a right one; `undefined` removes a member. */
interface LogoutOptions {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
}

interface Scene extends SignalApi {
  readonly issuer: string;
  readonly token: (claims: Readonly<Record<string, unknown>>) => Promise<string>;
  /** A logout token, of session 1 unless told otherwise. */
  readonly logoutToken: (options?: LogoutOptions) => Promise<string>;
  readonly send: (form: string, headers?: Readonly<Record<string, string>>) => Promise<Answered>;
  /** Takes the keys of the provider away. */
  readonly breakKeys: () => void;
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

async function stage(
  platform: Platform,
  provider: Partial<LogoutProviderOptions> = {},
  options: SignalApiOptions = {},
): Promise<Scene> {
  const as = await startAuthorizationServer(world);
  const transmitter = await TestTransmitter.start(world);
  const api = await startSignalApi(
    world,
    platform,
    { as, transmitter },
    {
      ...options,
      signals: (pushing) => ({
        transmitters: [pushing],
        backChannelLogout: {
          path: '/logout',
          providers: [
            { issuer: as.issuer, clientId: ['web', 'app'], tls: { ca: world.ca.cert }, ...provider },
          ],
        },
      }),
    },
  );
  const { privateKey, jwk } = as.signingKey;
  return {
    ...api,
    issuer: as.issuer,
    token: async (claims) => as.accessToken({ certificate: world.client1, subject: 'alice', claims }),
    logoutToken: async ({ claims, header } = {}) =>
      signCompact(
        clean({ alg: jwk.alg, kid: jwk.kid, typ: 'logout+jwt', ...header }),
        clean({
          iss: as.issuer,
          aud: 'web',
          iat: nowInSeconds(),
          exp: nowInSeconds() + 120,
          jti: 'logout',
          sid: 'sid-1',
          events: { [EVENT]: {} },
          ...claims,
        }),
        privateKey,
      ),
    send: async (form, headers = {}) => api.push(form, { path: '/logout', headers: { ...FORM, ...headers } }),
    breakKeys: () => as.behave('jwks', { status: 500 }),
  };
}

function clean(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

const FAILED = {
  status: 400,
  headers: expect.objectContaining({
    'cache-control': 'no-store',
    'content-type': 'application/json',
  }) as unknown,
  body: expect.stringMatching(/^\{"error":"invalid_request","error_description":"[^"]+"\}$/) as unknown,
};

describe.each(PLATFORMS)('sessions that an OpenID provider ends, on %s', (platform) => {
  test.each([
    ['a session', { sid: 'sid-1' }, [401, 200, 200]],
    ['a user', { sid: undefined, sub: 'alice' }, [401, 401, 401]],
    ['a session of a user', { sub: 'alice' }, [401, 200, 401]],
    ['a session of somebody else', { sub: 'bob' }, [200, 200, 200]],
  ])('OIDC-BCL-2.7: the tokens of %s are refused from the 200 on', async (_, claims, statuses) => {
    const { call, send, token, logoutToken } = await stage(platform);
    const tokens = [
      await token({ sid: 'sid-1' }),
      await token({ sid: 'sid-2' }),
      await token({ iat: nowInSeconds() - 5 }),
    ];
    for (const each of tokens) expect(await call(each)).toBe(200);
    const answer = await send(`logout_token=${await logoutToken({ claims })}&more=1`);
    expect(answer).toMatchObject({
      status: 200,
      body: '',
      headers: { 'cache-control': 'no-store', 'content-length': '0' },
    });
    const found: number[] = [];
    for (const each of tokens) found.push(await call(each));
    expect(found).toEqual(statuses);
  });

  test('OIDC-BCL-2.7: a session that has ended never comes back, and new tokens of the user are good', async () => {
    const { call, send, token, logoutToken } = await stage(platform);
    const claims = { sub: 'alice', iat: nowInSeconds() - 30 };
    expect(await send(`logout_token=${await logoutToken({ claims })}`)).toMatchObject({ status: 200 });
    const statuses = [
      await call(await token({ sid: 'sid-1' })),
      await call(await token({ sid: 'sid-2' })),
      await call(await token({})),
    ];
    expect(statuses).toEqual([401, 200, 200]);
  });

  test.each<readonly [string, LogoutOptions]>([
    ['no event', { claims: { events: {} } }],
    ['an event that is no object', { claims: { events: { [EVENT]: true } } }],
    ['no events', { claims: { events: undefined } }],
    ['a nonce', { claims: { nonce: 'n' } }],
    ['neither session nor user', { claims: { sid: undefined } }],
    ['a session that is no text', { claims: { sid: 7 } }],
    ['a user that is no text', { claims: { sub: '' } }],
    ['another client', { claims: { aud: 'other' } }],
    ['another issuer', { claims: { iss: 'https://other.example.com' } }],
    ['a past expiry', { claims: { exp: nowInSeconds() - 60 } }],
    ['no expiry', { claims: { exp: undefined } }],
    ['no iat', { claims: { iat: undefined } }],
    ['no jti', { claims: { jti: undefined } }],
    ['no type', { header: { typ: undefined } }],
    ['the type of any JWT', { header: { typ: 'JWT' } }],
    ['the type of an access token', { header: { typ: 'at+jwt' } }],
    ['the type of a security event', { header: { typ: 'secevent+jwt' } }],
    ['an unknown key', { header: { kid: 'other' } }],
  ])('OIDC-BCL-2.6: a logout token with %s is refused, and ends nothing', async (_, options) => {
    const { call, send, token, logoutToken } = await stage(platform);
    const known = await token({ sid: 'sid-1' });
    expect(await send(`logout_token=${await logoutToken(options)}`)).toMatchObject(FAILED);
    expect(await call(known)).toBe(200);
  });

  test('OIDC-BCL-2.5: requests that are none of a logout are refused', async () => {
    const { app, push, send, token, logoutToken } = await stage(platform);
    expect(describeEntrances(app).find(({ name }) => name === '/logout')).toMatchObject({ access: 'public' });
    const right = `logout_token=${await logoutToken()}`;
    for (const form of ['', 'logout_token=', 'logout_token=x', `${right}&${right}`, await logoutToken()])
      expect(await send(form)).toMatchObject(FAILED);
    expect(await send(`logout_token=${await token({})}`)).toMatchObject(FAILED);
    expect(await send(right, { 'content-type': 'application/json' })).toMatchObject(FAILED);
    expect(await send('x'.repeat(70_000))).toMatchObject(FAILED);
    expect(await push('', { path: '/logout', method: 'GET' })).toMatchObject({ status: 405 });
    expect(await push(await logoutToken())).toMatchObject({ status: 400 });
  });

  test('tokens without a type are accepted where the app says so, and those of other kinds are not', async () => {
    const { send, logoutToken } = await stage(platform, { typ: 'if-present' });
    for (const typ of [undefined, 'JWT', 'logout+jwt', 'application/logout+JWT'])
      expect(await send(`logout_token=${await logoutToken({ header: { typ } })}`)).toMatchObject({
        status: 200,
      });
    for (const typ of ['at+jwt', 7, null])
      expect(await send(`logout_token=${await logoutToken({ header: { typ } })}`)).toMatchObject(FAILED);
  });

  test('OIDC-BCL-2.8: a logout that cannot be stored, or whose keys cannot be had, has failed', async () => {
    let isDown = true;
    const store: RevocationStore = {
      follow: () => ({
        currentUntil: Infinity,
        problem: undefined,
        start: async () => undefined,
        close: () => undefined,
        keep: async (entries) => {
          if (isDown) throw new Error('it is down');
          return entries;
        },
      }),
    };
    const { call, send, token, logoutToken } = await stage(
      platform,
      {},
      { options: { revocations: { store } } },
    );
    const known = await token({ sid: 'sid-1' });
    const later = {
      status: 400,
      body: expect.stringContaining('"error":"temporarily_unavailable"') as unknown,
    };
    expect(await send(`logout_token=${await logoutToken()}`)).toMatchObject(later);
    expect(await call(known)).toBe(200);
    isDown = false;
    expect(await send(`logout_token=${await logoutToken()}`)).toMatchObject({ status: 200 });
    expect(await call(known)).toBe(401);
    const other = await stage(platform);
    other.breakKeys();
    expect(await other.send(`logout_token=${await other.logoutToken()}`)).toMatchObject(later);
  });

  test('keys by jwksUri need no metadata, and a provider whose tokens are accepted nowhere stops the boot', async () => {
    const as = await startAuthorizationServer(world, { discovery: 'none' });
    await expect(stage(platform, { issuer: as.issuer })).rejects.toThrow('accepted nowhere');
    const { send, logoutToken } = await stage(platform, { jwksUri: as.jwksUri });
    expect(await send(`logout_token=${await logoutToken()}`)).toMatchObject(FAILED);
  });
});
