import 'reflect-metadata';
import { type Type, UnauthorizedException } from '@nestjs/common';
import {
  type Demands,
  type ScopeRule,
  type SenderConstraint,
  type TokenCheck,
  NO_DEMANDS,
} from '../../authorization/demands.js';
import { BoundedLog } from '../../common/bounded-log.js';
import { log } from '../../common/log.js';
import {
  chainsOf,
  type Class,
  findMethods,
  type Handler,
  type Method,
  methodsOf,
  replacementOf,
} from './methods.js';
import {
  checksAmong,
  constraintsAmong,
  demandsAmong,
  isAnonymousAmong,
  isOpening,
  isPublicAmong,
  policiesAmong,
  rulesAmong,
  type Statement,
  statementsOnClass,
  statementsOnMethod,
  withBrought,
} from './statements.js';

/** What holds for a route: open to everyone, or every demand of its class and its method. */
export type RoutePolicy = PublicRoute | GuardedRoute;

/** A route that is open to everyone: because its method says so, or because its class does and the method says nothing. */
export type PublicRoute =
  | (NamedPolicy & { readonly kind: 'public'; readonly by: 'method' })
  | (NamedPolicy & {
      readonly kind: 'public';
      readonly by: 'class';
      /** What a guard asks for that the app calls itself: only `@Public()` on the very method opens that. */
      readonly asked: ProtectedRoute;
    });

/** By what a route is decided. */
export interface NamedPolicy {
  /** The nearest `@Policy()`, of method or class; `undefined`: by the options of the module itself. */
  readonly policy: string | undefined;
}

/** What a route that is not open demands. Its constraints are those of the method, or of the class where it has none. */
export interface ProtectedRoute extends Demands, NamedPolicy {
  readonly kind: 'protected';
  /** Whether a request without credentials passes as well; one with them is judged by all of it. */
  readonly anonymous: boolean;
}

/** A protected route as Nest runs it. */
export interface GuardedRoute extends ProtectedRoute {
  /** Whether Nest runs guards of ours that see to all of it: not where what stands in the method's place has lost them. */
  readonly guarded: boolean;
  /** Whether it asks for protection: by a demand, or by a guard of ours that Nest may miss. */
  readonly demanded: boolean;
}

/** A class or a handler, where Nest's decorators leave their metadata. */
export type DecoratedTarget = Class | Handler;

/** Where `@UseGuards()` keeps what it was given, added to what the base class has. */
export const GUARDS_METADATA = '__guards__';

let policies = new WeakMap<object, WeakMap<object, RoutePolicy>>();

/** Forgets what was read: an app that begins may have another class with the `constructor` of one that is known. */
export function forgetPolicies(): void {
  policies = new WeakMap();
}

/**
 * The policy of a route, by its class and the name of its method, whatever function Nest runs. The nearest decorator wins:
 * a demand on a method beats `@Public()` on its class, and `@Public()` on a method the demands on its class; else those
 * of class and method all hold.
 */
export function routePolicy(controller: Class, handler: Handler): RoutePolicy {
  return policies.get(controller)?.get(handler) ?? rememberPolicy(controller, handler);
}

function rememberPolicy(controller: Class, handler: Handler): RoutePolicy {
  const ofController = policies.get(controller) ?? new WeakMap<object, RoutePolicy>();
  const policy = readPolicy(controller, handler);
  policies.set(controller, ofController.set(handler, policy));
  return policy;
}

/** @throws UnauthorizedException where the class has no methods: what its decorators demand is hidden */
function readPolicy(controller: Class, handler: Handler): RoutePolicy {
  if (methodsOf(controller).length === 0) refuseHidden(controller, handler);
  const said = saidOfHandler(controller, handler);
  const policy = said.policy ?? policyOfClass(controller);
  if (said.isPublic) return { kind: 'public', by: 'method', policy };
  const classIsPublic = isPublicClass(controller);
  if (classIsPublic && !said.isProtected) {
    return {
      kind: 'public',
      by: 'class',
      policy,
      asked: { kind: 'protected', ...NO_DEMANDS, policy, anonymous: false },
    };
  }
  const ofClass = classIsPublic ? undefined : demandsOfClass(controller);
  const rules = [...(ofClass?.rules ?? []), ...said.rules];
  const constraints = said.constraints.length > 0 ? said.constraints : (ofClass?.constraints ?? []);
  const checks = [...(ofClass?.checks ?? []), ...said.checks];
  const isMore = rules.length + constraints.length + checks.length > 0 || policy !== undefined;
  const sees = isMore ? checksDemands : isProtective;
  return {
    kind: 'protected',
    policy,
    // What a method demands of its own, it demands of everyone.
    anonymous: said.isAnonymous || (!said.isProtected && !classIsPublic && isAnonymousClass(controller)),
    rules,
    constraints,
    checks,
    guarded: guardsRun(controller, handler).some((guard) => sees(guard)),
    demanded: said.isProtected || (!classIsPublic && isProtectedByClass(controller)),
  };
}

const refusals = new BoundedLog();

/** An instance that is made for one request may be a proxy that names a function without methods as its class. */
function refuseHidden(controller: Class, handler: Handler): never {
  const what = `refused reason=context_unsupported handler=${controller.name}.${handler.name}`;
  const remedy = `${what}: the class of the handler has no methods; if its instance is a proxy, let it return 'constructor' as it is`;
  refusals.write('error', what, remedy);
  throw new UnauthorizedException();
}

/** The guards that Nest runs for certain. */
function guardsRun(controller: Class, handler: Handler): readonly unknown[] {
  return [...(replacementOf(controller) === undefined ? guardsIn(controller) : []), ...guardsIn(handler)];
}

/** By a demand, or by a guard of ours where Nest may not see it. */
function isProtectedByClass(controller: Class): boolean {
  const replacement = replacementOf(controller);
  const missed = replacement === undefined ? [] : [...guardsIn(controller), ...guardsIn(replacement)];
  return missed.some((guard) => isProtective(guard)) || chainsOf(controller).flat().some(isDemanding);
}

function isDemanding(prototype: object): boolean {
  return demandsAmong(statementsOnClass(prototype));
}

/** What the decorators of a method say, with the guards on it. */
export interface Said {
  readonly isPublic: boolean;
  /** Whether it asks for protection: by a demand, or by a guard of ours, or one derived from it. */
  readonly isProtected: boolean;
  /** Whether it lets in whoever has no credentials. */
  readonly isAnonymous: boolean;
  readonly rules: readonly ScopeRule[];
  readonly constraints: readonly SenderConstraint[];
  readonly checks: readonly TokenCheck[];
  /** `undefined` where nothing is said of it; the name of none where it is contradictory. */
  readonly policy: string | undefined;
}

/** What stands for several policies of which only one can be meant: no policy has such a name, so nobody is let in. */
export function onePolicyOf(names: readonly (string | undefined)[]): string | undefined {
  const [first, ...others] = new Set(names);
  return others.length === 0 ? first : [first, ...others].map((each) => each ?? 'none').join(' or ');
}

function saidOfHandler(controller: Class, handler: Handler): Said {
  const { methods, certain } = findMethods(controller, handler);
  if (methods.length === 0) return saidOfUnknown(controller, handler);
  const said = together(methods.map((method) => saidOfMethod(method, handler)));
  if (certain || !(said.isPublic || said.isAnonymous) || !hasClosedRoutes(controller)) return said;
  warnOfUnknown(controller, handler);
  return { ...said, isPublic: false, isAnonymous: false };
}

/** What holds for all of several: it is open only where each is, and all that any of them demands is demanded. */
function together(each: readonly Said[]): Said {
  return {
    isPublic: each.every(({ isPublic }) => isPublic),
    isProtected: each.some(({ isProtected }) => isProtected),
    isAnonymous: each.every(({ isAnonymous }) => isAnonymous),
    rules: each.flatMap(({ rules }) => rules),
    constraints: each.flatMap(({ constraints }) => constraints),
    checks: each.flatMap(({ checks }) => checks),
    policy: onePolicyOf(each.map(({ policy }) => policy)),
  };
}

/**
 * What is said of a method by the nearest class that says anything of it. A method that overrides another one without a
 * word keeps its demands, but is not open because the other was.
 */
export function saidOfMethod({ name, levels }: Method, handler?: Handler): Said {
  const said = levels.map(({ prototype, value }) => statementsOnMethod(prototype, name, value));
  const nearest = said.findIndex((statements) => statements.length > 0);
  const statements = (said[nearest] ?? []).filter((each) => nearest === 0 || !isOpening(each));
  const guards = [levels[0]?.value, handler].flatMap((target) => guardsIn(target));
  return saidBy(statements.length === 0 ? demandsBrought(handler) : withBrought(statements, handler), guards);
}

function demandsBrought(handler: Handler | undefined): readonly Statement[] {
  return withBrought([], handler).filter((each) => !isOpening(each));
}

function saidBy(statements: readonly Statement[], guards: readonly unknown[]): Said {
  return {
    isPublic: isPublicAmong(statements),
    isProtected: demandsAmong(statements) || guards.some((guard) => isProtective(guard)),
    isAnonymous: isAnonymousAmong(statements),
    rules: rulesAmong(statements),
    constraints: constraintsAmong(statements),
    checks: checksAmong(statements),
    policy: onePolicyOf(policiesAmong(statements)),
  };
}

/**
 * Of a function that stands in the place of a method which cannot be told, everything is demanded that the class demands
 * anywhere: to open what may be protected would be worse than to close what may be open.
 */
function saidOfUnknown(controller: Class, handler: Handler): Said {
  const demanding = methodsOf(controller)
    .map((method) => saidOfMethod(method, handler))
    .filter(({ isProtected }) => isProtected);
  if (demanding.length === 0) return saidBy(demandsBrought(handler), guardsIn(handler));
  warnOfUnknown(controller, handler);
  return { ...together(demanding), isPublic: false, isAnonymous: false };
}

const warned = new WeakSet<object>();

function warnOfUnknown(controller: Class, { name }: Handler): void {
  if (warned.has(controller)) return;
  warned.add(controller);
  log.warn(
    `${controller.name}: which method ${name === '' ? 'a function without a name' : name} stands for cannot be told, ` +
      'so what its class demands of any method is demanded: leave the methods of a request-scoped controller in place',
  );
}

/** Where all is open, a function that cannot be told opens nothing. */
function hasClosedRoutes(controller: Class): boolean {
  const classIsPublic = isPublicClass(controller);
  return methodsOf(controller).some((method) => {
    const { isProtected, isPublic } = saidOfMethod(method);
    return isProtected || (!classIsPublic && !isPublic && isRoute(method.levels[0]?.value));
  });
}

/** Where `@Get()` and its like leave the path. */
export function isRoute(method: Handler | undefined): boolean {
  return method !== undefined && Reflect.hasMetadata('path', method);
}

/** A class without decorators of ours is what its base class is. */
function isPublicClass(controller: Class): boolean {
  return chainsOf(controller).every((prototypes) => isPublicChain(prototypes));
}

function isPublicChain(prototypes: readonly object[]): boolean {
  for (const prototype of prototypes) {
    const said = saidOfClass(prototype);
    if (said.isPublic) return true;
    if (said.isProtected) return false;
  }
  return false;
}

/** Whether all of a class is for whoever has no credentials too: the nearest class that says anything decides. */
function isAnonymousClass(controller: Class): boolean {
  return chainsOf(controller).every((prototypes) => {
    const nearest = prototypes
      .map((each) => saidOfClass(each))
      .find((said) => said.isPublic || said.isProtected);
    return nearest?.isAnonymous === true;
  });
}

/** What holds for a class as a whole, before any of its methods is called: as to connect to a gateway. */
export interface ClassPolicy extends Demands, NamedPolicy {
  readonly isPublic: boolean;
  /** Whether it asks for protection: by a demand, or by a guard of ours. */
  readonly demanded: boolean;
  readonly anonymous: boolean;
}

export function classPolicy(of: Class): ClassPolicy {
  const demanded = chainsOf(of).some((each) => each.some((prototype) => saidOfClass(prototype).isProtected));
  return {
    isPublic: isPublicClass(of),
    demanded,
    anonymous: isAnonymousClass(of),
    policy: policyOfClass(of),
    ...demandsOfClass(of),
  };
}

/** The policy of a class: that of the nearest class which says any. */
export function policyOfClass(of: Class): string | undefined {
  const nearest = chainsOf(of).flatMap(
    (prototypes) =>
      prototypes
        .map((prototype) => policiesAmong(statementsOnClass(prototype)))
        .find(({ length }) => length > 0) ?? [],
  );
  return onePolicyOf(nearest);
}

/** What is said of the class with this very prototype. */
export function saidOfClass(prototype: object): Said {
  return saidBy(statementsOnClass(prototype), ownGuards(prototype.constructor as DecoratedTarget));
}

/** What a class demands of all its routes, with what the classes demand that it extends; of constraints the nearest count. */
export function demandsOfClass(controller: Class): Demands {
  const chains = chainsOf(controller).map((prototypes) => prototypes.map((each) => statementsOnClass(each)));
  return {
    rules: chains.flatMap((each) => each.toReversed().flatMap((statements) => rulesAmong(statements))),
    checks: chains.flatMap((each) => each.toReversed().flatMap((statements) => checksAmong(statements))),
    constraints: chains.flatMap(
      (each) => each.map((statements) => constraintsAmong(statements)).find(({ length }) => length > 0) ?? [],
    ),
  };
}

const protectiveGuards: Type[] = [];
const demandingGuards: Type[] = [];

/**
 * Registers a guard whose presence on a target says that the target is protected.
 * @param seesTo `demands`: it checks scopes and constraints; `token`: nothing but the token and its binding
 */
export function declareProtective(guard: Type, seesTo: 'token' | 'demands'): void {
  protectiveGuards.push(guard);
  if (seesTo === 'demands') demandingGuards.push(guard);
}

/** The guards that `@UseGuards()` put on a class itself, and not on one that it extends. */
function ownGuards(target: DecoratedTarget): readonly unknown[] {
  const inherited = new Set(guardsIn(Object.getPrototypeOf(target) as object | null));
  return guardsIn(target).filter((guard) => !inherited.has(guard));
}

/** The guards on a target, with those of what it was made from: of a base class, or of the function that it wraps. */
function guardsIn(target: object | null | undefined): readonly unknown[] {
  const guards: unknown =
    target === null || target === undefined ? undefined : Reflect.getMetadata(GUARDS_METADATA, target);
  // Stryker disable next-line ArrayDeclaration: what the base has as well is left out
  return Array.isArray(guards) ? guards : [];
}

function isProtective(guard: unknown): boolean {
  return isOneOf(protectiveGuards, guard);
}

function checksDemands(guard: unknown): boolean {
  return isOneOf(demandingGuards, guard);
}

function isOneOf(guards: readonly Type[], guard: unknown): boolean {
  return guards.some(
    (ours) =>
      guard === ours ||
      guard instanceof ours ||
      // Stryker disable next-line ConditionalExpression: where there is no prototype, nothing is derived
      (typeof guard === 'function' && guard.prototype instanceof ours),
  );
}
