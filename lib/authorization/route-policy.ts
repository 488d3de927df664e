import 'reflect-metadata';
import type { Type } from '@nestjs/common';

/** What a route asks of a token's scopes. */
export interface ScopeRule {
  readonly kind: 'all' | 'any';
  readonly scopes: readonly string[];
}

/** What holds for a route: open to everyone, or every rule of its class and its method. */
export type RoutePolicy =
  { readonly kind: 'public' } | { readonly kind: 'protected'; readonly rules: readonly ScopeRule[] };

export const PUBLIC_METADATA = 'cert-bound-auth:public';
export const RULES_METADATA = 'cert-bound-auth:rules';
/** Where `@UseGuards()` keeps what it was given. */
const GUARDS_METADATA = '__guards__';

/** A class or a handler, where decorators leave their metadata. */
export type DecoratedTarget = Type | ((...args: never[]) => unknown);

const policies = new WeakMap<object, WeakMap<object, RoutePolicy>>();

/**
 * The policy of a route. The nearest decorator wins: a rule on a method beats `@Public()` on its class, and
 * `@Public()` on a method the rules on its class; else the rules of class and method all hold.
 */
export function routePolicy(controller: DecoratedTarget, handler: DecoratedTarget): RoutePolicy {
  const ofController = policies.get(controller) ?? new WeakMap<object, RoutePolicy>();
  policies.set(controller, ofController);
  const policy = ofController.get(handler) ?? readPolicy(controller, handler);
  ofController.set(handler, policy);
  return policy;
}

function readPolicy(controller: DecoratedTarget, handler: DecoratedTarget): RoutePolicy {
  if (isPublic(handler)) return { kind: 'public' };
  if (isPublic(controller) && !isProtected(handler)) return { kind: 'public' };
  const ofController = isPublic(controller) ? [] : rulesOf(controller);
  return { kind: 'protected', rules: [...ofController, ...rulesOf(handler)] };
}

export function isPublic(target: DecoratedTarget): boolean {
  return Reflect.getMetadata(PUBLIC_METADATA, target) === true;
}

export function rulesOf(target: DecoratedTarget): readonly ScopeRule[] {
  return (Reflect.getMetadata(RULES_METADATA, target) as readonly ScopeRule[] | undefined) ?? [];
}

const protectiveGuards = new Set<unknown>();

/** Registers a guard whose presence on a target says that the target is protected. */
export function declareProtective<Guard>(guard: Guard): Guard {
  protectiveGuards.add(guard);
  return guard;
}

/** Whether a target itself asks for protection: by a rule, or by one of our guards in `@UseGuards()`. */
export function isProtected(target: DecoratedTarget): boolean {
  const guards = Reflect.getMetadata(GUARDS_METADATA, target) as readonly unknown[] | undefined;
  return rulesOf(target).length > 0 || (guards ?? []).some((guard) => protectiveGuards.has(guard));
}
