import { type CanActivate, type ExecutionContext, Injectable, type Type, UseGuards } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type Class, methodsOf } from '../demands/methods.js';
import { refuseContext } from './exchange-of.js';
import { noteRoute } from './route-note.js';

/**
 * Refuses every message whose handler is not public: its sender cannot be checked. It stands on the classes of message
 * handlers themselves, for the global guards of an app do not hold in a microservice that the app connects without
 * `inheritAppConfig`.
 */
@Injectable()
export class MessageGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    // The same class may have routes: what holds for those is for other guards.
    if (context.getType() === 'http') return true;
    const { policy } = noteRoute(context);
    return policy.kind === 'public' || refuseContext(context);
  }
}

/** Where `@MessagePattern()`, `@EventPattern()` and the decorators of gRPC leave what a handler is for. */
const PATTERN_METADATA = 'microservices:pattern';

const held = new WeakSet<object>();

/** Puts the guard on every class of an app that has message handlers, once: what a class has is there for all apps. */
export function holdMessageHandlers(modules: ModulesContainer): void {
  for (const { controllers } of modules.values()) {
    for (const { metatype } of controllers.values()) {
      if (typeof metatype !== 'function' || held.has(metatype) || !hasMessageHandlers(metatype as Type))
        continue;
      held.add(metatype);
      UseGuards(new MessageGuard())(metatype as Type);
    }
  }
}

function hasMessageHandlers(of: Class): boolean {
  return methodsOf(of).some(({ levels }) =>
    levels.some(({ value }) => Reflect.hasMetadata(PATTERN_METADATA, value)),
  );
}
