import { All, Controller, type INestApplication, Module, Param } from '@nestjs/common';
import {
  AccessToken,
  AnyScope,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  mutualTls,
  Public,
  Scopes,
} from 'nestjs-cert-bound-auth';
import type { VerifiedAccessToken } from 'nestjs-cert-bound-auth';
import type { Way } from '../hostile/hostile-app.js';
import { AUDIENCE } from '../hostile/hostile-kit.js';
import { type Platform, startApp } from '../support/platforms.js';
import { type DpopKit, PUBLIC_URL } from './dpop-kit.js';

/** Options of DPoP as `forRoot` takes them. */
export type DpopOptions = NonNullable<CertBoundAuthOptions['dpop']>;

/** What an app may differ in. */
export interface DpopAppOptions {
  readonly audience?: string;
  /** What is added to or replaces `publicUrl`; `off`: the app does not offer DPoP. */
  readonly dpop?: Partial<DpopOptions> | 'off';
  readonly realm?: string;
  /** Seconds that introspection answers are kept. @default not at all */
  readonly cacheTtl?: number;
  /** Changes the app before it is initialised. */
  readonly configure?: (app: INestApplication) => void;
}

/** An app under attack. */
export interface DpopApp {
  readonly port: number;
  /** How often a handler has run. */
  readonly runs: () => number;
  readonly close: () => Promise<void>;
}

/** What the handlers answer. */
export interface DpopAnswer {
  readonly boundBy: readonly string[];
  /** Names of the keys that the token is bound to. */
  readonly confirmation: readonly string[];
}

/** Starts an app that is protected in this way and asks for certificates without insisting on one. */
export async function startDpopApp(
  kit: DpopKit,
  platform: Platform,
  way: Way,
  options: DpopAppOptions = {},
): Promise<DpopApp> {
  const counter = { runs: 0 };
  const { key, cert } = kit.hostile.server;
  const tls = mutualTls({ key, cert, ca: kit.hostile.ca.cert, clientAuth: 'request' });
  const { configure } = options;
  const module = moduleOf(kit, way, options, counter);
  const app = await startApp(platform, module, tls, configure === undefined ? {} : { configure });
  return { port: portOf(app), runs: () => counter.runs, close: () => app.close() };
}

function moduleOf(kit: DpopKit, way: Way, options: DpopAppOptions, counter: Counter): object {
  @Module({
    imports: [
      CertBoundAuthModule.forRoot({
        audience: audienceOf(options),
        globalGuards: way.globalGuards,
        binding: way.binding ?? 'required',
        authorizationServers: serversOf(kit, options),
        ...(options.realm === undefined ? {} : { realm: options.realm }),
        ...(options.dpop === 'off' ? {} : { dpop: { publicUrl: PUBLIC_URL, ...options.dpop } }),
      }),
    ],
    controllers: [protectedController(way, counter), publicController(counter)],
  })
  class DpopModule {}
  return DpopModule;
}

function audienceOf({ audience = AUDIENCE }: DpopAppOptions): string {
  return audience;
}

function serversOf(
  { hostile }: DpopKit,
  options: DpopAppOptions,
): CertBoundAuthOptions['authorizationServers'] {
  const tls = { ca: hostile.ca.cert };
  const clientAuthentication = {
    method: 'client_secret_basic',
    clientId: 'api',
    clientSecret: 'api-secret',
  } as const;
  const introspection = {
    clientAuthentication,
    // Tells at the authorization server which of the apps is asking.
    parameters: { resource: audienceOf(options) },
    ...(options.cacheTtl === undefined ? {} : { cache: { ttl: options.cacheTtl } }),
  };
  return [
    { issuer: hostile.a.issuer, tls, introspection },
    { issuer: hostile.b.issuer, tls },
  ];
}

interface Counter {
  runs: number;
}

/** A class for each app: decorators and counter are its own. */
function protectedController(way: Way, counter: Counter): new () => object {
  @Controller()
  @way.protect()
  class ProtectedController {
    @All()
    root(@AccessToken() token: VerifiedAccessToken): DpopAnswer {
      return answer(counter, token);
    }

    @All('main')
    main(@AccessToken() token: VerifiedAccessToken): DpopAnswer {
      return answer(counter, token);
    }

    /** Its last segment is whatever a client writes. */
    @All('items/:id')
    item(@AccessToken() token: VerifiedAccessToken, @Param('id') id: string): DpopAnswer {
      if (id === '') throw new Error('the route has a parameter');
      return answer(counter, token);
    }

    @All('both')
    @Scopes('accounts:read', 'accounts:write')
    both(@AccessToken() token: VerifiedAccessToken): DpopAnswer {
      return answer(counter, token);
    }

    @All('any')
    @AnyScope('accounts:read', 'payments:read')
    any(@AccessToken() token: VerifiedAccessToken): DpopAnswer {
      return answer(counter, token);
    }
  }
  return ProtectedController;
}

function publicController(counter: Counter): new () => object {
  @Controller()
  class PublicController {
    @All('public')
    @Public()
    open(@AccessToken() token: VerifiedAccessToken | undefined): DpopAnswer {
      return answer(counter, token);
    }
  }
  return PublicController;
}

function answer(counter: Counter, token: VerifiedAccessToken | undefined): DpopAnswer {
  counter.runs += 1;
  return { boundBy: token?.boundBy ?? [], confirmation: Object.keys(token?.confirmation ?? {}).toSorted() };
}

function portOf(app: INestApplication): number {
  const address = (app.getHttpServer() as { address: () => { readonly port: number } }).address();
  return address.port;
}
