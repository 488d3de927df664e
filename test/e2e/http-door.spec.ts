import {
  Controller,
  Get,
  type HttpServer,
  type INestApplication,
  type MiddlewareConsumer,
  Module,
  Post,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import express, { type Express } from 'express';
import cors from 'cors';
import fastify, { type FastifyInstance } from 'fastify';
import { mkdtemp, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertBoundAuthModule, Public, Scopes } from 'nestjs-cert-bound-auth';
import type supertest from 'supertest';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Platform, PLATFORMS } from '../support/platforms.js';
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
  type World,
} from '../support/world.js';
import { RecordingLogger } from '../support/recording-logger.js';

@Controller('nest')
class NestController {
  @Get('open') @Public() open(): string {
    return 'open';
  }
  @Post('hook') @Public() hook(): string {
    return 'hooked';
  }
  @Get('closed') closed(): string {
    return 'in';
  }
  @Get('pay') @Scopes('pay') pay(): string {
    return 'in';
  }
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
type Next = (error?: unknown) => void;

/** Ways in which something else than a handler of Nest answers at `/other`. */
interface Way {
  readonly title: string;
  readonly on: readonly Platform[];
  /** Whether it is asked for a decision before it runs, and not only before its answer leaves. */
  readonly isHeld: boolean;
  readonly mount: (app: INestApplication, answer: Answer) => void;
}

/** Where Node's own response is behind the reply. */
const rawly =
  (answer: Answer) =>
  (request: { readonly raw?: IncomingMessage }, reply: { readonly raw?: ServerResponse }): void => {
    (reply as { hijack?: () => unknown }).hijack?.();
    answer(request.raw ?? (request as IncomingMessage), reply.raw ?? (reply as ServerResponse));
  };
const adapterOf = (app: INestApplication): HttpServer => app.getHttpAdapter();
const expressOf = (app: INestApplication): Express => adapterOf(app).getInstance() as Express;
const fastifyOf = (app: INestApplication): FastifyInstance => adapterOf(app).getInstance() as FastifyInstance;
const answeringAt =
  (path: string, answer: Answer) =>
  (
    request: IncomingMessage & { readonly originalUrl?: string },
    response: ServerResponse,
    next: Next,
  ): void => {
    if ((request.originalUrl ?? request.url)?.split('?')[0] === path) answer(request, response);
    else next();
  };

const WAYS: readonly Way[] = [
  {
    title: 'a route of the adapter',
    on: ['express', 'fastify'],
    isHeld: true,
    mount: (app, answer) => adapterOf(app).get('/other', rawly(answer) as never),
  },
  {
    title: 'a route for all methods',
    on: ['express', 'fastify'],
    isHeld: true,
    mount: (app, answer) => adapterOf(app).all?.('/other', rawly(answer) as never),
  },
  {
    title: 'a route of the framework',
    on: ['express', 'fastify'],
    isHeld: true,
    mount: (app, answer) => expressOf(app).get('/other', rawly(answer) as never),
  },
  {
    title: 'a route of a plugin',
    on: ['fastify'],
    isHeld: true,
    mount: (app, answer) =>
      void fastifyOf(app).register((plugin, _options, done) => {
        plugin.get('/other', rawly(answer) as never);
        done();
      }),
  },
  {
    title: 'middleware at a path',
    on: ['express', 'fastify'],
    isHeld: true,
    mount: (app, answer) => app.use('/other', answer),
  },
  {
    title: 'middleware without a path',
    on: ['express', 'fastify'],
    isHeld: false,
    mount: (app, answer) => app.use(answeringAt('/other', answer)),
  },
  {
    title: 'a hook',
    on: ['fastify'],
    isHeld: false,
    mount: (app, answer) =>
      void fastifyOf(app).addHook('onRequest', (request, reply, done) => {
        if (request.url.split('?')[0] === '/other') rawly(answer)(request, reply);
        else done();
      }),
  },
  {
    title: 'a router without a path',
    on: ['express'],
    isHeld: true,
    mount: (app, answer) => {
      const router = express.Router();
      app.use(router);
      // Later than it was mounted.
      router.get('/other', answer);
    },
  },
  {
    title: 'a route that gets its handler later',
    on: ['express'],
    isHeld: true,
    mount: (app, answer) => {
      const route = expressOf(app).route('/other');
      // When requests have come already.
      setTimeout(() => route.get(answer), 0);
    },
  },
  {
    title: 'another app of Express at a path',
    on: ['express'],
    isHeld: true,
    mount: (app, answer) => {
      const other = express();
      other.get('/', answer);
      app.use('/other', other);
    },
  },
  {
    title: 'another app of Express without a path',
    on: ['express'],
    isHeld: false,
    mount: (app, answer) => {
      const other = express();
      other.get('/other', answer);
      app.use(other);
    },
  },
];

/** Ways to answer. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  'at once': (_request, response) => response.end('secret'),
  'with a status': (_request, response) => response.writeHead(201, { 'x-secret': '1' }).end('secret'),
  'in pieces': (_request, response) => {
    response.write('sec');
    response.write('r');
    setImmediate(() => response.end('et'));
  },
  'headers first': (_request, response) => {
    response.setHeader('set-cookie', 'secret=1');
    response.flushHeaders();
    response.end('secret');
  },
  'by redirecting': (_request, response) => response.writeHead(302, { location: '/secret' }).end(),
};

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

describe.each(PLATFORMS)('what is no handler of Nest on %s', (platform) => {
  const ways = WAYS.filter(({ on }) => on.includes(platform));

  describe.each(ways)('what is mounted as $title', ({ mount, isHeld }) => {
    test.each(Object.entries(ANSWERS))(
      'INV12: what answers %s is answered to the holder of a bound token alone',
      async (_, answer) => {
        const as = await startAuthorizationServer(world);
        let calls = 0;
        const app = await startApi(world, platform, as, [NestController], {
          configure: (nest) =>
            mount(nest, (request, response) => {
              calls++;
              answer(request, response);
            }),
        });
        const token = await as.accessToken({ certificate: world.client1 });
        const none = await clientOf(app, world).get('/other').expect(401);
        expect(challengeOf(none)).toBe('Bearer');
        expect(JSON.stringify([none.headers, none.body])).not.toContain('secret');
        const thief = await clientOf(app, world, world.client2, token).get('/other').expect(401);
        expect(challengeOf(thief)).toContain('error="invalid_token"');
        expect(JSON.stringify([thief.headers, thief.body])).not.toContain('secret');
        expect(thief.body).toEqual({ error: 'invalid_token', message: expect.any(String), statusCode: 401 });
        if (isHeld) expect(calls).toBe(0);

        const honest = await clientOf(app, world, world.client1, token).get('/other');
        expect(honest.status).toBeLessThan(400);
        expect(JSON.stringify([honest.headers, honest.text])).toContain('secret');
        await clientOf(app, world).get('/nest/open').expect(200, 'open');
        await clientOf(app, world).post('/nest/hook').expect(201, 'hooked');
      },
    );

    test('INV3: the request is an outage where the authorization server cannot be asked', async () => {
      const as = await startAuthorizationServer(world);
      const token = await as.accessToken({ certificate: world.client1 });
      as.behave('jwks', { status: 500 });
      const app = await startApi(world, platform, as, [NestController], {
        configure: (nest) => mount(nest, (_request, response) => response.end('secret')),
      });
      const answer = await clientOf(app, world, world.client1, token).get('/other').expect(503);
      expect(answer.headers['retry-after']).toBeDefined();
      expect(answer.text).not.toContain('secret');
    });

    test('a public path is answered to everyone, in no other spelling', async () => {
      const as = await startAuthorizationServer(world);
      const app = await startApi(world, platform, as, [NestController], {
        options: { publicPaths: ['/other'] },
        configure: (nest) => mount(nest, (_request, response) => response.end('there')),
      });
      await clientOf(app, world).get('/other').expect(200, 'there');
      await clientOf(app, world).get('/other?x=1').expect(200, 'there');
      for (const path of [
        '/OTHER',
        '/other/',
        '//other',
        '/other;x',
        '/%6Fther',
        '/x/../other',
        '/other%2F',
        '/./other',
      ]) {
        const { status, text } = await clientOf(app, world).get(path);
        expect([path, status >= 400, text.includes('there')]).toEqual([path, true, false]);
      }
    });
  });

  test('an answer that has to wait for a decision arrives whole, however large it is', async () => {
    const as = await startAuthorizationServer(world);
    const introspection = { clientAuthentication: API_CLIENT };
    const chunk = 'x'.repeat(100_000);
    const trusted = [{ issuer: as.issuer, introspection }];
    const app = await startApi(world, platform, trusted, [NestController], {
      configure: (nest) =>
        nest.use(
          answeringAt('/large', (_request, response) => {
            let left = 50;
            const go = (): void => {
              while (left-- > 0) if (!response.write(chunk)) return void response.once('drain', go);
              response.end();
            };
            go();
          }),
        ),
    });
    const token = as.opaqueToken({ certificate: world.client1 });
    const { text } = await clientOf(app, world, world.client1, token).get('/large').expect(200);
    expect(text).toHaveLength(5_000_000);
    const refused = await clientOf(app, world, world.client2, token).get('/large').expect(401);
    expect(refused.text).not.toContain('x'.repeat(100));
  });

  test('INV12: middleware of a module that answers by itself is answered to the holder of a bound token alone', async () => {
    const as = await startAuthorizationServer(world);
    @Module({
      imports: [
        CertBoundAuthModule.forRoot({
          audience: AUDIENCE,
          authorizationServers: [{ issuer: as.issuer, tls: { ca: world.ca.cert } }],
        }),
      ],
      controllers: [NestController],
    })
    class WithMiddleware {
      configure(consumer: MiddlewareConsumer): void {
        consumer
          .apply((_request: unknown, response: ServerResponse) => response.end('secret'))
          .forRoutes('other');
        consumer
          .apply((_request: unknown, _response: unknown, next: Next) => next())
          .forRoutes(NestController);
      }
    }
    const adapter =
      platform === 'fastify' ? new FastifyAdapter({ https: tlsOf(world) } as never) : new ExpressAdapter();
    const options = {
      logger: false as const,
      ...(platform === 'express' && { httpsOptions: tlsOf(world) as never }),
    };
    const app = await NestFactory.create(WithMiddleware, adapter, options);
    whenOver(async () => app.close());
    await app.listen(0, '127.0.0.1');
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world).get('/other').expect(401);
    await clientOf(app, world, world.client1, token).get('/other').expect(200, 'secret');
    await clientOf(app, world).get('/nest/open').expect(200, 'open');
  });

  test('INV12: what was there before Nest is answered to the holder of a bound token alone', async () => {
    const as = await startAuthorizationServer(world);
    const auth = CertBoundAuthModule.forRoot({
      audience: AUDIENCE,
      authorizationServers: [{ issuer: as.issuer, tls: { ca: world.ca.cert } }],
    });
    class App {}
    const module = { module: App, imports: [auth], controllers: [NestController] };
    let app: INestApplication;
    if (platform === 'fastify') {
      const earlier = fastify({ https: tlsOf(world) });
      earlier.get('/other', (_request, reply) => reply.send('secret'));
      app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(earlier as never), {
        logger: false,
      });
    } else {
      const earlier = express();
      earlier.get('/other', (_request, response) => void response.send('secret'));
      app = await NestFactory.create<NestExpressApplication>(module, new ExpressAdapter(earlier), {
        logger: false,
        httpsOptions: tlsOf(world),
      });
    }
    whenOver(async () => app.close());
    await app.listen(0, '127.0.0.1');
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world).get('/other').expect(401);
    await clientOf(app, world, world.client1, token).get('/other').expect(200, 'secret');
    await clientOf(app, world).get('/nest/open').expect(200, 'open');
    await clientOf(app, world, world.client1, token).get('/nest/closed').expect(200, 'in');
  });

  test('static files and the documents of OpenAPI are closed, and open as public paths', async () => {
    const as = await startAuthorizationServer(world);
    const folder = await mkdtemp(join(tmpdir(), 'static-'));
    await writeFile(join(folder, 'file.txt'), 'content');
    const configure = (nest: INestApplication): void => {
      if (platform === 'express') (nest as NestExpressApplication).useStaticAssets(folder);
      else (nest as NestFastifyApplication).useStaticAssets({ root: folder, prefix: '/' });
      SwaggerModule.setup('docs', nest, SwaggerModule.createDocument(nest, new DocumentBuilder().build()));
    };
    const closed = await startApi(world, platform, as, [NestController], { configure });
    const token = await as.accessToken({ certificate: world.client1 });
    for (const path of ['/file.txt', '/docs', '/docs-json', '/docs/swagger-ui.css']) {
      await clientOf(closed, world).get(path).expect(401);
      await clientOf(closed, world, world.client1, token).get(path).expect(200);
    }
    await clientOf(closed, world).get('/nest/open').expect(200, 'open');

    const options = { publicPaths: ['/file.txt', '/docs/*', '/docs-json'] };
    const open = await startApi(world, platform, as, [NestController], { configure, options });
    for (const path of ['/file.txt', '/docs', '/docs-json', '/docs/swagger-ui.css'])
      await clientOf(open, world).get(path).expect(200);
    await clientOf(open, world).get('/docs-yaml').expect(401);
  });

  test('a path that nothing is at is 401 to a stranger, and 404 to the holder of a bound token', async () => {
    const as = await startAuthorizationServer(world);
    const app = await startApi(world, platform, as, [NestController]);
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world).get('/nowhere').expect(401);
    await clientOf(app, world, world.client1, token).get('/nowhere').expect(404);
  });

  test('INV12: a public path opens no handler of Nest', async () => {
    const as = await startAuthorizationServer(world);
    const options = { publicPaths: ['/nest/*'] };
    const app = await startApi(world, platform, as, [NestController], { options });
    const token = await as.accessToken({ certificate: world.client1 });
    await clientOf(app, world).get('/nest/closed').expect(401);
    await clientOf(app, world, world.client1, token).get('/nest/pay').expect(403);
  });

  test('a browser that asks whether it may send a request is answered without a token', async () => {
    const as = await startAuthorizationServer(world);
    const app = await startApi(world, platform, as, [NestController], {
      configure: (nest) => {
        nest.enableCors({ origin: 'https://app.example.com' });
        nest.use('/other', (_request: unknown, response: ServerResponse) => response.end('secret'));
      },
    });
    const preflight = (path: string): Promise<{ status: number; text: string }> =>
      Promise.resolve(
        clientOf(app, world)
          .options(path)
          .set({ Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'GET' }),
      );
    expect(await preflight('/nest/closed')).toMatchObject({ status: 204, text: '' });
    expect(await preflight('/other')).toMatchObject({ status: 204, text: '' });
    await clientOf(app, world)
      .options('/nest/closed')
      .expect(({ status }) => expect(status).toBeGreaterThanOrEqual(400));
  });

  test('INV12: what looks like a preflight runs nothing that is no handler of Nest', async () => {
    const as = await startAuthorizationServer(world);
    let calls = 0;
    const app = await startApi(world, platform, as, [NestController], {
      configure: (nest) => {
        if (platform === 'express') nest.use('/other', cors({ origin: 'https://app.example.com' }));
        nest.use('/other/inner', (_request: unknown, response: ServerResponse) => {
          calls++;
          response.writeHead(204).end();
        });
      },
    });
    const preflight = (path: string): supertest.Test =>
      clientOf(app, world)
        .options(path)
        .set({ Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'GET' });
    // Of Express, CORS at a path answers first.
    await preflight('/other/inner').expect(platform === 'express' ? 204 : 401);
    expect(calls).toBe(0);
  });

  test('INV12: a preflight gets no body of anything that answers it', async () => {
    const as = await startAuthorizationServer(world);
    const app = await startApi(world, platform, as, [NestController], {
      configure: (nest) =>
        nest.use('/other', (_request: unknown, response: ServerResponse) => response.end('secret')),
    });
    await clientOf(app, world)
      .options('/other')
      .set({ Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'GET' })
      .expect(401);
  });

  test('what is no handler of Nest stays as it is with globalGuards: false', async () => {
    const as = await startAuthorizationServer(world);
    const app = await startApi(world, platform, as, [NestController], {
      globalGuards: false,
      configure: (nest) =>
        nest.use('/other', (_request: unknown, response: ServerResponse) => response.end('there')),
    });
    await clientOf(app, world).get('/other').expect(200, 'there');
    await clientOf(app, world).get('/nowhere').expect(404);
    await clientOf(app, world).get('/nest/pay').expect(401);
  });

  test('each request to what is no handler of Nest is one event, and one line of the log where it is refused', async () => {
    const as = await startAuthorizationServer(world);
    const logger = new RecordingLogger();
    const app = await startApi(world, platform, as, [NestController], {
      logger,
      configure: (nest) =>
        adapterOf(nest).get('/other', rawly((_request, response) => response.end('there')) as never),
    });
    await clientOf(app, world).get('/other').expect(401);
    const refused = logger.ours.filter(({ text }) => text.startsWith('refused'));
    expect(refused).toHaveLength(1);
    expect(refused[0]?.text).toContain('reason=credentials_missing');
    expect(refused[0]?.text).toContain('route="GET /other"');
  });
});
