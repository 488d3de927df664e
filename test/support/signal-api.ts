import { Controller, Get, type INestApplication, type Provider, type Type } from '@nestjs/common';
import {
  type AuthorizationServerOptions,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
} from 'nestjs-cert-bound-auth';
import {
  type SharedSignalsOptions,
  SharedSignalsModule,
  type TransmitterOptions,
} from 'nestjs-cert-bound-auth/shared-signals';
import type { TestAuthorizationServer } from 'nestjs-cert-bound-auth/testing';
import { type Platform, startApp, type StartAppOptions } from './platforms.js';
import { type Answered, push, type PushOptions, RECEIVER, type TestTransmitter } from './transmitter.js';
import { AUDIENCE, clientOf, tlsOf, whenOver, type World } from './world.js';

@Controller()
class PingController {
  @Get() ping(): string {
    return 'pong';
  }
}

/** An app that listens to a transmitter. */
export interface SignalApi {
  readonly app: INestApplication;
  /** Sends a token of client 1: the status of the answer. */
  readonly call: (token: string) => Promise<number>;
  readonly push: (set: string, options?: PushOptions) => Promise<Answered>;
}

type ModuleOptions = Partial<Omit<SharedSignalsOptions, 'path'>> & { readonly path?: string | undefined };

/** How {@link startSignalApi} differs from the shortest configuration. */
export interface SignalApiOptions extends StartAppOptions {
  readonly options?: Partial<CertBoundAuthOptions> | { readonly revocations: undefined };
  /** @default one that answers at `/` */
  readonly controllers?: readonly Type[];
  readonly providers?: readonly Provider[];
  readonly server?: Partial<AuthorizationServerOptions>;
  /** Options of the transmitter. */
  readonly transmitter?: object | ((as: TestAuthorizationServer) => object);
  /** Options of the module, or what makes them of the options of the transmitter. */
  readonly signals?: ModuleOptions | ((transmitter: TransmitterOptions) => ModuleOptions);
}

/** Starts such an app, which ends with the test. The transmitter speaks for the tokens of the server. */
export async function startSignalApi(
  world: World,
  platform: Platform,
  { as, transmitter }: { readonly as: TestAuthorizationServer; readonly transmitter: TestTransmitter },
  {
    options,
    server,
    transmitter: rules,
    signals,
    controllers = [PingController],
    providers = [],
    ...start
  }: SignalApiOptions = {},
): Promise<SignalApi> {
  const tls = { ca: world.ca.cert };
  const auth = CertBoundAuthModule.forRoot({
    audience: AUDIENCE,
    authorizationServers: [{ issuer: as.issuer, tls, ...server }],
    revocations: {},
    ...(options as Partial<CertBoundAuthOptions>),
  });
  const listened = {
    issuer: transmitter.issuer,
    audience: RECEIVER,
    delivery: 'push',
    subjects: { issuers: { [as.issuer]: as.issuer } },
    tls,
    ...(typeof rules === 'function' ? rules(as) : rules),
  } as TransmitterOptions;
  const heard = SharedSignalsModule.forRoot({
    path: '/signals',
    transmitters: [listened],
    ...(typeof signals === 'function' ? signals(listened) : signals),
  } as SharedSignalsOptions);
  class App {}
  const module = { module: App, imports: [heard, auth], controllers, providers };
  const app = await startApp(platform, module, tlsOf(world), start);
  whenOver(async () => app.close());
  return {
    app,
    call: async (token) => (await clientOf(app, world, world.client1, token).get('/')).status,
    push: async (set, sent) => push(app, world, set, sent),
  };
}
