import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type DynamicModule,
  type HttpServer,
  Inject,
  Module,
  type NestModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import { noteDecidedElsewhere } from '../nest/exchange/request-record.js';
import type { HttpRequest } from '../request/http-request.js';
import { listenersOf } from '../nest/listeners-of.js';
import { startTelemetry } from '../events/open-telemetry.js';
import { logToNest } from '../nest/log/log-to-nest.js';
import { RESOLVED_OPTIONS } from '../nest/cert-bound-auth.module-definition.js';
import { APP_REVOCATIONS, type AppRevocations, TokenRevocations } from '../nest/token-revocations.js';
import { CertBoundAuthConfigurationError, problem } from '../options/configuration-error.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { metadataTargetOf } from '../protected-resource/metadata-url.js';
import { answerBeforeApp } from './answer-before-app.js';
import { isAtOrBelow } from './endpoint-path.js';
import { ForwardAuth } from './forward-auth.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  FORWARD_AUTH_OPTIONS,
  type OPTIONS_TYPE,
} from './forward-auth.module-definition.js';
import type { ForwardAuthOptions } from './forward-auth.options.js';
import { resolveForwardAuth } from './resolve-forward-auth.js';
import type { ResolvedForwardAuth } from './resolved-forward-auth.js';

logToNest();

/**
 * Makes an app what a proxy asks whether it may let a request pass: nginx's `auth_request`, Traefik's ForwardAuth,
 * Caddy's `forward_auth`, Envoy's ext_authz by HTTP. It stands beside {@link CertBoundAuthModule} or alone.
 */
@Module({
  providers: [
    {
      provide: ForwardAuth,
      useFactory: createForwardAuth,
      inject: [
        { token: FORWARD_AUTH_OPTIONS, optional: true },
        { token: APP_REVOCATIONS, optional: true },
      ],
    },
    { provide: TokenRevocations, useFactory: createTokenRevocations, inject: [ForwardAuth] },
  ],
  exports: [TokenRevocations],
})
export class ForwardAuthModule
  extends ConfigurableModuleClass
  implements NestModule, OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
  private stopTelemetry: (() => void) | undefined;

  constructor(
    @Inject(ForwardAuth) private readonly forwardAuth: ForwardAuth,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {
    super();
  }

  /**
   * Configures the endpoint with values.
   * @throws CertBoundAuthConfigurationError at boot, naming every wrong field
   * @example
   * ```ts
   * import { ForwardAuthModule } from 'nestjs-cert-bound-auth';
   *
   * export const forwardAuth = ForwardAuthModule.forRoot({
   *   trustedProxies: ['loopback'],
   *   audience: 'https://api.example.com',
   *   authorizationServers: [{ issuer: 'https://as.example.com' }],
   *   policies: { payments: { scopes: ['payments:read'] } },
   * });
   * ```
   */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return super.forRoot(options ?? {});
  }

  /**
   * Configures the endpoint with what a factory returns.
   * @throws CertBoundAuthConfigurationError at boot, naming every wrong field
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }

  /**
   * Its decisions are events as those of the app's own routes are.
   * @throws CertBoundAuthConfigurationError where another endpoint of the app takes the same paths
   */
  async onModuleInit(): Promise<void> {
    checkPaths(this.forwardAuth, this.modules);
    checkDocumentOfApp(this.forwardAuth, this.modules);
    this.forwardAuth.listenBy(listenersOf(this.modules, this.moduleRef));
    this.stopTelemetry = await startTelemetry();
    await this.forwardAuth.start();
  }

  /** Before the app's routes, whatever the adapter: the endpoint is there even where nothing can come earlier. */
  configure(): void {
    this.host.httpAdapter.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
      if (!this.forwardAuth.concerns(request)) return next();
      noteDecidedElsewhere(request as HttpRequest);
      void this.forwardAuth.respond(request, response);
    });
  }

  /**
   * Before all else: no CORS, parser of bodies, guard, pipe, interceptor or filter of the app, and no global prefix, has
   * a say in what a proxy is answered.
   */
  onApplicationBootstrap(): void {
    // An application context without HTTP has no adapter.
    const adapter = this.host.httpAdapter as HttpServer | null | undefined;
    if (adapter) answerBeforeApp(adapter, this.forwardAuth);
  }

  /** The connections to the authorization servers end after those of the proxies. */
  async onApplicationShutdown(): Promise<void> {
    this.stopTelemetry?.();
    await this.forwardAuth.close();
  }
}

/** Without `forRoot` or `forRootAsync` there are no options: Nest would only say that it can't resolve a symbol. */
function createForwardAuth(
  given: ForwardAuthOptions | undefined,
  ofApp: AppRevocations | undefined,
): ForwardAuth {
  if (given !== undefined) return besideApp(resolveForwardAuth(given), ofApp);
  const remedy =
    'import ForwardAuthModule.forRoot({ trustedProxies, audience, authorizationServers, policies }), and the plain class ' +
    'nowhere; the factory of forRootAsync must return the options';
  throw new CertBoundAuthConfigurationError([problem('options', given, remedy)], 'ForwardAuthModule');
}

/** What is revoked in an app is refused by all of it. */
function besideApp(settings: ResolvedForwardAuth, ofApp: AppRevocations | undefined): ForwardAuth {
  if (ofApp === undefined) return new ForwardAuth(settings);
  const { revocations } = settings;
  if (revocations === undefined) return new ForwardAuth(settings, ofApp.list);
  const remedy =
    'CertBoundAuthModule is in the same app: give it the option revocations, and it holds here as well';
  throw new CertBoundAuthConfigurationError(
    [problem('revocations', revocations, remedy)],
    'ForwardAuthModule',
  );
}

function createTokenRevocations({ revocations }: ForwardAuth): TokenRevocations {
  return new TokenRevocations(revocations);
}

/** Which of two endpoints answered would depend on the order of the modules. */
function checkPaths(own: ForwardAuth, modules: ModulesContainer): void {
  const others = [...modules.values()]
    .map(({ providers }): unknown => providers.get(ForwardAuth)?.instance)
    .filter((other) => other instanceof ForwardAuth && other !== own);
  if (!others.some((other) => (other as ForwardAuth).overlaps(own))) return;
  const remedy = `another ForwardAuthModule of this app answers below ${own.path}, too, or has a document at the same path: give each paths of its own`;
  throw new CertBoundAuthConfigurationError([problem('path', own.path, remedy)], 'ForwardAuthModule');
}

/** The same of what the app tells of itself: it would answer in this module's place. */
function checkDocumentOfApp(own: ForwardAuth, modules: ModulesContainer): void {
  const taken = [...modules.values()].flatMap(({ providers }) => {
    const options = providers.get(RESOLVED_OPTIONS)?.instance as ResolvedOptions | undefined;
    if (options === undefined) return [];
    const all = [options, ...[...options.policies.values()].map((policy) => policy.options)];
    return all.flatMap(({ protectedResource }) =>
      protectedResource === undefined ? [] : [metadataTargetOf(protectedResource.resource).path],
    );
  });
  const shared = taken.find((path) => own.documentPaths.includes(path) || isAtOrBelow(path, own.path));
  if (shared === undefined) return;
  const remedy = `CertBoundAuthModule of this app has its own document at ${shared}: give each API a URL with a path of its own`;
  throw new CertBoundAuthConfigurationError(
    [problem('protectedResource.resource', shared, remedy)],
    'ForwardAuthModule',
  );
}
