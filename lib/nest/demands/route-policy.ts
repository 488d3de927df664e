import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import type { Demands, ScopeRule, SenderConstraint } from '../../authorization/demands.js';

/** What holds for a route: open to everyone, or every rule of its class and its method. */
export type RoutePolicy =
  | {
      readonly kind: 'public';
      /**
       * Whether the Passport strategy lets it through too. Not where the class alone is public and the method has
       * guards: one of them may be an `AuthGuard` that is meant to protect it.
       */
      readonly forStrategy: boolean;
    }
  | ProtectedRoute;

/**
 * What a route that is not open demands. Its constraints are those of the method, or of the class where the method has
 * none.
 */
export interface ProtectedRoute extends Demands {
  readonly kind: 'protected';
}

/** A class or a handler, where decorators leave their metadata. */
export type DecoratedTarget = Type | ((...args: never[]) => unknown);

export const PUBLIC_METADATA = 'cert-bound-auth:public';
export const RULES_METADATA = 'cert-bound-auth:rules';
export const CONSTRAINTS_METADATA = 'cert-bound-auth:constraints';
/** Where `@UseGuards()` keeps what it was given, added to what the base class has. */
const GUARDS_METADATA = '__guards__';

const policies = new WeakMap<object, WeakMap<object, RoutePolicy>>();

/**
 * The policy of a route. The nearest decorator wins: a rule on a method beats `@Public()` on its class, and
 * `@Public()` on a method the rules on its class; else the rules of class and method all hold.
 */
export function routePolicy(controller: DecoratedTarget, handler: DecoratedTarget): RoutePolicy {
  return policies.get(controller)?.get(handler) ?? rememberPolicy(controller, handler);
}

function rememberPolicy(controller: DecoratedTarget, handler: DecoratedTarget): RoutePolicy {
  const ofController = policies.get(controller) ?? new WeakMap<object, RoutePolicy>();
  const policy = readPolicy(controller, handler);
  policies.set(controller, ofController.set(handler, policy));
  return policy;
}

function readPolicy(controller: DecoratedTarget, handler: DecoratedTarget): RoutePolicy {
  if (isPublic(handler)) return { kind: 'public', forStrategy: true };
  const classIsPublic = isPublicClass(controller);
  if (classIsPublic && !isProtected(handler)) {
    return { kind: 'public', forStrategy: guardsOf(handler).length === 0 };
  }
  return {
    kind: 'protected',
    rules: [...(classIsPublic ? [] : rulesOf(controller)), ...rulesOf(handler)],
    constraints: effectiveConstraints(handler, classIsPublic ? undefined : controller),
  };
}

/** Whether a target itself is `@Public()`. */
export function isPublic(target: DecoratedTarget): boolean {
  return Reflect.getOwnMetadata(PUBLIC_METADATA, target) === true;
}

/** A class without decorators of ours is what its base class is. */
function isPublicClass(target: DecoratedTarget): boolean {
  if (isPublic(target)) return true;
  if (isProtected(target)) return false;
  const base = Object.getPrototypeOf(target) as DecoratedTarget | null;
  return typeof base === 'function' && isPublicClass(base);
}

/** The rules of a target; those of a class include its base class's. */
export function rulesOf(target: DecoratedTarget): readonly ScopeRule[] {
  return (Reflect.getMetadata(RULES_METADATA, target) as readonly ScopeRule[] | undefined) ?? [];
}

/** The constraints that hold for a handler: its own, or those of its class where it has none. */
export function effectiveConstraints(
  handler: DecoratedTarget,
  controller: DecoratedTarget | undefined,
): readonly SenderConstraint[] {
  const own = constraintsOf(handler);
  return own.length > 0 || controller === undefined ? own : constraintsOf(controller);
}

/** The sender constraints of a target; a class without any has its base class's. */
export function constraintsOf(target: DecoratedTarget): readonly SenderConstraint[] {
  return (Reflect.getMetadata(CONSTRAINTS_METADATA, target) as readonly SenderConstraint[] | undefined) ?? [];
}

const protectiveGuards: Type[] = [];

/** Registers a guard whose presence on a target says that the target is protected. */
export function declareProtective(guard: Type): void {
  protectiveGuards.push(guard);
}

/** Whether a target itself asks for protection: by a rule, or by a guard of ours, or one derived from it. */
export function isProtected(target: DecoratedTarget): boolean {
  return (
    Reflect.hasOwnMetadata(RULES_METADATA, target) ||
    Reflect.hasOwnMetadata(CONSTRAINTS_METADATA, target) ||
    guardsOf(target).some((guard) => isProtective(guard))
  );
}

/** The guards that `@UseGuards()` put on a target itself. */
function guardsOf(target: DecoratedTarget): readonly unknown[] {
  const inherited = new Set(guardsIn(Object.getPrototypeOf(target) as object | null));
  return guardsIn(target).filter((guard) => !inherited.has(guard));
}

function guardsIn(target: object | null): readonly unknown[] {
  const guards: unknown = target === null ? undefined : Reflect.getMetadata(GUARDS_METADATA, target);
  // Stryker disable next-line ArrayDeclaration: what the base has as well is left out
  return Array.isArray(guards) ? guards : [];
}

function isProtective(guard: unknown): boolean {
  return protectiveGuards.some(
    (protective) =>
      guard === protective ||
      guard instanceof protective ||
      // Stryker disable next-line ConditionalExpression: where there is no prototype, nothing is derived
      (typeof guard === 'function' && guard.prototype instanceof protective),
  );
}
