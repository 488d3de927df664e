import {
  type DynamicModule,
  Inject,
  Module,
  Optional,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import { registerAuthenticator, unregisterAuthenticator } from './exchange/app-registry.js';
import { logTable } from './entrances/describe-entrances.js';
import { EntranceRegistry, type Protection } from './entrances/entrance-registry.js';
import { closeDoor } from './http/close-door.js';
import { publicPathsOf } from './http/public-paths.js';
import { type BeforeApp, beforeApp } from './http/before-app.js';
import { type OriginCheck, originCheck, refusePages } from './http/check-origin.js';
import { echoInteractionId } from './http/interaction-id.js';
import { type ServedMetadata, serveMetadata } from './http/serve-metadata.js';
import { keepReply } from './http/reply-of.js';
import { Server } from 'node:tls';
import type { CertBoundAuthOptions } from '../cert-bound-auth.options.js';
import { type Expiring, ExpiryWatch } from '../common/expiry-watch.js';
import { detailTypesOf, scopesOfRules } from '../authorization/demands.js';
import type { EnforcedByApp } from '../protected-resource/metadata.js';
import { servedMetadata } from '../protected-resource/served-metadata.js';
import { ResourceServer } from '../resource-server.js';
import { AccessExplainer } from './access-explainer.js';
import { AuthorizationServers } from './authorization-servers.js';
import { ScopesGuard } from './guards/scopes.guard.js';
import {
  type ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type OPTIONS_TYPE,
  PROTECTS_ALL,
  RESOLVED_OPTIONS,
} from './cert-bound-auth.module-definition.js';
import { CertBoundStrategy } from './guards/cert-bound.strategy.js';
import { rememberInstance } from './demands/methods.js';
import { forgetPolicies } from './demands/route-policy.js';
import { checkApplication } from './check-application.js';
import { canSeeCertificates } from './tls/can-see-certificates.js';
import { resolverClassesOf } from './graphql/resolvers.js';
import { GraphQLWatch } from './graphql/watch-graphql.js';
import { holdGateways } from './guards/gateway.guard.js';
import { holdMessageHandlers } from './guards/message.guard.js';
import { CertificateBindingGuard } from './guards/certificate-binding.guard.js';
import { CertBoundAuthHealthIndicator } from './health-indicator.js';
import { listenersOf } from './listeners-of.js';
import { startTelemetry } from '../events/open-telemetry.js';
import { CertBoundAuthConfigurationError, problem } from '../options/configuration-error.js';
import { hasMessageHandlers } from './microservices/message-handlers.js';
import { watchServers } from './microservices/watch-servers.js';
import type { GatewayApp } from './websockets/gateway-app.js';
import { gatewaysOf, hasGateways } from './websockets/gateways.js';
import { Tickets } from './websockets/tickets.js';
import { WebSocketTickets } from './websockets/web-socket-tickets.js';
import { forgetGateways, holdUpgrades, watchGateways } from './websockets/watch-gateways.js';
import { logToNest } from './log/log-to-nest.js';
import { Sessions } from './sessions.js';
import { APP_REVOCATIONS, type AppRevocations, TokenRevocations } from './token-revocations.js';
import { createPolicyServers, createResourceServer } from './policy-servers.js';
import { AppAuthenticator, type PolicyServers } from './exchange/app-authenticator.js';
import { type ResolvedOptions, resolveOptions } from '../options/resolve-options.js';
import { expiringCertificates } from '../tls/expiring-certificates.js';

logToNest();

/** What decides, and what asks for it. */
const OWN: readonly Type[] = [
  ResourceServer,
  AppAuthenticator,
  AuthorizationServers,
  EntranceRegistry,
  CertBoundStrategy,
  CertificateBindingGuard,
  ScopesGuard,
];

const TICKETS = Symbol('tickets');

/** What decides for the named policies. */
const POLICY_SERVERS = Symbol('servers of policies');

/**
 * Makes an app an OAuth 2.0 resource server whose access tokens work only for the holder of the key that they were
 * issued to: of a client certificate (RFC 8705), and where `dpop` is configured, of a DPoP key (RFC 9449). Importing it
 * protects every route.
 */
@Module({
  providers: [
    {
      provide: RESOLVED_OPTIONS,
      useFactory: resolveGivenOptions,
      inject: [{ token: MODULE_OPTIONS_TOKEN, optional: true }],
    },
    { provide: ResourceServer, useFactory: createResourceServer, inject: [RESOLVED_OPTIONS] },
    { provide: POLICY_SERVERS, useFactory: createPolicyServers, inject: [ResourceServer, RESOLVED_OPTIONS] },
    {
      provide: AppAuthenticator,
      useFactory: createAuthenticator,
      inject: [ResourceServer, POLICY_SERVERS, RESOLVED_OPTIONS],
    },
    {
      provide: AuthorizationServers,
      useFactory: createAuthorizationServers,
      inject: [ResourceServer, POLICY_SERVERS],
    },
    EntranceRegistry,
    { provide: TICKETS, useFactory: createTickets, inject: [RESOLVED_OPTIONS] },
    {
      provide: WebSocketTickets,
      useFactory: createWebSocketTickets,
      inject: [AppAuthenticator, TICKETS],
    },
    { provide: APP_REVOCATIONS, useFactory: revocationsOf, inject: [ResourceServer] },
    { provide: TokenRevocations, useFactory: createTokenRevocations, inject: [APP_REVOCATIONS] },
    { provide: Sessions, useFactory: createSessions, inject: [AppAuthenticator, ResourceServer] },
    {
      provide: AccessExplainer,
      useFactory: createAccessExplainer,
      inject: [ResourceServer, POLICY_SERVERS],
    },
    CertBoundAuthHealthIndicator,
    CertBoundStrategy,
    CertificateBindingGuard,
    ScopesGuard,
  ],
  exports: [
    AppAuthenticator,
    AuthorizationServers,
    WebSocketTickets,
    APP_REVOCATIONS,
    TokenRevocations,
    Sessions,
    AccessExplainer,
    CertBoundAuthHealthIndicator,
    CertificateBindingGuard,
    ScopesGuard,
  ],
})
export class CertBoundAuthModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
  /** The instance of Express or Fastify, once it is known. */
  private app: object | undefined;
  private stopTelemetry: (() => void) | undefined;
  private graphql: GraphQLWatch | undefined;
  private readonly expiry = new ExpiryWatch(() => this.expiring());
  private readonly gateways: GatewayApp;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(ResourceServer) private readonly server: ResourceServer,
    @Inject(AppAuthenticator) private readonly authenticator: AppAuthenticator,
    @Inject(AuthorizationServers) private readonly servers: AuthorizationServers,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(EntranceRegistry) private readonly entrances: EntranceRegistry,
    @Inject(ApplicationConfig) config: ApplicationConfig,
    @Inject(TICKETS) tickets: Tickets | undefined,
    @Inject(PROTECTS_ALL) @Optional() private readonly protectsAll = true,
  ) {
    super();
    // Microservices may listen before the app is initialised.
    registerAuthenticator(modules, authenticator);
    watchServers(modules, { modules, authenticator, protectsAll, settings: options.messages });
    holdMessageHandlers(modules);
    const { publicPaths, messages } = options;
    const isPublic = publicPathsOf(publicPaths);
    const served = protectsAll
      ? closeDoor(host, modules, { authenticator, isPublic })
      : (): readonly [] => [];
    const { publicMethods } = messages;
    const metadata = [undefined, ...options.policies.keys()].flatMap(
      (policy) => servedMetadata(this.optionsOf(policy), () => this.enforcedBy(policy)) ?? [],
    );
    const mayCall = originCheck(options.allowedOrigins);
    beforeApp(host, stepsBeforeApp(options, metadata, mayCall));
    const openPaths = new Set([...publicPaths, ...metadata.map(({ target }) => target.path)]);
    entrances.describe({
      config,
      modules,
      protectsAll,
      publicPaths: [...openPaths],
      publicMethods,
      served,
      protectionOf: (policy) => this.protectionOf(policy),
      policies: [...options.policies.keys()],
    });
    const httpServer = (): object | undefined => host.httpAdapter?.getHttpServer() as object | undefined;
    this.gateways = { modules, authenticator, protectsAll, isPublic, mayCall, tickets, httpServer };
    watchGateways(this.gateways);
    holdGateways(modules);
  }

  /**
   * Configures the module with values.
   * @throws CertBoundAuthConfigurationError at boot, naming every wrong field
   * @example
   * ```ts
   * import { Module } from '@nestjs/common';
   * import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';
   *
   * @Module({
   *   imports: [
   *     CertBoundAuthModule.forRoot({
   *       audience: 'https://api.example.com',
   *       authorizationServers: [{ issuer: 'https://as.example.com' }],
   *     }),
   *   ],
   * })
   * export class AppModule {}
   * ```
   */
  static override forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return super.forRoot(options ?? {});
  }

  /**
   * Configures the module with what a factory returns. `globalGuards` stands beside `useFactory`.
   * @throws CertBoundAuthConfigurationError at boot, naming every wrong field
   * @example
   * ```ts
   * import { CertBoundAuthModule } from 'nestjs-cert-bound-auth';
   *
   * export const auth = CertBoundAuthModule.forRootAsync({
   *   useFactory: async () => ({
   *     audience: String(process.env['AUDIENCE']),
   *     authorizationServers: [{ issuer: String(process.env['ISSUER']) }],
   *   }),
   * });
   * ```
   */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }

  /** @throws CertBoundAuthConfigurationError when the app as a whole is set up wrongly */
  async onModuleInit(): Promise<void> {
    const { httpAdapter } = this.host;
    // An app without HTTP server has no requests, but perhaps messages.
    const app = httpAdapter?.getInstance<FastifyHooks | null>() ?? undefined;
    rememberControllers(this.modules);
    const { isStandIn } = this.server;
    checkApplication(this.modules, app && httpAdapter, this.options, {
      self: CertBoundAuthModule,
      own: OWN,
      isStandIn,
      gateways: this.gateways,
    });
    // This module is global, so that GraphQLModule has not made its schema yet.
    const { modules, authenticator, protectsAll } = this;
    this.graphql = new GraphQLWatch(modules, { modules, authenticator, protectsAll });
    if (app !== undefined) this.register(app, httpAdapter.getType());
    else if (!hasMessageHandlers(this.modules) && !hasGateways(this.modules)) return;
    this.authenticator.listenBy(listenersOf(this.modules, this.moduleRef));
    this.stopTelemetry = await startTelemetry();
    await this.authenticator.start();
    this.expiry.start();
    if (this.options.bootstrap === 'eager') await this.servers.prepare();
  }

  /** @throws CertBoundAuthConfigurationError when a schema of GraphQL cannot be protected */
  onApplicationBootstrap(): void {
    this.graphql?.holdAll(this.app !== undefined);
    logTable(this.entrances.list());
  }

  /** What handlers of this policy demand; known when the app has been initialised. */
  private enforcedBy(policy: string | undefined): EnforcedByApp {
    const own = this.entrances.list().filter((entrance) => entrance.policy === policy);
    const demands = own.map((entrance) => entrance.demands);
    return {
      scopes: scopesOfRules(demands.flatMap(({ rules }) => rules)),
      detailTypes: detailTypesOf(demands.flatMap(({ checks }) => checks)),
      seesCertificates: this.protectionOf(policy).seesCertificates,
    };
  }

  private protectionOf(policy: string | undefined): Protection {
    const options = this.optionsOf(policy);
    const server: unknown = this.host.httpAdapter.getHttpServer();
    return { options, seesCertificates: canSeeCertificates(server, options.clientCertificate) };
  }

  private optionsOf(policy: string | undefined): ResolvedOptions {
    return (policy === undefined ? undefined : this.options.policies.get(policy)?.options) ?? this.options;
  }

  /** What somebody has to renew: what is in force at this moment. */
  private expiring(): readonly Expiring[] {
    const server: unknown = this.host.httpAdapter?.getHttpServer();
    const own = server instanceof Server ? expiringCertificates(server) : [];
    return [...own, ...this.authenticator.expiring(Date.now())];
  }

  private register(app: FastifyHooks, platform: string): void {
    if (!registerAuthenticator(app, this.authenticator)) throw sharedInstance(app);
    this.app = app;
    if (platform === 'fastify') app.addHook('onRequest', keepReply);
    holdUpgrades(this.gateways);
  }

  /** The connections to the authorization servers end after those of the app's own clients. */
  async onApplicationShutdown(): Promise<void> {
    unregisterAuthenticator(this.modules, this.authenticator);
    forgetGateways(this.gateways);
    if (this.app !== undefined) unregisterAuthenticator(this.app, this.authenticator);
    this.expiry.close();
    this.stopTelemetry?.();
    await this.authenticator.close();
  }
}

/** One without a query is also told to whoever asks for another one. */
function withQueryFirst(one: ServedMetadata, other: ServedMetadata): number {
  return Number(one.target.query === '') - Number(other.target.query === '');
}

/** What looks at each request before anything else, in its order. */
function stepsBeforeApp(
  { interactionId, allowedOrigins }: ResolvedOptions,
  metadata: readonly ServedMetadata[],
  mayCall: OriginCheck,
): readonly BeforeApp[] {
  return [
    ...(interactionId === undefined ? [] : [echoInteractionId(interactionId)]),
    // Any page may read the metadata.
    ...metadata.toSorted(withQueryFirst).map((each) => serveMetadata(each)),
    ...(allowedOrigins === undefined ? [] : [refusePages(mayCall)]),
  ];
}

/** Their constructors may have put functions of their own in the place of methods. */
function rememberControllers(modules: ModulesContainer): void {
  forgetPolicies();
  for (const { controllers } of modules.values())
    for (const { instance, metatype } of controllers.values())
      if (instance) rememberInstance(instance, metatype);
  for (const { instance, registered } of resolverClassesOf(modules.values()))
    rememberInstance(instance, registered);
  for (const { instance, type } of gatewaysOf(modules)) {
    const made = instance();
    if (made !== undefined) rememberInstance(made, type);
  }
}

interface FastifyHooks {
  addHook(name: 'onRequest', hook: typeof keepReply): unknown;
}

/** Passport and the parameter decorators find an app's authenticator by this instance. */
function sharedInstance(app: object): CertBoundAuthConfigurationError {
  const remedy = 'two Nest apps share this instance of Express or Fastify: give each an adapter of its own';
  return new CertBoundAuthConfigurationError([problem('httpAdapter', app, remedy)]);
}

/** Without `forRoot` or `forRootAsync` there are no options: Nest would only say that it can't resolve a symbol. */
function resolveGivenOptions(given: CertBoundAuthOptions | undefined): ResolvedOptions {
  if (given !== undefined) return resolveOptions(given);
  const remedy =
    'import CertBoundAuthModule.forRoot({ audience, authorizationServers }) in the root module, and the plain class ' +
    'nowhere, for the module is global; the factory of forRootAsync must return the options';
  throw new CertBoundAuthConfigurationError([problem('options', given, remedy)]);
}

function createAuthenticator(
  server: ResourceServer,
  policies: PolicyServers,
  { streams }: ResolvedOptions,
): AppAuthenticator {
  return new AppAuthenticator(server, policies, streams);
}

function createAuthorizationServers(own: ResourceServer, policies: PolicyServers): AuthorizationServers {
  const all = [own, ...policies.values()];
  const trusted = all.flatMap(({ policy, authorizationServers }) =>
    [...authorizationServers.values()].map((server) => ({ policy, server })),
  );
  return new AuthorizationServers(
    trusted,
    all.flatMap(({ resolvedServers }) => resolvedServers ?? []),
  );
}

function revocationsOf({ revocations }: ResourceServer): AppRevocations {
  return { list: revocations };
}

function createTokenRevocations({ list }: AppRevocations): TokenRevocations {
  return new TokenRevocations(list);
}

function createAccessExplainer(own: ResourceServer, policies: PolicyServers): AccessExplainer {
  return new AccessExplainer(own, policies);
}

function createSessions(authenticator: AppAuthenticator, { sessions }: ResourceServer): Sessions {
  return new Sessions(authenticator, sessions);
}

function createTickets({ webSocketTickets }: ResolvedOptions): Tickets | undefined {
  return webSocketTickets === undefined ? undefined : new Tickets(webSocketTickets);
}

function createWebSocketTickets(
  authenticator: AppAuthenticator,
  tickets: Tickets | undefined,
): WebSocketTickets {
  return new WebSocketTickets(authenticator, tickets);
}
