import type { ModulesContainer } from '@nestjs/core';
import { methodsOf } from '../demands/methods.js';
import { isRoute } from '../demands/route-policy.js';

/** Stands on a function that a controller has put in the place of a route's method. */
const ROUTE = 'cert-bound-auth:route';

/**
 * Marks the functions that controllers have put in the place of their routes' methods, as `this.pay = this.pay.bind(this)`.
 * Nest puts what is on such a function on the one that it registers for it; of such a function itself, nothing tells.
 */
export function markRoutes(modules: ModulesContainer): void {
  for (const { controllers } of modules.values())
    for (const { instance } of controllers.values()) if (instance) markRoutesOf(instance);
}

function markRoutesOf(instance: object): void {
  for (const { name, levels } of methodsOf(instance.constructor as never)) {
    const own: unknown = Object.getOwnPropertyDescriptor(instance, name)?.value;
    if (typeof own === 'function' && levels.some(({ value }) => isRoute(value)))
      Reflect.defineMetadata(ROUTE, true, own);
  }
}

/** Whether a function that an adapter is given runs a handler of Nest: what decorators left of that is on it. */
export function runsHandlerOfNest(registered: object): boolean {
  return Reflect.hasMetadata('path', registered) || Reflect.hasMetadata(ROUTE, registered);
}
