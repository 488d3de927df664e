import { Server as TlsServer } from 'node:tls';
import type { HttpServer, Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type Statement, statementsOn } from './demands/decorated-methods.js';
import {
  constraintsOf,
  type DecoratedTarget,
  isProtected,
  isPublic,
  routePolicy,
  rulesOf,
  type SenderConstraint,
} from './demands/route-policy.js';
import {
  CertBoundAuthConfigurationError,
  type ConfigurationProblem,
  problem,
} from '../options/configuration-error.js';
import type { ResolvedClientCertificate, ResolvedOptions } from '../options/resolved-options.js';
import { asksForCertificate } from '../tls/asks-for-certificate.js';
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
  self: Type,
): void {
  const problems = [
    ...checkImportedOnce(modules, self),
    ...checkServer(adapter, options),
    ...controllersOf(modules).flatMap((controller) => checkController(controller)),
    ...controllersOf(modules).flatMap((controller) => checkConstraints(controller, adapter, options)),
  ];
  if (problems.length > 0) throw new CertBoundAuthConfigurationError(problems);
}

function controllersOf(modules: ModulesContainer): readonly (Type | null)[] {
  return [...modules.values()].flatMap((module) =>
    [...module.controllers.values()].map(({ metatype }) => metatype as Type | null),
  );
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

/** A server that never sees a client certificate can let nobody in when every token must be bound to one. */
function checkServer(
  adapter: HttpServer | undefined,
  { authorizationServers, clientCertificate, dpop }: ResolvedOptions,
): readonly ConfigurationProblem[] {
  const server: unknown = adapter?.getHttpServer();
  const material = checkTlsMaterial(server, clientCertificate);
  if (material.length > 0) return material;
  if (adapter === undefined || authorizationServers.some(({ binding }) => binding !== 'required')) return [];
  if (dpop !== undefined || canSeeCertificates(server, clientCertificate)) return [];
  const remedy =
    'the server asks for no client certificate, and every token must be bound to one: nobody could be let in. ' +
    'Use NestFactory.create(AppModule, { httpsOptions: mutualTls({ key, cert, ca }) }), or for Fastify ' +
    'new FastifyAdapter({ https: mutualTls({ key, cert, ca }) }). If you create the server yourself, ' +
    'give the same options to Nest as well';
  return [problem('httpsOptions', server instanceof TlsServer ? {} : undefined, remedy)];
}

/** Where a proxy passes certificates on, it may be the only one that needs to prove one to us. */
function canSeeCertificates(server: unknown, source: ResolvedClientCertificate): boolean {
  if (asksForCertificate(server) || source.from === 'custom') return true;
  return source.from === 'header' && source.trustedProxies.some((proxy) => typeof proxy === 'string');
}

function checkController(controller: Type | null): readonly ConfigurationProblem[] {
  if (typeof controller !== 'function') return [];
  return [
    ...checkTarget(controller, controller.name),
    ...methodsOf(controller.prototype as object).flatMap(({ name, method, owner, overridden }) => [
      ...checkTarget(method, `${controller.name}.${name}`),
      ...checkOverride(method, overridden, `${controller.name}.${name}`),
      ...checkDecorated(method, owner, name, `${controller.name}.${name}`),
    ]),
  ];
}

/** A constraint that nobody can meet would close a route for good. */
function checkConstraints(
  controller: Type | null,
  adapter: HttpServer | undefined,
  options: ResolvedOptions,
): readonly ConfigurationProblem[] {
  if (typeof controller !== 'function') return [];
  const unmeetable = unmeetableConstraints(adapter, options);
  return methodsOf(controller.prototype as object)
    .filter(({ method }) => isRoute(method))
    .flatMap(({ name, method }) => {
      const policy = routePolicy(controller, method);
      const constraint =
        policy.kind === 'public' ? undefined : policy.constraints.find((each) => unmeetable.has(each));
      const path = `${controller.name}.${name}`;
      return constraint === undefined ? [] : [problem(path, method, unmeetable.get(constraint) ?? '')];
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

function checkTarget(target: DecoratedTarget, path: string): readonly ConfigurationProblem[] {
  return isPublic(target) && isProtected(target)
    ? [problem(path, target, 'it is @Public() and protected at once: remove one of the decorators')]
    : [];
}

/** A method that overrides another starts without its decorators: what protected the other would be lost. */
function checkOverride(
  method: DecoratedTarget,
  overridden: readonly DecoratedTarget[],
  path: string,
): readonly ConfigurationProblem[] {
  if (!isRoute(method) || isPublic(method)) return [];
  const isLost = (says: (target: DecoratedTarget) => boolean): boolean =>
    overridden.some(says) && !says(method);
  if (![isProtected, hasRules, hasConstraints].some((says) => isLost(says))) return [];
  const remedy = 'the method it overrides is protected by decorators, which it does not inherit: repeat them';
  return [problem(path, method, remedy)];
}

function hasRules(target: DecoratedTarget): boolean {
  return rulesOf(target).length > 0;
}

function hasConstraints(target: DecoratedTarget): boolean {
  return constraintsOf(target).length > 0;
}

/** What a decorator said is lost when one above it put another function in the method's place. */
function checkDecorated(
  method: DecoratedTarget,
  owner: object,
  name: string,
  path: string,
): readonly ConfigurationProblem[] {
  const said = statementsOn(owner, name);
  const count = (statement: Statement): number => said.filter((other) => other === statement).length;
  const isWhole =
    (count('public') === 0 || isPublic(method)) &&
    rulesOf(method).length >= count('scopes') &&
    constraintsOf(method).length >= count('constraint');
  if (isWhole) return [];
  const remedy =
    'a decorator above @Scopes(), @SenderConstrained() or @Public() replaced the method, and with it what they say: ' +
    'put them above it';
  return [problem(path, method, remedy)];
}

/** Where `@Get()` and its like leave the path. */
function isRoute(method: DecoratedTarget): boolean {
  return Reflect.hasMetadata('path', method);
}

interface Method {
  readonly name: string;
  readonly method: DecoratedTarget;
  /** The prototype that has it. */
  readonly owner: object;
  /** The methods of base classes that it hides. */
  readonly overridden: readonly DecoratedTarget[];
}

function methodsOf(prototype: object): readonly Method[] {
  const chain = prototypesOf(prototype);
  const names = new Set(chain.flatMap((level) => Object.getOwnPropertyNames(level)));
  names.delete('constructor');
  return [...names].flatMap((name) => {
    const [nearest, ...overridden] = chain.flatMap((owner) => {
      const value: unknown = Object.getOwnPropertyDescriptor(owner, name)?.value;
      return typeof value === 'function' ? [{ owner, method: value as DecoratedTarget }] : [];
    });
    return nearest === undefined
      ? []
      : [{ name, ...nearest, overridden: overridden.map(({ method }) => method) }];
  });
}

function prototypesOf(prototype: object): readonly object[] {
  const parent = Object.getPrototypeOf(prototype) as object | null;
  return parent === null ? [] : [prototype, ...prototypesOf(parent)];
}
