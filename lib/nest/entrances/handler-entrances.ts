import { RequestMethod, type Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type Handler, methodsOf } from '../demands/methods.js';
import { routePolicy } from '../demands/route-policy.js';
import { type Entrance, type EntranceKind, NO_DEMANDS } from './entrance.js';
import { type RouteNames, routeNames } from './route-names.js';

/** A class with handlers, and where it stands. */
interface Holder {
  readonly of: Type;
  readonly module: Type;
}

/** The handlers of Nest in an app, and what each demands. @param protectsAll whether what says nothing is protected */
export function handlerEntrances(
  modules: ModulesContainer,
  names: RouteNames,
  protectsAll: boolean,
): readonly Entrance[] {
  const controllers = holdersIn(modules, 'controllers');
  const others = holdersIn(modules, 'providers');
  const found = [
    ...controllers.flatMap((holder) => [
      ...handlersOf(holder, 'http', (handler) => routesOf(holder, handler, names)),
      ...handlersOf(holder, 'message', messagesOf),
    ]),
    ...[...controllers, ...others].flatMap((holder) => [
      ...handlersOf(holder, 'graphql', (handler, name) => fieldsOf(holder.of, handler, name)),
      ...(isGateway(holder.of) ? handlersOf(holder, 'gateway', gatewayMessagesOf) : []),
    ]),
  ];
  return found.map((handler) => ({
    kind: handler.kind,
    name: handler.name,
    handler: `${handler.of.name}.${handler.method}`,
    ...accessOf(handler, protectsAll),
  }));
}

function holdersIn(modules: ModulesContainer, where: 'controllers' | 'providers'): readonly Holder[] {
  return [...modules.values()].flatMap((module) =>
    [...module[where].values()].flatMap(({ metatype, isAlias, inject }) =>
      typeof metatype === 'function' && !isAlias && !inject && metatype.prototype !== undefined
        ? [{ of: metatype as Type, module: module.metatype }]
        : [],
    ),
  );
}

interface FoundHandler {
  readonly kind: EntranceKind;
  readonly name: string;
  readonly of: Type;
  readonly method: string;
  readonly handler: Handler;
}

function handlersOf(
  { of }: Holder,
  kind: EntranceKind,
  namesOf: (handler: Handler, method: string) => readonly string[],
): readonly FoundHandler[] {
  return methodsOf(of).flatMap(({ name: method, levels: [own] }) =>
    own === undefined
      ? []
      : namesOf(own.value, method).map((name) => ({ kind, name, of, method, handler: own.value })),
  );
}

function accessOf({ of, handler }: FoundHandler, protectsAll: boolean): Pick<Entrance, 'access' | 'demands'> {
  const policy = routePolicy(of, handler);
  if (policy.kind === 'public') return { access: 'public', demands: NO_DEMANDS };
  if (!protectsAll && !policy.demanded && !policy.guarded) return { access: 'open', demands: NO_DEMANDS };
  const { rules, constraints } = policy;
  return { access: 'protected', demands: { rules, constraints } };
}

function routesOf({ of, module }: Holder, handler: Handler, names: RouteNames): readonly string[] {
  const path: unknown = Reflect.getMetadata('path', handler);
  if (path === undefined) return [];
  const method = Reflect.getMetadata('method', handler) as RequestMethod | undefined;
  return routeNames({ module, controller: of, handler, method: method ?? RequestMethod.GET }, names);
}

function messagesOf(handler: Handler): readonly string[] {
  const patterns = Reflect.getMetadata('microservices:pattern', handler) as readonly unknown[] | undefined;
  return (patterns ?? []).map((pattern) => (typeof pattern === 'string' ? pattern : JSON.stringify(pattern)));
}

function fieldsOf(of: Type, handler: Handler, method: string): readonly string[] {
  const operation: unknown = Reflect.getMetadata('graphql:resolver_type', handler);
  const isField = Reflect.getMetadata('graphql:resolve_property', handler) === true;
  if (operation === undefined && !isField) return [];
  const type = isField ? (Reflect.getMetadata('graphql:resolver_type', of) ?? of.name) : operation;
  const field: unknown = Reflect.getMetadata('graphql:resolver_name', handler);
  return [`${nameOf(type)}.${typeof field === 'string' ? field : method}`];
}

function nameOf(type: unknown): string {
  return typeof type === 'function' ? type.name : String(type);
}

function isGateway(of: Type): boolean {
  return Reflect.getMetadata('websockets:is_gateway', of) === true;
}

function gatewayMessagesOf(handler: Handler): readonly string[] {
  if (Reflect.getMetadata('websockets:message_mapping', handler) !== true) return [];
  const message: unknown = Reflect.getMetadata('message', handler);
  return [typeof message === 'string' ? message : JSON.stringify(message)];
}
