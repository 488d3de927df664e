import { All, applyDecorators, Controller, type INestApplication, Module, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import {
  AccessToken,
  AnyScope,
  CertBoundAuthModule,
  CertificateBindingGuard,
  ClientCertificate,
  mutualTls,
  Public,
  Scopes,
} from 'nestjs-cert-bound-auth';
import type { VerifiedAccessToken } from 'nestjs-cert-bound-auth';
import { type Platform, startApp } from '../support/platforms.js';
import { AUDIENCE, type HostileKit, SCOPE } from './hostile-kit.js';

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
  /** Seconds that introspection answers are kept. @default not at all */
  readonly cacheTtl?: number;
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
  readonly certificate: string | null;
}

/** Starts an app that is protected in this way, with its own certificate and A and B as its issuers. */
export async function startHostileApp(
  kit: HostileKit,
  platform: Platform,
  way: Way,
  options: HostileAppOptions = {},
): Promise<HostileApp> {
  const counter = { runs: 0 };
  const { key, cert } = kit.server;
  const tls = mutualTls({ key, cert, ca: kit.ca.cert, clientAuth: 'request' });
  const app = await startApp(platform, moduleOf(kit, way, options, counter), tls);
  return { port: portOf(app), runs: () => counter.runs, close: () => app.close() };
}

function moduleOf(kit: HostileKit, way: Way, options: HostileAppOptions, counter: Counter): object {
  const audience = options.audience ?? AUDIENCE;
  @Module({
    imports: [
      CertBoundAuthModule.forRoot({
        audience,
        globalGuards: way.globalGuards,
        binding: way.binding ?? 'required',
        authorizationServers: [
          {
            issuer: kit.a.issuer,
            tls: { ca: kit.ca.cert },
            introspection: {
              clientAuthentication: {
                method: 'client_secret_basic',
                clientId: 'api',
                clientSecret: 'api-secret',
              },
              // Tells at the authorization server which of the apps is asking.
              parameters: { resource: audience },
              ...(options.cacheTtl === undefined ? {} : { cache: { ttl: options.cacheTtl } }),
            },
          },
          { issuer: kit.b.issuer, tls: { ca: kit.ca.cert } },
        ],
      }),
    ],
    controllers: [protectedController(way, counter), publicController(counter)],
  })
  class HostileModule {}
  return HostileModule;
}

interface Counter {
  runs: number;
}

/** A class for each app: decorators and counter are its own. */
function protectedController(way: Way, counter: Counter): new () => object {
  @Controller()
  @way.protect()
  class ProtectedController {
    @All('main')
    main(
      @AccessToken() token: VerifiedAccessToken,
      @ClientCertificate() certificate: { readonly thumbprint: string },
    ): HostileAnswer {
      return answer(counter, token, certificate.thumbprint);
    }

    @All('both')
    @Scopes('accounts:read', 'accounts:write')
    both(
      @AccessToken() token: VerifiedAccessToken,
      @ClientCertificate() certificate: { readonly thumbprint: string },
    ): HostileAnswer {
      return answer(counter, token, certificate.thumbprint);
    }

    @All('any')
    @AnyScope('accounts:read', 'payments:read')
    any(
      @AccessToken() token: VerifiedAccessToken,
      @ClientCertificate() certificate: { readonly thumbprint: string },
    ): HostileAnswer {
      return answer(counter, token, certificate.thumbprint);
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
      return answer(counter, token, null);
    }
  }
  return PublicController;
}

function answer(
  counter: Counter,
  token: VerifiedAccessToken | undefined,
  certificate: string | null,
): HostileAnswer {
  counter.runs += 1;
  return { boundBy: token?.boundBy ?? [], certificate };
}

function portOf(app: INestApplication): number {
  const address = (app.getHttpServer() as { address: () => { readonly port: number } }).address();
  return address.port;
}
