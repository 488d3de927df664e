import { andThen } from '../../common/maybe-promise.js';
import { endingWith, EndOfStream } from './ending-stream.js';
import type { FieldDemands, FieldPolicies } from './field-policies.js';
import { callOfContext } from './graphql-call.js';
import { endedToken } from './graphql-refusal.exception.js';
import {
  type Arguments,
  byName,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  isObjectType,
  type Resolve,
} from './graphql-api.js';
import type { GraphQLApp } from './graphql-app.js';
import { type HeldField, passField } from './pass-field.js';
import { REFERENCE } from './resolvers.js';

/** What a field demands, by what an operation asks of it. */
type DemandsFor = (args: Arguments) => FieldDemands;

/**
 * Puts the decision in front of what resolves the fields of a schema, whoever has made it: of every root field, and of every
 * other one that a resolver of the app is for. What is held already is left as it is, so this can be done again.
 */
export function holdSchema(schema: GraphQLSchema, app: GraphQLApp, policies: FieldPolicies): void {
  const roots = rootTypesOf(schema);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const [name, field] of Object.entries(type.getFields())) {
      const demands = roots.includes(type)
        ? rootDemands({ schema, type, name }, policies)
        : fieldDemands(policies.demandsOf(type, name));
      const isStream = type === schema.getSubscriptionType();
      const held = { app, route: `${type.name}.${name}`, isStream };
      if (demands !== undefined) holdField(field, held, demands);
      if (isStream) endStream(field);
    }
  }
}

function rootTypesOf(schema: GraphQLSchema): readonly unknown[] {
  return [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
}

interface RootField {
  readonly schema: GraphQLSchema;
  readonly type: GraphQLObjectType;
  readonly name: string;
}

function rootDemands({ schema, type, name }: RootField, policies: FieldPolicies): DemandsFor {
  if (type === schema.getQueryType() && name === '_entities') return entityDemands(schema, policies);
  const demands = policies.ofRootField(type, name);
  return () => demands;
}

function fieldDemands(demands: FieldDemands | undefined): DemandsFor | undefined {
  return demands === undefined || demands.length === 0 ? undefined : () => demands;
}

/** Of federation: what resolves the references of the types that are asked for. */
function entityDemands(schema: GraphQLSchema, policies: FieldPolicies): DemandsFor {
  const types = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type));
  const byType = new Map(
    types.map((type) => [type.name, policies.demandsOf(type, REFERENCE) ?? policies.ofUnknown()]),
  );
  // An interface may be resolved by any type.
  const ofAll = [...new Set([...byType.values()].flat())];
  return ({ representations }) => {
    const asked: readonly unknown[] = Array.isArray(representations) ? representations : [];
    const demands = new Set(asked.length === 0 ? policies.ofUnknown() : []);
    for (const each of asked) for (const demand of byType.get(typeNameOf(each)) ?? ofAll) demands.add(demand);
    return [...demands];
  };
}

function typeNameOf(representation: unknown): string {
  const { __typename: name } = (representation ?? {}) as { readonly __typename?: unknown };
  return String(name);
}

/** By a function that holds a field, the apps that it, and what it was put in front of or behind, holds it for. */
const holders = new WeakMap<Resolve, Set<object>>();

function holdField(field: GraphQLField, held: HeldField, demands: DemandsFor): void {
  field.resolve = holding(field.resolve ?? byName, held, demands);
  if (field.subscribe !== undefined) field.subscribe = holding(field.subscribe, held, demands);
}

function holding(resolve: Resolve, held: HeldField, demands: DemandsFor): Resolve {
  const { modules } = held.app;
  const apps = holders.get(resolve) ?? new Set();
  if (apps.has(modules)) return resolve;
  apps.add(modules);
  const holder: Resolve = (source, args, context, info) => {
    const owner = callOfContext(context)?.app.modules;
    // Apps may share a schema: each decides about what came to it.
    if (owner !== undefined && owner !== modules && apps.has(owner))
      return resolve(source, args, context, info);
    return andThen(passField(args, context, held, demands(args)), () => resolve(source, args, context, info));
  };
  holders.set(holder, apps);
  if (ending.has(resolve)) ending.add(holder);
  return holder;
}

/** What ends with the token, or is told that it does. */
const ending = new WeakSet<Resolve>();

/** The events of a subscription end with the token that it was accepted with: the last one says so. */
function endStream(field: GraphQLField): void {
  const { resolve = byName, subscribe } = field;
  if (!ending.has(resolve)) field.resolve = inPlaceOf(resolve, tellingExpiry(resolve));
  if (subscribe !== undefined && !ending.has(subscribe))
    field.subscribe = inPlaceOf(subscribe, endingInTime(subscribe));
}

function tellingExpiry(resolve: Resolve): Resolve {
  return (source, args, context, info) => {
    if (source instanceof EndOfStream) throw endedToken(source.ended);
    return resolve(source, args, context, info);
  };
}

function endingInTime(subscribe: Resolve): Resolve {
  return (source, args, context, info) =>
    andThen(subscribe(source, args, context, info), (stream: unknown) =>
      endingWith(stream, callOfContext(context)?.tokenEnd),
    );
}

function inPlaceOf(inner: Resolve, outer: Resolve): Resolve {
  ending.add(outer);
  const apps = holders.get(inner);
  if (apps !== undefined) holders.set(outer, apps);
  return outer;
}
