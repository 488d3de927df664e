import type { AddressInfo } from 'node:net';
import type { Agent } from 'node:https';
import type { INestApplication } from '@nestjs/common';
import {
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  type HeaderClientCertificateOptions,
} from 'nestjs-cert-bound-auth';
import type { TestAuthorizationServer, TestCertificate } from 'nestjs-cert-bound-auth/testing';
import { type Platform, startApp } from '../../support/platforms.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { startAuthorizationServer, whenOver } from '../../support/world.js';
import { CertificateController } from './certificate-controller.js';
import { documentedSource, type ForwardingProxy } from './forwarding-proxies.js';
import type { ProxyWorld } from './proxy-world.js';
import { type Answer, type Caller, get, getDirectly, type SentHeaders } from './public-client.js';
import { startProxy } from './start-proxy.js';

/** A client's request. */
export interface StageCall {
  /** Sent as a bearer token. @default none */
  readonly token?: string;
  readonly certificate?: Caller['certificate'];
  readonly headers?: SentHeaders;
  /** @default a connection of its own */
  readonly agent?: Agent | undefined;
}

/** An API and a proxy in front of it. */
export interface ForwardingStage {
  readonly as: TestAuthorizationServer;
  /** Of the API. */
  readonly logger: RecordingLogger;
  /** How a client of this certificate, or without one, finds the proxy. */
  readonly caller: (certificate?: Caller['certificate']) => Caller;
  /** Calls the proxy. */
  readonly call: (call: StageCall) => Promise<Answer>;
  /** Calls the API itself, from this address. */
  readonly callDirectly: (from: string, call: Omit<StageCall, 'certificate' | 'agent'>) => Promise<Answer>;
}

/** What differs from docs/proxies. */
export interface StageOptions {
  /** Options of the module. */
  readonly auth?: Partial<CertBoundAuthOptions>;
  /** Options of the source of certificates. */
  readonly source?: Partial<HeaderClientCertificateOptions>;
  /** What the proxy's configuration says otherwise. */
  readonly replace?: Readonly<Record<string, string>>;
}

/** Starts both, and an authorization server, as docs/proxies and docs/proxies.md have it; all end with the test. */
export async function startStage(
  proxy: ForwardingProxy,
  platform: Platform,
  world: ProxyWorld,
  { auth = {}, source = {}, replace = {} }: StageOptions = {},
): Promise<ForwardingStage> {
  const as = await startAuthorizationServer(world);
  const logger = new RecordingLogger();
  const clientCertificate = { ...(await documentedSource(proxy.kind)), ...source };
  const module = apiModule({ ...as.moduleOptions, clientCertificate, ...auth });
  const app = await startApp(platform, module, undefined, { logger });
  whenOver(async () => app.close());
  const appPort = portOf(app);
  const caller = await startForwarding(proxy, world, {
    '127.0.0.1:3000': `127.0.0.1:${appPort}`,
    ...replace,
  });
  return {
    as,
    logger,
    caller,
    call: async ({ certificate, agent, ...call }) =>
      get({ ...caller(certificate), ...(agent === undefined ? {} : { agent }) }, headersOf(call)),
    callDirectly: async (from, call) => getDirectly({ port: appPort, from }, headersOf(call)),
  };
}

/** The module of an API that shows certificates. */
export function apiModule(auth: CertBoundAuthOptions): object {
  class App {}
  return { module: App, imports: [CertBoundAuthModule.forRoot(auth)], controllers: [CertificateController] };
}

/** Starts a proxy, which ends with the test. @returns how its clients find it */
export async function startForwarding(
  { kind, file, oneFile }: ForwardingProxy,
  { ca, gateway }: ProxyWorld,
  replace: Readonly<Record<string, string>>,
  otherFiles: Readonly<Record<string, string>> = {},
): Promise<ForwardingStage['caller']> {
  const files = {
    ...(oneFile === true
      ? { '/etc/ssl/api/server.pem': `${gateway.cert}\n${gateway.key}` }
      : { '/etc/ssl/api/server.crt': gateway.cert, '/etc/ssl/api/server.key': gateway.key }),
    '/etc/ssl/api/client-ca.crt': ca.cert,
    ...otherFiles,
  };
  const { port, stop } = await startProxy(kind, { file, files, replace });
  whenOver(stop);
  return (certificate) => ({ port, ca: ca.cert, certificate });
}

/** What a client sends with a token. */
export function headersOf({ token, headers = [] }: Pick<StageCall, 'token' | 'headers'>): SentHeaders {
  return token === undefined ? headers : [['Authorization', `Bearer ${token}`], ...headers];
}

export function portOf(app: INestApplication): number {
  return (app.getHttpServer() as { address(): AddressInfo }).address().port;
}

/** A certificate and those behind it, as a client sends them. */
export function withChain(
  { key, cert }: TestCertificate,
  ...chain: readonly { readonly cert: string }[]
): NonNullable<Caller['certificate']> {
  return { key, cert: [cert, ...chain.map((issuer) => issuer.cert)].join('\n') };
}
