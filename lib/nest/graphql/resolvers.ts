import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { type Class, type Handler, methodsOf } from '../demands/methods.js';

/** A method of an app that resolves a field, or a reference of federation. */
export interface ResolverMethod {
  readonly of: Class;
  readonly handler: Handler;
  /** The name of the method, as the app has written it. */
  readonly method: string;
  /** The type that has the field. */
  readonly type: string;
  readonly field: string;
}

/** The field that stands for what resolves a reference of federation. */
export const REFERENCE = '__resolveReference';

/** Where the decorators of `@nestjs/graphql` leave what a method is for. */
const TYPE_METADATA = 'graphql:resolver_type';
const NAME_METADATA = 'graphql:resolver_name';
const PROPERTY_METADATA = 'graphql:resolve_property';
const REFERENCE_METADATA = 'graphql:resolve_reference';

const ROOT_TYPES: ReadonlySet<unknown> = new Set(['Query', 'Mutation', 'Subscription']);

/** What of a module of Nest is looked at. */
export type ModuleOfNest = ReturnType<ModulesContainer['values']> extends Iterable<infer Each> ? Each : never;

/** A class of an app that has resolvers, and what made it known. */
export interface ResolverClass {
  readonly of: Type;
  readonly instance: object;
  /** As the app has it. */
  readonly registered: unknown;
}

/** The classes of modules that have resolvers. */
export function resolverClassesOf(modules: Iterable<ModuleOfNest>): readonly ResolverClass[] {
  const found = new Map<unknown, ResolverClass>();
  for (const { providers } of modules)
    for (const { instance, metatype } of providers.values()) {
      const of = classOf(instance);
      if (of !== undefined && resolversOf(of).length > 0) {
        found.set(of, { of, instance: instance as object, registered: isClass(metatype) ? metatype : of });
      }
    }
  return [...found.values()];
}

/** Of whatever has been made by a class: Nest looks at that as well. */
function classOf(instance: unknown): Type | undefined {
  if (typeof instance !== 'object' || instance === null) return undefined;
  const { constructor } = (Object.getPrototypeOf(instance) ?? {}) as { readonly constructor?: unknown };
  return typeof constructor === 'function' && constructor !== Object ? (constructor as Type) : undefined;
}

/** And no function that makes an instance. */
function isClass(metatype: unknown): boolean {
  return typeof metatype === 'function' && metatype.prototype instanceof Object;
}

/** Whether a method is a resolver. */
export function isResolver(method: Handler): boolean {
  const type: unknown = Reflect.getMetadata(TYPE_METADATA, method);
  return ROOT_TYPES.has(type) || isProperty(method) || isReference(method);
}

/** The resolvers among the methods of a class. */
export function resolversOf(of: Class): readonly ResolverMethod[] {
  return methodsOf(of).flatMap(({ name: method, levels: [level] }) => {
    const handler = level?.value;
    if (handler === undefined || !isResolver(handler)) return [];
    const type: unknown =
      Reflect.getMetadata(TYPE_METADATA, handler) ?? Reflect.getMetadata(TYPE_METADATA, of);
    return typeof type === 'string' ? [{ of, handler, method, type, field: fieldOf(handler, method) }] : [];
  });
}

function fieldOf(handler: Handler, method: string): string {
  if (isReference(handler)) return REFERENCE;
  const name: unknown = Reflect.getMetadata(NAME_METADATA, handler);
  return typeof name === 'string' && name !== '' ? name : method;
}

function isProperty(method: Handler): boolean {
  return Reflect.getMetadata(PROPERTY_METADATA, method) === true;
}

function isReference(method: Handler): boolean {
  return Reflect.getMetadata(REFERENCE_METADATA, method) === true;
}
