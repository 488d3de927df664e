import { RequestMethod, type Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type Class, type Handler, methodsOf } from '../demands/methods.js';
import { isRoute, routePolicy } from '../demands/route-policy.js';
import { resolverClassesOf, resolversOf } from '../graphql/resolvers.js';
import { patternsOf } from '../microservices/message-handlers.js';
import { gatewaysOf, isSubscriber } from '../websockets/gateways.js';
import type { Entrance, EntranceKind } from './entrance.js';
import { NO_DEMANDS } from '../../authorization/demands.js';
import { type RouteNames, type RouteParts, routeNames } from './route-names.js';

/** The handlers of Nest in an app, and what each demands. @param protectsAll whether what says nothing is protected */
export function handlerEntrances(
  modules: ModulesContainer,
  names: RouteNames,
  protectsAll: boolean,
): readonly Entrance[] {
  const found = [...ofControllers(modules, names), ...ofResolvers(modules), ...ofGateways(modules)];
  return found.map((handler) => ({
    kind: handler.kind,
    name: handler.name,
    handler: `${handler.of.name}.${handler.method}`,
    ...accessOf(handler, protectsAll),
  }));
}

interface FoundHandler {
  readonly kind: EntranceKind;
  readonly name: string;
  readonly of: Class;
  readonly method: string;
  readonly handler: Handler;
}

function ofControllers(modules: ModulesContainer, names: RouteNames): readonly FoundHandler[] {
  return [...modules.values()].flatMap(({ controllers, metatype: module }) =>
    [...controllers.values()].flatMap(({ metatype }) => {
      if (typeof metatype !== 'function') return [];
      const of = metatype as Type;
      return [
        ...handlersOf(of, 'http', (handler) => routesOf({ module, controller: of, handler }, names)),
        ...handlersOf(of, 'message', (handler) => patternsOf(handler).map((pattern) => textOf(pattern))),
      ];
    }),
  );
}

function ofResolvers(modules: ModulesContainer): readonly FoundHandler[] {
  return resolverClassesOf(modules.values())
    .flatMap(({ of }) => resolversOf(of))
    .map(({ of, method, handler, type, field }) => ({
      kind: 'graphql',
      name: `${type}.${field}`,
      of,
      method,
      handler,
    }));
}

function ofGateways(modules: ModulesContainer): readonly FoundHandler[] {
  return gatewaysOf(modules).flatMap(({ type }) =>
    handlersOf(type, 'gateway', (handler) =>
      isSubscriber(handler) ? [textOf(Reflect.getMetadata('message', handler))] : [],
    ),
  );
}

function handlersOf(
  of: Type,
  kind: EntranceKind,
  namesOf: (handler: Handler) => readonly string[],
): readonly FoundHandler[] {
  return methodsOf(of).flatMap(({ name: method, levels: [own] }) =>
    own === undefined
      ? []
      : namesOf(own.value).map((name) => ({ kind, name, of, method, handler: own.value })),
  );
}

function accessOf(
  { of, handler }: FoundHandler,
  protectsAll: boolean,
): Pick<Entrance, 'access' | 'demands' | 'policy'> {
  const policy = routePolicy(of, handler);
  if (policy.kind === 'public') return { access: 'public', demands: NO_DEMANDS };
  if (!protectsAll && !policy.demanded && !policy.guarded) return { access: 'open', demands: NO_DEMANDS };
  const { rules, constraints, checks, anonymous } = policy;
  return {
    access: anonymous ? 'anonymous' : 'protected',
    demands: { rules, constraints, checks },
    ...(policy.policy === undefined ? {} : { policy: policy.policy }),
  };
}

function routesOf(parts: Omit<RouteParts, 'method'>, names: RouteNames): readonly string[] {
  if (!isRoute(parts.handler)) return [];
  const method = Reflect.getMetadata('method', parts.handler) as RequestMethod | undefined;
  return routeNames({ ...parts, method: method ?? RequestMethod.GET }, names);
}

/** What a message is called: a text, or a pattern of several members. */
function textOf(pattern: unknown): string {
  return typeof pattern === 'string' ? pattern : JSON.stringify(pattern);
}
