import { type CanActivate, type ExecutionContext, type Type, UseGuards } from '@nestjs/common';
import { type MaybePromise, orReject } from '../../common/maybe-promise.js';
import { type GuardedRoute, GUARDS_METADATA } from '../demands/route-policy.js';
import { protect } from '../exchange/protect.js';
import type { AppAuthenticator } from '../exchange/app-authenticator.js';
import { refuseContext } from './exchange-of.js';
import { noteRoute } from './route-note.js';

/** The app that a call or a message came to, and how it wants it protected. */
export interface HoldingApp {
  readonly authenticator: AppAuthenticator;
  /** Whether every handler is protected that is not public, or only those of which something is demanded. */
  readonly protectsAll: boolean;
}

/** Decides about a call of a handler, as the app that it came to wants it; refuses it where no app is known. */
export function decideHeld(context: ExecutionContext, app: HoldingApp | undefined): MaybePromise<true> {
  return orReject(() => {
    const { policy, exchange } = noteRoute(context);
    if (policy.kind === 'public') return true;
    if (app?.protectsAll === false && !isUnguarded(policy)) return true;
    return app === undefined || exchange === undefined
      ? refuseContext(context)
      : protect(app.authenticator, exchange, policy);
  });
}

/** Whether something is demanded that no guard on the handler would see. */
function isUnguarded({ guarded, demanded }: GuardedRoute): boolean {
  return demanded && !guarded;
}

/**
 * Puts a guard on a class, once: what a class has is there for all apps. The global guards of an app do not hold everywhere,
 * and a guard that stands on the class itself does.
 */
export function holdClass(held: Type, guard: CanActivate): void {
  putOnce(held, guard, { kept: GUARDS_METADATA, put: UseGuards(guard) });
}

/** How something is put on a class, and where it is then found. */
export interface Putting {
  readonly kept: string;
  readonly put: ClassDecorator;
}

/** Puts something on a class that is not there yet, neither on itself nor on what it inherits from. */
export function putOnce(held: Type, what: object, { kept, put }: Putting): void {
  // A decorator may have put a proxy in the place of the class: Nest looks at the one or at the other.
  for (const target of new Set([held, (held.prototype as object).constructor as Type])) {
    const there: unknown = Reflect.getMetadata(kept, target);
    if (!(Array.isArray(there) && there.includes(what))) put(target);
  }
}
