import { Server as TlsServer } from 'node:tls';
import type { HttpServer, Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type DecoratedTarget, isProtected, isPublic } from './authorization/route-policy.js';
import {
  CertBoundAuthConfigurationError,
  type ConfigurationProblem,
  problem,
} from './options/configuration-error.js';
import type { ResolvedOptions } from './options/resolved-options.js';

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
    ...[...modules.values()].flatMap((module) =>
      [...module.controllers.values()].flatMap(({ metatype }) => checkController(metatype as Type)),
    ),
  ];
  if (problems.length > 0) throw new CertBoundAuthConfigurationError(problems);
}

function checkImportedOnce(modules: ModulesContainer, self: Type): readonly ConfigurationProblem[] {
  const imported = [...modules.values()].filter((module) => module.metatype === self);
  if (imported.length <= 1) return [];
  const remedy =
    'import it once, in the root module: two configurations in one app could contradict each other';
  return [problem('CertBoundAuthModule', imported, remedy)];
}

/** A server that never sees a client certificate can let nobody in when every token must be bound to one. */
function checkServer(
  adapter: HttpServer | undefined,
  { authorizationServers }: ResolvedOptions,
): readonly ConfigurationProblem[] {
  if (adapter === undefined || authorizationServers.some(({ binding }) => binding !== 'required')) return [];
  const server: unknown = adapter.getHttpServer();
  if (asksForCertificate(server)) return [];
  const remedy =
    'the server asks for no client certificate, and every token must be bound to one: nobody could be let in. ' +
    'Use NestFactory.create(AppModule, { httpsOptions: mutualTls({ key, cert, ca }) }), or for Fastify ' +
    'new FastifyAdapter({ https: mutualTls({ key, cert, ca }) })';
  return [problem('httpsOptions', server instanceof TlsServer ? {} : undefined, remedy)];
}

/** Node keeps `requestCert` on its TLS servers, those of HTTP/2 among them. */
function asksForCertificate(server: unknown): boolean {
  return server instanceof TlsServer && (server as { readonly requestCert?: unknown }).requestCert === true;
}

function checkController(controller: Type | null): readonly ConfigurationProblem[] {
  if (typeof controller !== 'function') return [];
  return [
    ...checkTarget(controller, controller.name),
    ...methodsOf(controller.prototype as object).flatMap(({ name, method, overridden }) => [
      ...checkTarget(method, `${controller.name}.${name}`),
      ...checkOverride(method, overridden, `${controller.name}.${name}`),
    ]),
  ];
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
  if (isPublic(method) || isProtected(method) || !overridden.some((base) => isProtected(base))) return [];
  const remedy = 'the method it overrides is protected by decorators, which it does not inherit: repeat them';
  return [problem(path, method, remedy)];
}

interface Method {
  readonly name: string;
  readonly method: DecoratedTarget;
  /** The methods of base classes that it hides. */
  readonly overridden: readonly DecoratedTarget[];
}

function methodsOf(prototype: object): readonly Method[] {
  const chain = prototypesOf(prototype);
  const names = new Set(chain.flatMap((level) => Object.getOwnPropertyNames(level)));
  names.delete('constructor');
  return [...names].flatMap((name) => {
    const [method, ...overridden] = chain
      .map((level) => Object.getOwnPropertyDescriptor(level, name)?.value as unknown)
      .filter((value): value is DecoratedTarget => typeof value === 'function');
    return method === undefined ? [] : [{ name, method, overridden }];
  });
}

function prototypesOf(prototype: object): readonly object[] {
  const parent = Object.getPrototypeOf(prototype) as object | null;
  return parent === null ? [] : [prototype, ...prototypesOf(parent)];
}
