/** `GraphQLFieldResolver`: source, arguments, context, and what is known of the field. */
export type Resolve = (source: unknown, args: Arguments, context: unknown, info: ResolveInfo) => unknown;

export type Arguments = Readonly<Record<string, unknown>>;

/** What is used of `GraphQLResolveInfo`. */
export interface ResolveInfo {
  readonly fieldName: string;
}

/** What is used of `GraphQLField`. */
export interface GraphQLField {
  resolve?: Resolve | undefined;
  subscribe?: Resolve | undefined;
}

/** What is used of `GraphQLObjectType`. */
export interface GraphQLObjectType {
  readonly name: string;
  getFields(): Readonly<Record<string, GraphQLField>>;
  getInterfaces(): readonly { readonly name: string }[];
}

/** What is used of `GraphQLSchema`: none of the package is loaded from here. */
export interface GraphQLSchema {
  getQueryType(): GraphQLObjectType | null | undefined;
  getMutationType(): GraphQLObjectType | null | undefined;
  getSubscriptionType(): GraphQLObjectType | null | undefined;
  getTypeMap(): Readonly<Record<string, object>>;
}

/** Makes the context of an operation, from what the server of GraphQL hands to it. */
export type ContextFunction = (...given: readonly unknown[]) => unknown;

/** What is used of the options that a driver starts with. */
export interface DriverOptions {
  readonly schema?: GraphQLSchema | null;
  readonly context?: unknown;
  readonly subscriptions?: Readonly<Record<string, unknown>>;
}

/** What is used of `AbstractGraphQLDriver`. */
export interface GraphQLDriver {
  start(options: DriverOptions): Promise<unknown>;
  /** What serves: an `ApolloServer`, or an instance of Fastify. */
  readonly instance?: unknown;
}

export function isObjectType(type: object): type is GraphQLObjectType {
  return Object.prototype.toString.call(type) === '[object GraphQLObjectType]';
}

/** What a field is resolved by that has no function of its own. */
export const byName: Resolve = (source, args, context, info) => {
  if ((typeof source !== 'object' || source === null) && typeof source !== 'function') return undefined;
  const member = (source as Readonly<Record<string, unknown>>)[info.fieldName];
  if (typeof member !== 'function') return member;
  return (member as (...given: readonly unknown[]) => unknown).call(source, args, context, info);
};
