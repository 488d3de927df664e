import type { INestApplication, Type } from '@nestjs/common';
import {
  type AuthorizationServerOptions,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  mutualTls,
} from 'nestjs-cert-bound-auth';
import {
  TestAuthorizationServer,
  type TestAuthorizationServerOptions,
  type TestCertificate,
  TestCertificateAuthority,
} from 'nestjs-cert-bound-auth/testing';
import supertest from 'supertest';
import { afterAll, afterEach } from 'vitest';
import { type Platform, startApp, type StartAppOptions } from './platforms.js';

/** What most end-to-end tests need: a CA, with certificates for two clients and for the API. */
export interface World {
  readonly ca: TestCertificateAuthority;
  readonly server: TestCertificate;
  readonly client1: TestCertificate;
  readonly client2: TestCertificate;
}

export async function createWorld(): Promise<World> {
  const ca = await TestCertificateAuthority.create();
  const [server, client1, client2] = await Promise.all([
    ca.issueServerCertificate(),
    ca.issueClientCertificate('client1'),
    ca.issueClientCertificate('client2'),
  ]);
  return { ca, server, client1, client2 };
}

export const AUDIENCE = 'https://api.example.com';

/** How an API authenticates to a {@link TestAuthorizationServer} that it asks about tokens. */
export const API_CLIENT = {
  method: 'client_secret_basic',
  clientId: 'api',
  clientSecret: 'api-secret',
} as const;

const cleanups: (() => Promise<unknown>)[] = [];

async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
}

afterEach(cleanUp);
afterAll(cleanUp);

/** Registers what ends something when the current test is over. */
export function whenOver(cleanup: () => Promise<unknown>): void {
  cleanups.push(cleanup);
}

/** Starts an authorization server, which ends with the test. */
export async function startAuthorizationServer(
  { ca }: World,
  options: Omit<TestAuthorizationServerOptions, 'ca'> = {},
): Promise<TestAuthorizationServer> {
  const server = await TestAuthorizationServer.start({ ca, ...options });
  whenOver(async () => server.stop());
  return server;
}

/** Options of {@link startApi}. */
export interface StartApiOptions extends StartAppOptions {
  readonly options?: Partial<CertBoundAuthOptions>;
  readonly globalGuards?: boolean;
  readonly providers?: readonly NonNullable<Parameters<typeof moduleOf>[2]>[number][];
}

/** What an API trusts: one server with the default options, or servers with the options that are given. */
export type TrustedServers = Pick<TestAuthorizationServer, 'issuer'> | readonly AuthorizationServerOptions[];

/** Starts an API with these controllers that trusts these authorization servers, and ends with the test. */
export async function startApi(
  world: World,
  platform: Platform,
  trusted: TrustedServers,
  controllers: readonly Type[],
  { options = {}, globalGuards = true, providers = [], ...start }: StartApiOptions = {},
): Promise<INestApplication> {
  const auth = CertBoundAuthModule.forRoot({
    audience: AUDIENCE,
    authorizationServers: serversOf(world, trusted),
    globalGuards,
    ...options,
  });
  const app = await startApp(platform, moduleOf(auth, controllers, providers), tlsOf(world), start);
  whenOver(async () => app.close());
  return app;
}

/** Options of the servers, which trust the CA of the world for their TLS unless they say otherwise. */
function serversOf({ ca }: World, trusted: TrustedServers): readonly AuthorizationServerOptions[] {
  const servers = 'issuer' in trusted ? [{ issuer: trusted.issuer }] : trusted;
  return servers.map((server) => ({ tls: { ca: ca.cert }, ...server }));
}

function moduleOf(auth: object, controllers: readonly Type[], providers: readonly object[]): object {
  class App {}
  return { module: App, imports: [auth], controllers, providers };
}

/** TLS options of an API that lets every client connect, and answers by HTTP. */
export function tlsOf({ server, ca }: World): ReturnType<typeof mutualTls> {
  return mutualTls({ key: server.key, cert: server.cert, ca: ca.cert, clientAuth: 'request' });
}

/** A client of an API, with this certificate or none, and this token or none. */
export interface ApiClient {
  get(path: string): supertest.Test;
  post(path: string): supertest.Test;
  options(path: string): supertest.Test;
  head(path: string): supertest.Test;
}

export function clientOf(
  app: INestApplication,
  { ca }: World,
  certificate?: TestCertificate,
  token?: string,
): ApiClient {
  const send = (method: 'get' | 'post' | 'options' | 'head', path: string): supertest.Test => {
    const test = supertest(app.getHttpServer() as never)
      [method](path)
      .ca(ca.cert);
    if (certificate !== undefined) test.key(certificate.key).cert(certificate.cert);
    return token === undefined ? test : test.auth(token, { type: 'bearer' });
  };
  return {
    get: (path) => send('get', path),
    post: (path) => send('post', path),
    options: (path) => send('options', path),
    head: (path) => send('head', path),
  };
}

/** Sends a token to the root of an API, with the certificate of client 1 unless told otherwise. */
export type TokenCall = (token: string, certificate?: 'client1' | 'client2') => supertest.Test;

export function tokenCallTo(app: INestApplication, world: World): TokenCall {
  return (token, certificate = 'client1') => clientOf(app, world, world[certificate], token).get('/');
}

/** The `WWW-Authenticate` of a response. */
export function challengeOf(response: supertest.Response): string | undefined {
  return response.headers['www-authenticate'];
}
