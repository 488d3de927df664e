import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type Class, type Handler, methodsOf } from '../demands/methods.js';
import { type RoutePolicy, routePolicy } from '../demands/route-policy.js';

/** Where `@MessagePattern()`, `@EventPattern()` and the decorators of gRPC leave what a handler is for. */
const PATTERN_METADATA = 'microservices:pattern';

/** Whether a method is a handler of messages. */
export function isMessageHandler(method: Handler): boolean {
  return Reflect.hasMetadata(PATTERN_METADATA, method);
}

/** The patterns that a method handles; none where it is no handler of messages. */
export function patternsOf(method: Handler): readonly unknown[] {
  return (Reflect.getMetadata(PATTERN_METADATA, method) as readonly unknown[] | undefined) ?? [];
}

/** The classes of an app that have message handlers. */
export function messageControllersOf(modules: ModulesContainer): readonly Type[] {
  return [...modules.values()].flatMap(({ controllers }) =>
    [...controllers.values()].flatMap(({ metatype }) =>
      typeof metatype === 'function' && handlesMessages(metatype as Type) ? [metatype as Type] : [],
    ),
  );
}

/** What is demanded by the handlers of an app that handle a pattern. */
export function policiesOfPattern(
  modules: ModulesContainer,
  isIt: (pattern: unknown) => boolean,
): readonly RoutePolicy[] {
  return messageControllersOf(modules).flatMap((controller) =>
    methodsOf(controller).flatMap(({ levels }) => {
      const [nearest] = levels;
      return nearest !== undefined && levels.some(({ value }) => patternsOf(value).some(isIt))
        ? [routePolicy(controller, nearest.value)]
        : [];
    }),
  );
}

/** Whether an app has any. */
export function hasMessageHandlers(modules: ModulesContainer): boolean {
  return messageControllersOf(modules).length > 0;
}

function handlesMessages(of: Class): boolean {
  return methodsOf(of).some(({ levels }) => levels.some(({ value }) => isMessageHandler(value)));
}
