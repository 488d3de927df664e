import { Logger, Module, type Provider, type Type } from '@nestjs/common';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CertBoundAuthModule, ForwardAuthModule, type ForwardAuthOptions } from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { ForwardAuth } from '../../../lib/forward-auth/forward-auth.js';
import { resolveForwardAuth } from '../../../lib/forward-auth/resolve-forward-auth.js';
import { startApp, type StartAppOptions as StartOptions } from '../../support/platforms.js';
import { AUDIENCE, whenOver, type World } from '../../support/world.js';
import { call, type HttpAnswer, type HttpCall } from './http-client.js';

/** What serves the endpoint: Node alone, an app that does nothing else, an app whose own routes are protected too. */
export const WAYS = ['node', 'express', 'fastify', 'express-beside', 'fastify-beside'] as const;
export type Way = (typeof WAYS)[number];

/** How an app around the endpoint is set up. */
export interface StartAppOptions extends StartOptions {
  readonly controllers?: readonly Type[];
  readonly providers?: readonly Provider[];
}

/** The endpoint, and how it is asked. */
export interface Endpoint {
  readonly port: number;
  /** Asks as nginx does. @param policy its name */
  ask(policy: string, question?: Question): Promise<HttpAnswer>;
  /** Sends anything. */
  call(sent: HttpCall): Promise<HttpAnswer>;
}

/** What the proxy's client sent. */
export interface Question {
  readonly token?: string;
  readonly certificate?: TestCertificate;
  readonly method?: string;
  readonly uri?: string;
  /** Headers beside those, or in place of them; `undefined` for one that is not sent. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Options that trust this authorization server, and ask one policy without further demands: `any`. */
export function optionsFor(
  { ca }: World,
  as: TestAuthorizationServer,
  options: Partial<ForwardAuthOptions> = {},
): ForwardAuthOptions {
  return {
    trustedProxies: ['loopback'],
    audience: AUDIENCE,
    authorizationServers: [{ issuer: as.issuer, tls: { ca: ca.cert } }],
    policies: { any: {} },
    ...options,
  };
}

/** Starts an endpoint that ends with the test. */
export async function startEndpoint(
  way: Way,
  options: ForwardAuthOptions,
  start: StartAppOptions = {},
): Promise<Endpoint> {
  const port = way === 'node' ? await serveByNode(options, start) : await serveByNest(way, options, start);
  return {
    port,
    ask: async (policy, question = {}) =>
      call({ port }, { path: `/auth/${policy}`, headers: headersOf(question) }),
    call: async (sent) => call({ port }, sent),
  };
}

/** The headers by which nginx, as docs/proxies sets it up, passes on what its client sent. */
export function headersOf({
  token,
  certificate,
  method = 'GET',
  uri = '/',
  headers = {},
}: Question): Record<string, string | string[]> {
  const all: Readonly<Record<string, string | readonly string[] | undefined>> = {
    'x-original-method': method,
    'x-original-uri': uri,
    'x-ssl-client-verify': certificate === undefined ? 'NONE' : 'SUCCESS',
    'x-ssl-client-cert': certificate === undefined ? '' : encodeURIComponent(certificate.cert),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...headers,
  };
  const sent = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === 'string' ? value : [...value]] as const],
  );
  return Object.fromEntries(sent);
}

async function serveByNode(
  options: ForwardAuthOptions,
  { logger = false }: StartAppOptions,
): Promise<number> {
  Logger.overrideLogger(logger);
  const forwardAuth = new ForwardAuth(resolveForwardAuth(options));
  const server = createServer((request, response) => void forwardAuth.respond(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  whenOver(async () => {
    server.closeAllConnections();
    server.close();
    await forwardAuth.close();
  });
  return (server.address() as AddressInfo).port;
}

async function serveByNest(
  way: Exclude<Way, 'node'>,
  options: ForwardAuthOptions,
  { controllers = [], providers = [], ...start }: StartAppOptions,
): Promise<number> {
  const { audience = AUDIENCE, authorizationServers = [] } = options;
  // An app without TLS: certificates of its own clients come from the same proxies.
  const clientCertificate = {
    from: 'header',
    header: 'x-ssl-client-cert',
    format: 'pem',
    trust: 'proxy',
  } as const;
  const { trustedProxies } = options;
  const own = CertBoundAuthModule.forRoot({
    audience,
    authorizationServers,
    clientCertificate: { ...clientCertificate, trustedProxies },
  });
  @Module({
    imports: [...(way.endsWith('beside') ? [own] : []), ForwardAuthModule.forRoot(options)],
    controllers: [...controllers],
    providers: [...providers],
  })
  class App {}
  const app = await startApp(way.startsWith('express') ? 'express' : 'fastify', App, undefined, start);
  whenOver(async () => app.close());
  return (app.getHttpServer() as { address(): AddressInfo }).address().port;
}
