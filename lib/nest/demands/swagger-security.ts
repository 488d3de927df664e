import 'reflect-metadata';
import type { Class, Handler, MethodLevel } from './methods.js';
import { demandsOfClass, policyOfClass } from './route-policy.js';
import {
  constraintsAmong,
  isPublicAmong,
  policiesAmong,
  rulesAmong,
  statementsOnMethod,
} from './statements.js';
import type { ScopeRule, SenderConstraint } from '../../authorization/demands.js';

/** Where @nestjs/swagger looks for the security requirements of a method; without it nobody looks. */
const API_SECURITY_METADATA = 'swagger/apiSecurity';

/** Names of the security schemes in the OpenAPI document. */
const OAUTH2 = 'oauth2';
export const MUTUAL_TLS = 'mutualTLS';
export const DPOP = 'dpop';

/** The scheme of the tokens of a policy; `undefined` for the module itself. */
export function oauth2SchemeOf(policy: string | undefined): string {
  return policy === undefined ? OAUTH2 : `${OAUTH2}-${policy}`;
}

/** One way of being let in: every scheme in it is needed (OpenAPI 3.1, Security Requirement Object). */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

const ours = new WeakSet<object>();

/** Describes a method, or every method of a class, that a decorator has just been put on. */
export function describeSecurity(target: object, name: string | symbol | undefined): void {
  if (name !== undefined) {
    const value = (target as Readonly<Record<string | symbol, Handler | undefined>>)[name];
    if (value !== undefined) describeMethod({ prototype: target, value }, name, undefined);
    return;
  }
  // Decorators of methods run before those of their class: now both are known, and both count.
  const { prototype } = target as Class;
  for (const [method, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (value === target || typeof value !== 'function') continue;
    describeMethod({ prototype, value: value as Handler }, method, target as Class);
  }
}

function describeMethod(level: MethodLevel, name: string | symbol, controller: Class | undefined): void {
  const said = statementsOnMethod(level.prototype, name);
  if (isPublicAmong(said)) return;
  const known = (Reflect.getMetadata(API_SECURITY_METADATA, level.value) ??
    []) as readonly SecurityRequirement[];
  const ofClass = controller === undefined ? undefined : demandsOfClass(controller);
  const own = constraintsAmong(said);
  const requirements = requirementsOf(
    [...(ofClass?.rules ?? []), ...rulesAmong(said)],
    own.length > 0 ? own : (ofClass?.constraints ?? []),
    policiesAmong(said)[0] ?? (controller === undefined ? undefined : policyOfClass(controller)),
  );
  for (const requirement of requirements) ours.add(requirement);
  const others = known.filter((requirement) => !ours.has(requirement));
  Reflect.defineMetadata(API_SECURITY_METADATA, [...others, ...requirements], level.value);
}

function requirementsOf(
  rules: readonly ScopeRule[],
  constraints: readonly SenderConstraint[],
  policy: string | undefined,
): readonly SecurityRequirement[] {
  return proofsOf(constraints).flatMap((proofs) =>
    waysOfScopes(rules).map((scopes) => ({
      [oauth2SchemeOf(policy)]: [...new Set(scopes)],
      ...Object.fromEntries(proofs.map((proof) => [proof, []])),
    })),
  );
}

/** The ways of proving oneself that a route admits. What the configuration admits beside it is not known here. */
function proofsOf(constraints: readonly SenderConstraint[]): readonly (readonly string[])[] {
  const needed = neededProofs(constraints);
  if (needed.length > 0) return [needed];
  return constraints.includes('any') ? [[MUTUAL_TLS], [DPOP]] : [[MUTUAL_TLS]];
}

/** The proofs that constraints name; `any` names none. */
export function neededProofs(constraints: readonly SenderConstraint[]): readonly string[] {
  return [
    ...(constraints.includes('certificate') ? [MUTUAL_TLS] : []),
    ...(constraints.includes('dpop') ? [DPOP] : []),
  ];
}

/** All rules hold; `@AnyScope()` multiplies the ways of meeting them. */
export function waysOfScopes(rules: readonly ScopeRule[]): readonly (readonly string[])[] {
  return rules.reduce<readonly (readonly string[])[]>(
    (before, { kind, scopes }) =>
      kind === 'all'
        ? before.map((way) => [...way, ...scopes])
        : before.flatMap((way) => scopes.map((scope) => [...way, scope])),
    [[]],
  );
}
