import { Controller, Get, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { AccessToken, CertBoundAuthModule, type VerifiedAccessToken } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { PLATFORMS, type Platform } from '../support/platforms.js';
import { AUDIENCE, createWorld, startAuthorizationServer, whenOver, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});

@Controller()
class SubjectController {
  @Get() get(@AccessToken() token?: VerifiedAccessToken): string {
    return token?.subject ?? 'nobody';
  }
}

/** The parts of the event of an API gateway that an adapter makes a request of. */
interface Event {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** PEM: API Gateway's `requestContext.identity.clientCert.clientCertPem`. */
  readonly clientCertificate?: string;
}

/**
 * Has an app answer an event, without any server: as serverless-http and @vendia/serverless-express do, whose requests
 * have `headers`, and `rawHeaders` that are empty.
 */
type Invoke = (event: Event) => Promise<number>;

async function startFunction(platform: Platform, as: TestAuthorizationServer): Promise<Invoke> {
  const find = (request: object): string | undefined => {
    const { raw = request } = request as { readonly raw?: object };
    return (raw as { readonly event: Event }).event.clientCertificate;
  };
  const auth = CertBoundAuthModule.forRoot({
    audience: AUDIENCE,
    authorizationServers: [{ issuer: as.issuer, tls: { ca: world.ca.cert } }],
    clientCertificate: { from: 'custom', find, trust: 'proxy' },
    dpop: { publicUrl: AUDIENCE },
  });
  const app = await createApp(platform, {
    module: class App {},
    imports: [auth],
    controllers: [SubjectController],
  });
  whenOver(async () => app.close());
  const handle = handlerOf(platform, app);
  return async (event) => {
    const request = Object.assign(new IncomingMessage(new Socket()), {
      method: 'GET',
      url: '/',
      complete: true,
      headers: event.headers,
      event,
    });
    request.push(null);
    const response = new ServerResponse(request);
    const answered = new Promise<void>((resolve) => response.once('finish', resolve));
    response.assignSocket(new Sink());
    handle(request, response);
    await answered;
    return response.statusCode;
  };
}

/** Takes all that is written to it. */
class Sink extends Socket {
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
  override _writev(_chunks: unknown, done: () => void): void {
    done();
  }
}

async function createApp(platform: Platform, module: object): Promise<INestApplication> {
  const options = { logger: false, abortOnError: false } as const;
  const app =
    platform === 'fastify'
      ? await NestFactory.create(module as never, new FastifyAdapter(), options)
      : await NestFactory.create(module as never, options);
  await app.init();
  if (platform === 'fastify')
    await (app.getHttpAdapter().getInstance() as { ready(): Promise<unknown> }).ready();
  return app;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

function handlerOf(platform: Platform, app: INestApplication): Handler {
  const instance: unknown = app.getHttpAdapter().getInstance();
  if (platform === 'express') return instance as Handler;
  return (instance as { readonly routing: Handler }).routing;
}

describe.each(PLATFORMS)(
  'an app of a serverless platform, whose adapter leaves rawHeaders empty, on %s',
  (platform) => {
    test('RFC8705-1: a token works with the certificate that it is bound to, and with no other', async () => {
      const as = await startAuthorizationServer(world);
      const invoke = await startFunction(platform, as);
      const headers = { authorization: `Bearer ${await as.accessToken({ certificate: world.client1 })}` };
      expect(await invoke({ headers, clientCertificate: world.client1.cert })).toBe(200);
      expect(await invoke({ headers, clientCertificate: world.client2.cert })).toBe(401);
      expect(await invoke({ headers })).toBe(401);
      expect(await invoke({ headers: {}, clientCertificate: world.client1.cert })).toBe(401);
    });

    test('RFC6750-4: a token that is there twice is 400, where that can be seen', async () => {
      const as = await startAuthorizationServer(world);
      const invoke = await startFunction(platform, as);
      const header = `Bearer ${await as.accessToken({ certificate: world.client1 })}`;
      const clientCertificate = world.client1.cert;
      for (const headers of [
        { authorization: [header, header] },
        { Authorization: header, authorization: header },
        { authorization: `${header}, ${header}` },
      ])
        expect(await invoke({ headers, clientCertificate })).toBe(400);
    });
  },
);
