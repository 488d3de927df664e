import { Server as TlsServer } from 'node:tls';
import type { HttpServer, Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type Handler, hidesItsClass, type Method, methodsOf } from './demands/methods.js';
import { isResolver, resolverClassesOf } from './graphql/resolvers.js';
import { hasMessageHandlers, isMessageHandler } from './microservices/message-handlers.js';
import { tellsOfServers } from './microservices/watch-servers.js';
import type { GatewayApp } from './websockets/gateway-app.js';
import { gatewaysOf, isSubscriber } from './websockets/gateways.js';
import { checkGateways } from './websockets/watch-gateways.js';
import {
  isRoute,
  type RoutePolicy,
  routePolicy,
  type Said,
  saidOfClass,
  saidOfMethod,
} from './demands/route-policy.js';
import type { SenderConstraint } from '../authorization/demands.js';
import {
  CertBoundAuthConfigurationError,
  type ConfigurationProblem,
  problem,
} from '../options/configuration-error.js';
import { acceptsUnbound, type ResolvedOptions } from '../options/resolve-options.js';
import { checkMetadataTargets, checkNamedPolicies, type NamedHandler } from './check-policies.js';
import { checkProviders } from './check-providers.js';
import { keepsBcp195 } from '../tls/bcp195.js';
import { canSeeCertificates } from './tls/can-see-certificates.js';
import { checkTlsMaterial } from './tls/check-tls-material.js';

/**
 * Checks the app as a whole: one configuration, a server that some client can satisfy, and routes whose
 * decorators do not contradict each other.
 * @throws CertBoundAuthConfigurationError
 */
export function checkApplication(
  modules: ModulesContainer,
  adapter: HttpServer | undefined,
  options: ResolvedOptions,
  { self, own, isStandIn, gateways }: CheckedModule,
): void {
  const problems = [
    ...checkProviders(modules, self, own),
    ...checkImportedOnce(modules, self),
    // Where somebody stands in for all callers, nobody proves anything by a certificate.
    ...(isStandIn ? [] : checkServers(adapter, options, modules)),
    ...(isStandIn ? [] : checkCiphers(adapter, options)),
    ...checkNest(modules),
    ...checkHiddenClasses(modules),
    ...classesOf(modules).flatMap((each) => checkController(each)),
    ...checkPolicies(modules, options, isStandIn),
    ...checkMetadataTargets(options),
    ...classesOf(modules).flatMap((each) => (isStandIn ? [] : checkConstraints(each, adapter, options))),
    ...checkGateways(gateways),
  ];
  if (problems.length > 0) throw new CertBoundAuthConfigurationError(problems);
}

/** The module that an app imports. */
export interface CheckedModule {
  readonly self: Type;
  /** The classes that it provides. */
  readonly own: readonly Type[];
  /** Whether a test has put a stand-in in the place of what decides. */
  readonly isStandIn: boolean;
  readonly gateways: GatewayApp;
}

/** The classes that have handlers of any kind. */
function classesOf(modules: ModulesContainer): readonly (Type | null)[] {
  const controllers = [...modules.values()].flatMap((module) =>
    [...module.controllers.values()].map(({ metatype }) => metatype as Type | null),
  );
  const resolvers = resolverClassesOf(modules.values()).map(({ of }) => of);
  return [...new Set([...controllers, ...resolvers, ...gatewaysOf(modules).map(({ type }) => type)])];
}

function isHandler(method: Handler): boolean {
  return isRoute(method) || isMessageHandler(method) || isResolver(method) || isSubscriber(method);
}

function checkImportedOnce(modules: ModulesContainer, self: Type): readonly ConfigurationProblem[] {
  const imported = [...modules.values()].filter(
    ({ metatype }) => metatype === self || metatype.prototype instanceof self,
  );
  if (imported.length <= 1) return [];
  const remedy =
    'import it once, in the root module: two configurations in one app could contradict each other';
  return [problem('CertBoundAuthModule', imported, remedy)];
}

/** Older ones do not say which app a message has come to. */
function checkNest(modules: ModulesContainer): readonly ConfigurationProblem[] {
  if (tellsOfServers(modules) || !hasMessageHandlers(modules)) return [];
  const remedy =
    'its message handlers can be protected from Nest 11.1.4 on: update @nestjs/core and its companions';
  return [problem('@nestjs/core', undefined, remedy)];
}

/**
 * Nest asks an instance for its class. One that is a proxy may answer with a function that has no decorators, another one
 * each time.
 */
function checkHiddenClasses(modules: ModulesContainer): readonly ConfigurationProblem[] {
  const wrappers = [...modules.values()].flatMap(({ controllers }) => [...controllers.values()]);
  return wrappers.flatMap(({ instance, metatype }) => {
    if (!instance || !hidesItsClass(instance)) return [];
    const remedy =
      'its instance is a proxy that hides the class, and with it what its decorators demand: let the proxy return ' +
      "'constructor' as it is";
    return [problem((metatype as Type).name, instance.constructor, remedy)];
  });
}

/** A spec that has a stand-in and no options has all policies. */
function checkPolicies(
  modules: ModulesContainer,
  options: ResolvedOptions,
  isStandIn: boolean,
): readonly ConfigurationProblem[] {
  if (isStandIn && options.policies.size === 0) return [];
  return classesOf(modules).flatMap((each) =>
    typeof each === 'function' ? checkNamedPolicies(each, routesOf(each), options) : [],
  );
}

/** By the options of the module, and by those of each policy that a handler of HTTP is for. */
function checkServers(
  adapter: HttpServer | undefined,
  options: ResolvedOptions,
  modules: ModulesContainer,
): readonly ConfigurationProblem[] {
  const used = new Set(closedRoutesOf(modules).map(({ policy }) => policy));
  const policies = [...options.policies].filter(([name]) => used.has(name));
  const first = [options, ...policies.map(([, policy]) => policy.options)]
    .map((each) => checkServer(adapter, each, modules))
    .find(({ length }) => length > 0);
  return first ?? [];
}

/** A server that never sees a client certificate can let nobody in when every token must be bound to one. */
function checkServer(
  adapter: HttpServer | undefined,
  options: ResolvedOptions,
  modules: ModulesContainer,
): readonly ConfigurationProblem[] {
  const { clientCertificate, dpop } = options;
  const server: unknown = adapter?.getHttpServer();
  const material = checkTlsMaterial(server, clientCertificate);
  if (material.length > 0) return material;
  if (adapter === undefined || acceptsUnbound(options)) return [];
  if (dpop !== undefined || canSeeCertificates(server, clientCertificate)) return [];
  // Callers may come in by messages alone, and find nothing but health checks here.
  if (hasMessageHandlers(modules) && closedRoutesOf(modules).length === 0) return [];
  const remedy =
    'the server asks for no client certificate, and every token must be bound to one: nobody could be let in. ' +
    'Use NestFactory.create(AppModule, { httpsOptions: mutualTls({ key, cert, ca }) }), or for Fastify ' +
    'new FastifyAdapter({ https: mutualTls({ key, cert, ca }) }). If you create the server yourself, ' +
    'give the same options to Nest as well';
  return [problem('httpsOptions', server instanceof TlsServer ? {} : undefined, remedy)];
}

/** FAPI 2.0 Security Profile §5.2: with TLS 1.2, no other cipher suites than those of BCP 195. */
function checkCiphers(
  adapter: HttpServer | undefined,
  { profile }: ResolvedOptions,
): readonly ConfigurationProblem[] {
  const server: unknown = adapter?.getHttpServer();
  if (profile !== 'fapi2' || keepsBcp195(server)) return [];
  const remedy =
    "profile 'fapi2' wants TLS 1.3, or TLS 1.2 with the cipher suites of BCP 195 alone: give mutualTls() " +
    "{ minVersion: 'TLSv1.3' } or { ciphers: BCP195_CIPHERS }";
  return [problem('httpsOptions.ciphers', (server as { readonly ciphers?: string }).ciphers, remedy)];
}

/** The handlers of HTTP that are not public. */
function closedRoutesOf(modules: ModulesContainer): readonly RoutePolicy[] {
  return classesOf(modules).flatMap((each) =>
    typeof each === 'function'
      ? routesOf(each)
          .filter(({ handler }) => !isMessageHandler(handler))
          .map(({ handler }) => routePolicy(each, handler))
          .filter(({ kind }) => kind !== 'public')
      : [],
  );
}

function checkController(controller: Type | null): readonly ConfigurationProblem[] {
  if (typeof controller !== 'function') return [];
  return [
    ...checkSaid(saidOfClass(controller.prototype as object), controller, controller.name),
    ...methodsOf(controller).flatMap((method) => {
      const path = `${controller.name}.${method.name}`;
      return [
        ...checkSaid(saidOfMethod(ownLevel(method)), method.levels[0]?.value, path),
        ...checkOverride(method, path),
      ];
    }),
  ];
}

/** A constraint that nobody can meet would close a route for good. */
function checkConstraints(
  controller: Type | null,
  adapter: HttpServer | undefined,
  options: ResolvedOptions,
): readonly ConfigurationProblem[] {
  if (typeof controller !== 'function') return [];
  return routesOf(controller).flatMap(({ name, handler }) => {
    const policy = routePolicy(controller, handler);
    const own = options.policies.get(policy.policy ?? '')?.options ?? options;
    const unmeetable = unmeetableConstraints(adapter, own);
    const constraints = policy.kind === 'public' ? [] : policy.constraints;
    // A message may come on a connection of its own, which shows a certificate.
    const constraint = constraints.find(
      (each) => unmeetable.has(each) && (each === 'dpop' || !isMessageHandler(handler)),
    );
    const path = `${controller.name}.${name}`;
    return constraint === undefined ? [] : [problem(path, handler, unmeetable.get(constraint) ?? '')];
  });
}

/** The constraints that no client of this app can meet, and what to do. */
function unmeetableConstraints(
  adapter: HttpServer | undefined,
  { clientCertificate, dpop }: ResolvedOptions,
): ReadonlyMap<SenderConstraint, string> {
  const noDpop = dpop === undefined;
  const noCertificate =
    adapter !== undefined && !canSeeCertificates(adapter.getHttpServer(), clientCertificate);
  const needsDpop = 'it needs the option dpop: nobody could be let in';
  const needsCertificate =
    'the server asks for no client certificate, see mutualTls(): nobody could be let in';
  return new Map<SenderConstraint, string>([
    ...(noDpop ? [['dpop', `@SenderConstrained('dpop'): ${needsDpop}`] as const] : []),
    ...(noCertificate
      ? [['certificate', `@SenderConstrained('certificate'): ${needsCertificate}`] as const]
      : []),
    ...(noDpop && noCertificate ? [['any', `@SenderConstrained('any'): ${needsCertificate}`] as const] : []),
  ]);
}

function checkSaid(
  { isPublic, isProtected }: Said,
  target: unknown,
  path: string,
): readonly ConfigurationProblem[] {
  return isPublic && isProtected
    ? [problem(path, target, 'it is @Public() and protected at once: remove one of the decorators')]
    : [];
}

/** A method that overrides another one starts without its guards: what protected the other would be lost. */
function checkOverride(method: Method, path: string): readonly ConfigurationProblem[] {
  const [own] = method.levels;
  if (own === undefined || !isHandler(own.value)) return [];
  const said = saidOfMethod(ownLevel(method));
  if (said.isPublic) return [];
  const lost = overriddenLevels(method)
    .map((level) => saidOfMethod(level))
    .some(
      (other) =>
        (other.isProtected && !said.isProtected) ||
        (other.rules.length > 0 && said.rules.length === 0) ||
        (other.checks.length > 0 && said.checks.length === 0) ||
        (other.constraints.length > 0 && said.constraints.length === 0) ||
        (other.policy !== undefined && said.policy === undefined),
    );
  if (!lost) return [];
  const remedy = 'the method it overrides is protected by decorators, which it does not inherit: repeat them';
  return [problem(path, own.value, remedy)];
}

/** A method as its nearest class has it, whatever it overrides. */
function ownLevel({ name, levels }: Method): Method {
  return { name, levels: levels.slice(0, 1) };
}

function overriddenLevels({ name, levels }: Method): readonly Method[] {
  return levels.slice(1).map((level) => ({ name, levels: [level] }));
}

function routesOf(controller: Type): readonly NamedHandler[] {
  return methodsOf(controller).flatMap(({ name, levels: [own] }) =>
    own !== undefined && isHandler(own.value) ? [{ name, handler: own.value }] : [],
  );
}
