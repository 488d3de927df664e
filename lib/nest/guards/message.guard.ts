import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { andThenWith, type MaybePromise } from '../../common/maybe-promise.js';
import { type MessageCall, messageCallOf } from '../microservices/message-call.js';
import { messageControllersOf } from '../microservices/message-handlers.js';
import { decideHeld, holdClass } from './held-handlers.js';

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
    const call = messageCallOf(context.getArgs());
    return andThenWith(decideHeld(context, call?.app), letIn, call);
  }
}

function letIn(passed: true, call: MessageCall | undefined): true {
  if (call?.kind === 'grpc') call.letIn();
  return passed;
}

const GUARD = new MessageGuard();

/** Puts the guard on every class of an app that has message handlers. */
export function holdMessageHandlers(modules: ModulesContainer): void {
  for (const controller of messageControllersOf(modules)) holdClass(controller, GUARD);
}
