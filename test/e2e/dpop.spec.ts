import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Param, Post, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import {
  CertBoundAuthModule,
  type DpopAlgorithm,
  type PublicUrlOf,
  type ReplayStore,
  Scopes,
  TooManyProofsError,
} from 'nestjs-cert-bound-auth';
import { TestDpopClient, type TestDpopFault } from 'nestjs-cert-bound-auth/testing';
import supertest, { type Response } from 'supertest';
import { describe, expect, test } from 'vitest';
import { PUBLIC_URL, sendDpop, startDpopApi } from '../support/dpop.js';
import { PLATFORMS, startApp } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { TokenController } from '../support/token-controller.js';
import {
  challengeOf,
  clientOf,
  createWorld,
  startAuthorizationServer,
  whenOver,
  type World,
} from '../support/world.js';

@Controller('items')
class ItemsController {
  @Get(':id') get(@Param('id') id: string): string {
    return id;
  }
  @Post() post(): string {
    return 'posted';
  }
}

@Controller('wild')
class WildController {
  @Get([':a', ':a/:b', ':a/:b/:c']) get(): string {
    return 'got';
  }
}

@Controller('strategy')
@UseGuards(AuthGuard('cert-bound'))
class StrategyController {
  @Get() get(): string {
    return 'got';
  }
}

@Controller('scoped')
class ScopedController {
  @Get() @Scopes('accounts:read') get(): string {
    return 'got';
  }
}

const CONTROLLERS = [TokenController, ItemsController, WildController, StrategyController, ScopedController];
const ALGS = 'ES256 ES384 ES512 PS256 PS384 PS512 RS256 EdDSA Ed25519';
const BARE_DPOP = `DPoP algs="${ALGS}"`;

const world = await createWorld();
const [client, other] = [await TestDpopClient.create(), await TestDpopClient.create()];

/** Sends a request target as it stands: clients would resolve dots in it. */
async function statusOfTarget(
  port: number,
  { ca }: World,
  target: string,
  headers: Record<string, string>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = httpsRequest({ host: '127.0.0.1', port, path: target, headers, ca: ca.cert, agent: false });
    call.once('error', reject).once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.end();
  });
}

function errorOf(response: Response): string | undefined {
  return /error="(\w+)"/.exec(challengeOf(response) ?? '')?.[1];
}

describe.each(PLATFORMS)('an API that accepts DPoP on %s', (platform) => {
  test('RFC9449-1: a token is accepted with a proof by its key', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
    const response = await sendDpop(app, world, client, await as.accessToken({ dpop: client }));
    expect(response.status).toBe(200);
    expect(response.body).toMatchObject({
      boundBy: ['dpop'],
      confirmation: { jwkThumbprint: client.thumbprint },
    });
    expect(response.headers).not.toHaveProperty('www-authenticate');
    expect(response.headers).not.toHaveProperty('dpop-nonce');
  });

  test('RFC9449-1: an opaque token is accepted with a proof by its key', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
    const token = as.opaqueToken({ dpop: client });
    expect((await sendDpop(app, world, client, token)).body).toMatchObject({ boundBy: ['dpop'] });
    expect(errorOf(await sendDpop(app, world, other, token))).toBe('invalid_token');
    const bearer = await clientOf(app, world, undefined, token).get('/');
    expect(errorOf(bearer)).toBe('invalid_token');
  });

  const algorithms: readonly DpopAlgorithm[] = [
    'ES256',
    'ES384',
    'ES512',
    'PS256',
    'RS256',
    'EdDSA',
    'Ed25519',
  ];
  test.each(algorithms)('RFC9449-1: a proof signed by %s is accepted', async (algorithm) => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
    const signer = await TestDpopClient.create(algorithm);
    const token = await as.accessToken({ dpop: signer });
    expect((await sendDpop(app, world, signer, token)).status).toBe(200);
    expect((await sendDpop(app, world, signer, token)).status).toBe(200);
  });

  test('RFC9449-5: only the algorithms of the option are accepted, and the challenge names them', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS, {
      dpop: { algorithms: ['ES384', 'EdDSA'] },
    });
    const response = await sendDpop(app, world, client, await as.accessToken({ dpop: client }));
    expect(errorOf(response)).toBe('invalid_dpop_proof');
    expect(challengeOf(response)).toContain('algs="ES384 EdDSA"');
  });

  const faults: readonly TestDpopFault[] = [
    'unsigned',
    'tampered',
    'foreign-key',
    'private-key',
    'other-method',
    'other-url',
    'other-token',
    'stale',
    'future',
    'no-jti',
  ];
  test.each(faults)(
    'RFC9449-3: a proof with the fault %s is refused as invalid_dpop_proof',
    async (fault) => {
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
      const response = await sendDpop(app, world, client, await as.accessToken({ dpop: client }), { fault });
      expect(response.status).toBe(401);
      expect(challengeOf(response)).toBe(
        `DPoP error="invalid_dpop_proof", error_description="The request must carry exactly one DPoP proof, ` +
          `fresh and made for it and its access token", algs="${ALGS}"`,
      );
    },
  );

  test('RFC9449-3: a right proof by another key is refused as invalid_token', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
    const response = await sendDpop(app, world, other, await as.accessToken({ dpop: client }));
    expect(response.status).toBe(401);
    expect(errorOf(response)).toBe('invalid_token');
  });

  test('INV1: a token with both bindings needs the certificate and the proof', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
    const token = await as.accessToken({ dpop: client, certificate: world.client1 });
    const right = await sendDpop(app, world, client, token, { certificate: world.client1 });
    expect(right.body).toMatchObject({ boundBy: ['certificate', 'dpop'] });
    const wrong = [
      await sendDpop(app, world, client, token),
      await sendDpop(app, world, client, token, { certificate: world.client2 }),
      await sendDpop(app, world, other, token, { certificate: world.client1 }),
      await clientOf(app, world, world.client1, token).get('/'),
      await clientOf(app, world, world.client1, token)
        .get('/')
        .set('DPoP', await client.proof({ url: PUBLIC_URL, token })),
    ];
    expect(wrong.map((response) => [response.status, errorOf(response)])).toEqual(
      wrong.map(() => [401, 'invalid_token']),
    );
    const unproven = await clientOf(app, world, world.client1).get('/').set('Authorization', `DPoP ${token}`);
    expect(errorOf(unproven)).toBe('invalid_dpop_proof');
  });

  test('RFC9449-4: an answer that calls the token a DPoP token, but names no key, lets nobody in', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS, {
      options: { binding: 'if-bound' },
    });
    for (const type of ['DPoP', 'dpop']) {
      const token = as.opaqueToken({ claims: { token_type: type } });
      expect(errorOf(await clientOf(app, world, undefined, token).get('/'))).toBe('invalid_token');
    }
    const bearer = as.opaqueToken({ claims: { token_type: 'Bearer' } });
    expect((await clientOf(app, world, undefined, bearer).get('/')).status).toBe(200);
  });

  test('RFC9449-4: a certificate-bound or unbound token sent as DPoP is refused', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS, {
      options: { binding: 'if-bound' },
    });
    const certificate = world.client1;
    for (const token of [await as.accessToken({ certificate }), await as.accessToken()]) {
      expect(errorOf(await sendDpop(app, world, client, token, { certificate }))).toBe('invalid_token');
      expect((await clientOf(app, world, certificate, token).get('/')).status).toBe(200);
    }
  });

  test('RFC8705-4: a DPoP header beside a certificate-bound bearer token is no error', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
    const token = await as.accessToken({ certificate: world.client1 });
    const response = await clientOf(app, world, world.client1, token).get('/').set('DPoP', 'rubbish');
    expect(response.body).toMatchObject({ boundBy: ['certificate'] });
  });

  test('INV1: a token with jkt is refused without the option dpop, and the scheme DPoP is unknown', async () => {
    const { as, app } = await startProtectedApi(world, platform, CONTROLLERS);
    const tokens = [
      await as.accessToken({ dpop: client, certificate: world.client1 }),
      await as.accessToken({ dpop: client }),
    ];
    for (const token of tokens) {
      const bearer = await clientOf(app, world, world.client1, token).get('/');
      expect(challengeOf(bearer)).toMatch(/^Bearer error="invalid_token", error_description="[^"]*"$/);
      const dpop = await sendDpop(app, world, client, token, { certificate: world.client1 });
      expect([dpop.status, challengeOf(dpop)]).toEqual([401, 'Bearer']);
    }
  });

  test('INV8: an app with dpop boots on a server that asks for no certificate, because it can let clients in', async () => {
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot({ ...as.moduleOptions, dpop: { publicUrl: PUBLIC_URL } });
    const app = await startApp(platform, {
      module: class App {},
      imports: [auth],
      controllers: [TokenController],
    });
    whenOver(async () => app.close());
    const token = await as.accessToken({ dpop: client });
    const headers = await client.headers({ url: PUBLIC_URL, token });
    const response = await supertest(app.getHttpServer() as never)
      .get('/')
      .set({ ...headers });
    expect(response.body).toMatchObject({ boundBy: ['dpop'] });
  });

  test('RFC9449-7: a request without credentials gets both challenges, without error, in one field', async () => {
    const { app } = await startDpopApi(world, platform, CONTROLLERS, { options: { realm: 'bank' } });
    for (const path of ['/', '/strategy']) {
      const response = await clientOf(app, world).get(path);
      expect(challengeOf(response)).toBe(`Bearer realm="bank", DPoP realm="bank", algs="${ALGS}"`);
    }
    const basic = await clientOf(app, world).get('/').set('Authorization', 'Basic YTpi');
    expect(challengeOf(basic)).toBe(`Bearer realm="bank", DPoP realm="bank", algs="${ALGS}"`);
  });

  test('RFC9449-7: the error stands only on the scheme that was used', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
    const bound = await as.accessToken({ dpop: client });
    const asBearer = await clientOf(app, world, undefined, bound).get('/');
    expect(challengeOf(asBearer)).toBe(
      'Bearer error="invalid_token", error_description="The access token is not valid, or not bound to a key that ' +
        `the caller has proved", ${BARE_DPOP}`,
    );
    const rubbish = await clientOf(app, world).get('/').set('Authorization', 'DPoP rubbish');
    expect(challengeOf(rubbish)).toMatch(
      /^DPoP error="invalid_token", error_description="[^"]*", algs="[^"]*"$/,
    );
    const malformed = await clientOf(app, world).get('/').set('Authorization', 'DPoP');
    expect([malformed.status, errorOf(malformed)]).toEqual([400, 'invalid_request']);
    expect(challengeOf(malformed)).toMatch(/^DPoP error/);
    const bearer = await clientOf(app, world).get('/').set('Authorization', 'Bearer');
    expect([bearer.status, challengeOf(bearer)]).toEqual([400, expect.not.stringContaining('DPoP')]);
  });

  test('RFC9449-7: a missing scope is reported on the scheme that was used', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS, { options: { realm: 'bank' } });
    const response = await sendDpop(app, world, client, await as.accessToken({ dpop: client }), {
      path: '/scoped',
    });
    expect(response.status).toBe(403);
    expect(challengeOf(response)).toBe(
      'DPoP realm="bank", error="insufficient_scope", error_description="The access token does not have the scope ' +
        `that this resource needs", scope="accounts:read", algs="${ALGS}"`,
    );
  });

  test("RFC9449-1: AuthGuard('cert-bound') alone checks the proof as well", async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS, { globalGuards: false });
    const token = await as.accessToken({ dpop: client });
    expect((await sendDpop(app, world, client, token, { path: '/strategy' })).status).toBe(200);
    const stolen = await sendDpop(app, world, other, token, { path: '/strategy' });
    expect([stolen.status, errorOf(stolen)]).toEqual([401, 'invalid_token']);
  });

  describe('RFC9449-2: the target of a proof', () => {
    test('a proof matches without query and fragment, but not in another case of the path', async () => {
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
      const token = await as.accessToken({ dpop: client });
      const send = async (path: string, url: string): Promise<number> =>
        (await sendDpop(app, world, client, token, { path, url: `${PUBLIC_URL}${url}` })).status;
      expect(await send('/items/7?a=b', '/items/7')).toBe(200);
      expect(await send('/items/7', '/items/%37')).toBe(200);
      expect(await send('/items/a%20b', '/items/a%20b')).toBe(200);
      expect(await send('/items/a%2fb', '/items/a%2Fb')).toBe(200);
      expect(await send('/items/7', '/items/8')).toBe(401);
      expect(await send('/items/x', '/items/X')).toBe(401);
    });

    test('a request target that routers may read in another way is refused', async () => {
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS, {
        options: { binding: 'if-bound' },
      });
      const token = await as.accessToken({ dpop: client });
      const { port } = (app.getHttpServer() as { address: () => AddressInfo }).address();
      const send = async (target: string, htu: string): Promise<number> => {
        const headers = await client.headers({ url: `${PUBLIC_URL}${htu}`, token });
        return statusOfTarget(port, world, target, { ...headers });
      };
      expect(await send('/items/7', '/items/7')).toBe(200);
      expect(await send('https://anything.example:8443/items/7', '/items/7')).toBe(200);
      expect(await send('https://[::1]/items/7', '/items/7')).toBe(200);
      expect(await send('/wild/../items/7', '/items/7')).toBe(401);
      expect(await send('/wild/%2e%2E/items/7', '/items/7')).toBe(401);
      expect(await send('/wild/./items', '/wild/items')).toBe(401);
      expect(await send('/wild/a/..', '/wild/')).toBe(401);
      expect(await send('/wild/a/..?b', '/wild/')).toBe(401);
      expect(await send('/wild/..a/b', '/wild/..a/b')).toBe(200);
      // Routers differ in what they make of these: wherever one leads to a handler, the proof does not fit.
      for (const target of [
        'http://x:wild/items',
        'http://a@b/items/7',
        'http://x?y/items/7',
        'x://y/items/7',
        '*',
      ]) {
        expect([target, await send(target, '/items/7')]).not.toEqual([target, 200]);
      }
    });

    test('an API may have several public URLs, and a prefix that a proxy takes away', async () => {
      const publicUrl = ['https://api.example.com/v1/', 'https://API.example.org:443'];
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS, { dpop: { publicUrl } });
      const token = await as.accessToken({ dpop: client });
      const send = async (url: string): Promise<number> =>
        (await sendDpop(app, world, client, token, { path: '/items/7', url })).status;
      expect(await send('https://api.example.com/v1/items/7')).toBe(200);
      expect(await send('https://api.example.org/items/7')).toBe(200);
      expect(await send('https://api.example.com/items/7')).toBe(401);
      expect(await send('https://api.example.org/v1/items/7')).toBe(401);
    });

    test('a forwarded host that a proxy might name is not trusted', async () => {
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
      const token = await as.accessToken({ dpop: client });
      const headers = await client.headers({ url: 'https://evil.example/', token });
      const response = await clientOf(app, world)
        .get('/')
        .set({ ...headers, 'X-Forwarded-Host': 'evil.example', Forwarded: 'host=evil.example' });
      expect(errorOf(response)).toBe('invalid_dpop_proof');
    });

    test('a function may tell the public URL, and when it fails the request is refused and the log says so', async () => {
      const logger = new RecordingLogger();
      const publicUrl: PublicUrlOf = (request) => {
        const host =
          (request as { readonly headers: Readonly<Record<string, string>> }).headers['x-name'] ?? '';
        if (host.startsWith('odd')) throw new Error('odd host');
        if (host.startsWith('late')) return Promise.resolve(`https://${host}`) as never;
        return host.startsWith('wrong') ? 'ftp://x' : `https://${host}`;
      };
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS, { dpop: { publicUrl }, logger });
      const token = await as.accessToken({ dpop: client });
      const send = async (host: string): Promise<number> => {
        const headers = await client.headers({ url: `https://${host}/`, token });
        return (
          await clientOf(app, world)
            .get('/')
            .set({ ...headers, 'X-Name': host })
        ).status;
      };
      expect(await send('one.example')).toBe(200);
      expect(await send('odd.example')).toBe(401);
      expect(await send('wrong.example')).toBe(401);
      expect(await send('late.example')).toBe(401);
      const reasons = logger.ours.filter(({ text }) => text.includes('reason=public_url_unknown'));
      expect(reasons.map(({ level }) => level)).toEqual(['warn', 'warn', 'warn']);
      expect(reasons[0]?.text).toContain('odd host');
      expect(reasons[1]?.text).toContain('it is no https: origin');
      expect(reasons[2]?.text).toContain('the function returned a Promise (it must answer at once)');
    });
  });

  describe('RFC9449-8: a proof is used once', () => {
    test('only one of many simultaneous copies of a proof is accepted', async () => {
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
      const token = await as.accessToken({ dpop: client });
      const headers = await client.headers({ url: `${PUBLIC_URL}/`, token });
      const answers = await Promise.all(
        Array.from({ length: 20 }, async () =>
          clientOf(app, world)
            .get('/')
            .set({ ...headers }),
        ),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter((response) => errorOf(response) === 'invalid_dpop_proof')).toHaveLength(19);
    });

    test('the same jti is free for another key, and after a refusal for another reason', async () => {
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
      const tokens = [await as.accessToken({ dpop: client }), await as.accessToken({ dpop: other })] as const;
      expect((await sendDpop(app, world, client, tokens[0], { jti: 'a', method: 'POST' })).status).not.toBe(
        401,
      );
      expect((await sendDpop(app, world, client, tokens[0], { jti: 'b', fault: 'stale' })).status).toBe(401);
      expect((await sendDpop(app, world, client, tokens[0], { jti: 'b' })).status).toBe(200);
      expect((await sendDpop(app, world, other, tokens[1], { jti: 'b' })).status).toBe(200);
      expect((await sendDpop(app, world, other, tokens[1], { jti: 'b' })).status).toBe(401);
    });

    test('a proof is remembered as long as it could be accepted, and a while longer for the clocks of others', async () => {
      const kept: (readonly [string, number])[] = [];
      const replayStore: ReplayStore = { addIfAbsent: async (...entry) => kept.push(entry) > 0 };
      const dpop = { replayStore, proofLifetime: 30, clockSkew: 5 };
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS, { dpop });
      const token = await as.accessToken({ dpop: client });
      const now = Math.floor(Date.now() / 1000);
      await sendDpop(app, world, client, token, { issuedAt: now - 20, jti: 'x' });
      await sendDpop(app, world, client, token, { issuedAt: now - 33 });
      await sendDpop(app, world, client, token, { issuedAt: now + 3 });
      const [[key, first], [, old], [, ahead]] = kept as [
        [string, number],
        [string, number],
        [string, number],
      ];
      expect(key).toBe(`${client.thumbprint}.LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE`);
      // 30 + 5 - 20, and 5 more; a second or two may have passed.
      expect(first).toBeGreaterThan(17);
      expect(first).toBeLessThanOrEqual(20);
      expect(old).toBeGreaterThanOrEqual(6);
      expect(old).toBeLessThanOrEqual(7);
      expect(ahead).toBeGreaterThan(40);
      expect(ahead).toBeLessThanOrEqual(43);
    });

    test('INV3: a failing store is 503, and a store that one client alone has filled is 429 for that client', async () => {
      let failure: Error = new Error('down');
      const replayStore: ReplayStore = { addIfAbsent: async () => Promise.reject(failure) };
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS, { dpop: { replayStore } });
      const token = await as.accessToken({ dpop: client });
      const down = await sendDpop(app, world, client, token);
      expect([down.status, down.headers['retry-after'], challengeOf(down)]).toEqual([503, '5', undefined]);
      failure = new TooManyProofsError('its share is full');
      const many = await sendDpop(app, world, client, token);
      expect([many.status, many.headers['retry-after'], challengeOf(many)]).toEqual([429, '5', undefined]);
      expect(many.body).toEqual({
        statusCode: 429,
        error: 'Too Many Requests',
        message: 'This client sends too many requests',
      });
    });

    test('a store that breaks its contract lets nothing pass', async () => {
      const replayStore = { addIfAbsent: async () => 'OK' } as unknown as ReplayStore;
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS, { dpop: { replayStore } });
      const response = await sendDpop(app, world, client, await as.accessToken({ dpop: client }));
      expect(errorOf(response)).toBe('invalid_dpop_proof');
    });
  });

  describe('RFC9449-1: the freshness of a proof', () => {
    test.each([
      ['just made', 0, 200],
      ['as old as it may be', -65, 200],
      ['too old', -75, 401],
      ['from a clock that is a little ahead', 8, 200],
      ['from a clock that is far ahead', 15, 401],
    ])('a proof that is %s, with iat %i s from now, is answered with %i', async (_, offset, status) => {
      const { as, app } = await startDpopApi(world, platform, CONTROLLERS);
      const token = await as.accessToken({ dpop: client });
      const issuedAt = Math.floor(Date.now() / 1000) + offset;
      expect((await sendDpop(app, world, client, token, { issuedAt })).status).toBe(status);
    });
  });

  test('a proof may be as long as the option allows, and no longer', async () => {
    const { as, app } = await startDpopApi(world, platform, CONTROLLERS, { dpop: { maxProofLength: 1000 } });
    const token = await as.accessToken({ dpop: client });
    const send = async (padding: number): Promise<Response> =>
      sendDpop(app, world, client, token, { claims: { padding: 'x'.repeat(padding) } });
    expect((await send(100)).status).toBe(200);
    expect(errorOf(await send(700))).toBe('invalid_dpop_proof');
  });
});
