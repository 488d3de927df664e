import {
  All,
  applyDecorators,
  Controller,
  type INestApplication,
  Module,
  Param,
  UseGuards,
} from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import {
  AccessToken,
  AnyScope,
  CertBoundAuthModule,
  type CertBoundAuthOptions,
  CertificateBindingGuard,
  ClientCertificate,
  mutualTls,
  Public,
  Scopes,
} from 'nestjs-cert-bound-auth';
import type { VerifiedAccessToken } from 'nestjs-cert-bound-auth';
import { type Platform, startApp } from '../support/platforms.js';
import { AUDIENCE, type HostileKit, PUBLIC_URL, SCOPE } from './hostile-kit.js';

/** Options of DPoP as `forRoot` takes them. */
export type DpopOptions = NonNullable<CertBoundAuthOptions['dpop']>;

/** One way of protecting a route. */
export interface Way {
  readonly name: string;
  readonly globalGuards: boolean;
  /** Put on the controller, whose routes have no other protection than this. */
  readonly protect: () => ClassDecorator;
  /**
   * Passport's guard comes first: where no credentials came, it throws Nest's bare `UnauthorizedException`,
   * whose body has no `error`. Nothing but the challenge is then the library's own.
   */
  readonly bareUnauthorized?: true;
  /** @default 'required' */
  readonly binding?: 'if-bound';
  /** Starts what is attacked, where that is no app with routes of its own. */
  readonly start?: typeof startHostileApp;
}

const unprotected = (): ClassDecorator => () => undefined;

/** Every way that DESIGN.md §1 promises. */
export const WAYS = {
  globalGuards: { name: 'global guards', globalGuards: true, protect: unprotected },
  bindingGuard: {
    name: 'CertificateBindingGuard',
    globalGuards: false,
    protect: () => UseGuards(CertificateBindingGuard),
  },
  authGuard: {
    name: "AuthGuard('cert-bound')",
    globalGuards: false,
    protect: () => UseGuards(AuthGuard('cert-bound')),
    bareUnauthorized: true,
  },
  authGuardFirst: {
    name: "AuthGuard('cert-bound'), CertificateBindingGuard",
    globalGuards: false,
    protect: () => UseGuards(AuthGuard('cert-bound'), CertificateBindingGuard),
    bareUnauthorized: true,
  },
  bindingGuardFirst: {
    name: "CertificateBindingGuard, AuthGuard('cert-bound')",
    globalGuards: false,
    protect: () => UseGuards(CertificateBindingGuard, AuthGuard('cert-bound')),
  },
  /** Admits tokens without `cnf`, and no other that `required` would refuse. */
  ifBound: { name: 'binding: if-bound', globalGuards: true, protect: unprotected, binding: 'if-bound' },
  scopes: { name: '@Scopes() alone', globalGuards: false, protect: () => applyDecorators(Scopes(SCOPE)) },
} as const satisfies Readonly<Record<string, Way>>;

/** What an app may differ in. */
export interface HostileAppOptions {
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
export interface HostileApp {
  readonly port: number;
  /** How often a handler has run. */
  readonly runs: () => number;
  readonly close: () => Promise<void>;
}

/** What the handlers answer. */
export interface HostileAnswer {
  readonly boundBy: readonly string[];
  /** Names of the keys that the token is bound to. */
  readonly confirmation: readonly string[];
  /** Thumbprint of the certificate that the handler was told. */
  readonly certificate: string | null;
}

/** Starts an app that is protected in this way and asks for certificates without insisting on one. */
export async function startHostileApp(
  kit: HostileKit,
  platform: Platform,
  way: Way,
  options: HostileAppOptions = {},
): Promise<HostileApp> {
  if (way.start !== undefined) return way.start(kit, platform, way, options);
  const counter = { runs: 0 };
  const { key, cert } = kit.server;
  const tls = mutualTls({ key, cert, ca: kit.ca.cert, clientAuth: 'request' });
  const { configure } = options;
  const module = moduleOf(kit, way, options, counter);
  const app = await startApp(platform, module, tls, configure === undefined ? {} : { configure });
  return { port: portOf(app), runs: () => counter.runs, close: () => app.close() };
}

function moduleOf(kit: HostileKit, way: Way, options: HostileAppOptions, counter: Counter): object {
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
  class HostileModule {}
  return HostileModule;
}

export function audienceOf({ audience = AUDIENCE }: HostileAppOptions): string {
  return audience;
}

/** Issuers A, which answers introspection as well, and B. */
export function serversOf(
  kit: HostileKit,
  options: HostileAppOptions,
): CertBoundAuthOptions['authorizationServers'] {
  const tls = { ca: kit.ca.cert };
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
    { issuer: kit.a.issuer, tls, introspection },
    { issuer: kit.b.issuer, tls },
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
    root(@AccessToken() token: VerifiedAccessToken, @ClientCertificate() certificate?: Told): HostileAnswer {
      return answer(counter, token, certificate);
    }

    @All('main')
    main(@AccessToken() token: VerifiedAccessToken, @ClientCertificate() certificate?: Told): HostileAnswer {
      return answer(counter, token, certificate);
    }

    /** Its last segment is whatever a client writes. */
    @All('items/:id')
    item(
      @AccessToken() token: VerifiedAccessToken,
      @Param('id') id: string,
      @ClientCertificate() certificate?: Told,
    ): HostileAnswer {
      if (id === '') throw new Error('the route has a parameter');
      return answer(counter, token, certificate);
    }

    @All('both')
    @Scopes('accounts:read', 'accounts:write')
    both(@AccessToken() token: VerifiedAccessToken, @ClientCertificate() certificate?: Told): HostileAnswer {
      return answer(counter, token, certificate);
    }

    @All('any')
    @AnyScope('accounts:read', 'payments:read')
    any(@AccessToken() token: VerifiedAccessToken, @ClientCertificate() certificate?: Told): HostileAnswer {
      return answer(counter, token, certificate);
    }
  }
  return ProtectedController;
}

function publicController(counter: Counter): new () => object {
  @Controller()
  class PublicController {
    @All('public')
    @Public()
    open(@AccessToken() token: VerifiedAccessToken | undefined): HostileAnswer {
      return answer(counter, token);
    }
  }
  return PublicController;
}

/** A certificate as a handler is told of it. */
interface Told {
  readonly thumbprint: string;
}

function answer(counter: Counter, token: VerifiedAccessToken | undefined, certificate?: Told): HostileAnswer {
  counter.runs += 1;
  return {
    boundBy: token?.boundBy ?? [],
    confirmation: Object.keys(token?.confirmation ?? {}).toSorted(),
    certificate: certificate?.thumbprint ?? null,
  };
}

function portOf(app: INestApplication): number {
  const address = (app.getHttpServer() as { address: () => { readonly port: number } }).address();
  return address.port;
}
