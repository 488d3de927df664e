import { hash } from 'node:crypto';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  type INestApplication,
  Post,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import {
  AccessRefusedException,
  CertBoundAuthModule,
  CertificateBindingGuard,
  Public,
  Scopes,
  ScopesGuard,
} from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { type Platform, PLATFORMS, startApp } from '../support/platforms.js';
import { type ProtectedApi, startProtectedApi } from '../support/protected-api.js';
import { RecordingLogger } from '../support/recording-logger.js';
import {
  API_CLIENT,
  AUDIENCE,
  challengeOf,
  clientOf,
  createWorld,
  startApi,
  startAuthorizationServer,
  tlsOf,
  whenOver,
} from '../support/world.js';

@Controller()
class RoutesController {
  @Get('plain/:id') plain(): string {
    return 'plain';
  }
  @Post('plain') post(): string {
    return 'posted';
  }
  @Get('scoped') @Scopes('a', 'b') scoped(): string {
    return 'scoped';
  }
  @Get('public') @Public() public(): string {
    return 'public';
  }
}

/** Renders what it likes, and on Fastify past Fastify itself. */
@Catch()
class OwnFilter implements ExceptionFilter {
  constructor(private readonly hijack: boolean) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const status = exception instanceof HttpException ? exception.getStatus() : 500;
    const reason = exception instanceof AccessRefusedException ? exception.reason : null;
    const response = host.switchToHttp().getResponse<{
      raw?: { statusCode: number; setHeader(name: string, value: string): void; end(body: string): void };
      hijack?(): void;
      status(code: number): { send(body: object): void };
    }>();
    if (response.raw === undefined || !this.hijack) {
      response.status(status).send({ mine: status, reason });
      return;
    }
    response.hijack?.();
    response.raw.statusCode = status;
    response.raw.setHeader('content-type', 'application/json');
    response.raw.end(JSON.stringify({ mine: status, reason }));
  }
}

const world = await createWorld();

describe.each(PLATFORMS)('the challenge of a refusal on %s', (platform) => {
  test('the challenge carries the realm, escaped', async () => {
    const { app } = await startProtectedApi(world, platform, [RoutesController], {
      options: { realm: 'a "b" \\c' },
    });
    const none = await clientOf(app, world).get('/plain/1').expect(401);
    expect(challengeOf(none)).toBe('Bearer realm="a \\"b\\" \\\\c"');
    const wrong = await clientOf(app, world, undefined, 'x').get('/plain/1').expect(401);
    expect(challengeOf(wrong)).toMatch(
      /^Bearer realm="a \\"b\\" \\\\c", error="invalid_token", error_description="/,
    );
  });

  test.each([false, true])(
    'invariant 7: the challenge survives the exception filters of the app (hijacked: %s)',
    async (hijack) => {
      const as = await startAuthorizationServer(world);
      const configure = (app: INestApplication): unknown => app.useGlobalFilters(new OwnFilter(hijack));
      const app = await startApi(world, platform, as, [RoutesController], { configure });
      const none = await clientOf(app, world).get('/plain/1').expect(401);
      expect([challengeOf(none), none.body]).toEqual([
        'Bearer',
        { mine: 401, reason: 'credentials_missing' },
      ]);
      const token = await as.accessToken({ certificate: world.client1 });
      const scope = await clientOf(app, world, world.client1, token).get('/scoped').expect(403);
      expect(challengeOf(scope)).toContain('scope="a b"');
      expect(scope.body).toEqual({ mine: 403, reason: 'scope_missing' });
      as.behave('jwks', { status: 500 });
      const unknown = await as.accessToken({ header: { kid: 'unknown' } });
      const down = await clientOf(app, world, world.client1, unknown).get('/plain/1').expect(503);
      expect(down.headers['retry-after']).toBe('5');
    },
  );

  test('RFC9728-15: the challenge is shown to a browser where CORS is on, beside what the app exposes', async () => {
    const as = await startAuthorizationServer(world);
    const start = async (exposedHeaders?: string[]): Promise<INestApplication> =>
      startApi(world, platform, as, [RoutesController], {
        configure: (app) => app.enableCors({ origin: true, ...(exposedHeaders && { exposedHeaders }) }),
      });
    const exposed = async (app: INestApplication, origin = 'https://app.example.com'): Promise<unknown> => {
      const { headers } = await clientOf(app, world).get('/plain/1').set('Origin', origin).expect(401);
      return headers['access-control-expose-headers'];
    };
    expect(await exposed(await start())).toBe('WWW-Authenticate');
    expect(await exposed(await start(['X-Total', 'Link']))).toMatch(/^X-Total, ?Link, WWW-Authenticate$/);
    expect(await exposed(await start(['www-authenticate']))).toBe('www-authenticate');
    const preflight = await clientOf(await start(), world)
      .options('/plain/1')
      .set({ Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'GET' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['www-authenticate']).toBeUndefined();
    expect(as.requests).toEqual([]);
  });

  test('the challenge is not exposed where CORS is off', async () => {
    const { app } = await startProtectedApi(world, platform, [RoutesController]);
    const { headers } = await clientOf(app, world)
      .get('/plain/1')
      .set('Origin', 'https://x.example.com')
      .expect(401);
    expect(headers['access-control-expose-headers']).toBeUndefined();
  });
});

describe.each(PLATFORMS)('what the log says about refusals on %s', (platform) => {
  const start = async (): Promise<ProtectedApi> =>
    startProtectedApi(world, platform, [RoutesController], {
      server: { introspection: { clientAuthentication: API_CLIENT } },
    });

  test('the log has one line per refusal, with the exact reason and the verified names, at debug', async () => {
    const { as, app, logger } = await start();
    const token = await as.accessToken({ certificate: world.client1, clientId: 'client 1\n' });
    await clientOf(app, world, world.client2, token).get('/plain/secret-id?q=secret-query').expect(401);
    expect(logger.ours).toHaveLength(1);
    const [line] = logger.ours;
    expect(line?.level).toBe('debug');
    expect(line?.text).toMatch(
      /^refused status=401 error=invalid_token reason=certificate_mismatch detail="/,
    );
    expect(line?.text).toContain(`route="GET /plain/:id"`);
    expect(line?.text).toContain(`issuer=${as.issuer} client="client 1\\n" subject=user-1`);
    expect(line?.text).toContain(`certificate_sha256=${world.client2.thumbprint}`);
    expect(line?.text).toMatch(/token_sha256=[\w-]{43}/);
    expect(line?.text).not.toContain('secret');
    await clientOf(app, world, world.client1, token).get('/plain/1').expect(200);
    expect(logger.ours).toHaveLength(1);
  });

  test('the log names the client and the subject when a scope is missing', async () => {
    const { as, app, logger } = await start();
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world, world.client1, token).get('/scoped').expect(403);
    const digests = `token_sha256=${hash('sha256', token, 'base64url')} certificate_sha256=${world.client1.thumbprint}`;
    expect(logger.ours.map(({ text }) => text)).toEqual([
      `refused status=403 error=insufficient_scope reason=scope_missing detail="the route demands all of [\\"a\\",\\"b\\"], the token has []" route="GET /scoped" issuer=${as.issuer} client=client-1 subject=user-1 ${digests}`,
    ]);
  });

  test('invariant 6: the log marks and escapes what an unverified token says, and never holds a token', async () => {
    const { as, app, logger } = await start();
    const evil = 'x" reason=forged\r\n\u202e\u0000';
    const tokens = [
      await as.accessToken({ claims: { iss: evil }, clientId: evil, subject: evil }),
      await as.accessToken({ fault: 'foreign-key', clientId: evil }),
      await as.accessToken({ header: { typ: evil } }),
      'opaque-secret-token',
    ];
    for (const token of tokens) await clientOf(app, world, world.client1, token).get('/plain/1').expect(401);
    expect(logger.ours).toHaveLength(tokens.length);
    const everything = logger.lines.map(({ text }) => text).join('\n');
    for (const token of tokens) expect(everything).not.toContain(token);
    for (const { text } of logger.ours) {
      expect(text).toMatch(/^[\x20-\x7e]+$/);
      expect(text).not.toMatch(/(?<!\\)" reason=forged/);
    }
    expect(logger.ours[0]?.text).toContain(String.raw`unverified_issuer="x\" reason=forged\r\n\u202e\u0000"`);
    expect(logger.ours[1]?.text).toContain('reason=signature_invalid');
    expect(logger.ours[1]?.text).toContain('unverified_client=');
    expect(logger.ours[1]?.text).not.toMatch(/ client=/);
  });

  test('outages are logged as warnings, and our own misconfiguration as an error', async () => {
    const { as, app, logger } = await start();
    const call = async (): Promise<unknown> =>
      clientOf(app, world, world.client1, 'opaque').get('/plain/1').expect(503);
    as.behave('introspection', { status: 500 });
    await call();
    as.behave('introspection', { status: 401, body: '{"error":"invalid_client"}' });
    await call();
    as.behave('introspection', { status: 200, body: 'null' });
    await call();
    expect(logger.ours.map(({ level, text }) => [level, /reason=(\w+)/.exec(text)?.[1]])).toEqual([
      ['warn', 'authorization_server_unreachable'],
      ['error', 'authorization_server_refused_client'],
      ['error', 'authorization_server_answer_invalid'],
    ]);
    expect(logger.lines.map(({ text }) => text).join()).not.toContain('api-secret');
  });
});

describe.each(PLATFORMS)('invariant 10: two apps in one process on %s', (platform) => {
  @Controller()
  @UseGuards(AuthGuard('cert-bound'))
  class PassportController {
    @Get() get(): string {
      return 'ok';
    }
  }

  test('two apps share no audience, no decision and no cache entry', async () => {
    const as = await startAuthorizationServer(world);
    const introspection = { clientAuthentication: API_CLIENT, cache: {} };
    const start = async (audience: string): Promise<INestApplication> =>
      startApi(world, platform, [{ issuer: as.issuer, introspection }], [PassportController], {
        globalGuards: false,
        options: { audience },
      });
    const [one, two] = [await start('urn:one'), await start('urn:two')];
    const status = async (app: INestApplication, token: string): Promise<number> =>
      (await clientOf(app, world, world.client1, token).get('/')).status;
    for (const audience of ['urn:one', 'urn:two']) {
      const expected = audience === 'urn:one' ? [200, 401] : [401, 200];
      const jwt = await as.accessToken({ certificate: world.client1, audience });
      const opaque = as.opaqueToken({ certificate: world.client1, audience });
      for (const token of [jwt, opaque, jwt, opaque]) {
        expect(await Promise.all([status(one, token), status(two, token)])).toEqual(expected);
      }
    }
    expect(as.count('introspection')).toBe(4);
  });

  test('an app takes over no decision when another one hands a request on to it', async () => {
    const as = await startAuthorizationServer(world);
    const start = async (
      audience: string,
      controllers: readonly (new () => object)[],
    ): Promise<INestApplication> => startApi(world, 'express', as, controllers, { options: { audience } });
    const inner = await start('urn:inner', [PassportController]);
    const handle = inner.getHttpAdapter().getInstance() as (request: object, response: object) => void;
    @Controller()
    class HandOnController {
      @Get() get(@Req() request: object, @Res() response: object): void {
        handle(request, response);
      }
    }
    const outer = await start('urn:outer', [HandOnController]);
    const call = async (audience: string | readonly string[]): Promise<number> => {
      const token = await as.accessToken({ certificate: world.client1, audience });
      return (await clientOf(outer, world, world.client1, token).get('/')).status;
    };
    expect(await call('urn:outer')).toBe(401);
    expect(await call(['urn:outer', 'urn:inner'])).toBe(200);
  });

  test('an app without the module is told so, and lets nobody in', async () => {
    const as = await startAuthorizationServer(world);
    await startApi(world, platform, as, [PassportController]);
    const foreign = await startApp(
      platform,
      { module: class App {}, controllers: [PassportController] },
      tlsOf(world),
    );
    whenOver(async () => foreign.close());
    await clientOf(foreign, world, world.client1).get('/').expect(500);
  });
});

describe('a context other than HTTP', () => {
  class Gateway {
    @Public() open(): void {}
    closed(): void {}
  }
  const contextOf = (name: 'open' | 'closed', type: string): ExecutionContextHost => {
    const context = new ExecutionContextHost([{}, {}], Gateway, Gateway.prototype[name]);
    context.setType(type);
    return context;
  };

  test.each(['ws', 'rpc', 'graphql'])(
    'a handler of the kind %s is refused by every guard, and may be public',
    async (type) => {
      const as = await startAuthorizationServer(world);
      const logger = new RecordingLogger();
      const app = await startApi(world, 'express', as, [RoutesController], { logger });
      for (const guard of [app.get(CertificateBindingGuard), app.get(ScopesGuard)]) {
        await expect(guard.canActivate(contextOf('closed', type))).rejects.toThrow('Unauthorized');
        expect(await guard.canActivate(contextOf('open', type))).toBe(true);
      }
      const guard = app.get(ScopesGuard);
      for (let time = 2; time < 12; time += 1)
        await expect(guard.canActivate(contextOf('closed', type))).rejects.toThrow('Unauthorized');
      // Ten within a minute: a caller may be the cause.
      expect(logger.ours.map(({ level }) => level)).toEqual(Array.from({ length: 10 }, () => 'error'));
      expect(logger.ours[0]?.text).toContain(
        `reason=context_unsupported context=${type} handler=Gateway.closed`,
      );
    },
  );
});

describe.each(PLATFORMS)('the certificate of the client on %s', (platform: Platform) => {
  test("trust: 'any' accepts a self-signed certificate, and says that its chain is not verified", async () => {
    const { selfSignedCertificate } = await import('nestjs-cert-bound-auth/testing');
    const { AccessToken, ClientCertificate } = await import('nestjs-cert-bound-auth');
    void AccessToken;
    @Controller()
    class CertificateController {
      @Get() get(@ClientCertificate() certificate: object): object {
        return certificate;
      }
    }
    const as = await startAuthorizationServer(world);
    const own = await selfSignedCertificate('me', {
      uris: ['urn:me'],
      hosts: ['me.example.com', '10.0.0.1'],
    });
    const expired = await selfSignedCertificate('me', { notAfter: new Date(Date.now() - 60_000) });
    const any = await startApi(world, platform, as, [CertificateController], {
      options: { clientCertificate: { from: 'tls', trust: 'any' } },
    });
    const ca = await startApi(world, platform, as, [CertificateController]);
    const token = await as.accessToken({ certificate: own });
    const { body } = await clientOf(any, world, own, token).get('/').expect(200);
    expect(body).toMatchObject({
      thumbprint: own.thumbprint,
      chainVerified: false,
      subjectAltNames: ['DNS:me.example.com', 'IP Address:10.0.0.1', 'URI:urn:me'],
    });
    await clientOf(any, world, world.client1, token).get('/').expect(401);
    await clientOf(ca, world, own, token).get('/').expect(401);
    const late = await as.accessToken({ certificate: expired });
    await clientOf(any, world, expired, late).get('/').expect(401);
  });

  test("a client without a certificate gets no HTTP answer with clientAuth: 'required'", async () => {
    const { mutualTls } = await import('nestjs-cert-bound-auth');
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot({
      audience: AUDIENCE,
      authorizationServers: [{ issuer: as.issuer, tls: { ca: world.ca.cert } }],
    });
    const module = { module: class App {}, imports: [auth], controllers: [RoutesController] };
    const app = await startApp(platform, module, mutualTls({ ...world.server, ca: world.ca.cert }));
    whenOver(async () => app.close());
    await expect(clientOf(app, world).get('/public')).rejects.toThrow();
    await clientOf(app, world, world.client1).get('/public').expect(200);
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world, world.client1, token).get('/plain/1').expect(200);
  });
});
