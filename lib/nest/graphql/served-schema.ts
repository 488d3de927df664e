import type { GraphQLDriver, GraphQLSchema } from './graphql-api.js';

/** What mercurius puts on the instance of Fastify. */
type Served = ((...given: readonly unknown[]) => unknown) & {
  schema?: GraphQLSchema;
} & Partial<Record<(typeof CHANGES)[number], (...given: readonly unknown[]) => unknown>>;

/** By which an app changes what is served, whenever it likes. */
const CHANGES = ['replaceSchema', 'extendSchema', 'defineResolvers', 'defineLoaders'] as const;

/** The schema that a driver serves where it is another one than it was started with: mercurius lets apps change it. */
export function servedSchemaOf({ instance }: GraphQLDriver): GraphQLSchema | undefined {
  return servedBy(instance)?.schema;
}

/** Calls a function with each schema that a driver serves from now on. */
export function watchServedSchema({ instance }: GraphQLDriver, hold: (schema: GraphQLSchema) => void): void {
  const served = servedBy(instance);
  if (served === undefined) return;
  for (const name of CHANGES) {
    const change = served[name];
    if (change === undefined) continue;
    served[name] = (...given) => {
      const result = change(...given);
      if (served.schema !== undefined) hold(served.schema);
      return result;
    };
  }
  if (served.schema !== undefined) hold(served.schema);
}

function servedBy(instance: unknown): Served | undefined {
  const { graphql } = (instance ?? {}) as { readonly graphql?: unknown };
  return typeof graphql === 'function' ? (graphql as Served) : undefined;
}
