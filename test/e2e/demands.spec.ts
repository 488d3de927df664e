import {
  applyDecorators,
  Controller,
  Get,
  type INestApplication,
  NotFoundException,
  Param,
  Post,
  type Type,
} from '@nestjs/common';
import {
  AuthenticationContext,
  AuthorizationDetails,
  Demand,
  describeEntrances,
  isAmountWithin,
  Public,
  RequireClaim,
  Scopes,
} from 'nestjs-cert-bound-auth';
import { type TestAuthorizationServer, TestDpopClient } from 'nestjs-cert-bound-auth/testing';
import { decodeJwt } from 'jose';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PUBLIC_URL, startDpopApi } from '../support/dpop.js';
import { PLATFORMS } from '../support/platforms.js';
import {
  challengeOf,
  clientOf,
  createWorld,
  startApi,
  startAuthorizationServer,
  type World,
} from '../support/world.js';

let asked: string[] = [];

const StepUp = (): ClassDecorator & MethodDecorator =>
  applyDecorators(Scopes('pay'), AuthenticationContext({ acrValues: ['sca'], maxAge: 300 }));

@Controller('customers')
@RequireClaim('realm_access.roles', 'clerk', 'admin')
class CustomersController {
  @Get('all') all(): string {
    return 'all';
  }
  @Get('audit') @RequireClaim('department', 'audit') audit(): string {
    return 'audit';
  }
  @Get('open') @Public() open(): string {
    return 'open';
  }
}

@Controller()
class MoneyController {
  @Post('pay') @StepUp() pay(): string {
    return 'paid';
  }
  @Post('sign') @AuthenticationContext({ acrValues: ['sca', 'mfa'], maxAge: 300 }) sign(): string {
    return 'signed';
  }
  @Post('initiate/:amount')
  @AuthorizationDetails('payment', (detail, { params }) =>
    isAmountWithin((params as { readonly amount: string }).amount, detail['limit']),
  )
  initiate(): string {
    return 'initiated';
  }
  @Get('accounts/:owner')
  @Demand(async ({ subject }, { params }) => {
    const { owner } = params as { readonly owner: string };
    asked.push(owner);
    if (owner === 'nobody') throw new NotFoundException('There is no such account');
    if (owner === 'broken') throw new Error('no database');
    return owner === subject;
  })
  account(@Param('owner') owner: string): string {
    return owner;
  }
  @Get('big') @Demand(() => false, { challenge: { scope: ['big'] } }) big(): string {
    return 'big';
  }
}

@Controller('mostly-public')
@Public()
class MostlyPublicController {
  @Get() open(): string {
    return 'open';
  }
  @Get('closed') @RequireClaim('vip', true) closed(): string {
    return 'closed';
  }
}

const CONTROLLERS: readonly Type[] = [CustomersController, MoneyController, MostlyPublicController];

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
beforeEach(() => {
  asked = [];
});

describe.each(PLATFORMS)('what a route demands beside scopes, on %s', (platform) => {
  async function start(globalGuards = true): Promise<{ app: INestApplication; as: TestAuthorizationServer }> {
    const as = await startAuthorizationServer(world);
    return { as, app: await startApi(world, platform, as, CONTROLLERS, { globalGuards }) };
  }

  interface Answer {
    readonly status: number;
    readonly challenge: string | undefined;
    readonly body: unknown;
  }

  async function send(
    app: INestApplication,
    method: 'get' | 'post',
    path: string,
    token?: string,
  ): Promise<Answer> {
    const response = await clientOf(app, world, world.client1, token)[method](path);
    return { status: response.status, challenge: challengeOf(response), body: response.body as unknown };
  }

  async function call(
    { app, as }: Awaited<ReturnType<typeof start>>,
    [method, path]: readonly ['get' | 'post', string],
    claims: Readonly<Record<string, unknown>> = {},
    scope = '',
  ): Promise<Answer> {
    const token = await as.accessToken({ certificate: world.client1, claims, scope, subject: 'alice' });
    return send(app, method, path, token);
  }

  test.each([true, false])(
    'claims of class and method are all needed, and a public method needs none (globalGuards: %s)',
    async (globalGuards) => {
      const api = await start(globalGuards);
      const clerk = { realm_access: { roles: ['clerk'] } };
      const status = async (path: string, claims?: object): Promise<number> =>
        (await call(api, ['get', path], { ...claims })).status;
      expect(await status('/customers/all')).toBe(403);
      expect(await status('/customers/all', clerk)).toBe(200);
      expect(await status('/customers/audit', clerk)).toBe(403);
      expect(await status('/customers/audit', { department: 'audit' })).toBe(403);
      expect(await status('/customers/audit', { ...clerk, department: 'audit' })).toBe(200);
      expect(await status('/customers/open')).toBe(200);
      expect(await status('/mostly-public')).toBe(200);
      expect(await status('/mostly-public/closed')).toBe(403);
      expect(await status('/mostly-public/closed', { vip: true })).toBe(200);
      const nobody = await send(api.app, 'get', '/customers/all');
      expect(nobody.status).toBe(401);
    },
  );

  test('who lacks a claim gets no challenge, and learns nothing of what is demanded', async () => {
    const refused = await call(await start(), ['get', '/customers/all']);
    expect(refused).toMatchObject({ status: 403, challenge: undefined });
    expect(refused.body).toEqual({
      statusCode: 403,
      error: 'Forbidden',
      message: 'This access token does not allow what is asked for',
    });
  });

  test('RFC9470-1, RFC9470-5, RFC9470-9: a weak authentication is challenged by all that the call needs, after the token is checked', async () => {
    const api = await start();
    const now = Math.floor(Date.now() / 1000);
    const weak = await call(api, ['post', '/pay'], { acr: 'pwd', auth_time: now });
    expect(weak.status).toBe(401);
    expect(weak.challenge).toContain('error="insufficient_user_authentication"');
    expect(weak.challenge).toContain('acr_values="sca", max_age="300", scope="pay"');
    const old = await call(api, ['post', '/pay'], { acr: 'sca', auth_time: now - 400 }, 'pay');
    expect(old.challenge).toContain('acr_values="sca", max_age="300"');
    expect(old.challenge).not.toContain('scope=');
    expect(await call(api, ['post', '/pay'], { acr: 'sca', auth_time: now }, 'pay')).toMatchObject({
      status: 201,
    });
    expect(await call(api, ['post', '/pay'], { acr: 'sca', auth_time: now })).toMatchObject({ status: 403 });
    const nobody = await send(api.app, 'post', '/pay');
    expect(nobody.challenge).not.toContain('acr_values');
    const stolen = await api.as.accessToken({ certificate: world.client1, claims: { acr: 'pwd' } });
    const thief = await clientOf(api.app, world, world.client2, stolen).post('/pay').expect(401);
    expect(challengeOf(thief)).toContain('error="invalid_token"');
    expect(challengeOf(thief)).not.toContain('acr_values');
  });

  test('RFC9470-2, RFC9470-3, RFC9470-6, RFC9470-10: all users are told the same values, in the order of the route, on the scheme that was used', async () => {
    const { app, as } = await startDpopApi(world, platform, CONTROLLERS);
    const key = await TestDpopClient.create();
    const now = Math.floor(Date.now() / 1000);
    const sign = async (subject: string, acr: string, isProved: boolean): Promise<Omit<Answer, 'body'>> => {
      const given = { subject, claims: { acr, auth_time: now } };
      const binding = isProved ? { dpop: key } : { certificate: world.client1 };
      const token = await as.accessToken({ ...binding, ...given });
      const proof = await key.headers({ token, method: 'POST', url: `${PUBLIC_URL}/sign` });
      const response = isProved
        ? await clientOf(app, world)
            .post('/sign')
            .set({ ...proof })
        : await clientOf(app, world, world.client1, token).post('/sign');
      return { status: response.status, challenge: challengeOf(response) };
    };
    for (const subject of ['alice', 'administrator']) {
      for (const scheme of ['Bearer', 'DPoP']) {
        const { status, challenge } = await sign(subject, 'pwd', scheme === 'DPoP');
        expect([subject, status]).toEqual([subject, 401]);
        expect(challenge).toMatch(
          new RegExp(
            `^${scheme} error="insufficient_user_authentication", error_description="[^"]*", acr_values="sca mfa", max_age="300"`,
          ),
        );
      }
    }
    for (const acr of ['sca', 'mfa']) expect((await sign('alice', acr, false)).status).toBe(201);
  });

  test('RFC9470-7, RFC9396-2, RFC9396-13: what the answer of an introspection says alone of user and details counts as in a JWT', async () => {
    const as = await startAuthorizationServer(world);
    const [server] = as.moduleOptions.authorizationServers;
    const app = await startApi(
      world,
      platform,
      [{ ...server, introspection: { ...server?.introspection, tokens: 'all' } } as never],
      CONTROLLERS,
    );
    const statusOf = async (path: string, said: object): Promise<readonly number[]> => {
      const certificate = world.client1;
      const opaque = as.opaqueToken({ certificate, scope: 'pay', claims: { ...said } });
      const jwt = await as.accessToken({ certificate, scope: 'pay' });
      as.answerIntrospection(jwt, { active: true, ...decodeJwt(jwt), ...said });
      const answers = [opaque, jwt].map(async (token) => send(app, 'post', path, token));
      return (await Promise.all(answers)).map(({ status }) => status);
    };
    const now = Math.floor(Date.now() / 1000);
    expect(await statusOf('/pay', { acr: 'sca', auth_time: now })).toEqual([201, 201]);
    expect(await statusOf('/pay', { acr: 'sca', auth_time: now - 400 })).toEqual([401, 401]);
    expect(await statusOf('/pay', { acr: 'pwd', auth_time: now })).toEqual([401, 401]);
    const details = { authorization_details: [{ type: 'payment', limit: '100.00' }] };
    expect(await statusOf('/initiate/100', details)).toEqual([201, 201]);
    expect(await statusOf('/initiate/101', details)).toEqual([403, 403]);
  });

  test('RFC9396-5, RFC9396-8, RFC9396-10: an entry of authorization_details is judged by the function of its type, with the call', async () => {
    const api = await start();
    const claims = { authorization_details: [{ type: 'payment', limit: '100.00' }] };
    expect(await call(api, ['post', '/initiate/100'], claims)).toMatchObject({ status: 201 });
    const refused = await call(api, ['post', '/initiate/100.01'], claims);
    expect(refused).toMatchObject({ status: 403 });
    expect(refused.challenge).toContain('error="insufficient_scope"');
    expect(await call(api, ['post', '/initiate/1'])).toMatchObject({ status: 403 });
    const token = await api.as.accessToken({ certificate: world.client1, claims });
    await clientOf(api.app, world, world.client1, token)
      .post('/initiate/100.01')
      .send({ authorization_details: [{ type: 'payment', limit: '1000.00' }] })
      .expect(403);
  });

  test.each([true, false])(
    "a check of the app's own is asked once for each request, and an HttpException of it is the answer (globalGuards: %s)",
    async (globalGuards) => {
      const api = await start(globalGuards);
      expect(await call(api, ['get', '/accounts/alice'])).toMatchObject({ status: 200 });
      expect(asked).toEqual(['alice']);
      expect(await call(api, ['get', '/accounts/bob'])).toMatchObject({ status: 403, challenge: undefined });
      const hidden = await call(api, ['get', '/accounts/nobody']);
      expect(hidden).toMatchObject({ status: 404, challenge: undefined });
      expect(hidden.body).toMatchObject({ message: 'There is no such account' });
      const broken = await call(api, ['get', '/accounts/broken']);
      expect(broken).toMatchObject({ status: 403 });
      expect(JSON.stringify(broken.body)).not.toContain('database');
      const big = await call(api, ['get', '/big']);
      expect(big.challenge).toContain('error="insufficient_scope"');
      expect(big.challenge).toContain('scope="big"');
      expect(asked).toEqual(['alice', 'bob', 'nobody', 'broken']);
    },
  );

  test('the entrances tell what is demanded', async () => {
    const { app } = await start();
    const found = describeEntrances(app).find(({ name }) => name === 'GET /customers/audit');
    expect(found?.demands.checks).toEqual([
      { kind: 'claim', path: 'realm_access.roles', anyOf: ['clerk', 'admin'] },
      { kind: 'claim', path: 'department', anyOf: ['audit'] },
    ]);
  });
});

test.each<[string, () => unknown, RegExp]>([
  ['an empty path', () => RequireClaim(''), /needs the name or the path of a claim/],
  ['a value that is an object', () => RequireClaim('a', {} as never), /takes text, numbers and booleans/],
  ['no requirement', () => AuthenticationContext({}), /needs acrValues, maxAge, or both/],
  ['RFC9470-11: an age that nobody can meet', () => AuthenticationContext({ maxAge: 0 }), /at least 10/],
  [
    'RFC9470-11: a quote in an acr value',
    () => AuthenticationContext({ acrValues: ['a"'] }),
    /without spaces, quotes/,
  ],
  ['no type', () => AuthorizationDetails('', { actions: ['a'] }), /needs the type/],
  [
    'a field that is not common',
    () => AuthorizationDetails('t', { limit: ['a'] } as never),
    /needs lists of actions/,
  ],
  [
    'an identifier that is no text',
    () => AuthorizationDetails('t', { identifier: 7 } as never),
    /needs lists of actions/,
  ],
  [
    'a list of what is no text',
    () => AuthorizationDetails('t', { actions: [7] } as never),
    /needs lists of actions/,
  ],
  [
    'a list that is none',
    () => AuthorizationDetails('t', { actions: 'a' } as never),
    /needs lists of actions/,
  ],
  ['a type that is no text', () => AuthorizationDetails(7 as never, { actions: ['a'] }), /needs the type/],
  ['a path that is no text', () => RequireClaim([7] as never), /needs the name or the path/],
  ['no path', () => RequireClaim([] as never), /needs the name or the path/],
  ['no field', () => AuthorizationDetails('t', {}), /needs lists of actions/],
  ['no function', () => Demand('a' as never), /needs a function/],
  ['two scopes in one', () => Demand(() => true, { challenge: { scope: ['a b'] } }), /is a list of scopes/],
])('a demand that makes no sense throws where it is written: %s', (_, decorate, message) => {
  expect(decorate).toThrow(message);
});
