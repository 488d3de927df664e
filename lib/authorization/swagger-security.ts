import 'reflect-metadata';
import { type DecoratedTarget, isPublic, rulesOf, type ScopeRule } from './route-policy.js';

/** Where @nestjs/swagger looks for the security requirements of a method; without it nobody looks. */
const API_SECURITY_METADATA = 'swagger/apiSecurity';

/** Names of the security schemes in the OpenAPI document. */
const OAUTH2 = 'oauth2';
const MUTUAL_TLS = 'mutualTLS';

/** One way of being let in: every scheme in it is needed (OpenAPI 3.1, Security Requirement Object). */
type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

const ours = new WeakSet<object>();

/** Describes a method, or every method of a class, that a decorator has just been put on. */
export function describeSecurity(target: object, name: string | symbol | undefined): void {
  if (name !== undefined)
    return describeMethod((target as Record<string | symbol, DecoratedTarget>)[name], []);
  // Decorators of methods run before those of their class: now both are known, and both are needed.
  const controller = target as DecoratedTarget & { readonly prototype: object };
  for (const { value } of Object.values(Object.getOwnPropertyDescriptors(controller.prototype))) {
    if (value !== controller && typeof value === 'function') {
      describeMethod(value as DecoratedTarget, rulesOf(controller));
    }
  }
}

function describeMethod(method: DecoratedTarget | undefined, ofClass: readonly ScopeRule[]): void {
  if (method === undefined || isPublic(method)) return;
  const known = (Reflect.getMetadata(API_SECURITY_METADATA, method) ?? []) as readonly SecurityRequirement[];
  const requirements = requirementsOf([...ofClass, ...rulesOf(method)]);
  for (const requirement of requirements) ours.add(requirement);
  const others = known.filter((requirement) => !ours.has(requirement));
  Reflect.defineMetadata(API_SECURITY_METADATA, [...others, ...requirements], method);
}

/** All rules hold; `@AnyScope()` multiplies the ways of meeting them. */
function requirementsOf(rules: readonly ScopeRule[]): readonly SecurityRequirement[] {
  const ways = rules.reduce<readonly (readonly string[])[]>(
    (before, { kind, scopes }) =>
      kind === 'all'
        ? before.map((way) => [...way, ...scopes])
        : before.flatMap((way) => scopes.map((scope) => [...way, scope])),
    [[]],
  );
  return ways.map((scopes) => ({ [OAUTH2]: [...new Set(scopes)], [MUTUAL_TLS]: [] }));
}
