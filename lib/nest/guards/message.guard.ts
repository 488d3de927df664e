import { type CanActivate, type ExecutionContext, Injectable, type Type, UseGuards } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type MaybePromise, orReject } from '../../common/maybe-promise.js';
import type { GuardedRoute } from '../demands/route-policy.js';
import { protect } from '../exchange/protect.js';
import { messageCallOf } from '../microservices/message-call.js';
import { messageControllersOf } from '../microservices/message-handlers.js';
import { refuseContext } from './exchange-of.js';
import { noteRoute } from './route-note.js';

/**
 * Protects the message handlers of every app, as the app that a message came to wants it. It stands on the classes
 * themselves, for the global guards of an app do not hold in a microservice that the app connects without
 * `inheritAppConfig`. It knows no app: classes are shared by all apps of a process, and so are the guards on them.
 */
@Injectable()
class MessageGuard implements CanActivate {
  canActivate(context: ExecutionContext): MaybePromise<boolean> {
    // The same class may have routes: what holds for those is for other guards.
    if (context.getType() !== 'rpc') return true;
    const { policy, exchange } = noteRoute(context);
    if (policy.kind === 'public') return true;
    const app = messageCallOf(context.getArgs())?.app;
    if (app?.protectsAll === false && !isUnguarded(policy)) return true;
    return orReject(() =>
      app === undefined || exchange === undefined
        ? refuseContext(context)
        : protect(app.authenticator, exchange, policy),
    );
  }
}

/** Whether something is demanded that no guard on the handler would see. */
function isUnguarded({ guarded, demanded }: GuardedRoute): boolean {
  return demanded && !guarded;
}

const GUARD = new MessageGuard();

/** Where `@UseGuards()` keeps what it was given. */
const GUARDS_METADATA = '__guards__';

/** Puts the guard on every class of an app that has message handlers, once: what a class has is there for all apps. */
export function holdMessageHandlers(modules: ModulesContainer): void {
  for (const controller of messageControllersOf(modules)) {
    // A decorator may have put a proxy in the place of the class: Nest looks at the one or at the other.
    for (const target of new Set([controller, (controller.prototype as object).constructor as Type]))
      if (!isHeld(target)) UseGuards(GUARD)(target);
  }
}

function isHeld(target: Type): boolean {
  const guards: unknown = Reflect.getMetadata(GUARDS_METADATA, target);
  return Array.isArray(guards) && guards.includes(GUARD);
}
